import type { Capability } from '../adapters/target.js';
import type { Program } from '../reference/doors/operations.js';

/**
 * A program with a title, the clauses it verifies, what it needs of the target, and what it claims beyond
 * "every step is allowed". Scenarios know nothing of any target and nothing of the runner.
 */
export interface Scenario {
  /** A place: `ddw/create/no-window-left`. Never changes its meaning. */
  readonly id: string;
  readonly title: string;
  /** The clauses it verifies: at the model, each of them decides at some step. */
  readonly clauses: readonly string[];
  readonly requires: readonly Capability[];
  /** Known to be dangerous for the system under test: runs by itself only where the target is disposable. */
  readonly destructive?: true;
  /** On what is proposed or open: where it departs, that informs, and fails no run unless the profile counts such clauses. */
  readonly tentative?: true;
  readonly program: Program;
  readonly claims?: readonly Claim[];
}

/**
 * A sentence about the bytes that `load` operations saw, true on every correct system. It is judged on the trace
 * alone, apart from the model: where both must be wrong for a fault to pass unseen.
 */
export interface Claim {
  readonly says: string;
  /** The clause that is broken where the claim does not hold. */
  readonly clause: string;
  /** `equal`: both loads saw the same bytes. `different`: they did not. */
  readonly holds: 'equal' | 'different';
  /** Names (`as`) of two loads. */
  readonly loads: readonly [string, string];
}
