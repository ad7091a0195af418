import { MOCK_LARGE_PAGE_BYTES, SELFTEST_DATA, type PagingDescription } from '../iommu-drivers.js';
import { arg } from '../vfio/checks.js';
import { load } from '../vfio/user-memory.js';
import type { OfDevice } from './device-calls.js';
import { pageBytes } from './ranges.js';

/* The data that a driver takes with a page table (IOMMU_HWPT_ALLOC): that of the kernel's test driver. */

export interface TableData {
  /** The shape of the table that is asked for, where it is not the driver's usual one. */
  readonly paging?: Pick<PagingDescription, 'apertures' | 'pageSizes'>;
  /** What the test driver keeps of a nested table. */
  readonly kept?: bigint;
  readonly wrong?: 'length' | 'pointer' | 'kind';
}

/** struct iommu_hwpt_selftest: {iotlb, pagetable_type}, of which the first was there from the start. */
const LEAST = 4;
const MOST = 8;

/** Kinds of page tables: MOCK_IOMMUPT_DEFAULT, MOCK_IOMMUPT_HUGE. */
const USUAL = 0;
const LARGE = 1;

/** As large as the test driver's format is (hw_max_vasz_lg2). */
const ALL_IOVAS = { first: 0n, last: (1n << 56n) - 1n };

/** What a program gives as data, as far as the device's driver takes any. */
export function readTableData(c: OfDevice): TableData {
  const length = Number(arg(c, 'data_len'));
  if (length === 0 || arg(c, 'data_type') !== BigInt(SELFTEST_DATA)) return {};
  if (length < LEAST || length > MOST) return { wrong: 'length' };
  const bytes = load(c.host, c.process, { length }, arg(c, 'data_uptr'));
  if (bytes === undefined) return { wrong: 'pointer' };
  const kind = length < MOST ? USUAL : Buffer.from(bytes.values).readUInt32LE(LEAST);
  const object = c.context.objects.get(Number(arg(c, 'pt_id')));
  if (object?.kind !== 'ioas') return { kept: BigInt(Buffer.from(bytes.values).readUInt32LE(0)) };
  if (kind === USUAL) return {};
  return kind === LARGE ? { paging: { apertures: [ALL_IOVAS], pageSizes: MOCK_LARGE_PAGE_BYTES | pageBytes(c.host) } } : { wrong: 'kind' };
}
