import type { Allowed, Departure } from './chooser.js';

/** What the model says of one operation. */
export interface Judgement {
  /** What was observed outside what is allowed; empty where the system conforms. */
  readonly departures: readonly Departure[];
  /** The outcomes that were permitted, with the clause that permits each. */
  readonly allowed: readonly Allowed[];
  /** The clauses that decided. */
  readonly clauses: readonly string[];
  /** Another rule would have allowed the same and left another state behind: what is seen later decides. */
  readonly undecided?: boolean;
}
