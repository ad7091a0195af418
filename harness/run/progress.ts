import { FAILING, VERDICTS, type ScenarioRecord, type Verdict } from '../../reports/run-record.js';

/** Where progress is written; `process.stdout` is one. */
export interface ProgressOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Milliseconds between two looks at the same line: on a terminal, and in a log. */
const LIVE_INTERVAL = 60;
const PLAIN_INTERVAL = 1000;
/** A log line is no news sooner than after this share of the time the run has taken. */
const PATIENCE = 0.1;

/**
 * Tells how far a run is: on a terminal in one line that is written over, elsewhere in lines that come more rarely the longer it takes.
 * What does not conform is told at once.
 */
export class Progress {
  readonly #counts = new Map<Verdict, number>();
  readonly #live: boolean;
  readonly #began: number;
  #done = 0;
  #current = '';
  #lastShown = Number.NEGATIVE_INFINITY;
  #lineOpen = false;

  /** @param clock milliseconds */
  constructor(
    private readonly output: ProgressOutput,
    private readonly total: number,
    private readonly clock: () => number = () => performance.now(),
  ) {
    this.#live = output.isTTY === true;
    this.#began = clock();
  }

  /** Verdicts of before this run went on: they count, and are not told again. */
  earlier(records: readonly ScenarioRecord[]): void {
    for (const { verdict } of records) this.#counts.set(verdict, (this.#counts.get(verdict) ?? 0) + 1);
    this.#done = records.length;
  }

  starting(id: string): void {
    this.#current = id;
    if (this.#live) this.#show();
  }

  /** @param text what did not conform; told for the verdicts that need it */
  finished({ id, title, verdict }: ScenarioRecord, text: string): void {
    this.#done += 1;
    this.#counts.set(verdict, (this.#counts.get(verdict) ?? 0) + 1);
    if (FAILING.has(verdict)) this.block(`${verdict}  ${id} — ${title}\n${indented(text)}\n`);
    const first = this.#done === 1 || this.#done === this.total;
    this.#show(first);
  }

  /** Writes text of its own, clear of the live line. */
  block(text: string): void {
    this.#clear();
    this.output.write(`${text}\n`);
  }

  /** Leaves the last state in a line of its own. */
  end(): void {
    this.#clear();
    if (this.#live) this.output.write(`${this.#line()}\n`);
  }

  #show(now = false): void {
    const time = this.clock();
    const interval = this.#live ? LIVE_INTERVAL : Math.max(PLAIN_INTERVAL, PATIENCE * (time - this.#began));
    if (!now && time - this.#lastShown < interval) return;
    this.#lastShown = time;
    if (!this.#live) {
      this.output.write(`${this.#line()}\n`);
      return;
    }
    this.#clear();
    this.output.write(cut(`${this.#line()}  ${this.#current}`, (this.output.columns ?? 80) - 1));
    this.#lineOpen = true;
  }

  #line(): string {
    const width = String(this.total).length;
    const counts = VERDICTS.filter((verdict) => this.#counts.has(verdict)).map((verdict) => `${this.#counts.get(verdict) ?? 0} ${verdict}`);
    return `[${String(this.#done).padStart(width)}/${this.total}] ${counts.join(', ')}`.trimEnd();
  }

  #clear(): void {
    if (this.#lineOpen) this.output.write('\r\u001b[K');
    this.#lineOpen = false;
  }
}

const indented = (text: string): string => text.replace(/^/gm, '  ');
const cut = (text: string, width: number): string => (text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`);
