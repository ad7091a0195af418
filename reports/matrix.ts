import { VERDICTS, type RunRecord, type ScenarioRecord, type Verdict } from './run-record.js';

/** One clause and what every scenario that touches it came to. */
export interface MatrixRow {
  readonly clause: string;
  /** The gravest verdict among the scenarios. */
  readonly verdict: Verdict;
  readonly scenarios: readonly { readonly id: string; readonly verdict: Verdict }[];
}

/** Gravest first: a clause is as good as its worst scenario, and skipped only where every scenario was. */
const GRAVITY: readonly Verdict[] = ['crashed', 'departs', 'fixed', 'inconclusive', 'known', 'tentative', 'conforms', 'skipped'];

/** Clause × scenario × verdict, clauses in alphabetical order. */
export function clauseMatrix(record: RunRecord): MatrixRow[] {
  const cells = new Map<string, { id: string; verdict: Verdict }[]>();
  for (const scenario of record.scenarios) {
    for (const clause of touchedClauses(scenario)) {
      const row = cells.get(clause) ?? [];
      row.push({ id: scenario.id, verdict: clauseVerdict(scenario, clause) });
      cells.set(clause, row);
    }
  }
  return [...cells]
    .map(([clause, scenarios]) => ({ clause, verdict: gravest(scenarios), scenarios }))
    .sort((a, b) => (a.clause < b.clause ? -1 : 1));
}

/** How many clauses have each verdict. */
export function countClauses(rows: readonly MatrixRow[]): Record<Verdict, number> {
  const counts = Object.fromEntries(VERDICTS.map((verdict) => [verdict, 0])) as Record<Verdict, number>;
  for (const { verdict } of rows) counts[verdict] += 1;
  return counts;
}

/** What the scenario sets out to verify, and what it met on the way. */
function touchedClauses({ clauses, departures = [] }: ScenarioRecord): Set<string> {
  return new Set([...clauses, ...departures.map(({ clause }) => clause)]);
}

/**
 * The scenario's verdict on one clause. The oracle goes on after a departure, so the clauses that did not depart were
 * judged, and hold.
 */
function clauseVerdict({ verdict, departures = [] }: ScenarioRecord, clause: string): Verdict {
  if (verdict !== 'departs' && verdict !== 'known' && verdict !== 'tentative') return verdict;
  const own = departures.filter((departure) => departure.clause === clause);
  if (own.length === 0) return departures.length === 0 ? verdict : 'conforms';
  if (verdict === 'tentative') return verdict;
  return own.every(({ known }) => known.length > 0) ? 'known' : 'departs';
}

const gravest = (cells: readonly { readonly verdict: Verdict }[]): Verdict =>
  GRAVITY.find((verdict) => cells.some((cell) => cell.verdict === verdict)) ?? 'skipped';
