import { describe, expect, it } from '@jest/globals';
import { ModelTarget } from '../../adapters/model/model-target.js';
import { judgeTrace } from '../../harness/oracle.js';
import { LINUX_IOMMUFD_DEVICE_MUTANTS } from '../../reference/mutants/linux-iommufd-device.js';
import { REFERENCE_RULES } from '../../reference/rule-book.js';
import type { RuleBook } from '../../reference/rules.js';
import { scenarios } from './index.js';

/** Whether a system with these rules departs somewhere. */
function caught(rules: RuleBook, clauses: readonly string[]): boolean {
  const target = new ModelTarget(rules);
  return scenarios.some(({ clauses: verified, requires, program }) => {
    if (!clauses.some((clause) => verified.includes(clause))) return false;
    const variant = target.variants.find(({ capabilities }) => requires.every((capability) => capabilities.has(capability)));
    if (variant === undefined) return false;
    try {
      return judgeTrace(target.runNow(program, variant.machine), variant.machine, REFERENCE_RULES).departures.length > 0;
    } catch {
      // Without a check the model may have nothing to go on with: that shows too.
      return true;
    }
  });
}

describe('a fault of /dev/iommu', () => {
  it.each(LINUX_IOMMUFD_DEVICE_MUTANTS)('$id shows in a scenario', ({ change, clauses }) => {
    expect(caught(change(REFERENCE_RULES), clauses)).toBe(true);
    expect(caught(REFERENCE_RULES, clauses)).toBe(false);
  });
});
