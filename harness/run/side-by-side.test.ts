import { describe, expect, test } from '@jest/globals';
import type { ScenarioResult } from '../qualify.js';
import type { Scenario } from '../scenario.js';
import { sideBySide, type Qualify } from './side-by-side.js';

const scenario = (id: string): Scenario => ({ id, title: id, clauses: [], requires: [], program: { operations: [] } });
const SCENARIOS = ['a', 'b', 'c', 'd', 'e'].map(scenario);

const resultOf = ({ id, title, clauses }: Scenario): ScenarioResult => ({ record: { id, title, clauses, verdict: 'conforms', milliseconds: 0 }, steps: [] });

/** A machine that notes what it runs and lets others have their turn. */
const machine = (ran: string[]): Qualify => async (next) => {
  ran.push(next.id);
  await Promise.resolve();
  return resultOf(next);
};

async function askAll(qualify: Qualify): Promise<string[]> {
  const ids: string[] = [];
  for (const next of SCENARIOS) ids.push((await qualify(next)).record.id);
  return ids;
}

describe('machines side by side', () => {
  test('share the scenarios, each run once, and the answers come as they are asked for', async () => {
    const [left, right]: [string[], string[]] = [[], []];
    await expect(askAll(sideBySide(SCENARIOS, [machine(left), machine(right)], () => false))).resolves.toEqual(['a', 'b', 'c', 'd', 'e']);
    expect([...left, ...right].sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect([left.length > 0, right.length > 0]).toEqual([true, true]);
  });

  test('a slow machine holds no other up', async () => {
    const [quick, slow]: [string[], string[]] = [[], []];
    let release = (): void => undefined;
    const held = new Promise<void>((accept) => {
      release = accept;
    });
    const qualify = sideBySide(SCENARIOS, [async (next) => held.then(() => machine(slow)(next)), machine(quick)], () => false);
    const first = qualify(SCENARIOS[0]!);
    await qualify(SCENARIOS[4]!);
    expect([slow, quick]).toEqual([[], ['b', 'c', 'd', 'e']]);
    release();
    await expect(first).resolves.toEqual(resultOf(SCENARIOS[0]!));
  });

  test('a fault is told to whoever asks for that scenario, and the machine goes on', async () => {
    const shaky: Qualify = (next) => (next.id === 'b' ? Promise.reject(new Error('lost')) : Promise.resolve(resultOf(next)));
    const qualify = sideBySide(SCENARIOS, [shaky, shaky], () => false);
    await qualify(SCENARIOS[0]!);
    await expect(qualify(SCENARIOS[1]!)).rejects.toThrow('lost');
    await expect(qualify(SCENARIOS[4]!)).resolves.toEqual(resultOf(SCENARIOS[4]!));
  });

  test('once stopped, no machine takes another', async () => {
    const ran: string[] = [];
    await sideBySide(SCENARIOS, [machine(ran), machine(ran)], () => ran.length >= 2)(SCENARIOS[0]!);
    await Promise.resolve();
    expect(ran).toEqual(['a', 'b']);
  });

  test('one machine runs a scenario when it is asked for', async () => {
    const ran: string[] = [];
    await sideBySide(SCENARIOS, [machine(ran)], () => false)(SCENARIOS[3]!);
    expect(ran).toEqual(['d']);
  });
});
