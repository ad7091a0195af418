import { descriptionToJson } from '../../adapters/description-json.js';
import { TargetLost, type TargetDescription } from '../../adapters/target.js';
import { programToJson, toJson } from '../../reference/doors/json.js';
import type { ShownRun, ShownScenario } from '../../reports/allure/result.js';
import { mismatchText, replayLine } from '../../reports/departure-text.js';
import type { RunFiles } from '../../reports/files.js';
import { FAILING, type ScenarioRecord } from '../../reports/run-record.js';
import type { TraceRecord } from '../../reports/traces.js';
import type { ScenarioResult } from '../qualify.js';
import type { Scenario } from '../scenario.js';
import type { Progress } from './progress.js';
import type { Session, TestFileView } from './session.js';

const PATIENCE = 3;
/** Milliseconds after which signals are heard. */
const BREATH = 50;

export interface LiveRun {
  readonly scenarios: readonly Scenario[];
  readonly qualify: (scenario: Scenario) => Promise<ScenarioResult>;
  readonly files: RunFiles;
  readonly progress: Progress;
  readonly shownRun: ShownRun;
  /** Milliseconds that one scenario may take. */
  readonly timeLimit: number;
  /** Scenarios whose verdicts are there already, and are to be shown. They come first. */
  readonly earlier?: readonly Omit<ShownScenario, 'replay'>[];
  /** After so many scenarios in a row without an answer, nobody waits for the target again; default 3. */
  readonly patience?: number;
}

/** Runs the scenarios that Jest asks for, keeps every verdict, and tells of it: in this order. */
export class LiveSession implements Session {
  readonly view: TestFileView;
  readonly shownRun: ShownRun;
  readonly #shown = new Map<string, ShownScenario>();
  readonly #earlier: readonly Omit<ShownScenario, 'replay'>[];
  readonly #patience: number;
  readonly #machines = new Map<TargetDescription, string>();
  readonly #stop = new AbortController();
  #unanswered = 0;
  #breathed = performance.now();
  /** What made it impossible to go on: a full disk, for instance. */
  failure: Error | undefined;

  constructor(private readonly live: LiveRun) {
    this.shownRun = live.shownRun;
    const { scenarios, earlier = [], patience = PATIENCE } = live;
    [this.#earlier, this.#patience] = [earlier, patience];
    this.view = { ids: [...earlier.map(({ record }) => record.id), ...scenarios.map(({ id }) => id)], run: (index) => this.#run(index) };
  }

  readonly stopped = (): boolean => this.#stop.signal.aborted;

  /** No further scenario starts; the one that runs gets no verdict. */
  stop(): void {
    this.#stop.abort();
  }

  readonly shown = (id: string): ShownScenario | undefined => {
    const shown = this.#shown.get(id);
    this.#shown.delete(id);
    return shown;
  };

  async #run(index: number): Promise<string | undefined> {
    const earlier = this.#earlier[index];
    if (earlier !== undefined) return this.#show(earlier);
    const scenario = this.live.scenarios[index - this.#earlier.length];
    if (scenario === undefined || this.stopped()) return undefined;
    this.live.progress.starting(scenario.id);
    const result = await this.#judged(scenario);
    if (result === undefined) return undefined;
    try {
      const mismatch = this.#keep(result);
      await this.#breathe();
      return mismatch;
    } catch (error) {
      this.failure = error as Error;
      this.stop();
      throw error;
    }
  }

  /** A target in this process never waits for anything, and Ctrl-C would be heard at the end only. */
  async #breathe(): Promise<void> {
    if (performance.now() - this.#breathed < BREATH) return;
    await new Promise(setImmediate);
    this.#breathed = performance.now();
  }

  #keep(result: ScenarioResult): string | undefined {
    const { files, progress, shownRun } = this.live;
    const trace = traceJson(result, this.#placeOf(result.on));
    const record = files.add(result.record, trace);
    const mismatch = this.#show({ record, steps: result.steps, trace });
    progress.finished(record, mismatchText(record, replayLine(record, shownRun, files.directory), 1));
    return mismatch;
  }

  /** Has a verdict shown; the answer is what did not conform. */
  #show(shown: Omit<ShownScenario, 'replay'>): string | undefined {
    const { files, shownRun } = this.live;
    const { record } = shown;
    const replay = replayLine(record, shownRun, files.directory);
    this.#shown.set(record.id, { ...shown, replay });
    return FAILING.has(record.verdict) ? mismatchText(record, replay) : undefined;
  }

  /** Where the run keeps what the target found out, without what a profile has made of it. */
  #placeOf(on: TargetDescription | undefined): string | undefined {
    if (on === undefined) return undefined;
    const found = on.asFound ?? on;
    const place = this.#machines.get(found) ?? this.live.files.machine(descriptionToJson(found));
    this.#machines.set(found, place);
    return place;
  }

  /** The verdict, or why there is none; never an exception. Undefined when the run is stopped before. */
  async #judged(scenario: Scenario): Promise<ScenarioResult | undefined> {
    const started = performance.now();
    const inconclusive = (reason: string): ScenarioResult => ({ record: withoutVerdict(scenario, reason, started), steps: [] });
    if (this.#unanswered >= this.#patience) return inconclusive(`not run: the target gave no answer to ${this.#patience} scenarios in a row`);
    try {
      const result = await inTime(this.live.qualify(scenario), this.live.timeLimit, this.#stop.signal);
      if (result === undefined) return undefined;
      const answered = result.record.verdict !== 'inconclusive' || result.steps.length > 0;
      this.#unanswered = answered ? 0 : this.#unanswered + 1;
      return result;
    } catch (error) {
      if (this.stopped()) return undefined;
      if (!(error instanceof TargetLost)) return inconclusive(`a fault of this suite, please report it: ${faultText(error)}`);
      this.#unanswered += 1;
      return inconclusive(error.message);
    }
  }
}

function withoutVerdict({ id, title, clauses }: Scenario, reason: string, started: number): ScenarioRecord {
  return { id, title, clauses, verdict: 'inconclusive', reason, milliseconds: Math.round(performance.now() - started) };
}

/** A fault's message and where it arose. */
function faultText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return (error.stack ?? error.message).split('\n').slice(0, 4).join('\n');
}

/** What the work comes to; undefined as soon as the signal comes. @throws TargetLost when the time is over */
async function inTime<T>(work: Promise<T>, limit: number, stop: AbortSignal): Promise<T | undefined> {
  let tidy = (): void => undefined;
  const over = new Promise<undefined>((accept, refuse) => {
    const timer = setTimeout(() => refuse(new TargetLost(`no answer within ${limit / 1000} s`)), limit);
    const stopped = (): void => accept(undefined);
    stop.addEventListener('abort', stopped);
    tidy = () => {
      clearTimeout(timer);
      stop.removeEventListener('abort', stopped);
    };
  });
  try {
    return await Promise.race([work, over]);
  } finally {
    tidy();
  }
}

/** The trace as it lies beside the record: what was asked, what came back, what was judged. */
function traceJson({ record, trace, steps }: ScenarioResult, machine: string | undefined): TraceRecord | undefined {
  if (trace === undefined) return undefined;
  return {
    schema: 'papr-conformance/trace/1',
    scenario: record.id,
    ...(machine === undefined ? {} : { machine }),
    program: programToJson(trace.program),
    observations: toJson(trace.observations),
    steps,
  };
}
