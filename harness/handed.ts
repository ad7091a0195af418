import { HANDED_CLAUSE } from '../reference/papr/handed.js';
import type { Trace } from '../reference/doors/observation.js';
import type { TraceJudgement } from './oracle.js';
import type { Scenario } from './scenario.js';

/** What a scenario came to whose calls were, in part, left to a monitor. */
export interface Handed {
  /** The clauses that were put to the test all the same, with the one on monitors. */
  readonly clauses: readonly string[];
  /** The calls, each once. */
  readonly handed: readonly string[];
}

/** The calls of a trace that the kernel left to its monitor, and what the scenario verifies without them; undefined where it answered every one. */
export function handedIn({ program, observations }: Trace, scenario: Scenario, { steps }: TraceJudgement): Handed | undefined {
  const calls = program.operations.filter((_, i) => observations[i]?.kind === 'handed');
  if (calls.length === 0) return undefined;
  const met = new Set(steps.flatMap(({ clauses, allowed }) => [...clauses, ...allowed.map(({ clause }) => clause)]));
  const claimed = new Set((scenario.claims ?? []).map(({ clause }) => clause));
  const clauses = scenario.clauses.filter((clause) => met.has(clause) || claimed.has(clause));
  return { clauses: [...new Set([...clauses, HANDED_CLAUSE.id])], handed: [...new Set(calls.map((call) => ('call' in call ? call.call : call.op)))] };
}
