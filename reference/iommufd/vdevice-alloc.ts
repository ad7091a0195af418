import { PPC64_DRIVER_NAME } from '../iommu-drivers.js';
import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { arg, type Ioctl, type IoctlInput } from '../vfio/checks.js';
import type { Host } from '../vfio/host.js';
import { answerChecks, IOMMU, iommufdClause, objectOf, readIommufd, sizeChecks, type IommufdContext } from './checks.js';
import { planned } from './ppc64/plan.js';
import { DEVICE, NO_SUCH_OBJECT, SECOND_DEVICE, VDEVICE_ALLOC, VIOMMU, WITH_VIOMMU } from './samples.js';
import { freeId, type BoundDevice, type Viommu } from './state/context.js';
import { vdevicesOf } from './virtual.js';

const NAME = 'IOMMU_VDEVICE_ALLOC';
const clause = iommufdClause('viommu.c iommufd_vdevice_alloc_ioctl');

interface VdeviceAlloc extends IommufdContext {
  readonly viommu: Viommu | undefined;
  readonly bound: BoundDevice | undefined;
}

const noViommu: Guard<VdeviceAlloc> = {
  ...clause(`${NAME}/viommu`, 'A number of no virtual IOMMU is refused with ENOENT.'),
  when: ({ viommu }) => viommu === undefined,
  refuse: [-E.ENOENT],
  violation: { args: { viommu_id: NO_SUCH_OBJECT } },
};

const noDevice: Guard<VdeviceAlloc> = {
  ...clause(`${NAME}/device`, 'A number of no device is refused with ENOENT.'),
  when: ({ bound }) => bound === undefined,
  refuse: [-E.ENOENT],
  violation: { args: { dev_id: NO_SUCH_OBJECT } },
};

const otherIommu: Guard<VdeviceAlloc> = {
  ...clause(`${NAME}/iommu`, 'A device behind another physical IOMMU is refused with EINVAL.'),
  when: ({ viommu, bound }) => viommu!.driver.name !== bound!.driver.name,
  refuse: [-E.EINVAL],
};

/** What its events are about. */
const otherPe: Guard<VdeviceAlloc> = {
  ...planned('open', "our suggestion: a virtual IOMMU stands for a PE, and its queue tells of that PE's errors")(`${NAME}/ppc64-pe`, 'A device of another PE than the one that the virtual IOMMU was made for is refused with EINVAL.'),
  when: ({ viommu, bound }) => viommu!.driver.name === PPC64_DRIVER_NAME && viommu!.group !== bound!.group,
  refuse: [-E.EINVAL],
};

const hasOne: Guard<VdeviceAlloc> = {
  ...clause(`${NAME}/device-taken`, 'A device that is a virtual one already, of whichever virtual IOMMU, is refused with EEXIST.'),
  when: ({ context, bound }) => [...context.objects.values()].some((object) => object.kind === 'vdevice' && object.device === bound),
  refuse: [-E.EEXIST],
  violation: { setup: [VDEVICE_ALLOC], args: { virt_id: 0x100n } },
};

const idTaken: Guard<VdeviceAlloc> = {
  ...clause(`${NAME}/id-taken`, 'A virtual number that another device of the virtual IOMMU has is refused with EEXIST.'),
  when: (c) => vdevicesOf(c.context, c.viommu!).some(({ virtualId }) => virtualId === arg(c, 'virt_id')),
  refuse: [-E.EEXIST],
  violation: { setup: [VDEVICE_ALLOC, SECOND_DEVICE], args: { dev_id: { from: 'second.out_idev_id' } } },
};

/** IOMMU_VDEVICE_ALLOC: names a device as the guest's virtual IOMMU knows it. */
export const vdeviceAlloc = defineCall<VdeviceAlloc, IoctlInput>({
  name: NAME,
  parameters: ['size', 'viommu_id', 'dev_id', 'out_vdevice_id', 'virt_id'],
  read(host: Host, ioctl: Ioctl) {
    const c = readIommufd(host, ioctl);
    return { ...c, viommu: objectOf(c.context, arg(c, 'viommu_id'), 'viommu'), bound: objectOf(c.context, arg(c, 'dev_id'), 'device') };
  },
  guards: [...sizeChecks<VdeviceAlloc>(NAME), noViommu, noDevice, otherIommu, otherPe, hasOne, idTaken, answerChecks<VdeviceAlloc>(NAME)],
  effect: {
    clauses: [clause(`${NAME}/made`, 'The virtual IOMMU is in use from then on; where the device goes first, nobody gets the number of its virtual one again.')],
    apply(c) {
      const id = freeId(c.context);
      c.context.objects.set(id, { kind: 'vdevice', id, viommu: c.viommu!, device: c.bound!, virtualId: arg(c, 'virt_id') });
      return { clause: `${NAME}/made`, status: 0, outputs: [{ index: 3, name: 'out_vdevice_id', value: BigInt(id), clause: `${NAME}/made` }] };
    },
  },
  sample: { requires: ['mock'], fd: IOMMU, setup: WITH_VIOMMU, args: { viommu_id: VIOMMU, dev_id: DEVICE, virt_id: 0x99n } },
});
