import { negativeScenarios } from '../../harness/build/negatives.js';
import type { Scenario } from '../../harness/scenario.js';
import { KVM_HCALL_RULES, KVM_IOCTL_RULES } from '../../reference/kvm/calls.js';

/** Every rule alone and every two in order. */
const negatives = [...KVM_IOCTL_RULES, ...KVM_HCALL_RULES].flatMap((call) => negativeScenarios('kvm', call));

/** KVM's TCE tables: their making, their entries, and the windows that follow them. */
export const scenarios: readonly Scenario[] = [...negatives];
