import { IOMMUFD_RULES } from './iommufd/calls.js';
import { KVM_RULES } from './kvm/calls.js';
import { PAPR_RULES } from './papr/calls.js';
import type { RuleBook } from './rules.js';
import { VFIO_RULES } from './vfio/calls.js';

/** Every call of every door, as the specification has them. */
export const REFERENCE_RULES: RuleBook = new Map([...PAPR_RULES, ...VFIO_RULES, ...IOMMUFD_RULES, ...KVM_RULES]);
