/**
 * The machine-readable record of a run, `DIR/run.json`. Its JSON Schema is `schema/run.schema.json`. 64-bit values are
 * strings. Built up scenario by scenario, so that a partial run has a valid record.
 */
export type Verdict = 'conforms' | 'departs' | 'known' | 'fixed' | 'tentative' | 'skipped' | 'inconclusive' | 'crashed';

export const VERDICTS: readonly Verdict[] = ['conforms', 'departs', 'known', 'fixed', 'tentative', 'skipped', 'inconclusive', 'crashed'];

/** Verdicts that fail a run. */
export const FAILING: ReadonlySet<Verdict> = new Set<Verdict>(['departs', 'fixed', 'crashed', 'inconclusive']);

/** One step or claim outside what the specification allows. */
export interface DepartureRecord {
  readonly clause: string;
  /** The sentence of the clause. */
  readonly rule: string;
  /** Every permitted outcome, in words. */
  readonly expected: readonly string[];
  readonly observed: string;
  /** Position of the operation in the program. */
  readonly step: number;
  /** The operation, as a reader writes it. */
  readonly operation: string;
  /** Ledger entries that explain it; empty where none does. */
  readonly known: readonly string[];
  /** The program up to and with the operation, as `replay` takes it (plain JSON). */
  readonly program: unknown;
}

export interface StepRecord {
  readonly operation: string;
  readonly outcome: string;
  readonly allowed: readonly string[];
  readonly clauses: readonly string[];
  readonly departs: boolean;
  readonly audit: boolean;
}

/** A cell of the table of states of a PE: an operation, the state that it is asked for in, and what came of it. */
export interface CellRecord {
  /** Whose operation: a partition's RTAS call, or VFIO's on either platform. */
  readonly door: 'rtas' | 'vfio:pseries' | 'vfio:powernv';
  readonly operation: string;
  readonly state: string;
  /** What the specification allows, the usual first: `0 → dma-stopped (4)`. */
  readonly allowed: readonly string[];
  /** What the system answered, and the state that it showed then. */
  readonly did: string;
}

export interface ScenarioRecord {
  readonly id: string;
  readonly title: string;
  readonly clauses: readonly string[];
  readonly verdict: Verdict;
  /** Why skipped, inconclusive, fixed or tentative; what known fault a departure behaves like. */
  readonly reason?: string;
  /** Ledger entries met (`known`) or no longer met (`fixed`). */
  readonly ledger?: readonly string[];
  readonly departures?: readonly DepartureRecord[];
  /** Of a scenario that shows one. */
  readonly cell?: CellRecord;
  /** Calls that the kernel left to its monitor: what the scenario says of their rules was not put to the test, and is not among `clauses`. */
  readonly handed?: readonly string[];
  /** Milliseconds of wall time. */
  readonly milliseconds: number;
  /** Where the trace is: file in the run's directory, and line from 1 (`traces.jsonl:17`). */
  readonly trace?: string;
}

export interface RunRecord {
  readonly schema: 'papr-conformance/run/1';
  readonly suiteVersion: string;
  readonly target: {
    readonly name: string;
    readonly fingerprint: string;
    readonly capabilities: readonly string[];
  };
  readonly profile: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** False where the run was interrupted. */
  readonly complete: boolean;
  /** Where it was interrupted: ids of the scenarios that have no verdict, in the order of the run. Records of before this field lack it. */
  readonly remaining?: readonly string[];
  readonly totals: Readonly<Record<Verdict, number>>;
  readonly scenarios: readonly ScenarioRecord[];
}

/** 0 all conforms, known, tentative or skipped; 1 departs, fixed or crashed; 3 inconclusive. Usage errors (2) never get here. */
export function exitStatus(totals: Readonly<Record<Verdict, number>>): 0 | 1 | 3 {
  if (totals.departs + totals.fixed + totals.crashed > 0) return 1;
  return totals.inconclusive > 0 ? 3 : 0;
}

/** How many scenarios got each verdict. */
export function countVerdicts(scenarios: readonly { readonly verdict: Verdict }[]): Record<Verdict, number> {
  const totals = Object.fromEntries(VERDICTS.map((verdict) => [verdict, 0])) as Record<Verdict, number>;
  for (const { verdict } of scenarios) totals[verdict] += 1;
  return totals;
}
