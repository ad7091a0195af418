import type { Target } from '../../adapters/target.js';
import { loadScenarios } from '../catalogue.js';
import type { KnownDepartures } from '../known.js';
import { chooseVariant, qualify } from '../qualify.js';
import { sideBySide, type Qualify } from '../run/side-by-side.js';
import type { Scenario } from '../scenario.js';
import type { Figure } from './figure.js';

/** Seconds from the command to the last verdict, by target, from a boot and from a snapshot. */
const WHOLE_GOALS: Readonly<Record<string, { readonly boot: number; readonly snapshot?: number }>> = {
  'lab:pseries': { boot: 90, snapshot: 60 },
  'lab:powernv': { boot: 180 },
};
/** Seconds for a fresh machine, where one can be had from a snapshot. */
const FRESH_GOALS: Readonly<Record<string, number>> = { 'lab:pseries': 5 };
const EXCHANGES_GOAL = 1.2;

/** Figures of a Linux kernel: everything that destroys nothing, from the start of this process on, and a machine after damage. */
export async function linuxBench(open: () => Promise<[Target, ...Target[]]>, knownOf: (target: Target) => KnownDepartures, snapshot: boolean): Promise<Figure[]> {
  const machines = await open();
  const [target, ...others] = machines;
  try {
    const opened = sinceStart();
    const on = { target, known: knownOf(target), destructive: false };
    const scenarios = loadScenarios().filter((scenario) => scenario.destructive !== true && 'variant' in chooseVariant(scenario, on));
    const seconds: number[] = [];
    const timing = (machine: Target): Qualify => async (scenario) => {
      const started = performance.now();
      const result = await qualify(scenario, { ...on, target: machine });
      seconds.push((performance.now() - started) / 1000);
      return result;
    };
    const run = sideBySide(scenarios, [timing(target), ...others.map(timing)], () => false);
    for (const scenario of scenarios) await run(scenario);
    const whole = sinceStart();
    const exchanges = machines.reduce((sum, machine) => sum + (machine.exchanges ?? 0), 0);
    const { name, disposable } = target.variants[0];
    const goal = WHOLE_GOALS[name]?.[snapshot ? 'snapshot' : 'boot'];
    return [
      { name: `${name}: from the command until it is open`, value: opened, unit: 'seconds' },
      { name: `${name}: from the command to the last of ${scenarios.length} verdicts${others.length === 0 ? '' : ` on ${machines.length} machines`}`, value: whole, unit: 'seconds', ...(goal !== undefined && { goal: { atMost: goal } }) },
      { name: `${name}: a scenario, the median`, value: median(seconds), unit: 'seconds' },
      { name: `${name}: a scenario, the longest`, value: Math.max(...seconds), unit: 'seconds' },
      { name: `${name}: exchanges a scenario`, value: exchanges / scenarios.length, unit: 'exchanges', goal: { atMost: EXCHANGES_GOAL } },
      ...(disposable ? [await fresh(target, on.known, scenarios[0]!)] : []),
    ];
  } finally {
    await Promise.all(machines.map((machine) => machine.close()));
  }
}

/** Giving a machine up, until the first verdict on the next: the second time, when a saved machine is there. */
async function fresh(target: Target, known: KnownDepartures, scenario: Scenario): Promise<Figure> {
  const { name } = target.variants[0];
  const renewed = async (): Promise<unknown> => {
    await target.renew();
    return qualify(scenario, { target, known, destructive: false });
  };
  await renewed();
  const goal = FRESH_GOALS[name];
  return { name: `${name}: a fresh machine`, value: await timed(renewed), unit: 'seconds', ...(goal !== undefined && { goal: { atMost: goal } }) };
}

const sinceStart = (): number => performance.now() / 1000;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
