import { defineCall } from '../../rules.js';
import { E } from '../../uapi/errno.js';
import { arg, type Ioctl, type IoctlInput } from '../../vfio/checks.js';
import type { Host } from '../../vfio/host.js';
import { changed } from '../attach.js';
import { changeChecks, goalOf, type ChangeContext } from '../attach-checks.js';
import { answerChecks, IOAS, IOMMU, objectOf, readIommufd, sizeChecks, type IommufdContext } from '../checks.js';
import { freeId, NO_PASID, type MockDevice, type Table } from '../state/context.js';
import { MOCK, MOCK_STDEV, mockClause, refusal } from './checks.js';

const NAME = 'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE';

interface Replace extends IommufdContext, ChangeContext {
  readonly seen: MockDevice | undefined;
}

const perform = ({ host, context, seen, change }: Replace): Table => changed(host, context, seen!.device, NO_PASID, goalOf(change), freeId(context));

/** The device goes over to another page table or IOAS. */
export const mockDomainReplace = defineCall<Replace, IoctlInput>({
  name: NAME,
  parameters: ['size', 'op', 'id', '__reserved', 'pt_id'],
  read(host: Host, ioctl: Ioctl) {
    const c = readIommufd(host, ioctl);
    const seen = objectOf(c.context, arg(c, 'id'), 'mock-device');
    // Without a device the first check decides; the others look at nothing then.
    const device = seen?.device ?? { group: { name: '', owner: undefined, bound: 0, attached: new Map() }, driver: { name: '', dirtyTracking: false, pasidBits: 0, ats: false }, reserved: [] };
    return { ...c, seen, change: { host, context: c.context, device, pasid: NO_PASID, object: c.context.objects.get(Number(arg(c, 'pt_id'))) } };
  },
  guards: [
    ...sizeChecks<Replace>(NAME),
    refusal(`${NAME}/id`, 'A number of no device of the test driver is refused with ENOENT.', E.ENOENT, ({ seen }) => seen === undefined, { args: { id: 0n } }),
    ...changeChecks<Replace>(NAME, { table: { args: { pt_id: 0x7fff_ffffn } }, kind: { args: { pt_id: MOCK_STDEV } }, pasid: undefined, driver: undefined, virtual: undefined, alignment: undefined, aperture: undefined }),
    {
      ...answerChecks<Replace>(NAME, 'An answer that cannot be written is refused with EFAULT; the device has gone over.'),
      damage: (c) => {
        perform(c);
      },
    },
  ],
  effect: {
    clauses: [mockClause(`${NAME}/replaced`, 'The device has gone over; what it left is let go, and ends where it was made by attaching.')],
    apply: (c) => ({ clause: `${NAME}/replaced`, status: 0, outputs: [{ index: 4, name: 'pt_id', value: BigInt(perform(c).id), clause: `${NAME}/replaced` }] }),
  },
  sample: { requires: ['mock'], fd: IOMMU, setup: MOCK, args: { id: MOCK_STDEV, pt_id: IOAS } },
});
