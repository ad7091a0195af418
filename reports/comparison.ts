import { code, escape, table } from './markdown-table.js';
import { clauseMatrix } from './matrix.js';
import type { DepartureRecord, RunRecord, ScenarioRecord, Verdict } from './run-record.js';

/** What one system did about a clause. */
export interface ClauseOutcome {
  /** The gravest among the scenarios; `handed` where its kernel left every call that comes to it to a monitor. */
  readonly verdict: Verdict | 'handed';
  /** What was observed where it departs, each once. */
  readonly observed: readonly string[];
  /** Ledger entries that explain it. */
  readonly ledger: readonly string[];
}

/** One clause on several systems. */
export interface ComparisonRow {
  readonly clause: string;
  /** What is allowed where a system departs; empty where none does. */
  readonly expected: readonly string[];
  /** One for each run, in their order; undefined where the run has nothing on the clause. */
  readonly outcomes: readonly (ClauseOutcome | undefined)[];
}

/** Every clause of the runs, in alphabetical order. */
export function compareRuns(records: readonly RunRecord[]): ComparisonRow[] {
  const systems = records.map((record) => ({ record, verdicts: new Map(clauseMatrix(record).map(({ clause, verdict }) => [clause, verdict])) }));
  const clauses = distinct(systems.flatMap(({ verdicts }) => [...verdicts.keys()])).sort();
  return clauses.map((clause) => {
    const testing = new Set(records.flatMap(({ scenarios }) => scenarios.filter((scenario) => scenario.clauses.includes(clause)).map(({ id }) => id)));
    const outcomes = systems.map(({ record, verdicts }): ClauseOutcome | undefined => {
      const verdict = verdicts.get(clause) ?? handedVerdict(record, testing);
      const own = departuresOf(record, clause);
      return verdict && { verdict, observed: distinct(own.map(({ observed }) => observed)), ledger: distinct(own.flatMap(({ known }) => known)) };
    });
    return { clause, expected: distinct(records.flatMap((record) => departuresOf(record, clause)).flatMap(({ expected }) => expected)), outcomes };
  });
}

const departuresOf = ({ scenarios }: RunRecord, clause: string): DepartureRecord[] =>
  scenarios.flatMap(({ departures = [] }) => departures.filter((departure) => departure.clause === clause));

/** A scenario that puts the clause to the test elsewhere had its calls left to the monitor here. */
const handedVerdict = ({ scenarios }: RunRecord, testing: ReadonlySet<string>): 'handed' | undefined =>
  scenarios.some(({ id, handed }: ScenarioRecord) => handed !== undefined && testing.has(id)) ? 'handed' : undefined;

const distinct = (texts: readonly string[]): string[] => [...new Set(texts)];

/**
 * The clauses on which the systems that were put to the test differ, side by side, with what the specification says; then how many
 * there are on which they do not, and how many there is nothing to compare of.
 *
 * @param ruleOf the sentence of a clause
 */
export function comparisonMarkdown(records: readonly RunRecord[], ruleOf: (clause: string) => string): string {
  const rows = compareRuns(records);
  const compared = rows.filter(({ outcomes }) => outcomes.filter(isTested).length > 1);
  const differing = compared.filter(({ outcomes }) => distinct(outcomes.filter(isTested).map(outcomeText)).length > 1);
  const head = ['clause', 'specification', ...records.map(({ target, profile }) => `${code(target.fingerprint)}${profile === 'lopar' ? '' : ` (${profile})`}`)];
  const lines = differing.map(({ clause, expected, outcomes }) => [code(clause), specification(ruleOf(clause), expected), ...outcomes.map(outcomeText)]);
  const same = `${compared.length - differing.length} of ${rows.length} clauses came to the same on all that were put to the test, ${rows.length - compared.length} were put to the test on one at most.`;
  return ['## Clauses side by side', ...(lines.length === 0 ? [] : [table(head, lines)]), same].join('\n\n');
}

const specification = (rule: string, expected: readonly string[]): string => [escape(rule), ...(expected.length === 0 ? [] : [`allowed: ${some(expected, ' or ')}`])].join(' ');

const isTested = (outcome: ClauseOutcome | undefined): boolean => outcome !== undefined && outcome.verdict !== 'skipped';

function outcomeText(outcome: ClauseOutcome | undefined): string {
  if (outcome === undefined) return '';
  const { verdict, observed, ledger } = outcome;
  const name = verdict === 'handed' ? 'handed to the monitor' : [verdict, ...ledger].join(' ');
  return observed.length === 0 ? name : `${name}: ${some(observed, ', ')}`;
}

/** So many different answers are shown. */
const SHOWN = 3;

const some = (answers: readonly string[], between: string): string => answers.slice(0, SHOWN).map(code).join(between) + (answers.length > SHOWN ? ' …' : '');
