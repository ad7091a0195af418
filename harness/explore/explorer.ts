import { machineParts } from '../../reference/description.js';
import type { Trace } from '../../reference/doors/observation.js';
import type { Program } from '../../reference/doors/operations.js';
import { operationText } from '../../reference/doors/text.js';
import type { Target, TargetDescription } from '../../adapters/target.js';
import type { KnownDepartures } from '../known.js';
import type { StepDeparture, TraceJudgement } from '../oracle.js';
import { shrink } from './shrink.js';

/** A random program, and where it comes from. */
export interface Drawn {
  readonly program: Program;
  readonly seed: number;
  /** Its number among the programs of that seed. */
  readonly run: number;
}

/** A departure that the ledger does not explain, with the smallest program that shows it. */
export interface Finding {
  readonly departure: StepDeparture;
  readonly operation: string;
  readonly program: Program;
  /** Where the program that first showed it comes from. */
  readonly seed: number;
  readonly run: number;
  /** It did not come back on a fresh machine: what earlier programs left behind plays a part. */
  readonly unstable: boolean;
}

/** Milliseconds that one finding may take to be made small: where systems die slowly, smaller is not worth more. */
const SHRINK_TIME = 60_000;

/** Judges what programs did on a target, and makes a finding of what is not explained. */
export class Explorer {
  /** How often the system died. */
  crashes = 0;
  readonly #variant: TargetDescription;
  readonly #parts: ReadonlySet<string>;

  constructor(
    readonly target: Target,
    readonly known: KnownDepartures,
  ) {
    this.#variant = target.variants[0];
    this.#parts = machineParts(this.#variant.machine);
  }

  judge(trace: Trace): TraceJudgement {
    const last = trace.observations.at(-1)?.kind;
    if (last === 'not-run' || last === 'crashed') this.crashes += 1;
    return this.known.explain(trace, this.#variant.machine);
  }

  /** Confirms a departure on a fresh machine and makes its program small. */
  async find({ program, seed, run }: Drawn, met: StepDeparture): Promise<Finding> {
    const [first] = await this.#departures(program, 'fresh');
    if (first === undefined) {
      const operation = operationText(program.operations[met.step]!);
      return { departure: met, operation, program, seed, run, unstable: true };
    }
    let departure = first;
    const until = performance.now() + SHRINK_TIME;
    const smallest = await shrink(
      program,
      async (candidate) => {
        const [seen] = await this.#departures(candidate, 'quick');
        if (seen?.clause !== first.clause) return false;
        departure = seen;
        return true;
      },
      this.#parts,
      () => performance.now() < until,
    );
    const [confirmed] = await this.#departures(smallest, 'fresh');
    const operation = operationText(smallest.operations[departure.step]!);
    return { departure: confirmed ?? departure, operation, program: smallest, seed, run, unstable: confirmed === undefined };
  }

  /** Runs a program by itself. A machine that it scarred, or on which it departed, is given up. */
  async #departures(program: Program, on: 'fresh' | 'quick'): Promise<readonly StepDeparture[]> {
    if (on === 'fresh') await this.target.renew();
    const judgement = this.judge(await (on === 'fresh' ? this.target.run(program) : this.target.runQuick(program)));
    if (judgement.scarred || judgement.departures.length > 0) await this.target.renew();
    return judgement.departures;
  }
}
