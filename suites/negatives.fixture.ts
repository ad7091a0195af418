import { ModelTarget } from '../adapters/model/model-target.js';
import { negativeScenarios } from '../harness/build/negatives.js';
import { judgeTrace } from '../harness/oracle.js';
import type { Scenario } from '../harness/scenario.js';
import { REFERENCE_RULES } from '../reference/rule-book.js';
import type { AnyCall, Guard, RuleBook } from '../reference/rules.js';

/** A guard that can be broken alone, and the scenario that does. */
export interface NegativeCase {
  readonly id: string;
  readonly guard: Guard<unknown>;
  readonly scenario: Scenario;
}

/** The guards of calls, each with the negative scenario that the harness makes of it for a suite. */
export const negativeCases = (suite: string, calls: readonly AnyCall[]): NegativeCase[] =>
  calls.flatMap((call) => {
    const alone = negativeScenarios(suite, call).filter(({ id }) => id.includes('/refuses/'));
    const breakable = (call.guards as readonly Guard<unknown>[]).filter(({ violation }) => violation !== undefined);
    return breakable.map((guard, i) => ({ id: guard.id, guard, scenario: alone[i]! }));
  });

/** The departures of a system with these rules, on every machine that the scenario can have. */
export function departures({ requires, program }: Scenario, rules: RuleBook): number {
  const target = new ModelTarget(rules);
  const machines = target.variants.filter(({ capabilities }) => requires.every((capability) => capabilities.has(capability)));
  if (machines.length === 0) throw new Error('No machine of the model has what the scenario requires.');
  return machines.reduce((sum, { machine }) => sum + judgeTrace(target.runNow(program, machine), machine, REFERENCE_RULES).departures.length, 0);
}

/** Without a check the model may have nothing to work on and throw: that shows too. */
export function shows(scenario: Scenario, rules: RuleBook): boolean {
  try {
    return departures(scenario, rules) > 0;
  } catch {
    return true;
  }
}
