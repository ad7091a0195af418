import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunRecord } from '../../reports/run-record.js';

/**
 * The runner from outside, as the command uses it: compiled, in a process of its own (Jest cannot run within Jest),
 * in a directory that is not the package's. A small program stands for the command; `BEHAVIOUR` says how each
 * scenario goes.
 */
const PACKAGE = join(__dirname, '..', '..');
const COMPILED = join(PACKAGE, 'dist', 'harness', 'run', 'run.js');

const COMMAND = `
const { runSuites } = require(process.env.RUN);
const behaviour = JSON.parse(process.env.BEHAVIOUR);
const departure = { clause: 'H_PUT_TCE/page', rule: 'A rule.', expected: ['H_PARAMETER (-4)'], observed: 'H_SUCCESS (0)', step: 0,
  operation: 'H_PUT_TCE(1n)', known: [], program: { schema: 'papr-conformance/program/1', operations: [] } };
const steps = [{ operation: 'H_PUT_TCE(1n)', outcome: 'H_SUCCESS (0)', allowed: ['H_PARAMETER (-4)'], clauses: ['H_PUT_TCE/page'], departs: true, audit: false }];
const extras = { departs: { departures: [departure] }, known: { departures: [{ ...departure, known: ['Q01'] }], ledger: ['Q01'] },
  skipped: { reason: 'the target lacks dma' } };
async function qualify({ id, title, clauses }) {
  const verdict = behaviour[id];
  if (verdict === 'hang') return new Promise(() => {});
  if (verdict === 'bigint') return { record: { id, title, clauses, verdict: 'skipped', reason: JSON.stringify([-4096n, 7n]), milliseconds: 1 }, steps: [] };
  if (verdict === 'throw') throw Object.assign(new Error('mine'), { actual: 1n, expected: 2n, matcherResult: { actual: 1n } });
  const trace = { program: { operations: [{ door: 'memory', op: 'load', address: 4096n, length: 8 }] }, observations: [{ kind: 'bytes', bytes: new Uint8Array(8) }] };
  return { record: { id, title, clauses, verdict, milliseconds: 1, ...extras[verdict] }, steps: verdict === 'skipped' ? [] : steps, trace };
}
const scenarios = Object.keys(behaviour).map((id) => ({ id, title: 'Title of ' + id, clauses: ['H_PUT_TCE/page'], requires: [], program: { operations: [] } }));
const target = { name: 'model', fingerprint: 'a fingerprint', capabilities: new Set(['papr']) };
const onInterrupt = async () => console.log('target given back');
runSuites({ scenarios, qualify, target, profile: 'lopar', suiteVersion: '0.1.0', directory: 'out', html: process.env.HTML === 'yes', onInterrupt })
  .then((record) => console.log('complete:', record.complete), (error) => { console.log(error.name, error.message); process.exitCode = 9; })
  .then(() => { if ('toJSON' in BigInt.prototype) console.log('BigInt still has toJSON'); });
`;

interface Outcome {
  readonly status: number | null;
  readonly output: string;
}

describe('a run', () => {
  let directory = '';
  beforeAll(() => {
    if (!existsSync(COMPILED)) throw new Error(`Expected ${COMPILED}; build the package before its tests: npm run build.`);
    directory = mkdtempSync(join(tmpdir(), 'run '));
    writeFileSync(join(directory, 'command.cjs'), COMMAND);
  });
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  /** Runs the command; `signal` is sent as soon as the output shows `when`. */
  function run(behaviour: Record<string, string>, signal?: { when: string; times: number }, html = 'no'): Promise<Outcome> {
    const env = { ...process.env, RUN: COMPILED, BEHAVIOUR: JSON.stringify(behaviour), HTML: html };
    const child = spawn(process.execPath, ['command.cjs'], { cwd: directory, env });
    let output = '';
    let sent = 0;
    const hear = (chunk: Buffer): void => {
      output += chunk.toString();
      if (signal === undefined || sent >= signal.times || !output.includes(sent === 0 ? signal.when : 'Interrupted')) return;
      sent += 1;
      child.kill('SIGINT');
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    return new Promise((accept) => child.on('close', (status) => accept({ status, output })));
  }

  const record = (): RunRecord => JSON.parse(readFileSync(join(directory, 'out', 'run.json'), 'utf8')) as RunRecord;
  const allure = (): { name: string; status: string; labels: { name: string; value: string }[]; statusDetails: { message?: string } }[] =>
    readdirSync(join(directory, 'out', 'allure-results'))
      .filter((name) => name.endsWith('-result.json'))
      .map((name) => JSON.parse(readFileSync(join(directory, 'out', 'allure-results', name), 'utf8')) as never);

  test('keeps every verdict, valid by its schema, and shows each in Allure', async () => {
    const { status, output } = await run({ 'a/ok': 'conforms', 'a/bad': 'departs', 'b/known': 'known', 'b/skip': 'skipped', 'b/throw': 'throw' }, undefined, 'yes');
    expect(output).toContain('complete: true');
    expect(status).toBe(0);
    expect(record().totals).toEqual({ conforms: 1, departs: 1, known: 1, fixed: 0, skipped: 1, inconclusive: 1, tentative: 0, crashed: 0 });
    const validate = new Ajv2020({ strictRequired: false }).compile(
      JSON.parse(readFileSync(join(PACKAGE, 'reports', 'schema', 'run.schema.json'), 'utf8')) as object,
    );
    validate(record());
    expect(validate.errors).toBeNull();
    expect(Object.fromEntries(allure().map(({ name, status: shown }) => [name, shown]))).toEqual({
      'Title of a/ok': 'passed',
      'Title of a/bad': 'failed',
      'Title of b/known': 'passed',
      'Title of b/skip': 'skipped',
      'Title of b/throw': 'broken',
    });
    const skipped = allure().find((result) => result.status === 'skipped');
    expect(skipped?.statusDetails.message).toBe('the target lacks dma');
    expect(skipped?.labels).toContainEqual({ name: 'feature', value: 'H_PUT_TCE' });
    expect(existsSync(join(directory, 'out', 'report.html'))).toBe(true);
  }, 60_000);

  test('a bigint can be serialised while Allure may have to, and no longer', async () => {
    const { status, output } = await run({ 'a/bigint': 'bigint' });
    expect(record().scenarios[0]?.reason).toBe('["-0x1000","0x7"]');
    expect({ status, output }).toEqual({ status: 0, output: '[1/1] 1 skipped\ncomplete: true\n' });
  }, 60_000);

  test('tells a departure at once, in words, with the command to see it again', async () => {
    const { output } = await run({ 'a/bad': 'departs' });
    expect(output).toContain('departs  a/bad — Title of a/bad\n  clause     H_PUT_TCE/page\n');
    expect(output).toContain('papr-conformance replay out/programs/a.bad.json --target model --profile lopar');
    expect(output).not.toMatch(/\bat .*\.js:\d+/);
  }, 60_000);

  test('prints nothing of its own making that a user did not ask for', async () => {
    const { output } = await run({ 'a/ok': 'conforms' });
    expect(output).toBe('[1/1] 1 conforms\ncomplete: true\n');
  }, 60_000);

  test('on Ctrl-C writes what it has, gives the target back, and leaves no result of what it did not run', async () => {
    const { status, output } = await run({ 'a/ok': 'conforms', 'a/hang': 'hang', 'a/never': 'conforms' }, { when: '[1/3]', times: 1 });
    expect(status).toBe(0);
    expect(output).toContain('target given back');
    expect(output).toContain('complete: false');
    expect([record().complete, record().scenarios.map(({ id }) => id)]).toEqual([false, ['a/ok']]);
    expect(allure().map(({ name }) => name)).toEqual(['Title of a/ok']);
  }, 60_000);

  test('refuses scenarios of the same name, and a directory of somebody else', async () => {
    const { status, output } = await run({ 'a/ok': 'conforms' }).then(() => {
      rmSync(join(directory, 'out', 'run.json'));
      return run({ 'a/ok': 'conforms' });
    });
    expect(status).toBe(9);
    expect(output).toMatch(/^Error out: expected an empty directory or an earlier run's/);
    rmSync(join(directory, 'out'), { recursive: true });
  }, 60_000);

  test('a run of nothing is a run', async () => {
    await run({});
    expect(record()).toMatchObject({ complete: true, scenarios: [] });
  }, 60_000);
});
