import { describe, expect, it } from '@jest/globals';
import { ModelTarget } from '../../adapters/model/model-target.js';
import { judgeTrace } from '../../harness/oracle.js';
import type { Scenario } from '../../harness/scenario.js';
import { EEH_MUTANTS, EEH_SYSTEMATIC } from '../../reference/mutants/eeh.js';
import { REFERENCE_RULES } from '../../reference/rule-book.js';
import type { RuleBook } from '../../reference/rules.js';
import { scenarios } from './index.js';

/** Whether the system with these rules departs in the scenario, on some machine that has what it requires. */
function departs({ requires, program }: Scenario, rules: RuleBook): boolean {
  const target = new ModelTarget(rules);
  return target.variants
    .filter(({ capabilities }) => requires.every((capability) => capabilities.has(capability)))
    .some(({ machine }) => judgeTrace(target.runNow(program, machine), machine, REFERENCE_RULES).departures.length > 0);
}

describe('a system with one fault in its error states', () => {
  it.each([...EEH_MUTANTS, ...EEH_SYSTEMATIC].map((mutant) => [mutant.id, mutant] as const))('%s is caught by a scenario that verifies a clause it breaks', (_, { change, clauses }) => {
    const rules = change(REFERENCE_RULES);
    const concerned = scenarios.filter((scenario) => scenario.clauses.some((clause) => clauses.includes(clause)));
    expect(concerned.some((scenario) => departs(scenario, rules))).toBe(true);
  });
});
