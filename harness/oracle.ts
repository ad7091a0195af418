import type { Departure } from '../reference/chooser.js';
import { findClause } from '../reference/clauses.js';
import type { MachineDescription } from '../reference/description.js';
import type { Trace } from '../reference/doors/observation.js';
import type { Judgement } from '../reference/judgement.js';
import { Model } from '../reference/model.js';
import { SETTLED, type RuleBook, type Standing } from '../reference/rules.js';

/** A departure and the step where it was seen. */
export interface StepDeparture extends Departure {
  readonly step: number;
}

/** What the oracle says of a whole trace. */
export interface TraceJudgement {
  /** One for every step that ran. */
  readonly steps: readonly Judgement[];
  /** Those that count: of clauses whose standing counts. */
  readonly departures: readonly StepDeparture[];
  /** The others: of what is only proposed, or what nobody has decided yet. */
  readonly tentative: readonly StepDeparture[];
  /** A known fault has left the system in a state that no reset call heals. */
  readonly scarred: boolean;
  /** What it has left. */
  readonly scars: ReadonlySet<string>;
}

/** The trace is not whole: the adapter broke the contract, and nothing can be said of the system. */
export class BrokenTrace extends Error {}

/**
 * Steps the model along a trace, to its end. After a departure the model follows what was observed as far as that
 * makes sense, so that one departure does not hide the next.
 * @param counts the standings of clauses whose departures count
 */
export function judgeTrace(trace: Trace, machine: MachineDescription, rules: RuleBook, counts: readonly Standing[] = SETTLED): TraceJudgement {
  const { operations } = trace.program;
  if (trace.observations.length !== operations.length) {
    throw new BrokenTrace(
      `Expected ${operations.length} observations, one for every operation; the target gave ${trace.observations.length}.`,
    );
  }
  const model = new Model(machine, rules);
  const steps: Judgement[] = [];
  const departures: StepDeparture[] = [];
  const tentative: StepDeparture[] = [];
  for (const [step, operation] of operations.entries()) {
    const observation = trace.observations[step]!;
    if (observation.kind === 'not-run') break;
    const judgement = model.judge(operation, observation);
    steps.push(judgement);
    for (const departure of judgement.departures) (isCounted(departure, counts) ? departures : tentative).push({ ...departure, step });
    if (observation.kind === 'crashed') break;
  }
  if (steps.length < operations.length && !endedByCrash(trace, steps.length)) {
    throw new BrokenTrace(`Operation ${steps.length} did not run although the system was alive.`);
  }
  return { steps, departures, tentative, scarred: model.machine.scars.size > 0, scars: model.machine.scars };
}

/** Whether the clause that is broken has one of these standings; what no catalogue knows counts. */
export function isCounted({ clause }: Pick<Departure, 'clause'>, counts: readonly Standing[]): boolean {
  const standing = findClause(clause)?.status;
  return standing === undefined || counts.includes(standing);
}

const endedByCrash = (trace: Trace, ran: number): boolean => trace.observations[ran - 1]?.kind === 'crashed';

/** The trace conforms: every step is allowed. */
export const conforms = (judgement: TraceJudgement): boolean => judgement.departures.length === 0;
