import { describe, expect, it } from '@jest/globals';
import { ModelTarget } from '../../adapters/model/model-target.js';
import { withoutGuard } from '../../reference/mutants/mutant.js';
import { PAPR_CALLS, PAPR_RULES } from '../../reference/papr/calls.js';
import type { Guard } from '../../reference/rules.js';
import { judgeTrace } from '../oracle.js';
import { chooseVariant } from '../qualify.js';
import { negativeScenarios } from './negatives.js';

const calls = PAPR_CALLS.filter((call) => (call.guards as Guard<unknown>[]).some((guard) => guard.violation !== undefined));
const cases = calls.flatMap((call) => {
  const alone = negativeScenarios('x', call).filter(({ id }) => id.includes('/refuses/'));
  const guards = (call.guards as Guard<unknown>[]).filter((guard) => guard.violation !== undefined);
  return guards.map((guard, i) => ({ id: guard.id, guard, scenario: alone[i]! }));
});

describe('the negative scenario of a guard', () => {
  it.each(cases)('$id is decided by that guard', ({ guard, scenario }) => {
    const target = new ModelTarget();
    const fit = chooseVariant(scenario, { target, destructive: true });
    if ('skip' in fit) throw new Error(fit.skip);
    const { machine } = fit.variant;
    const judgement = judgeTrace(target.runNow(scenario.program, machine), machine, PAPR_RULES);
    expect(judgement.departures).toEqual([]);
    expect(judgement.steps.flatMap((step) => step.clauses)).toContain(guard.id);
  });

  it.each(cases.filter(({ guard }) => guard.choice === undefined && guard.status !== 'open'))(
    '$id shows when a system lacks the guard, or another one refuses the same way',
    ({ guard, scenario }) => {
      const mutant = new ModelTarget(withoutGuard(PAPR_RULES, guard.id));
      const fit = chooseVariant(scenario, { target: mutant, destructive: true });
      if ('skip' in fit) throw new Error(fit.skip);
      const { machine } = fit.variant;
      const run = () => judgeTrace(mutant.runNow(scenario.program, machine), machine, PAPR_RULES).departures.length;
      // Without the guard the model may have nothing to work on and throw: that shows too.
      let shown: boolean;
      try {
        shown = run() > 0;
      } catch {
        shown = true;
      }
      expect(shown || REDUNDANT.has(guard.id)).toBe(true);
    },
  );
});

/** Guards behind which another refuses with the same status, so that lacking them cannot be told. Each with that other. */
const REDUNDANT = new Map([
  ['H_STUFF_TCE/ioba', 'H_STUFF_TCE/range'],
  ...['ibm,set-eeh-option', 'ibm,get-config-addr-info2', 'ibm,set-slot-reset', 'ibm,configure-pe', 'ibm,slot-error-detail'].map((call) => [`${call}/pe`, `${call}/no-eeh`] as const),
  ['H_PUT_TCE_INDIRECT/multi-table-count', 'H_PUT_TCE_INDIRECT/multi-table-liobn'],
]);
