import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { programFile } from './departure-text.js';
import { jsonText } from './json-text.js';
import { junitXml } from './junit.js';
import { countLines, keepLines, LineFile, linesOf } from './line-file.js';
import { summaryMarkdown } from './markdown.js';
import { countVerdicts, type RunRecord, type ScenarioRecord } from './run-record.js';
import { tapText } from './tap.js';
import { lineOf, TRACES } from './traces.js';

export { jsonText };

/** What is known of a run before its first scenario. */
export type RunHead = Omit<RunRecord, 'schema' | 'complete' | 'totals' | 'remaining' | 'scenarios'>;

const SCHEMA = 'papr-conformance/run/1';
const JOURNAL = 'run.journal.jsonl';
export const MACHINES = 'machines.jsonl';

/** Every name a run uses in its directory. */
const OWN = ['run.json', JOURNAL, 'junit.xml', 'run.tap', 'summary.md', 'report.html', 'allure-results', TRACES, MACHINES, 'programs'];

/** A directory or file that is not what the caller takes it for. One line, for the user. */
export class RunFilesError extends Error {}

/**
 * A run's directory while the run goes on. Each scenario is in a journal before anything else is done with it, so that
 * not even the death of this process loses a verdict; `finish` turns the journal into `run.json` and the summaries.
 */
export class RunFiles {
  readonly #scenarios: ScenarioRecord[] = [];
  readonly #journal: LineFile;
  readonly #traces: LineFile;
  readonly #machines: LineFile;
  /** Where each description is, by its text. */
  readonly #machinePlaces = new Map<string, string>();

  /**
   * @param planned ids of the scenarios, in the order of the run
   * @param earlier goes on with the run of this directory that was cut off; see `reopened`
   * @throws RunFilesError where the directory cannot be one, or holds files that are not a run's.
   */
  constructor(
    readonly directory: string,
    private readonly head: RunHead,
    private readonly planned?: readonly string[],
    earlier?: readonly ScenarioRecord[],
  ) {
    if (earlier === undefined) clear(directory);
    make(join(directory, 'programs'), directory);
    if (earlier !== undefined) this.#goOn(earlier);
    this.#traces = new LineFile(directory, TRACES, countLines(join(directory, TRACES)));
    this.#machines = new LineFile(directory, MACHINES, this.#machinePlaces.size);
    this.#journal = new LineFile(directory, JOURNAL);
    if (earlier === undefined) this.#journal.add(journalHead(head, planned));
  }

  /** The record as far as the run has come. */
  record(complete: boolean): RunRecord {
    return recordOf(this.head, this.#scenarios, complete, this.planned);
  }

  /** Keeps the description of a machine (plain JSON), once; returns where, for the traces of it. */
  machine(description: unknown): string {
    const text = jsonText(description);
    const place = this.#machinePlaces.get(text) ?? this.#machines.add(description);
    this.#machinePlaces.set(text, place);
    return place;
  }

  /** Keeps a verdict and its trace (plain JSON), a line of `traces.jsonl`. The journal comes last: what it names is there. */
  add(scenario: ScenarioRecord, trace?: unknown): ScenarioRecord {
    const kept = trace === undefined ? scenario : { ...scenario, trace: this.#traces.add(trace) };
    writeProgram(this.directory, kept);
    this.#journal.add(kept);
    this.#scenarios.push(kept);
    return kept;
  }

  /** Writes `run.json`, `junit.xml`, `run.tap` and `summary.md`. */
  finish(complete: boolean): RunRecord {
    const record = this.record(complete);
    writeSummaries(this.directory, record);
    for (const file of [this.#journal, this.#traces, this.#machines]) file.close();
    rmSync(join(this.directory, JOURNAL), { force: true });
    return record;
  }

  /** What was there stays, at each moment, in `run.json` or in the journal. */
  #goOn(earlier: readonly ScenarioRecord[]): void {
    const { directory } = this;
    const traces = earlier.flatMap(({ trace }) => (trace === undefined ? [] : [lineOf(trace)]));
    keepLines(join(directory, TRACES), traces.at(-1) ?? 0);
    keepLines(join(directory, MACHINES), Number.POSITIVE_INFINITY);
    for (const { text } of linesOf(join(directory, MACHINES))) this.#machinePlaces.set(text, `${MACHINES}:${this.#machinePlaces.size + 1}`);
    for (const scenario of earlier) writeProgram(directory, scenario);
    this.#scenarios.push(...earlier);
    const lines = [journalHead(this.head, this.planned), ...earlier].map((line) => `${jsonText(line)}\n`);
    writeAtomically(join(directory, JOURNAL), lines.join(''));
    rmSync(join(directory, 'run.json'), { force: true });
  }
}

/**
 * A run that was cut off, as one can go on with it: without the verdicts from the first on whose trace is not there, as a death of the
 * process may leave them.
 */
export function reopened(directory: string): RunRecord {
  const record = readRun(directory);
  if (record.complete) return record;
  const lines = countLines(join(directory, TRACES));
  const lost = record.scenarios.findIndex(({ trace }) => trace !== undefined && lineOf(trace) > lines);
  if (lost < 0) return record;
  const [kept, again] = [record.scenarios.slice(0, lost), record.scenarios.slice(lost).map(({ id }) => id)];
  const remaining = record.remaining && { remaining: [...again, ...record.remaining] };
  return { ...record, totals: countVerdicts(kept), ...remaining, scenarios: kept };
}

/** Reads a run's record; of a run that was killed, what its journal holds. @throws RunFilesError */
export function readRun(directory: string): RunRecord {
  const [finished, journal] = [join(directory, 'run.json'), join(directory, JOURNAL)];
  try {
    if (existsSync(finished)) return checked(JSON.parse(readFileSync(finished, 'utf8')));
    if (existsSync(journal)) return fromJournal(readFileSync(journal, 'utf8'));
  } catch (error) {
    throw new RunFilesError(`${directory}: expected the record of a run; ${(error as Error).message}`);
  }
  throw new RunFilesError(`${directory}: expected the directory of a run (with run.json); name one that 'run --out' wrote.`);
}

function writeSummaries(directory: string, record: RunRecord): void {
  writeAtomically(join(directory, 'run.json'), jsonText(record, 1));
  writeAtomically(join(directory, 'junit.xml'), junitXml(record, directory));
  writeAtomically(join(directory, 'run.tap'), tapText(record));
  writeAtomically(join(directory, 'summary.md'), summaryMarkdown(record, directory));
}

/** The program of what departs first. */
function writeProgram(directory: string, scenario: ScenarioRecord): void {
  const program = programFile(scenario);
  if (program !== undefined) writeFileSync(join(directory, program), jsonText(scenario.departures?.[0]?.program, 2));
}

/** A reader sees the old file or the new one, never half of one. */
function writeAtomically(file: string, text: string): void {
  writeFileSync(`${file}.tmp`, text);
  renameSync(`${file}.tmp`, file);
}

/** Removes what an earlier run left, and nothing of anybody else. */
function clear(directory: string): void {
  if (!existsSync(directory)) return;
  if (!statSync(directory).isDirectory()) throw new RunFilesError(`${directory}: expected a directory, or nothing yet; it is a file. Choose another --out.`);
  const present = readdirSync(directory).filter((name) => OWN.includes(name));
  if (present.length === 0) return;
  if (!present.includes('run.json') && !present.includes(JOURNAL)) {
    throw new RunFilesError(
      `${directory}: expected an empty directory or an earlier run's; it holds ${present.join(', ')} but no run.json. Choose another --out.`,
    );
  }
  readRun(directory);
  for (const name of present) rmSync(join(directory, name), { recursive: true, force: true });
}

/** Makes a directory of the run. @throws RunFilesError where the user's place for it does not allow that */
function make(directory: string, named: string): void {
  try {
    mkdirSync(directory, { recursive: true });
  } catch (error) {
    throw new RunFilesError(`${named}: expected a directory that can be made and written; ${(error as Error).message}. Choose another --out.`);
  }
}

function fromJournal(text: string): RunRecord {
  const [head, ...scenarios] = text.split('\n').slice(0, -1);
  if (head === undefined) throw new Error('the journal is empty');
  const { planned, ...rest } = JSON.parse(head) as RunHead & { planned?: readonly string[] };
  return checked(recordOf(rest, scenarios.map((line) => JSON.parse(line) as ScenarioRecord), false, planned));
}

/** The first line of a journal. */
const journalHead = (head: RunHead, planned: readonly string[] | undefined): unknown => ({ ...head, planned });

function recordOf(head: RunHead, scenarios: readonly ScenarioRecord[], complete: boolean, planned: readonly string[] | undefined): RunRecord {
  const done = new Set(scenarios.map(({ id }) => id));
  const remaining = complete || planned === undefined ? {} : { remaining: planned.filter((id) => !done.has(id)) };
  return { schema: SCHEMA, ...head, complete, totals: countVerdicts(scenarios), ...remaining, scenarios: [...scenarios] };
}

function checked(value: unknown): RunRecord {
  const schema = (value as { schema?: unknown } | null)?.schema;
  if (schema !== SCHEMA) throw new Error(`its schema is ${String(schema)}, expected ${SCHEMA}`);
  return value as RunRecord;
}
