import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../../adapters/target.js';
import { jsonText, readRun, RunFiles, RunFilesError } from '../../reports/files.js';
import type { RunRecord } from '../../reports/run-record.js';
import { tracesOf } from '../../reports/traces.js';
import { failedIn, requireSameSystem, unfinished } from './again.js';
import { HEAD, runOf, runOn, SUITE, timeless } from './again.fixture.js';

const JOURNAL = 'run.journal.jsonl';
const SAME = { profile: HEAD.profile, suiteVersion: HEAD.suiteVersion };

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'again-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

const read = (name: string): string => readFileSync(join(directory, name), 'utf8');
const ids = (scenarios: readonly { id: string }[]): string[] => scenarios.map(({ id }) => id);

/** Goes on; after so many scenarios it is cut off once more, if need be. */
async function goOn(most = Number.POSITIVE_INFINITY): Promise<void> {
  const { record, scenarios } = unfinished(directory, SUITE, SAME);
  const files = new RunFiles(directory, HEAD, [...ids(record.scenarios), ...ids(scenarios)], record.scenarios);
  await runOn(directory, scenarios.slice(0, most), files);
  if (most >= scenarios.length) files.finish(true);
}

/** How a run ends early: at Ctrl-C, or as its process dies, whatever that leaves of the last line. */
const ENDS: Readonly<Record<string, (done: number) => void>> = {
  'Ctrl-C': () => undefined,
  death: () => undefined,
  'death in a line of the journal': () => appendFileSync(join(directory, JOURNAL), '{"id": "x/st'),
  'death in a line of the traces': () => appendFileSync(join(directory, 'traces.jsonl'), '{"schema": "papr'),
  'death between trace and journal': () => appendFileSync(join(directory, 'traces.jsonl'), '{"schema": "papr"}\n'),
  'death in a line of the machines': () => appendFileSync(join(directory, 'machines.jsonl'), '{"schema": "papr'),
  // As versions left it that wrote the journal first.
  'death before the trace was whole': (done) => {
    const file = join(directory, 'traces.jsonl');
    if (done > 0) truncateSync(file, Math.max(0, statSync(file).size - 5));
  },
};

describe('a run that goes on', () => {
  it('is the run that it would have been, wherever and however it was cut off, once or twice', async () => {
    await runOf(directory);
    const [whole, traces, machines] = [timeless(readRun(directory)), read('traces.jsonl'), read('machines.jsonl')];
    const place = fc.integer({ min: 0, max: SUITE.length });
    await fc.assert(
      fc.asyncProperty(place, fc.constantFrom(...Object.keys(ENDS)), place, async (first, end, second) => {
        rmSync(directory, { recursive: true });
        await runOf(directory, first, false);
        if (end === 'Ctrl-C') await runOf(directory, Math.min(first, SUITE.length - 1), true);
        ENDS[end]!(first);
        await goOn(second);
        if (!existsSync(join(directory, 'run.json'))) await goOn();
        expect(timeless(readRun(directory))).toEqual(whole);
        expect([read('traces.jsonl'), read('machines.jsonl')]).toEqual([traces, machines]);
        expect([...tracesOf(directory, readRun(directory).scenarios)].filter(({ fault }) => fault !== undefined)).toEqual([]);
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  it('keeps the verdicts that are there, as they are', async () => {
    await runOf(directory, 4);
    const before = readRun(directory).scenarios;
    await goOn();
    expect(readRun(directory).scenarios.slice(0, 4)).toEqual(before);
  });

  it('writes the programs of departures that a death left out', async () => {
    await runOf(directory, 2, false);
    rmSync(join(directory, 'programs'), { recursive: true });
    await goOn();
    expect(JSON.parse(read('programs/x.stuff.513.json'))).toMatchObject({ schema: 'papr-conformance/program/1' });
  });

  it('has nothing left where it is complete, whatever it is to be judged by', async () => {
    await runOf(directory);
    truncateSync(join(directory, 'traces.jsonl'));
    const { record, scenarios } = unfinished(directory, SUITE, { profile: 'qemu', suiteVersion: 'other' });
    expect([record.complete, record.totals.departs, scenarios]).toEqual([true, 2, []]);
  });

  it('leaves everything as it is until it goes on', async () => {
    await runOf(directory, 3);
    const before = read('run.json');
    unfinished(directory, SUITE, SAME);
    expect([read('run.json'), existsSync(join(directory, JOURNAL))]).toEqual([before, false]);
  });

  describe('refuses in one line', () => {
    const refused = (given: Partial<Parameters<typeof unfinished>[2]>, all = SUITE) => {
      try {
        unfinished(directory, all, { ...SAME, ...given });
      } catch (error) {
        expect(error).toBeInstanceOf(UsageError);
        return (error as Error).message;
      }
      return undefined;
    };

    beforeEach(() => runOf(directory, 3));

    it('another profile, another version of the suite, another selection', () => {
      expect(refused({ profile: 'qemu' })).toBe(`${directory}: expected to go on with the profile of that run, 'lopar'; got 'qemu'. Give it the same, or run it anew.`);
      expect(refused({ suiteVersion: '9.9.9' })).toMatch(/suite's version of that run, '0\.1\.0'; got '9\.9\.9'/);
      expect(refused({ selected: SUITE.slice(1) })).toMatch(/^[^\n]*expected --suite to select what that run selected[^\n]*$/);
      expect(refused({ selected: SUITE })).toBeUndefined();
    });

    it('another system', () => {
      const record = readRun(directory);
      expect(() => requireSameSystem(directory, record, { fingerprint: 'pseries reference-model' })).toThrow(/with the target of that run, 'pseries reference-model with qemu\/stuff-count'; got 'pseries reference-model'/);
      expect(() => requireSameSystem(directory, record, record.target)).not.toThrow();
    });

    it('a scenario that remains and is no more', () => {
      expect(refused({}, SUITE.slice(0, 4))).toMatch(/the scenario x\/stuff\/1024, which remains, exists no more/);
    });

    it('a record that does not say what remains', () => {
      const { remaining: _, ...older } = readRun(directory);
      writeFileSync(join(directory, 'run.json'), jsonText(older));
      expect(refused({})).toMatch(/expected a record of what remains/);
    });

    it('a directory that is no run', () => {
      expect(() => unfinished(join(directory, 'programs'), SUITE, SAME)).toThrow(RunFilesError);
    });
  });
});

describe('what failed in a run', () => {
  const verdicts = ['conforms', 'departs', 'skipped', 'crashed', 'fixed', 'inconclusive', 'known'] as const;

  beforeEach(async () => {
    await runOf(directory);
    const record = readRun(directory);
    const scenarios = record.scenarios.map((scenario, i) => ({ ...scenario, verdict: verdicts[i]! }));
    writeFileSync(join(directory, 'run.json'), jsonText({ ...record, scenarios } satisfies RunRecord));
  });

  it('is what departed, crashed, was fixed or inconclusive, in the order of the suites', () => {
    const { scenarios, gone } = failedIn(directory, [...SUITE].reverse());
    expect([ids(scenarios), gone]).toEqual([['x/last', 'x/stuff/1024', 'x/outside', 'x/stuff/513'], []]);
  });

  it('names what exists no more', () => {
    expect(failedIn(directory, SUITE.slice(2))).toMatchObject({ gone: ['x/stuff/513'], scenarios: [{ id: 'x/outside' }, { id: 'x/stuff/1024' }, { id: 'x/last' }] });
  });

  it('is asked of a run only', () => {
    expect(() => failedIn(join(directory, 'programs'), SUITE)).toThrow(/expected the directory of a run/);
  });
});
