import { E } from '../../uapi/errno.js';
import { GUEST_TCE_LAYOUT, readPayload } from '../../uapi/iommufd-ppc64.js';
import { arg, type IoctlContext } from '../../vfio/checks.js';
import { load } from '../../vfio/user-memory.js';
import type { Done } from '../invalidation.js';
import type { GuestFault, GuestTables } from './guest-tables.js';
import { planned } from './plan.js';

/*
 * Updates of a guest's table through IOMMU_HWPT_INVALIDATE: where no kernel takes the guest's hypercalls itself, its program
 * hands them on. Nobody has decided on this; the walk in software over pinned memory is the plan's.
 */

const NAME = 'IOMMU_HWPT_INVALIDATE';
const open = planned('open', 'our suggestion; J. Gunthorpe to D. Gibson, 29 Apr 2022 (nested domain with a software walk), QEMU H_PUT_TCE');

export const UPDATE_CLAUSES = [
  open(`${NAME}/ppc64-entered`, "The entries are the guest's from now on: what a device reaches is the memory that the parent has there."),
  open(`${NAME}/ppc64-refused`, 'An entry that the guest may not make changes nothing: EINVAL outside its windows or its memory, EPERM for a write to what is only read. Those before it are made.'),
] as const;

const ERRORS: Readonly<Record<GuestFault, number>> = { outside: -E.EINVAL, unaligned: -E.EINVAL, 'not-mapped': -E.EINVAL, permission: -E.EPERM };

/** Entry by entry, to the first that is refused. */
export function updateGuest(c: IoctlContext, guest: GuestTables): Done {
  const [address, length, count] = [arg(c, 'data_uptr'), Number(arg(c, 'entry_len')), Number(arg(c, 'entry_num'))];
  for (let i = 0; i < count; i++) {
    if (length !== GUEST_TCE_LAYOUT.bytes) return { entries: i, status: -E.EINVAL };
    const bytes = load(c.host, c.process, { length }, address + BigInt(i * length))?.values;
    if (bytes === undefined) return { entries: i, status: -E.EFAULT };
    const { ioba, tce, npages, __reserved } = readPayload(GUEST_TCE_LAYOUT, bytes) as Record<'ioba' | 'tce' | 'npages' | '__reserved', bigint>;
    if (__reserved !== 0n) return { entries: i, status: -E.EOPNOTSUPP };
    const fault = guest.stuff(ioba, tce, Number(npages));
    if (fault !== undefined) return { entries: i, status: ERRORS[fault] };
  }
  return { entries: count, status: 0 };
}
