import { describe, expect, test } from '@jest/globals';
import { DEPARTURE, SCENARIOS } from '../run-record.fixture.js';
import type { ScenarioRecord, StepRecord } from '../run-record.js';
import { allureAttachments, allureFields } from './result.js';

const RUN = { target: 'qemu-papr', fingerprint: 'pseries qemu-7.2.22', profile: 'lopar' };

const step = (operation: string, rest: Partial<StepRecord> = {}): StepRecord => ({
  operation,
  outcome: 'H_SUCCESS (0)',
  allowed: [],
  clauses: ['H_STUFF_TCE/store'],
  departs: false,
  audit: false,
  ...rest,
});

const shown = (record: ScenarioRecord, steps: readonly StepRecord[] = []) => ({ record, steps, trace: { steps }, replay: 'again' });
const labelsOf = (record: ScenarioRecord, name: string): string[] =>
  (allureFields(shown(record), RUN).labels ?? []).filter((label) => label.name === name).map(({ value }) => value);

describe('the Allure result of a scenario', () => {
  test.each([
    ['conforms', 'passed'],
    ['known', 'passed'],
    ['tentative', 'passed'],
    ['departs', 'failed'],
    ['fixed', 'failed'],
    ['crashed', 'broken'],
    ['inconclusive', 'broken'],
    ['skipped', 'skipped'],
  ] as const)('%s is shown as %s', (verdict, status) => {
    expect(allureFields(shown(SCENARIOS[verdict]), RUN).status).toBe(status);
    expect(labelsOf(SCENARIOS[verdict], 'verdict')).toEqual([verdict]);
  });

  test('a skipped scenario keeps its labels and says why', () => {
    expect(allureFields(shown(SCENARIOS.skipped), RUN).statusDetails).toEqual({ message: 'the target lacks ddw-reset' });
    expect(labelsOf(SCENARIOS.skipped, 'epic')).toEqual(['Dynamic DMA windows']);
    expect(labelsOf(SCENARIOS.skipped, 'parentSuite')).toEqual(['lopar']);
  });

  test('a known departure is tagged and named, not red', () => {
    const steps = [step('one'), step('two', { departs: true, allowed: ['H_P4 (-57)'] })];
    const fields = allureFields(shown(SCENARIOS.known, steps), RUN);
    expect(labelsOf(SCENARIOS.known, 'tag')).toEqual(['known', 'Q01']);
    expect(fields.statusDetails?.message).toMatch(/^known departure Q01/);
    expect(fields.steps?.map(({ name, status }) => [name, status])).toEqual([
      ['one', 'passed'],
      ['known departure Q01: two', 'passed'],
    ]);
  });

  test('a tentative departure is tagged and told, not red', () => {
    const fields = allureFields(shown(SCENARIOS.tentative, [step('one'), step('two', { departs: true })]), RUN);
    expect(labelsOf(SCENARIOS.tentative, 'tag')).toEqual(['tentative']);
    expect(fields.statusDetails?.message).toMatch(/^tentative departure\n/);
    expect(fields.steps?.map(({ name, status }) => [name, status])).toEqual([
      ['one', 'passed'],
      ['tentative departure: two', 'passed'],
    ]);
  });

  test('the step that departs fails, with what was permitted', () => {
    const steps = [step('one'), step('two', { departs: true, allowed: ['H_P4 (-57)'] })];
    const [, two] = allureFields(shown(SCENARIOS.departs, steps), RUN).steps ?? [];
    expect(two?.status).toBe('failed');
    expect(two?.parameters).toContainEqual({ name: 'permitted', value: 'H_P4 (-57)' });
  });

  test('looks at side state are folded away unless they depart', () => {
    const steps = [step('one'), step('look', { audit: true }), step('bad look', { audit: true, departs: true })];
    expect(allureFields(shown(SCENARIOS.departs, steps), RUN).steps?.map(({ name }) => name)).toEqual(['one', 'bad look']);
  });

  test('its history is that of the scenario on this kind of target, whatever the version of the system', () => {
    const other = { ...RUN, fingerprint: 'pseries qemu-9.0.0' };
    const [one, two] = [allureFields(shown(SCENARIOS.departs), RUN), allureFields(shown(SCENARIOS.departs), other)];
    expect(one.historyId).toBe(two.historyId);
    expect(one.parameters?.every(({ excluded }) => excluded === true)).toBe(true);
    expect(allureFields(shown(SCENARIOS.departs), { ...RUN, target: 'model' }).historyId).not.toBe(one.historyId);
  });

  test('a scenario without clauses belongs to the call that decided its last step', () => {
    const fields = allureFields(shown({ ...SCENARIOS.conforms, clauses: [] }, [step('one')]), RUN);
    expect(fields.labels).toContainEqual({ name: 'feature', value: 'H_STUFF_TCE' });
  });
});

describe('attachments', () => {
  test('program, trace and replay line come with a departure', () => {
    const attachments = allureAttachments(shown(SCENARIOS.departs));
    expect(attachments.map(({ name }) => name)).toEqual(['program.json', 'trace.json', 'replay']);
    expect(JSON.parse(attachments[0]?.text ?? '')).toEqual(DEPARTURE.program);
  });

  test('nothing comes with a scenario that conforms', () => {
    expect(allureAttachments(shown(SCENARIOS.conforms))).toEqual([]);
  });
});
