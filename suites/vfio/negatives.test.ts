import { describe, expect, it } from '@jest/globals';
import { ModelTarget } from '../../adapters/model/model-target.js';
import { negativeScenarios } from '../../harness/build/negatives.js';
import { judgeTrace } from '../../harness/oracle.js';
import type { Scenario } from '../../harness/scenario.js';
import { withoutGuard } from '../../reference/mutants/mutant.js';
import { REFERENCE_RULES } from '../../reference/rule-book.js';
import type { Guard, RuleBook } from '../../reference/rules.js';
import { VFIO_RULES_LIST } from '../../reference/vfio/calls.js';

type AnyGuard = Guard<unknown>;

const breakable = (guards: readonly AnyGuard[]): AnyGuard[] => guards.filter(({ violation }) => violation !== undefined);

const cases = VFIO_RULES_LIST.flatMap((call) => {
  const alone = negativeScenarios('vfio', call).filter(({ id }) => id.includes('/refuses/'));
  return breakable(call.guards as readonly AnyGuard[]).map((guard, i) => ({ id: guard.id, guard, scenario: alone[i]! }));
});

/** The departures of a system with these rules, on every machine that the scenario can have. */
function departures({ requires, program }: Scenario, rules: RuleBook): number {
  const target = new ModelTarget(rules);
  const machines = target.variants.filter(({ capabilities }) => requires.every((capability) => capabilities.has(capability)));
  if (machines.length === 0) throw new Error('No machine of the model has what the scenario requires.');
  return machines.reduce((sum, { machine }) => sum + judgeTrace(target.runNow(program, machine), machine, REFERENCE_RULES).departures.length, 0);
}

/** Without a check the model may have nothing to work on and throw: that shows too. */
function shows(scenario: Scenario, rules: RuleBook): boolean {
  try {
    return departures(scenario, rules) > 0;
  } catch {
    return true;
  }
}

/** Guards behind which another refuses with the same status, so that lacking them cannot be told. Each with that other. */
const REDUNDANT = new Map([['VFIO_DEVICE_GET_REGION_INFO/index', 'VFIO_DEVICE_GET_REGION_INFO/vga']]);

const decided = cases.filter(({ guard }) => guard.choice === undefined && guard.status !== 'open' && !REDUNDANT.has(guard.id));

describe('the negative scenario of a VFIO guard', () => {
  it.each(cases)('$id conforms on the model', ({ scenario }) => {
    expect(departures(scenario, REFERENCE_RULES)).toBe(0);
  });

  it.each(decided)('$id shows when a system lacks the guard', ({ guard, scenario }) => {
    expect(shows(scenario, withoutGuard(REFERENCE_RULES, guard.id))).toBe(true);
  });
});
