import { negativeScenarios } from '../../harness/build/negatives.js';
import type { Scenario } from '../../harness/scenario.js';
import { IOMMUFD_RULES_LIST } from '../../reference/iommufd/calls.js';
import { scenarios as objects } from './objects.js';

/** Every rule alone and every two in order. */
const negatives = IOMMUFD_RULES_LIST.filter(({ name }) => name.startsWith('IOMMU_')).flatMap((call) => negativeScenarios('iommufd', call));

/** The door of /dev/iommu. */
export const scenarios: readonly Scenario[] = [...objects, ...negatives];
