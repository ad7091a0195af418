import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { DIRTY, HWPT } from '../uapi/iommufd.js';
import { arg, BUFFER, type IoctlInput } from '../vfio/checks.js';
import { load, writable, write } from '../vfio/user-memory.js';
import { BOUND_AND_IOAS, DEVICE_ID } from './bound-device.js';
import { IOAS, IOMMU, iommufdClause, sizeChecks } from './checks.js';
import { noTable, notSupported, readTable, type OfTable } from './device-calls.js';
import { dirtyWithin } from './domain.js';
import { iovaAlignment } from './ranges.js';
import type { Interval } from './state/context.js';

/* What devices have written, as far as their page tables can tell. Source: Linux 7.2 drivers/iommu/iommufd/io_pagetable.c. */

const SET = 'IOMMU_HWPT_SET_DIRTY_TRACKING';
const GET = 'IOMMU_HWPT_GET_DIRTY_BITMAP';

const TABLE = { from: 'table.out_hwpt_id' };
const alloc = (flags: bigint) => ({ door: 'iommufd', op: 'ioctl', fd: IOMMU, call: 'IOMMU_HWPT_ALLOC', args: { dev_id: DEVICE_ID, pt_id: IOAS, flags }, as: 'table' }) as const;

const WITH_BUFFER = [...BOUND_AND_IOAS, { door: 'user', op: 'map', length: 0x1_0000n, protection: 'rw', as: 'buffer' }] as const;

/** A table that tells what was written, and one that does not. */
const TELLING = [...WITH_BUFFER, alloc(HWPT.DIRTY_TRACKING)];
const SILENT = [...WITH_BUFFER, alloc(0n)];

const setClause = iommufdClause('hw_pagetable.c iommufd_hwpt_set_dirty_tracking; io_pagetable.c iopt_set_dirty_tracking');
const getClause = iommufdClause('hw_pagetable.c iommufd_hwpt_get_dirty_bitmap; io_pagetable.c iommufd_check_iova_range');

const silent = (call: typeof SET | typeof GET, clause: typeof setClause): Guard<OfTable> =>
  notSupported(`${call}/silent`, clause, 'A page table made without DIRTY_TRACKING refuses with EOPNOTSUPP.', ({ table }) => table!.domain.dirty === undefined, { instead: SILENT });

/** IOMMU_HWPT_SET_DIRTY_TRACKING: from now on what is written is told, or no longer. */
export const setDirtyTracking = defineCall<OfTable, IoctlInput>({
  name: SET,
  parameters: ['size', 'flags', 'hwpt_id', '__reserved'],
  read: readTable,
  guards: [
    ...sizeChecks<OfTable>(SET),
    notSupported(`${SET}/flags`, setClause, 'An unknown flag is refused with EOPNOTSUPP; __reserved is not looked at.', (c) => (arg(c, 'flags') & ~DIRTY.ENABLE) !== 0n, { args: { flags: 2n } }),
    noTable(SET, setClause),
    silent(SET, setClause),
  ],
  effect: {
    clauses: [setClause(`${SET}/set`, 'With ENABLE nothing counts as written yet; writes are told from now on. Without, no longer.')],
    apply(c) {
      const dirty = c.table!.domain.dirty!;
      dirty.tracking = (arg(c, 'flags') & DIRTY.ENABLE) !== 0n;
      if (dirty.tracking) dirty.pages.clear();
      return { clause: `${SET}/set`, status: 0 };
    },
  },
  sample: { fd: IOMMU, setup: TELLING, args: { hwpt_id: TABLE, flags: DIRTY.ENABLE } },
});

const lastOf = (c: OfTable): bigint => arg(c, 'iova') + BigInt.asUintN(64, arg(c, 'length') - 1n);

const misaligned = (c: OfTable, unit: bigint): boolean => ((arg(c, 'iova') | (lastOf(c) + 1n)) & BigInt.asUintN(64, unit - 1n)) !== 0n;

const invalid = (rule: string, text: string, when: (c: OfTable) => boolean, violation: Guard<OfTable>['violation'], status: number = -E.EINVAL): Guard<OfTable> => ({
  ...getClause(`${GET}/${rule}`, text),
  when,
  refuse: [status],
  ...(violation && { violation }),
});

/** The part of the range that areas follow without a hole: what lies after a hole is not looked at. */
function covered({ table }: OfTable, { first, last }: Interval): Interval | undefined {
  let next = first;
  for (const area of table!.ioas.areas.within({ first, last })) {
    if (area.first > next) break;
    next = area.last + 1n;
  }
  if (next === first) return undefined;
  return { first, last: next - 1n < last ? next - 1n : last };
}

/** Sets a bit for each page that was written, and leaves all others as they are; what cannot be written stays told. */
function tell(c: OfTable): void {
  const { domain } = c.table!;
  const [iova, unit, data] = [arg(c, 'iova'), arg(c, 'page_size'), arg(c, 'data')];
  const range = covered(c, { first: iova, last: lastOf(c) });
  if (range === undefined) return;
  for (const page of dirtyWithin(domain, range)) {
    const bit = (page.first - iova) / unit;
    const at = BigInt.asUintN(64, data + bit / 8n);
    const byte = load(c.host, c.process, { length: 1 }, at)?.values[0];
    if (byte === undefined || !writable(c.process, at, 1)) continue;
    write(c.host, c.process, at, Uint8Array.of(byte | (1 << Number(bit % 8n))));
  }
  if ((arg(c, 'flags') & DIRTY.NO_CLEAR) === 0n) for (const { number } of [...dirtyWithin(domain, range)]) domain.dirty!.pages.delete(number);
}

const SAMPLE_IOVA = 0x2000_0000n;

/** IOMMU_HWPT_GET_DIRTY_BITMAP: a bit for each page that was written since it was asked last. */
export const getDirtyBitmap = defineCall<OfTable, IoctlInput>({
  name: GET,
  parameters: ['size', 'hwpt_id', 'flags', '__reserved', 'iova', 'length', 'page_size', 'data'],
  read: readTable,
  guards: [
    ...sizeChecks<OfTable>(GET),
    notSupported(`${GET}/flags`, getClause, 'An unknown flag, or a __reserved other than 0, is refused with EOPNOTSUPP.', (c) => (arg(c, 'flags') & ~DIRTY.NO_CLEAR) !== 0n || arg(c, '__reserved') !== 0n, { args: { flags: 2n } }),
    noTable(GET, getClause),
    invalid('overflow', 'A range that goes past the last IOVA is refused with EOVERFLOW, and so is one of no bytes that does not begin at 0.', (c) => lastOf(c) >= 1n << 64n, { args: { length: 0n } }, -E.EOVERFLOW),
    invalid('alignment', "A range that does not begin and end at a page of the IOAS's tables is refused with EINVAL.", (c) => misaligned(c, iovaAlignment(c.host, c.table!.ioas)), { args: { iova: SAMPLE_IOVA + 1n } }),
    invalid('no-page-size', 'A page size of 0 is refused with EINVAL.', (c) => arg(c, 'page_size') === 0n, { args: { page_size: 0n, iova: 0n, length: 0n } }),
    invalid('page-size', 'A range that does not begin and end at a page of the size that was asked for is refused with EINVAL.', (c) => misaligned(c, arg(c, 'page_size')), { args: { page_size: 1n << 36n } }),
    silent(GET, getClause),
  ],
  effect: {
    clauses: [
      getClause(`${GET}/told`, 'A bit is set for each page that was written, none is cleared; with NO_CLEAR they are told again. Areas after a hole, and a bitmap that cannot be written, are passed over without a word.', 'Linux 7.2 drivers/iommu/iommufd/io_pagetable.c iommu_read_and_clear_dirty; iova_bitmap.c'),
    ],
    apply(c) {
      tell(c);
      return { clause: `${GET}/told`, status: 0 };
    },
  },
  sample: {
    fd: IOMMU,
    setup: TELLING,
    args: { hwpt_id: TABLE, iova: SAMPLE_IOVA, length: 0x10_0000n, page_size: 0x1_0000n, data: BUFFER },
  },
});
