import fc from 'fast-check';
import type { Target } from '../../adapters/target.js';
import type { MachineDescription } from '../../reference/description.js';
import type { Program } from '../../reference/doors/operations.js';
import type { KnownDepartures } from '../known.js';
import type { StepDeparture } from '../oracle.js';
import { Explorer, type Drawn, type Finding } from './explorer.js';
import { programs } from './programs.js';

/** What bounds an exploration. */
export interface ExploreOptions {
  readonly seed: number;
  /** Programs to run at most. */
  readonly runs: number;
  /** Milliseconds of wall time at most. */
  readonly time: number;
  /** Operations in a program at most. */
  readonly length: number;
  /** Distinct findings after which to stop. */
  readonly findings: number;
}

/** How far an exploration has come. */
export interface Progress {
  readonly runs: number;
  readonly operations: number;
  readonly findings: number;
  readonly crashes: number;
  readonly milliseconds: number;
}

/** Who wants to know, and whether to go on. */
export interface ExploreWatch {
  readonly progress: (progress: Progress) => void;
  readonly finding: (finding: Finding) => void;
  readonly stopped: () => boolean;
}

/** Programs generated with one seed; every such batch is reproducible by its number. */
const BATCH = 25;

/**
 * Runs random programs on a target and judges them against the specification with the known faults. A departure is
 * confirmed on a fresh machine and shrunk to its smallest program. Reproducible from the seed, as long as the
 * generator stays; the programs found are kept as programs.
 *
 * While the target carries out one program, the one before is judged and the one after is drawn.
 */
export async function explore(
  target: Target,
  known: KnownDepartures,
  options: ExploreOptions,
  watch: ExploreWatch,
): Promise<{ progress: Progress; findings: Finding[] }> {
  const explorer = new Explorer(target, known);
  const tally = new Tally(options, watch, explorer);
  const drawn = spared(draws(programs(target.variants[0].machine, options.length), options.seed), known, target.variants[0].machine);
  let [current, next] = [drawn.next().value, drawn.next().value];
  let running = target.runQuick(current.program);
  for (;;) {
    const done = current;
    const trace = await running;
    // Whoever stops us may have ended the system too: what it did last says nothing.
    if (watch.stopped()) break;
    tally.ran(done.program);
    const over = tally.over();
    if (!over) {
      current = next;
      running = target.runQuick(current.program);
      next = drawn.next().value;
    }
    const judgement = explorer.judge(trace);
    const [departure] = judgement.departures;
    if (departure !== undefined || judgement.scarred) {
      // What runs meanwhile runs on a machine that may be scarred: it is run again on a fresh one.
      await running;
      if (watch.stopped()) break;
      if (departure !== undefined && tally.isNew(departure, done.program)) tally.found(await explorer.find(done, departure), departure, done);
      await target.renew();
      if (!over && !tally.over()) running = target.runQuick(current.program);
    }
    if (over || tally.over()) break;
  }
  await running;
  return { progress: tally.progress(), findings: tally.findings };
}

/** Keeps count, and tells findings apart. */
class Tally {
  readonly findings: Finding[] = [];
  readonly #kinds = new Set<string>();
  readonly #started = performance.now();
  #runs = 0;
  #operations = 0;

  constructor(
    readonly options: ExploreOptions,
    readonly watch: ExploreWatch,
    readonly explorer: Explorer,
  ) {}

  ran(program: Program): void {
    this.#runs += 1;
    this.#operations += program.operations.length;
    if (this.#runs % BATCH === 0) this.watch.progress(this.progress());
  }

  over(): boolean {
    const { runs, findings, time } = this.options;
    return this.#runs >= runs || this.findings.length >= findings || performance.now() - this.#started >= time || this.watch.stopped();
  }

  isNew = (departure: StepDeparture, program: Program): boolean => !this.#kinds.has(kindOf(departure, program));

  /** `met` is the departure as it first showed, before shrinking. */
  found(finding: Finding, met: StepDeparture, { program }: Drawn): void {
    const isNew = this.isNew(finding.departure, finding.program);
    this.#kinds.add(kindOf(met, program)).add(kindOf(finding.departure, finding.program));
    if (!isNew) return;
    this.findings.push(finding);
    this.watch.finding(finding);
  }

  progress(): Progress {
    return {
      runs: this.#runs,
      operations: this.#operations,
      findings: this.findings.length,
      crashes: this.explorer.crashes,
      milliseconds: performance.now() - this.#started,
    };
  }
}

/** Two departures are the same finding where the same clause is broken by the same kind of operation. */
function kindOf(departure: StepDeparture, program: Program): string {
  const operation = program.operations[departure.step]!;
  const call = 'call' in operation ? operation.call : `${operation.door} ${operation.op}`;
  return `${departure.clause} by ${call}`;
}

/** Where a machine that is damaged costs a boot, programs leave out what is known to damage it: nothing after that is judged. */
function* spared(drawn: Generator<Drawn, never>, known: KnownDepartures, machine: MachineDescription): Generator<Drawn, never> {
  const boots = machine.linux !== undefined || machine.monitor === true;
  for (;;) {
    const next = drawn.next().value;
    yield boots ? { ...next, program: known.withoutScars(next.program, machine) } : next;
  }
}

/** The programs of one seed after another. */
function* draws(arbitrary: fc.Arbitrary<Program>, first: number): Generator<Drawn, never> {
  for (let seed = first; ; seed++) {
    for (const [run, program] of fc.sample(arbitrary, { seed, numRuns: BATCH }).entries()) yield { program, seed, run };
  }
}
