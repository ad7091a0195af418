import { negativeScenarios } from '../../harness/build/negatives.js';
import type { Scenario } from '../../harness/scenario.js';
import { IOMMUFD_RULES_LIST } from '../../reference/iommufd/calls.js';

/** VFIO's own ioctls on /dev/iommu: every rule alone and every two in order. */
const TYPE1 = IOMMUFD_RULES_LIST.filter(({ name }) => name.startsWith('TYPE1_') || name.startsWith('VFIO_'));
const negatives = TYPE1.flatMap((call) => negativeScenarios('compat/type1', call));

export const scenarios: readonly Scenario[] = [...negatives];
