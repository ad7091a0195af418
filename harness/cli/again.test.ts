import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readRun } from '../../reports/files.js';
import { timeless } from '../run/again.fixture.js';

/** The command from outside: runs of the model with a fault that are cut off, go on, and are judged anew. */
const COMPILED = join(__dirname, '..', '..', 'dist', 'harness', 'cli', 'main.js');
const FAULTY = ['--fault', 'qemu/stuff-count', '--no-html'];
const RUN = ['run', ...FAULTY, '--suite', 'tce/stuff/**', 'tce/put/**'];

interface Outcome {
  readonly status: number | null;
  readonly output: string;
}

describe('the command', () => {
  let directory = '';
  const at = (...names: string[]): string => join(directory, ...names);

  /** `signal` is sent as soon as there is a verdict. */
  function command(args: readonly string[], signal?: NodeJS.Signals): Promise<Outcome> {
    const child = spawn(process.execPath, [COMPILED, ...args], { cwd: directory });
    let output = '';
    const hear = (chunk: Buffer): void => {
      const before = output.includes('/');
      output += chunk.toString();
      if (signal !== undefined && !before && /^\[/m.test(output)) child.kill(signal);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    return new Promise((accept) => child.on('close', (status) => accept({ status, output })));
  }

  const allureNames = (run: string): string[] =>
    readdirSync(at(run, 'allure-results'))
      .filter((name) => name.endsWith('-result.json'))
      .map((name) => (JSON.parse(readFileSync(at(run, 'allure-results', name), 'utf8')) as { fullName: string }).fullName)
      .sort();

  beforeAll(async () => {
    if (!existsSync(COMPILED)) throw new Error(`Expected ${COMPILED}; build the package before its tests: npm run build.`);
    directory = mkdtempSync(join(tmpdir(), 'again '));
    await command([...RUN, '--out', 'whole']);
  }, 120_000);
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  test('goes on with a run that was killed, and makes it the run that it would have been', async () => {
    await command([...RUN, '--out', 'cut'], 'SIGKILL');
    expect([existsSync(at('cut', 'run.json')), existsSync(at('cut', 'run.journal.jsonl'))]).toEqual([false, true]);
    const killed = readRun(at('cut'));
    expect(killed.remaining?.length).toBeGreaterThan(0);
    const last = killed.remaining!.at(-1)!;
    const judged = await command(['judge', 'cut', '--suite', killed.scenarios[0]!.id, last]);
    expect(judged).toEqual({ status: 3, output: expect.stringMatching(/^1 traces judged, 0 changed; /) });
    expect(judged.output).toContain(`\n1 were not run, as the run was cut off: ${last}\n`);

    const { status, output } = await command(['run', ...FAULTY, '--resume', 'cut']);
    expect(output).toMatch(/^Going on with cut: \d+ have a verdict, \d+ remain\.\n/);
    expect(status).toBe(1);
    expect(timeless(readRun(at('cut')))).toEqual({ ...(timeless(readRun(at('whole'))) as object), startedAt: killed.startedAt });
    for (const name of ['traces.jsonl', 'machines.jsonl', 'run.tap']) expect(readFileSync(at('cut', name), 'utf8')).toBe(readFileSync(at('whole', name), 'utf8'));
    expect(readdirSync(at('cut')).sort()).toEqual(readdirSync(at('whole')).sort());
    expect(readdirSync(at('cut', 'programs')).sort()).toEqual(readdirSync(at('whole', 'programs')).sort());
    expect(allureNames('cut')).toEqual(allureNames('whole'));
  }, 120_000);

  test('loses nothing where the rest cannot be run, or is cut off in turn', async () => {
    await command([...RUN, '--out', 'twice'], 'SIGINT');
    const before = readFileSync(at('twice', 'run.json'), 'utf8');
    const { complete, scenarios } = readRun(at('twice'));
    expect(complete).toBe(false);
    const refusals: readonly (readonly [RegExp, readonly string[]])[] = [
      [/^papr-conformance: twice: expected to go on with the target of that run/m, ['--resume', 'twice']],
      [/^papr-conformance: Expected one of the targets/m, ['--resume', 'twice', '--target', 'nothing']],
      [/^papr-conformance: Expected --resume to go on in its own directory, twice; got --out other/m, [...FAULTY, '--resume', 'twice', '--out', 'other']],
      [/^papr-conformance: twice: expected --suite to select what that run selected/m, [...FAULTY, '--resume', 'twice', '--suite', 'tce/stuff/**']],
      [/^papr-conformance: Expected --failed or --resume; got both/m, [...FAULTY, '--resume', 'twice', '--failed', 'whole']],
    ];
    for (const [line, args] of refusals) {
      const refused = await command(['run', ...args]);
      expect(refused.output).toMatch(line);
      expect([refused.status, readFileSync(at('twice', 'run.json'), 'utf8')]).toEqual([2, before]);
    }
    await command(['run', ...FAULTY, '--resume', 'twice'], 'SIGKILL');
    expect(readRun(at('twice')).scenarios.slice(0, scenarios.length)).toEqual(scenarios);
    await command([...RUN, '--resume', 'twice', '--out', 'twice']);
    expect(readRun(at('twice'))).toMatchObject({ complete: true, totals: readRun(at('whole')).totals });
  }, 120_000);

  test('says of a complete run that it is, with its status', async () => {
    const { status, output } = await command(['run', '--resume', 'whole']);
    expect(output).toMatch(/^whole is complete, nothing was run: pseries reference-model with qemu\/stuff-count: \d+ conforms, 12 departs\n$/);
    expect(status).toBe(1);
  }, 60_000);

  test('runs what failed, and nothing else', async () => {
    mkdirSync(at('older'));
    writeFileSync(at('older', 'run.json'), readFileSync(at('whole', 'run.json'), 'utf8').replace('tce/stuff/count/513', 'tce/stuff/count/gone'));
    const mended = await command(['run', '--no-html', '--failed', 'older', '--suite', 'tce/stuff/count/**', '--out', 'failed']);
    expect(mended.output).toMatch(/^1 that failed in older exist no more, and are left out: tce\/stuff\/count\/gone\n/);
    expect(mended).toMatchObject({ status: 0, output: expect.stringContaining('10 conforms') });
    const failed = readRun(at('whole')).scenarios.filter(({ id, verdict }) => verdict === 'departs' && /count\/(?!513)/.test(id));
    expect(readRun(at('failed')).scenarios.map(({ id }) => id)).toEqual(failed.map(({ id }) => id));
    expect(await command(['run', '--failed', 'failed', '--out', 'none'])).toEqual({ status: 0, output: 'Nothing failed in failed; nothing was run.\n' });
    expect(existsSync(at('none'))).toBe(false);
    expect(await command(['run', '--failed', 'whole', '--suite', 'tce/put/**'])).toEqual({ status: 2, output: 'papr-conformance: Expected --suite to match a scenario that failed in whole; it matches none of the 12.\n' });
    expect(await command(['run', '--failed', '.'])).toMatchObject({ status: 2, output: expect.stringMatching(/^papr-conformance: \.: expected the directory of a run[^\n]*\n$/) });
  }, 120_000);

  test('judges the traces of a run anew, and writes nothing unless asked', async () => {
    const same = await command(['judge', 'whole']);
    expect(same.output).toMatch(/^\d+ traces judged, 0 changed; pseries reference-model with qemu\/stuff-count, judged by lopar: \d+ conforms, 12 departs\n$/);
    expect(same.status).toBe(1);
    const files = readdirSync(directory);
    const profile = await command(['judge', 'whole', '--profile', 'qemu', '--suite', 'tce/stuff/count/513']);
    expect(profile).toEqual({ status: 0, output: expect.stringMatching(/^tce\/stuff\/count\/513: departs \(H_STUFF_TCE\/count[^)]*\) → conforms\n1 traces judged, 1 changed/) });
    expect(readdirSync(directory)).toEqual(files);
    expect((await command(['judge', 'whole', '--profile', 'qemu', '--no-html', '--out', 'anew'])).output).toContain('Report: anew/run.json');
    expect(readRun(at('anew'))).toMatchObject({ complete: true, profile: 'qemu', startedAt: readRun(at('whole')).startedAt });
    expect(await command(['judge', 'whole', '--out', 'whole'])).toMatchObject({ status: 2, output: expect.stringMatching(/^papr-conformance: Expected --out to be another directory[^\n]*\n$/) });
  }, 120_000);
});
