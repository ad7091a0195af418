import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TargetLost } from '../../adapters/target.js';
import { readRun, RunFiles } from '../../reports/files.js';
import { runRecord, SCENARIOS } from '../../reports/run-record.fixture.js';
import type { ScenarioRecord } from '../../reports/run-record.js';
import type { ScenarioResult } from '../qualify.js';
import type { Scenario } from '../scenario.js';
import { LiveSession } from './live-session.js';
import { Progress } from './progress.js';

const scenario = (id: string): Scenario => ({ id, title: id, clauses: [], requires: [], program: { operations: [] } });
const verdict = (record: ScenarioRecord): Promise<ScenarioResult> => Promise.resolve({ record, steps: [] });

describe('a session', () => {
  let directory = '';
  const ids = ['a', 'b', 'c', 'd', 'e'];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'session-'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  function session(qualify: (scenario: Scenario) => Promise<ScenarioResult>, timeLimit = 1000): LiveSession {
    const { suiteVersion, target, profile, startedAt } = runRecord();
    const shownRun = { target: target.name, fingerprint: target.fingerprint, profile };
    const files = new RunFiles(directory, { suiteVersion, target, profile, startedAt });
    const progress = new Progress({ write: () => undefined }, ids.length);
    return new LiveSession({ scenarios: ids.map(scenario), qualify, files, progress, shownRun, timeLimit });
  }
  const reasons = (): (string | undefined)[] => readRun(directory).scenarios.map(({ reason }) => reason);

  test('answers with text where the scenario does not conform, and with nothing where it does', async () => {
    const departing = session(({ id }) => verdict({ ...(id === 'a' ? SCENARIOS.departs : SCENARIOS.known), id }));
    await expect(departing.view.run(0)).resolves.toContain('H_STUFF_TCE/count');
    await expect(departing.view.run(1)).resolves.toBeUndefined();
  });

  test('has the verdict on disk before it answers', async () => {
    await session(() => verdict(SCENARIOS.conforms)).view.run(0);
    expect(readRun(directory).totals.conforms).toBe(1);
  });

  test('gives what is to be shown out once', async () => {
    const one = session(() => verdict({ ...SCENARIOS.departs, id: 'a' }));
    await one.view.run(0);
    expect(one.shown('a')).toMatchObject({ replay: `papr-conformance replay ${directory}/programs/a.json --target qemu-papr --profile lopar` });
    expect(one.shown('a')).toBeUndefined();
  });

  test('a lost target is inconclusive, and after three in a row nobody asks it again', async () => {
    let asked = 0;
    const lost = session(() => {
      asked += 1;
      return Promise.reject(new TargetLost('connection closed'));
    });
    for (const index of ids.keys()) await lost.view.run(index);
    expect(asked).toBe(3);
    expect(reasons()).toEqual([...Array<string>(3).fill('connection closed'), ...Array<unknown>(2).fill(expect.stringMatching(/^not run/))]);
  });

  test('an answer in between means that the target is back', async () => {
    let asked = 0;
    const shaky = session(() => {
      asked += 1;
      return asked % 2 === 0 ? verdict(SCENARIOS.conforms) : Promise.reject(new TargetLost('gone'));
    });
    for (const index of ids.keys()) await shaky.view.run(index);
    expect(asked).toBe(5);
  });

  test('a fault of the suite is inconclusive and names itself; it is not the target that is lost', async () => {
    const broken = session(() => Promise.reject(new TypeError('no such PE')));
    for (const index of ids.keys()) await broken.view.run(index);
    expect(reasons()[4]).toMatch(/^a fault of this suite, please report it: TypeError: no such PE/);
  });

  test('a scenario that never ends is inconclusive when its time is over', async () => {
    await session(() => new Promise(() => undefined), 20).view.run(0);
    expect(reasons()).toEqual(['no answer within 0.02 s']);
  });

  test('once stopped, the running scenario gets no verdict and no other starts', async () => {
    let asked = 0;
    const stopped = session(() => {
      asked += 1;
      return new Promise(() => undefined);
    });
    const running = stopped.view.run(0);
    stopped.stop();
    await expect(running).resolves.toBeUndefined();
    await expect(stopped.view.run(1)).resolves.toBeUndefined();
    expect([asked, readRun(directory).scenarios.length, stopped.shown('a')]).toEqual([1, 0, undefined]);
  });

  test('a verdict that cannot be kept stops the run', async () => {
    const full = session(() => verdict({ ...SCENARIOS.conforms, title: 1n as never }));
    await expect(full.view.run(0)).rejects.toThrow(/bigint/);
    expect([full.stopped(), full.failure?.message]).toEqual([true, expect.stringContaining('bigint')]);
  });
});
