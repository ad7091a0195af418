import { replayLine, systemOf } from './departure-text.js';
import { code, escape, table } from './markdown-table.js';
import { clauseMatrix, countClauses } from './matrix.js';
import { countVerdicts, VERDICTS, type CellRecord, type DepartureRecord, type RunRecord, type ScenarioRecord, type Verdict } from './run-record.js';
import { stateTable, type CellOutcome, type CellRow } from './state-table.js';

/**
 * The run on one page, for people and for the job summaries of CI systems: what was tested, the totals, every
 * departure, what was skipped and why, and the clauses.
 * @param directory the run's directory, as the replay command names it
 */
export function summaryMarkdown(record: RunRecord, directory: string): string {
  return [
    `# ${title(record)}`,
    facts(record),
    totals(record),
    departing(record, directory, '## Departures', ['crashed', 'departs']),
    departing(record, directory, '## Known departures', ['known']),
    departing(record, directory, '## Tentative: other than what is proposed', ['tentative']),
    reasons(record, 'fixed', '## Listed in the ledger, and gone'),
    reasons(record, 'inconclusive', '## Inconclusive'),
    handed(record),
    reasons(record, 'skipped', '## Skipped'),
    stateTableMarkdown([record]),
    clauses(record),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n');
}

function title({ totals: t, complete, target }: RunRecord): string {
  const verdict = t.departs + t.crashed + t.fixed > 0 ? 'does not conform' : t.inconclusive > 0 ? 'inconclusive' : 'conforms';
  return `${target.name}: ${verdict}${complete ? '' : ' (run interrupted)'}`;
}

function facts(record: RunRecord): string {
  const { target, profile, suiteVersion, startedAt } = record;
  return [
    `- system: \`${target.fingerprint}\``,
    `- profile: ${profile}`,
    `- suite: papr-iommu-conformance ${suiteVersion}`,
    `- started: ${startedAt}`,
    `- capabilities: ${[...target.capabilities].sort().map(code).join(', ')}`,
  ].join('\n');
}

function totals(record: RunRecord): string {
  const rows = clauseMatrix(record);
  const [scenarios, perClause] = [countVerdicts(record.scenarios), countClauses(rows)];
  const line = (name: string, counts: Record<Verdict, number>, all: number): string[] => [
    name,
    ...VERDICTS.map((verdict) => String(counts[verdict])),
    String(all),
  ];
  return table(
    ['', ...VERDICTS, 'all'],
    [line('scenarios', scenarios, record.scenarios.length), line('clauses', perClause, rows.length)],
  );
}

function departing(record: RunRecord, directory: string, heading: string, verdicts: readonly Verdict[]): string {
  const scenarios = record.scenarios.filter(({ verdict }) => verdicts.includes(verdict));
  if (scenarios.length === 0) return '';
  const blocks = scenarios.map((scenario) => block(scenario, replayLine(scenario, systemOf(record), directory)));
  return [heading, ...blocks].join('\n\n');
}

function block(scenario: ScenarioRecord, replay: string): string {
  const { id, title: says, verdict, departures = [], ledger = [], reason } = scenario;
  const tail = ledger.length > 0 ? ` — ledger ${ledger.join(', ')}` : '';
  return [
    `### \`${id}\` ${verdict}${tail}`,
    escape(says),
    ...(reason === undefined ? [] : [escape(reason)]),
    table(['clause', 'rule', 'operation', 'expected', 'observed'], departures.map(row)),
    `\`\`\`sh\n${replay}\n\`\`\``,
  ].join('\n\n');
}

function row({ clause, rule, operation, step, expected, observed, known }: DepartureRecord): string[] {
  const name = known.length > 0 ? `${code(clause)} (${known.join(', ')})` : code(clause);
  return [name, escape(rule), `${code(operation)} (step ${step})`, expected.map(code).join(' or '), code(observed)];
}

/** Calls that a kernel left to its monitor, and the scenarios of which they are a part. */
function handed(record: RunRecord): string {
  const calls = [...new Set(record.scenarios.flatMap((scenario) => scenario.handed ?? []))].sort();
  if (calls.length === 0) return '';
  const rows = calls.map((call) => {
    const ids = record.scenarios.filter((scenario) => scenario.handed?.includes(call) === true).map(({ id }) => id);
    return [code(call), String(ids.length), ids.map(code).join(', ')];
  });
  return ['## Handed to the monitor, and not answered by the kernel', table(['call', 'scenarios', 'which'], rows)].join('\n\n');
}

function reasons(record: RunRecord, verdict: Verdict, heading: string): string {
  const groups = new Map<string, string[]>();
  for (const scenario of record.scenarios.filter((s) => s.verdict === verdict)) {
    const reason = scenario.reason ?? 'no reason recorded';
    groups.set(reason, [...(groups.get(reason) ?? []), scenario.id]);
  }
  if (groups.size === 0) return '';
  const rows = [...groups].map(([reason, ids]) => [escape(reason), String(ids.length), ids.map(code).join(', ')]);
  return [heading, table(['reason', 'scenarios', 'which'], rows)].join('\n\n');
}

function clauses(record: RunRecord): string {
  const rows = clauseMatrix(record).map(({ clause, verdict, scenarios }) => {
    const counts = countVerdicts(scenarios);
    const shown = VERDICTS.filter((name) => counts[name] > 0).map((name) => `${counts[name]} ${name}`);
    return [code(clause), verdict, shown.join(', ')];
  });
  return rows.length === 0 ? '' : ['## Clauses', table(['clause', 'verdict', 'scenarios'], rows)].join('\n\n');
}

/** Whose operations a table of states is about. */
const DOORS: Readonly<Record<CellRecord['door'], string>> = {
  rtas: 'RTAS calls of a partition',
  'vfio:pseries': 'VFIO_EEH_PE_OP in a partition',
  'vfio:powernv': 'VFIO_EEH_PE_OP on PowerNV',
};

/**
 * The table of states of a PE: for each cell what the specification allows, and what the target of each run did. Empty where no run
 * has shown a cell.
 */
export function stateTableMarkdown(records: readonly RunRecord[]): string {
  const rows = stateTable(records);
  if (rows.length === 0) return '';
  const head = ['state', 'operation', 'allowed', ...records.map(({ target }) => code(target.fingerprint))];
  const parts = (Object.keys(DOORS) as CellRecord['door'][]).flatMap((door) => {
    const own = rows.filter((row) => row.door === door);
    return own.length === 0 ? [] : [`### ${DOORS[door]}`, table(head, own.map(cellRow))];
  });
  return ['## States of a PE', STATES_READ, ...parts].join('\n\n');
}

const STATES_READ =
  'What an operation answers and the state after it. A target\'s column has the state that it showed when it was asked then: 5 stands for several, and a PE that is held in reset may show as stopped (2), behind an emulated host bridge as normal (0) (choice E2).';

const cellRow = ({ state, operation, allowed, outcomes }: CellRow): string[] => [state, operation, allowed.map(code).join(' or '), ...outcomes.map(outcomeText)];

function outcomeText(outcome: CellOutcome | undefined): string {
  if (outcome === undefined) return '';
  const { did, verdict, ledger } = outcome;
  return verdict === 'conforms' ? code(did) : `${code(did)} ${[verdict, ...ledger].join(' ')}`;
}
