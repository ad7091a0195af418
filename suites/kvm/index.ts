import { negativeScenarios } from '../../harness/build/negatives.js';
import type { Scenario } from '../../harness/scenario.js';
import { KVM_HCALL_RULES, KVM_IOCTL_RULES } from '../../reference/kvm/calls.js';
import { scenarios as againstVfio } from './against-vfio.js';
import { scenarios as attachment } from './attachment.js';
import { scenarios as hypercalls } from './hypercalls.js';
import { scenarios as isolation } from './isolation.js';
import { scenarios as registered } from './registered.js';
import { scenarios as several } from './several.js';
import { scenarios as slots } from './slots.js';
import { scenarios as system } from './system.js';
import { scenarios as tables } from './tables.js';
import { scenarios as together } from './together.js';

/** Every rule alone and every two in order. */
const negatives = [...KVM_IOCTL_RULES, ...KVM_HCALL_RULES].flatMap((call) => negativeScenarios('kvm', call));

/** KVM's TCE tables: their making, their entries, and the windows that follow them. */
export const scenarios: readonly Scenario[] = [
  ...system,
  ...tables,
  ...hypercalls,
  ...attachment,
  ...several,
  ...registered,
  ...againstVfio,
  ...slots,
  ...isolation,
  ...together,
  ...negatives,
];
