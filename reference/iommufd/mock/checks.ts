import type { Operation } from '../../doors/operations.js';
import type { Guard, Violation } from '../../rules.js';
import { E } from '../../uapi/errno.js';
import { arg, type Ioctl } from '../../vfio/checks.js';
import type { Host } from '../../vfio/host.js';
import { IOAS, IOMMU, iommufdClause, objectOf, readIommufd, WITH_IOAS, type IommufdContext } from '../checks.js';
import type { PagingTable } from '../state/context.js';

/* What the operations of the kernel's own test driver share: IOMMU_TEST_CMD of kernels with CONFIG_IOMMUFD_TEST. */

export const mockClause = iommufdClause('selftest.c');

/** A rule of an operation. */
export const refusal = <C>(id: string, text: string, status: number, when: (c: C) => boolean, violation?: Violation): Guard<C> => ({
  ...mockClause(id, text),
  when,
  refuse: [-status],
  ...(violation && { violation }),
});

/** An operation on a page table of the test driver (get_md_pagetable). */
export interface OfMockTable extends IommufdContext {
  readonly table: PagingTable | undefined;
}

export function readMockTable(host: Host, ioctl: Ioctl): OfMockTable {
  const c = readIommufd(host, ioctl);
  return { ...c, table: objectOf(c.context, arg(c, 'id'), 'hwpt-paging') };
}

export const tableChecks = <C extends OfMockTable>(call: string): Guard<C>[] => [
  refusal<C>(`${call}/id`, 'A number of no page table that follows an IOAS is refused with ENOENT.', E.ENOENT, ({ table }) => table === undefined, { args: { id: 0n } }),
  refusal<C>(`${call}/driver`, 'A page table of another driver is refused with EINVAL.', E.EINVAL, ({ table }) => table!.domain.driver !== 'mock'),
];

/** An IOAS with a device of the test driver attached to it, and a buffer. */
export const MOCK: readonly Operation[] = [
  ...WITH_IOAS,
  { door: 'iommufd', op: 'ioctl', fd: IOMMU, call: 'IOMMU_TEST_OP_MOCK_DOMAIN', args: { id: IOAS }, as: 'mock' },
  { door: 'user', op: 'map', length: 0x2_0000n, protection: 'rw', as: 'buffer' },
];

/** Where the samples map: the test driver translates it. */
export const MOCK_IOVA = 0x2000_0000n;

/** The same with the buffer mapped, and touched so that it has pages of its own. */
export const MOCK_MAPPED: readonly Operation[] = [
  ...MOCK,
  { door: 'user', op: 'fill', address: { from: 'buffer.address' }, length: 0x1_0000, byte: 1 },
  { door: 'iommufd', op: 'ioctl', fd: IOMMU, call: 'IOMMU_IOAS_MAP', args: { flags: 7n, ioas_id: IOAS, user_va: { from: 'buffer.address' }, length: 0x1_0000n, iova: MOCK_IOVA } },
];

/** The page table that the samples' device is attached to, and the device itself. */
export const MOCK_TABLE = { from: 'mock.out_hwpt_id' } as const;
export const MOCK_STDEV = { from: 'mock.out_stdev_id' } as const;
