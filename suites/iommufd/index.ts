import { negativeScenarios } from '../../harness/build/negatives.js';
import type { Scenario } from '../../harness/scenario.js';
import { IOMMUFD_RULES_LIST } from '../../reference/iommufd/calls.js';
import { isIoctl } from '../../reference/uapi/ioctl.js';
import { scenarios as attach } from './attach.js';
import { scenarios as devices } from './devices.js';
import { scenarios as faults } from './faults.js';
import { scenarios as hwQueues } from './hw-queue.js';
import { scenarios as invalidate } from './invalidate.js';
import { scenarios as flows } from './flows.js';
import { scenarios as groups } from './groups.js';
import { scenarios as mock } from './mock.js';
import { scenarios as objects } from './objects.js';
import { scenarios as ppc64 } from './ppc64/index.js';
import { scenarios as pasids } from './pasid.js';
import { scenarios as viommus } from './viommu.js';

/** Every rule alone and every two in order. */
const negatives = IOMMUFD_RULES_LIST.filter(({ name }) => isIoctl(name)).flatMap((call) => negativeScenarios('iommufd', call));

/** The door of /dev/iommu. */
export const scenarios: readonly Scenario[] = [...objects, ...devices, ...attach, ...groups, ...mock, ...flows, ...faults, ...viommus, ...hwQueues, ...invalidate, ...pasids, ...ppc64, ...negatives];
