import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jsonText, readRun, RunFiles, RunFilesError } from './files.js';
import { runRecord, SCENARIOS } from './run-record.fixture.js';

describe("a run's directory", () => {
  const { suiteVersion, target, profile, startedAt } = runRecord();
  const head = { suiteVersion, target, profile, startedAt };
  let directory = '';
  const read = (name: string): string => readFileSync(join(directory, name), 'utf8');

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'run-files-'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  test('a verdict can be read as soon as it is added, as if the process died there', () => {
    const files = new RunFiles(directory, head);
    files.add(SCENARIOS.conforms);
    files.add(SCENARIOS.departs, { steps: [] });
    const record = readRun(directory);
    expect(record).toMatchObject({ complete: false, profile: 'lopar', totals: { conforms: 1, departs: 1 } });
    expect(record.scenarios[1]?.trace).toBe('traces.jsonl:1');
  });

  test('a line cut off by the death of the process costs only itself', () => {
    new RunFiles(directory, head).add(SCENARIOS.conforms);
    appendFileSync(join(directory, 'run.journal.jsonl'), '{"id": "tce/hal');
    expect(readRun(directory).scenarios).toHaveLength(1);
  });

  test('finish leaves the record, both summaries, the traces and the programs, and no journal', () => {
    const files = new RunFiles(directory, head);
    files.add(SCENARIOS.departs, { steps: ['one'] });
    files.finish(true);
    expect(readdirSync(directory).sort()).toEqual(['junit.xml', 'machines.jsonl', 'programs', 'run.json', 'run.tap', 'summary.md', 'traces.jsonl']);
    expect(readRun(directory).complete).toBe(true);
    expect(JSON.parse(read('traces.jsonl').trim())).toEqual({ steps: ['one'] });
    expect(JSON.parse(read('programs/tce.stuff.count.json'))).toEqual(SCENARIOS.departs.departures?.[0]?.program);
  });

  test('says what remains where the run was interrupted, and of a whole run nothing', () => {
    const ids = Object.values(SCENARIOS).map(({ id }) => id);
    const files = new RunFiles(directory, head, ids);
    files.add(SCENARIOS.conforms);
    expect(readRun(directory).remaining).toEqual(ids.slice(1));
    files.finish(false);
    expect(readRun(directory).remaining).toEqual(ids.slice(1));
    new RunFiles(directory, head, [SCENARIOS.conforms.id]).finish(true);
    expect(readRun(directory)).not.toHaveProperty('remaining');
  });

  test('keeps the description of a machine once', () => {
    const files = new RunFiles(directory, head);
    expect([{ a: 1 }, { a: 2 }, { a: 1 }].map((machine) => files.machine(machine))).toEqual(['machines.jsonl:1', 'machines.jsonl:2', 'machines.jsonl:1']);
    expect(read('machines.jsonl')).toBe('{"a":1}\n{"a":2}\n');
  });

  test('a new run removes what the one before left, and nothing else', () => {
    const before = new RunFiles(directory, head);
    before.add(SCENARIOS.departs, {});
    before.finish(true);
    writeFileSync(join(directory, 'notes.txt'), 'mine');
    new RunFiles(directory, head);
    expect(readdirSync(directory).sort()).toEqual(['machines.jsonl', 'notes.txt', 'programs', 'run.journal.jsonl', 'traces.jsonl']);
    expect(read('traces.jsonl')).toBe('');
  });

  test("somebody's own folder of the same name stops the run before anything is touched", () => {
    mkdirSync(join(directory, 'programs'));
    writeFileSync(join(directory, 'programs', 'mine'), '');
    expect(() => new RunFiles(directory, head)).toThrow(/expected an empty directory or an earlier run's; it holds programs/);
    expect(existsSync(join(directory, 'programs', 'mine'))).toBe(true);
  });

  test("somebody's own run.json stops it too", () => {
    writeFileSync(join(directory, 'run.json'), '{"schema": "jogging/1"}');
    expect(() => new RunFiles(directory, head)).toThrow(RunFilesError);
    expect(existsSync(join(directory, 'run.json'))).toBe(true);
  });

  test('a file in the place of the directory stops the run in one line, and stays', () => {
    const file = join(directory, 'notes.txt');
    writeFileSync(file, 'mine');
    expect(() => new RunFiles(file, head)).toThrow(new RunFilesError(`${file}: expected a directory, or nothing yet; it is a file. Choose another --out.`));
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });

  test('so does a directory that cannot be made', () => {
    writeFileSync(join(directory, 'notes.txt'), 'mine');
    expect(() => new RunFiles(join(directory, 'notes.txt', 'run'), head)).toThrow(RunFilesError);
    expect(() => new RunFiles(join(directory, 'notes.txt', 'run'), head)).toThrow(/expected a directory/);
  });

  test('a directory that is no run is said to be none', () => {
    expect(() => readRun(directory)).toThrow(/expected the directory of a run/);
  });
});

describe('jsonText', () => {
  test('refuses a bigint, even where BigInt has learnt to serialise itself', () => {
    expect(() => jsonText({ step: { value: 1n } })).toThrow(/'value' is a bigint/);
    Object.defineProperty(BigInt.prototype, 'toJSON', { value: () => 'oops', configurable: true });
    try {
      expect(() => jsonText({ step: { value: 1n } })).toThrow(/'value' is a bigint/);
    } finally {
      Reflect.deleteProperty(BigInt.prototype, 'toJSON');
    }
  });
});
