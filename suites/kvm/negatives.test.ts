import { describe, expect, it } from '@jest/globals';
import { KVM_HCALL_RULES, KVM_IOCTL_RULES } from '../../reference/kvm/calls.js';
import { withoutGuard } from '../../reference/mutants/mutant.js';
import { REFERENCE_RULES } from '../../reference/rule-book.js';
import { departures, negativeCases, shows } from '../negatives.fixture.js';

const cases = negativeCases('kvm', [...KVM_IOCTL_RULES, ...KVM_HCALL_RULES]);

describe('the negative scenario of a guard of KVM', () => {
  it.each(cases)('$id conforms on the model', ({ scenario }) => {
    expect(departures(scenario, REFERENCE_RULES)).toBe(0);
  });

  it.each(cases)('$id shows when a system lacks the guard', ({ id, scenario }) => {
    expect(shows(scenario, withoutGuard(REFERENCE_RULES, id))).toBe(true);
  });
});
