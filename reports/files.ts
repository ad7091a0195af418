import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { programFile } from './departure-text.js';
import { junitXml } from './junit.js';
import { summaryMarkdown } from './markdown.js';
import { countVerdicts, type RunRecord, type ScenarioRecord } from './run-record.js';

/** What is known of a run before its first scenario. */
export type RunHead = Omit<RunRecord, 'schema' | 'complete' | 'totals' | 'scenarios'>;

const SCHEMA = 'papr-conformance/run/1';
const JOURNAL = 'run.journal.jsonl';
const TRACES = 'traces.jsonl';

/** Every name a run uses in its directory. */
const OWN = ['run.json', JOURNAL, 'junit.xml', 'summary.md', 'report.html', 'allure-results', TRACES, 'programs'];

/** A directory or file that is not what the caller takes it for. One line, for the user. */
export class RunFilesError extends Error {}

/**
 * A run's directory while the run goes on. Each scenario is in a journal before anything else is done with it, so that
 * not even the death of this process loses a verdict; `finish` turns the journal into `run.json` and the summaries.
 */
export class RunFiles {
  readonly #scenarios: ScenarioRecord[] = [];
  /** Kept open: opening a file is the slowest thing this class does. */
  readonly #journal: number;
  readonly #traces: number;
  #tracesKept = 0;

  /** @throws RunFilesError where the directory cannot be one, or holds files that are not a run's. */
  constructor(
    readonly directory: string,
    private readonly head: RunHead,
  ) {
    clear(directory);
    make(join(directory, 'programs'), directory);
    this.#traces = openSync(join(directory, TRACES), 'a');
    this.#journal = openSync(join(directory, JOURNAL), 'a');
    writeFileSync(this.#journal, `${jsonText(head)}\n`);
  }

  /** The record as far as the run has come. */
  record(complete: boolean): RunRecord {
    return recordOf(this.head, this.#scenarios, complete);
  }

  /** Keeps a verdict and its trace (plain JSON), a line of `traces.jsonl`. */
  add(scenario: ScenarioRecord, trace?: unknown): ScenarioRecord {
    const kept = trace === undefined ? scenario : { ...scenario, trace: `${TRACES}:${++this.#tracesKept}` };
    writeFileSync(this.#journal, `${jsonText(kept)}\n`);
    this.#scenarios.push(kept);
    if (trace !== undefined) writeFileSync(this.#traces, `${jsonText(trace)}\n`);
    const program = programFile(kept);
    if (program !== undefined) writeFileSync(join(this.directory, program), jsonText(kept.departures?.[0]?.program, 2));
    return kept;
  }

  /** Writes `run.json`, `junit.xml` and `summary.md`. */
  finish(complete: boolean): RunRecord {
    const record = this.record(complete);
    writeSummaries(this.directory, record);
    closeSync(this.#journal);
    closeSync(this.#traces);
    rmSync(join(this.directory, JOURNAL), { force: true });
    return record;
  }
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

/**
 * The text of a plain JSON value. 64-bit values must have become strings before: even where somebody taught BigInt a
 * `toJSON` (the Allure environment does), one that is left over is an error here.
 */
export function jsonText(value: unknown, indent?: number): string {
  const refuseBigint = function (this: unknown, key: string, shown: unknown): unknown {
    if (typeof (this as Record<string, unknown>)[key] === 'bigint') {
      throw new TypeError(`jsonText: '${key}' is a bigint; expected its text, as reference/doors/json.ts writes it.`);
    }
    return shown;
  };
  return JSON.stringify(value, refuseBigint, indent);
}

function writeSummaries(directory: string, record: RunRecord): void {
  writeAtomically(join(directory, 'run.json'), jsonText(record, 1));
  writeAtomically(join(directory, 'junit.xml'), junitXml(record, directory));
  writeAtomically(join(directory, 'summary.md'), summaryMarkdown(record, directory));
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
  return checked(recordOf(JSON.parse(head) as RunHead, scenarios.map((line) => JSON.parse(line) as ScenarioRecord), false));
}

function recordOf(head: RunHead, scenarios: readonly ScenarioRecord[], complete: boolean): RunRecord {
  return { schema: SCHEMA, ...head, complete, totals: countVerdicts(scenarios), scenarios: [...scenarios] };
}

function checked(value: unknown): RunRecord {
  const schema = (value as { schema?: unknown } | null)?.schema;
  if (schema !== SCHEMA) throw new Error(`its schema is ${String(schema)}, expected ${SCHEMA}`);
  return value as RunRecord;
}
