import type { CellRecord, RunRecord, Verdict } from './run-record.js';

/** What one target did in a cell. */
export interface CellOutcome {
  readonly did: string;
  readonly verdict: Verdict;
  /** Ledger entries met. */
  readonly ledger: readonly string[];
}

/** One cell of the table of states: what is allowed, and what each target did. */
export interface CellRow extends Omit<CellRecord, 'did'> {
  /** One for each run, in their order; undefined where the run has not shown the cell. */
  readonly outcomes: readonly (CellOutcome | undefined)[];
}

/** The cells that runs have shown, in the order in which they were first shown. */
export function stateTable(records: readonly RunRecord[]): CellRow[] {
  const rows = new Map<string, CellRow>();
  for (const [i, { scenarios }] of records.entries()) {
    for (const { cell, verdict, ledger = [] } of scenarios) {
      if (cell === undefined) continue;
      const { did, ...head } = cell;
      const key = `${cell.door} ${cell.state} ${cell.operation}`;
      const before = rows.get(key) ?? { ...head, outcomes: records.map(() => undefined) };
      rows.set(key, { ...before, outcomes: before.outcomes.map((outcome, j) => (i === j ? { did, verdict, ledger } : outcome)) });
    }
  }
  return [...rows.values()];
}
