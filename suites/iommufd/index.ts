import { negativeScenarios } from '../../harness/build/negatives.js';
import type { Scenario } from '../../harness/scenario.js';
import { IOMMUFD_RULES_LIST } from '../../reference/iommufd/calls.js';
import { scenarios as attach } from './attach.js';
import { scenarios as devices } from './devices.js';
import { scenarios as faults } from './faults.js';
import { scenarios as hwQueues } from './hw-queue.js';
import { scenarios as invalidate } from './invalidate.js';
import { scenarios as flows } from './flows.js';
import { scenarios as groups } from './groups.js';
import { scenarios as mock } from './mock.js';
import { scenarios as automatic } from './automatic.js';
import { scenarios as copy } from './copy.js';
import { scenarios as files } from './files.js';
import { scenarios as map } from './map.js';
import { scenarios as objects } from './objects.js';
import { scenarios as ppc64 } from './ppc64/index.js';
import { scenarios as pasids } from './pasid.js';
import { scenarios as viommus } from './viommu.js';
import { scenarios as options } from './options.js';
import { scenarios as processes } from './processes.js';
import { scenarios as ranges } from './ranges.js';
import { scenarios as sizes } from './sizes.js';
import { scenarios as unmap } from './unmap.js';
import { scenarios as withTable } from './with-table.js';

/** Every rule alone and every two in order. */
const negatives = IOMMUFD_RULES_LIST.filter(({ name }) => /^(IOMMU|VFIO_DEVICE)_/.test(name)).flatMap((call) => negativeScenarios('iommufd', call));

/** The door of /dev/iommu. */
export const scenarios: readonly Scenario[] = [...objects, ...sizes, ...map, ...automatic, ...ranges, ...copy, ...unmap, ...options, ...files, ...processes, ...withTable, ...devices, ...attach, ...groups, ...mock, ...flows, ...faults, ...viommus, ...hwQueues, ...invalidate, ...pasids, ...ppc64, ...negatives];
