import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { arg, badPointer, DEVICE, tooShort, unknownFlags, type Ioctl, type IoctlInput } from '../vfio/checks.js';
import type { Host } from '../vfio/host.js';
import { attachmentOf, changed, detach } from './attach.js';
import { changeChecks, goalOf, type ChangeContext } from './attach-checks.js';
import { BEYOND_LIMIT, BOUND_AND_IOAS, boundWithIoas, DEVICE_ID, mappedAt, NEIGHBOUR_ATTACHED, nodeClause, pasidMissing, readNode, UNBACKED, WITH_PASID, type NodeContext } from './bound-device.js';
import { IOAS } from './checks.js';
import { freeId, NO_PASID, type Table } from './state/context.js';

const NAME = 'VFIO_DEVICE_ATTACH_IOMMUFD_PT';

interface Attach extends NodeContext, ChangeContext {}

/** Where the apertures of the samples' IOMMUs certainly end. */
const OUTSIDE = 1n << 62n;

const perform = ({ host, bound, change: goal }: Attach): Table => changed(host, goal.context, bound.device, goal.pasid, goalOf(goal), freeId(goal.context));

/** An attachment that could not be told is taken back; one that was replaced is not put back. */
const answerless: Guard<Attach> = {
  ...nodeClause(`${NAME}/answer-pointer`, 'An answer that cannot be written is refused with EFAULT, and the device is detached, though it was attached to something before.', 'Linux 7.2 drivers/vfio/device_cdev.c vfio_df_ioctl_attach_pt'),
  when: (c) => c.pointer === 'read-only',
  refuse: [-E.EFAULT],
  damage(c) {
    perform(c);
    detach(c.host, c.change.context, c.bound.device, NO_PASID);
  },
  violation: { pointer: 'read-only' },
};

/** Which of the two came first nobody can say. */
const resetting: Guard<Attach> = {
  ...nodeClause(`${NAME}/resetting`, 'While a device of the group is being reset, attaching is refused with EBUSY; detaching never is.', 'Linux 7.2 drivers/iommu/iommu.c __iommu_group_set_domain_internal, pci_dev_reset_iommu_prepare'),
  level: 'may',
  choice: { id: 'I38', canonical: false },
  when: ({ host }) => host.racing.includes('VFIO_DEVICE_RESET'),
  refuse: [-E.EBUSY],
};

/** VFIO keeps the PASIDs of a device as numbers of 31 bits. */
const pasidTooLarge: Guard<Attach> = {
  ...nodeClause(`${NAME}/pasid-number`, 'A PASID of 2^31 and more is refused with ENOSPC, whatever it is to be attached to.', 'Linux 7.2 drivers/vfio/iommufd.c vfio_iommufd_physical_pasid_attach_ioas; lib/idr.c ida_alloc_range'),
  when: ({ change: { pasid } }) => pasid >= 2 ** 31,
  refuse: [-E.ENOSPC],
  violation: { args: { flags: WITH_PASID, pasid: 1n << 31n } },
};

/** VFIO_DEVICE_ATTACH_IOMMUFD_PT: the device's accesses go by a page table; where it is attached already, from one to the other. */
export const attachPt = defineCall<Attach, IoctlInput>({
  name: NAME,
  parameters: ['argsz', 'flags', 'pt_id', 'pasid'],
  read(host: Host, ioctl: Ioctl) {
    const c = readNode(host, ioctl);
    const { device, iommufd } = c.bound;
    const { context } = iommufd;
    const pasid = (arg(c, 'flags') & WITH_PASID) === 0n ? NO_PASID : Number(arg(c, 'pasid'));
    return { ...c, change: { host, context, device, pasid, object: context.objects.get(Number(arg(c, 'pt_id'))) } };
  },
  guards: [
    badPointer(NAME),
    tooShort(NAME, 12n),
    unknownFlags(NAME, WITH_PASID),
    pasidMissing(NAME, 16n),
    pasidTooLarge,
    ...changeChecks<Attach>(NAME, {
      table: { args: { pt_id: 0x7fff_ffffn } },
      kind: { args: { pt_id: DEVICE_ID } },
      paging: { instead: boundWithIoas('power0.dev0') },
      group: { instead: NEIGHBOUR_ATTACHED },
      reserved: { instead: boundWithIoas('reserved0.dev0'), setup: mappedAt(0xfee0_0000n) },
      pasid: undefined,
      driver: undefined,
      'pasid-range': undefined,
      virtual: undefined,
      'page-size': { instead: boundWithIoas('large0.dev0') },
      alignment: undefined,
      aperture: { setup: mappedAt(OUTSIDE) },
    }, { memory: { setup: UNBACKED }, limit: { setup: BEYOND_LIMIT } }),
    resetting,
    answerless,
  ],
  effect: {
    clauses: [
      nodeClause(`${NAME}/attached`, 'The device is attached: to the page table that was named, to one of the IOAS that suits it and was made so before, or to a new one; pt_id says which.', 'Linux 7.2 drivers/iommu/iommufd/device.c iommufd_device_auto_get_domain'),
      nodeClause(`${NAME}/replaced`, 'A device that is attached goes over with its whole group; what it was attached to is let go, and ends where it was made by attaching.', 'Linux 7.2 drivers/iommu/iommufd/device.c iommufd_device_do_replace'),
    ],
    apply(c) {
      const replaces = attachmentOf(c.bound.device, c.change.pasid) !== undefined;
      const { id } = perform(c);
      const clause = `${NAME}/${replaces ? 'replaced' : 'attached'}`;
      return { clause, status: 0, outputs: [{ index: 2, name: 'pt_id', value: BigInt(id), clause }] };
    },
  },
  sample: { fd: DEVICE, setup: BOUND_AND_IOAS, args: { pt_id: IOAS } },
});
