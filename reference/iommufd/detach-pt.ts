import { defineCall } from '../rules.js';
import { arg, badPointer, DEVICE, tooShort, unknownFlags, type IoctlInput } from '../vfio/checks.js';
import { detach } from './attach.js';
import { ATTACH_IOAS, BOUND_AND_IOAS, nodeClause, pasidMissing, readNode, WITH_PASID, type NodeContext } from './bound-device.js';
import { NO_PASID } from './state/context.js';

const NAME = 'VFIO_DEVICE_DETACH_IOMMUFD_PT';

/** VFIO_DEVICE_DETACH_IOMMUFD_PT: no access of the device reaches memory any more, once its whole group is detached. */
export const detachPt = defineCall<NodeContext, IoctlInput>({
  name: NAME,
  parameters: ['argsz', 'flags', 'pasid'],
  read: readNode,
  guards: [badPointer(NAME), tooShort(NAME, 8n), unknownFlags(NAME, WITH_PASID), pasidMissing(NAME, 12n)],
  effect: {
    clauses: [nodeClause(`${NAME}/detached`, 'The device is detached, also where it was not attached; with the last device of its group no access reaches memory.', 'Linux 7.2 drivers/iommu/iommufd/device.c iommufd_hw_pagetable_detach')],
    apply(c) {
      const pasid = (arg(c, 'flags') & WITH_PASID) === 0n ? NO_PASID : Number(arg(c, 'pasid'));
      detach(c.host, c.bound.iommufd.context, c.bound.device, pasid);
      return { clause: `${NAME}/detached`, status: 0 };
    },
  },
  sample: { fd: DEVICE, setup: [...BOUND_AND_IOAS, ATTACH_IOAS], args: {} },
});
