import { defineCall } from '../../rules.js';
import { E } from '../../uapi/errno.js';
import { DIRTY, HWPT } from '../../uapi/iommufd.js';
import { arg, BUFFER, type IoctlInput } from '../../vfio/checks.js';
import { load } from '../../vfio/user-memory.js';
import { answerChecks, IOAS, IOMMU, sizeChecks } from '../checks.js';
import { markDirty } from '../domain.js';
import { MOCK_IOVA, MOCK_MAPPED, mockClause, readMockTable, refusal, tableChecks, type OfMockTable } from './checks.js';

const NAME = 'IOMMU_TEST_OP_DIRTY';

const bitsOf = (c: OfMockTable): bigint => arg(c, 'length') / arg(c, 'page_size');

const bitmap = (c: OfMockTable): Uint8Array | undefined => load(c.host, c.process, { length: Number((bitsOf(c) + 7n) / 8n) }, arg(c, 'uptr'))?.values;

const misaligned = (c: OfMockTable): boolean => {
  const page = arg(c, 'page_size');
  return page === 0n || arg(c, 'length') === 0n || arg(c, 'iova') % page !== 0n || arg(c, 'length') % page !== 0n || arg(c, 'uptr') === 0n;
};

/** Bits of 16 MiB. */
const MOST_BITS = 1n << 27n;

function mark(c: OfMockTable): bigint {
  const bytes = bitmap(c)!;
  let count = 0n;
  for (let bit = 0n; bit < bitsOf(c); bit += 1n) {
    if (((bytes[Number(bit / 8n)]! >> Number(bit % 8n)) & 1) === 0) continue;
    markDirty(c.table!.domain, arg(c, 'iova') + bit * arg(c, 'page_size'));
    count += 1n;
  }
  return count;
}

const TELLING = [
  ...MOCK_MAPPED,
  { door: 'iommufd', op: 'ioctl', fd: IOMMU, call: 'IOMMU_HWPT_ALLOC', args: { dev_id: { from: 'mock.out_idev_id' }, pt_id: IOAS, flags: HWPT.DIRTY_TRACKING }, as: 'table' },
  { door: 'iommufd', op: 'ioctl', fd: IOMMU, call: 'IOMMU_HWPT_SET_DIRTY_TRACKING', args: { hwpt_id: { from: 'table.out_hwpt_id' }, flags: DIRTY.ENABLE } },
] as const;

/** Takes pages of a table as written, as a bitmap says. */
export const mockDirty = defineCall<OfMockTable, IoctlInput>({
  name: NAME,
  parameters: ['size', 'op', 'id', '__reserved', 'flags', 'iova', 'length', 'page_size', 'uptr', 'out_nr_dirty'],
  read: readMockTable,
  guards: [
    ...sizeChecks<OfMockTable>(NAME),
    refusal(`${NAME}/range`, 'A page size, length or bitmap of 0, or a range that does not begin and end at a page, is refused with EINVAL.', E.EINVAL, misaligned, { args: { page_size: 0n } }),
    refusal(`${NAME}/many`, 'More pages than 16 MiB have bits are refused with EOVERFLOW.', E.EOVERFLOW, (c) => bitsOf(c) > MOST_BITS, { args: { length: 1n << 60n } }),
    ...tableChecks<OfMockTable>(NAME),
    refusal(`${NAME}/tracking`, 'A table that tells nothing at the moment is refused with EINVAL.', E.EINVAL, ({ table }) => table!.domain.dirty?.tracking !== true, { setup: [{ door: 'iommufd', op: 'ioctl', fd: IOMMU, call: 'IOMMU_HWPT_SET_DIRTY_TRACKING', args: { hwpt_id: { from: 'table.out_hwpt_id' } } }] }),
    refusal(`${NAME}/bitmap`, 'A bitmap that cannot be read is refused with EFAULT.', E.EFAULT, (c) => bitmap(c) === undefined, { args: { uptr: 1n } }),
    {
      ...answerChecks<OfMockTable>(NAME, 'An answer that cannot be written is refused with EFAULT; the pages count as written.'),
      damage: (c) => {
        mark(c);
      },
    },
  ],
  effect: {
    clauses: [mockClause(`${NAME}/marked`, 'The pages count as written, and the answer is how many the bitmap has.')],
    apply: (c) => ({ clause: `${NAME}/marked`, status: 0, outputs: [{ index: 9, name: 'out_nr_dirty', value: mark(c), clause: `${NAME}/marked` }] }),
  },
  sample: { requires: ['mock'], fd: IOMMU, setup: TELLING, args: { id: { from: 'table.out_hwpt_id' }, iova: MOCK_IOVA, length: 0x1_0000n, page_size: 0x1_0000n, uptr: BUFFER } },
});
