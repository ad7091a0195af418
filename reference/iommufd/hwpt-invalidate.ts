import { MOCK_DRIVER } from '../iommu-drivers.js';
import { defineCall, type Expected, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { INVALIDATE_PPC64_TCES } from '../uapi/iommufd-ppc64.js';
import { arg, type Ioctl, type IoctlInput } from '../vfio/checks.js';
import type { Host } from '../vfio/host.js';
import { IOMMU, iommufdClause, readIommufd, sizeChecks, type IommufdContext } from './checks.js';
import { invalidateDevices, invalidateTable, type Done } from './invalidation.js';
import { isGuestDomain } from './ppc64/guest-domain.js';
import type { GuestTables } from './ppc64/guest-tables.js';
import { UPDATE_CLAUSES, updateGuest } from './ppc64/guest-updates.js';
import { pageBytes } from './ranges.js';
import { ENTRY, NESTED, NO_SUCH_OBJECT, SELFTEST, TABLE, WITH_NESTED } from './samples.js';
import type { IommufdObject } from './state/context.js';

const NAME = 'IOMMU_HWPT_INVALIDATE';
const clause = iommufdClause('hw_pagetable.c iommufd_hwpt_invalidate');
const mock = iommufdClause('selftest.c mock_domain_cache_invalidate_user, mock_viommu_cache_invalidate');

interface Invalidate extends IommufdContext {
  readonly object: IommufdObject | undefined;
}

/** IOMMU_HWPT_INVALIDATE_ENTRY_NUM_MAX. */
const MOST_ENTRIES = 1n << 19n;

const told = (entries: number, id: string): readonly Expected[] => [{ index: 5, name: 'entry_num', value: BigInt(entries), clause: id }];

/** A refusal says that no entry is done. */
const refusing = (guard: Guard<Invalidate>): Guard<Invalidate> => ({ ...guard, outputs: () => told(0, `${NAME}/counted`) });

const reserved = refusing({
  ...clause(`${NAME}/__reserved`, 'A __reserved other than 0 is refused with EOPNOTSUPP.'),
  when: (c) => arg(c, '__reserved') !== 0n,
  refuse: [-E.EOPNOTSUPP],
  violation: { args: { __reserved: 1n } },
});

const badArray = refusing({
  ...clause(`${NAME}/entries`, `Entries without a pointer, of no bytes or of more than a page, or more than ${MOST_ENTRIES} of them are refused with EINVAL; no entries have no such rule.`),
  when: (c) =>
    arg(c, 'entry_num') > 0n && (arg(c, 'data_uptr') === 0n || arg(c, 'entry_len') === 0n || arg(c, 'entry_len') > pageBytes(c.host) || arg(c, 'entry_num') > MOST_ENTRIES),
  refuse: [-E.EINVAL],
  violation: { args: { entry_len: 0n } },
});

const noObject = refusing({
  ...clause(`${NAME}/object`, 'A number of no object is refused with ENOENT.'),
  when: ({ object }) => object === undefined || object.kind === 'tombstone',
  refuse: [-E.ENOENT],
  violation: { args: { hwpt_id: NO_SUCH_OBJECT } },
});

const otherKind = refusing({
  ...clause(`${NAME}/kind`, 'An object that is neither a nested page table nor a virtual IOMMU is refused with EINVAL.'),
  when: ({ object }) => object!.kind !== 'hwpt-nested' && object!.kind !== 'viommu',
  refuse: [-E.EINVAL],
  violation: { args: { hwpt_id: TABLE } },
});

/** The table of a guest of a PE as planned. */
const guestOf = (object: IommufdObject | undefined): GuestTables | undefined => (object?.kind === 'hwpt-nested' && isGuestDomain(object.domain) ? object.domain.guest : undefined);

/** The type that entries for the object must have; undefined where its driver knows none. */
const typeOf = ({ object }: Invalidate): number | undefined =>
  object?.kind === 'viommu' ? object.driver.viommu?.deviceEntries : guestOf(object) !== undefined ? INVALIDATE_PPC64_TCES : object?.kind === 'hwpt-nested' && object.kept !== undefined ? MOCK_DRIVER.viommu?.tableEntries : undefined;

/** Where the driver keeps nothing. */
const noOperation = refusing({
  ...clause(`${NAME}/operation`, 'Where the driver keeps nothing of a virtual IOMMU, or of a nested table, that could be invalidated, EOPNOTSUPP.'),
  when: (c) => typeOf(c) === undefined,
  refuse: [-E.EOPNOTSUPP],
});

const wrongType = refusing({
  ...mock(`${NAME}/type`, 'Entries of a type that the driver does not have are refused with EINVAL, even where there are none.'),
  when: (c) => arg(c, 'data_type') !== BigInt(typeOf(c)!),
  refuse: [-E.EINVAL],
  violation: { args: { data_type: 0xdad_beefn } },
});

const CHECKS: readonly Guard<Invalidate>[] = [reserved, badArray, noObject, otherKind, noOperation, wrongType];

const work = (c: Invalidate): Done => (guestOf(c.object) !== undefined ? updateGuest(c, guestOf(c.object)!) : c.object!.kind === 'viommu' ? invalidateDevices(c, c.object) : c.object!.kind === 'hwpt-nested' ? invalidateTable(c, c.object) : { entries: 0, status: 0 });

/** The answer is always written, also of a call that is refused: where it cannot be, nobody knows what was done. */
const answerless: Guard<Invalidate> = {
  ...clause(`${NAME}/answer-pointer`, 'An answer that cannot be written is refused with EFAULT, whatever else is wrong; what was to be invalidated is.'),
  when: (c) => c.pointer === 'read-only',
  refuse: [-E.EFAULT],
  damage(c) {
    if (!CHECKS.some((check) => check.when(c))) work(c);
  },
  violation: { pointer: 'read-only' },
};

/** IOMMU_HWPT_INVALIDATE: what is kept of a guest's page table, or by a guest's devices, is kept no longer. */
export const hwptInvalidate = defineCall<Invalidate, IoctlInput>({
  name: NAME,
  parameters: ['size', 'hwpt_id', 'data_uptr', 'data_type', 'entry_len', 'entry_num', '__reserved'],
  read(host: Host, ioctl: Ioctl) {
    const c = readIommufd(host, ioctl);
    return { ...c, object: c.context.objects.get(Number(arg(c, 'hwpt_id'))) };
  },
  guards: [...sizeChecks<Invalidate>(NAME), answerless, ...CHECKS],
  effect: {
    clauses: [
      clause(`${NAME}/counted`, 'entry_num becomes the number of entries that were done: 0 where the call is refused before the first.'),
      mock(`${NAME}/done`, 'Entries are done in order, to the first that is wrong.'),
      mock(`${NAME}/entry`, 'An entry that cannot be read is refused with EFAULT, an unknown flag with EOPNOTSUPP, a place that there is not and a device that the guest has not with EINVAL; those before it are done.'),
      mock(`${NAME}/entry-length`, 'Entries for a page table have the length that the driver knows, else EINVAL; those for devices may be shorter, and what lies beyond is zero, else E2BIG.', 'Linux 7.2 include/linux/iommu.h iommu_copy_struct_from_user_array, iommu_copy_struct_from_full_user_array'),
      ...UPDATE_CLAUSES,
    ],
    statuses: [0, -E.EINVAL, -E.EOPNOTSUPP, -E.EFAULT, -E.E2BIG, -E.EPERM],
    apply(c) {
      const { entries, status } = work(c);
      return { clause: `${NAME}/${clauseOf(c, status)}`, status, outputs: told(entries, `${NAME}/counted`) };
    },
  },
  sample: { requires: ['mock'], fd: IOMMU, setup: WITH_NESTED, args: { hwpt_id: NESTED, data_uptr: ENTRY, data_type: SELFTEST, entry_len: 8n, entry_num: 1n } },
});

/** Bytes of an entry as the driver has it. */
const KNOWN = { 'hwpt-nested': 8n, viommu: 12n } as const;

const clauseOf = (c: Invalidate, status: number): string =>
  guestOf(c.object) !== undefined ? (status === 0 ? 'ppc64-entered' : 'ppc64-refused') : status === 0 ? 'done' : arg(c, 'entry_len') === KNOWN[c.object!.kind as keyof typeof KNOWN] ? 'entry' : 'entry-length';
