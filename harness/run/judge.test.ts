import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify as yaml } from 'yaml';
import { ModelTarget } from '../../adapters/model/model-target.js';
import { programToJson } from '../../reference/doors/json.js';
import { PROFILES } from '../../reference/profiles.js';
import { jsonText, readRun, RunFiles, RunFilesError } from '../../reports/files.js';
import { withProfile } from '../profiled-target.js';
import type { Scenario } from '../scenario.js';
import { FAULT, HEAD, MACHINE, runOf, runOn, SUITE } from './again.fixture.js';
import { judgeRun, type Judged, type Judging } from './judge.js';

let directory = '';
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'judge-'));
  await runOf(directory);
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

const profileOf = (name: string): Judging['profile'] => PROFILES.find((profile) => profile.name === name)!;
const judge = (by: Partial<Judging> = {}): Judged[] => [
  ...judgeRun(directory, readRun(directory).scenarios, { profile: profileOf('lopar'), ledger: directory, sensitive: false, scenarios: SUITE, ...by }),
];
const verdicts = (all: readonly Judged[]): string[] => all.map(({ result }) => result.record.verdict);
const as = (id: string, all = judge()): Judged => all.find(({ before }) => before.id === id)!;

/** Writes the traces anew. */
function changeTraces(change: (line: string, number: number) => string): void {
  const file = join(directory, 'traces.jsonl');
  writeFileSync(file, readFileSync(file, 'utf8').split('\n').map((line, i) => (line === '' ? line : change(line, i + 1))).join('\n'));
}

/** The ledger of the system, with its fault. */
function knowTheFault(sensitive = false): void {
  const program = programToJson({ operations: SUITE[1]!.program.operations });
  const texts = { title: 'Any count', firstSeen: '', consequence: '', evidence: '', upstream: '' };
  const entry = { id: 'M01', clauses: ['H_STUFF_TCE/count'], mutant: FAULT, versions: { from: '0', to: '0' }, ...texts, sensitive, program };
  writeFileSync(join(directory, 'model.yaml'), yaml({ system: 'model', choices: {}, entries: [entry] }));
}

describe('a run that is judged anew', () => {
  it('comes to the same, to the last word, where nothing has changed', () => {
    const all = judge();
    expect(verdicts(all)).toEqual(['conforms', 'departs', 'skipped', 'conforms', 'departs', 'conforms', 'conforms']);
    for (const { before, result } of all) expect({ ...result.record, trace: before.trace }).toEqual({ ...before, trace: before.trace });
    expect(all.map(({ how }) => how)).toEqual(['judged', 'judged', 'untraced', 'judged', 'judged', 'judged', 'judged']);
  });

  it('is known where the ledger has learnt of the fault, and no more where it has forgotten it', () => {
    knowTheFault();
    expect(as('x/stuff/513').result.record).toMatchObject({ verdict: 'known', ledger: ['M01'] });
    rmSync(join(directory, 'model.yaml'));
    expect(as('x/stuff/513').result.record).toMatchObject({ verdict: 'departs', departures: [{ clause: 'H_STUFF_TCE/count' }] });
  });

  it('does not show what the ledger marks sensitive, unless asked', () => {
    knowTheFault(true);
    expect(as('x/stuff/513').result).toMatchObject({ record: { verdict: 'known', reason: 'M01: sensitive, shown with --sensitive' }, steps: [] });
    expect(as('x/stuff/513', judge({ sensitive: true })).result.record.departures).toHaveLength(1);
  });

  it('is judged by another profile, on the machine as that profile has it', () => {
    expect(verdicts(judge({ profile: profileOf('qemu') }))).toContain('departs');
    expect(as('x/stuff/513', judge({ profile: profileOf('qemu') })).result.record.verdict).toBe('conforms');
  });

  it('starts from the machine as it was found, whatever the profile of the run has made of it', async () => {
    const scenarios: Scenario[] = [{ id: 'x/merged', title: '', clauses: [], requires: ['unsafe-interrupts'], program: { operations: [] } }];
    const ids = scenarios.map(({ id }) => id);
    const files = new RunFiles(directory, HEAD, ids);
    await runOn(directory, scenarios, files, withProfile(new ModelTarget(undefined, 'model:pseries'), profileOf('linux-7.2')));
    files.finish(true);
    const needing = (requires: string[], profile: string): unknown =>
      judge({ scenarios: scenarios.map((scenario) => ({ ...scenario, requires })), profile: profileOf(profile) })[0]!.result.record;
    expect(needing(['no-paging'], 'linux-7.2')).toMatchObject({ verdict: 'conforms' });
    expect(needing(['ppc64-paging'], 'linux-7.2')).toMatchObject({ verdict: 'skipped', reason: 'the target lacks ppc64-paging' });
    expect(needing(['ppc64-paging'], 'lopar')).toMatchObject({ verdict: 'conforms' });
  });

  it('is judged by its steps alone where the scenario has another program now, or is no more', () => {
    const claims = [{ says: '', clause: 'memory/contents', holds: 'equal', loads: ['a', 'b'] }] as const;
    const other = SUITE.map((scenario): Scenario => (scenario.id === 'x/stuff/513' ? { ...scenario, program: SUITE[0]!.program, claims } : scenario));
    expect(as('x/stuff/513', judge({ scenarios: other }))).toMatchObject({ how: 'other', result: { record: { verdict: 'departs' } } });
    expect(as('x/stuff/513', judge({ scenarios: [] }))).toMatchObject({ how: 'other', result: { record: { verdict: 'departs', title: 'Of 513' } } });
  });
});

describe('a trace that cannot be judged', () => {
  const broken = (id: string): unknown => {
    const { how, result } = as(id);
    expect([how, result.record.verdict]).toEqual(['broken', 'inconclusive']);
    expect(result.record.reason).not.toContain('\n');
    return result.record.reason;
  };

  it('is one whose line is cut off; the others are judged', () => {
    changeTraces((line, number) => (number === 2 ? line.slice(0, 200) : line));
    expect(broken('x/stuff/513')).toBe('traces.jsonl:2: expected the whole trace of x/stuff/513; the line is cut off or no JSON');
    expect(verdicts(judge()).filter((verdict) => verdict === 'inconclusive')).toHaveLength(1);
  });

  it('is the last one where the file is cut off, and every one after that', () => {
    const file = join(directory, 'traces.jsonl');
    const lines = readFileSync(file, 'utf8').split('\n');
    writeFileSync(file, `${lines.slice(0, 4).join('\n')}\n${lines[4]!.slice(0, -1)}`);
    expect(broken('x/last')).toMatch(/^traces\.jsonl:5: expected the whole trace/);
    expect(broken('x/stuff/1')).toBe('traces.jsonl:6: expected the trace of x/stuff/1; there is no such line');
  });

  it('is one whose observations are fewer than its operations', () => {
    changeTraces((line, number) => {
      const trace = JSON.parse(line) as { observations: unknown[] };
      return number === 1 ? jsonText({ ...trace, observations: trace.observations.slice(1) }) : line;
    });
    expect(broken('x/stuff/512')).toMatch(/^traces\.jsonl:1: expected a whole trace; Expected \d+ observations/);
  });

  it('is one that stops although the system was alive', () => {
    changeTraces((line) => {
      const trace = JSON.parse(line) as { observations: unknown[] };
      return jsonText({ ...trace, observations: trace.observations.map((observation, i) => (i === 0 ? observation : { kind: 'not-run' })) });
    });
    expect(broken('x/stuff/512')).toMatch(/did not run although the system was alive/);
  });

  it('is one of another scenario, of no machine, or of observations that are none', () => {
    changeTraces((line, number) => {
      const trace = JSON.parse(line) as object;
      return jsonText({ ...trace, ...[{ scenario: 'x/other' }, { machine: 'machines.jsonl:7' }, { observations: [{ kind: 'smell' }] }][number - 1] });
    });
    expect(broken('x/stuff/512')).toMatch(/it is that of x\/other/);
    expect(broken('x/stuff/513')).toMatch(/expected the place of a machine's description; got machines\.jsonl:7/);
    expect(broken('x/outside')).toMatch(/^traces\.jsonl:3: expected a whole trace; observations\.0/);
  });

  it('is none: a verdict without a trace is no verdict, and what was skipped stays skipped', () => {
    const record = readRun(directory);
    const scenarios = record.scenarios.map(({ trace: _, ...scenario }) => scenario);
    writeFileSync(join(directory, 'run.json'), jsonText({ ...record, scenarios }));
    const all = judge();
    expect(verdicts(all)).toEqual(['inconclusive', 'inconclusive', 'skipped', ...Array<string>(4).fill('inconclusive')]);
    expect(as('x/stuff/512', all).result.record.reason).toBe('no trace; the run said: conforms');
  });
});

describe('a run of before machines were kept', () => {
  it('is refused in one line', () => {
    rmSync(join(directory, 'machines.jsonl'));
    expect(() => judge()).toThrow(RunFilesError);
    expect(() => judge()).toThrow(/^[^\n]*expected machines\.jsonl, which says on what machines the traces were made[^\n]*$/);
  });

  it('so is one whose machine is no machine', () => {
    writeFileSync(join(directory, 'machines.jsonl'), '{"schema":"papr-conformance/machine/1"}\n');
    expect(() => judge()).toThrow(/expected the description of a machine in machines\.jsonl:1; name: /);
  });
});

describe('what a run keeps', () => {
  const valid = (schema: string, value: unknown): unknown => {
    const read = JSON.parse(readFileSync(join(__dirname, '..', '..', 'reports', 'schema', schema), 'utf8')) as object;
    const validate = new Ajv2020({ strict: true, strictRequired: false }).compile(read);
    validate(value);
    return validate.errors;
  };

  it('is as the schemas of traces and machines have it', () => {
    expect(valid('machine.schema.json', MACHINE)).toBeNull();
    expect(valid('machine.schema.json', { schema: 'papr-conformance/machine/1' })).not.toBeNull();
    const lines = readFileSync(join(directory, 'traces.jsonl'), 'utf8').trim().split('\n');
    expect(lines).toHaveLength(6);
    for (const line of lines) expect(valid('trace.schema.json', JSON.parse(line))).toBeNull();
    expect(valid('trace.schema.json', { ...(JSON.parse(lines[0]!) as object), extra: 1 })).not.toBeNull();
  });
});
