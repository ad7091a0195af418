import { describe, expect, it } from '@jest/globals';
import { ModelTarget } from '../../adapters/model/model-target.js';
import { negativeScenarios } from '../../harness/build/negatives.js';
import { judgeTrace } from '../../harness/oracle.js';
import type { Scenario } from '../../harness/scenario.js';
import { KVM_HCALL_RULES, KVM_IOCTL_RULES } from '../../reference/kvm/calls.js';
import { withoutGuard } from '../../reference/mutants/mutant.js';
import { REFERENCE_RULES } from '../../reference/rule-book.js';
import type { Guard, RuleBook } from '../../reference/rules.js';

type AnyGuard = Guard<unknown>;

const cases = [...KVM_IOCTL_RULES, ...KVM_HCALL_RULES].flatMap((call) => {
  const alone = negativeScenarios('kvm', call).filter(({ id }) => id.includes('/refuses/'));
  const breakable = (call.guards as readonly AnyGuard[]).filter(({ violation }) => violation !== undefined);
  return breakable.map((guard, i) => ({ id: guard.id, scenario: alone[i]! }));
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

describe('the negative scenario of a guard of KVM', () => {
  it.each(cases)('$id conforms on the model', ({ scenario }) => {
    expect(departures(scenario, REFERENCE_RULES)).toBe(0);
  });

  it.each(cases)('$id shows when a system lacks the guard', ({ id, scenario }) => {
    expect(shows(scenario, withoutGuard(REFERENCE_RULES, id))).toBe(true);
  });
});
