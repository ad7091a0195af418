import { PPC64_DRIVER_NAME } from '../../iommu-drivers.js';
import { E } from '../../uapi/errno.js';
import type { HardwareDomain } from '../state/context.js';
import { attachTables, detachTables, makeTceTables, mappingPermission, putTce, windowNumber, type TceTables } from './tce-tables.js';
import { aperturesOf, commonPageSizes, type DomainWindow } from './windows.js';

/** A page table of POWER: one TCE table for each of its windows, which every attached PE has. */
export interface WindowsDomain extends HardwareDomain {
  readonly tables: TceTables;
}

export const isWindowsDomain = (domain: object): domain is WindowsDomain => 'tables' in domain;

/** A page table with these windows, empty. Nothing translates by it before a PE is attached. */
export function makeWindowsDomain(windows: readonly DomainWindow[]): WindowsDomain {
  const tables = makeTceTables(windows);
  return {
    driver: PPC64_DRIVER_NAME,
    apertures: aperturesOf(windows),
    pageSizes: commonPageSizes(windows),
    tables,
    map({ iova, length, real, writeable }) {
      const entry = real | mappingPermission(writeable);
      return eachPage(tables, iova, length, (window, index, offset) => putTce(tables, window, index, entry + offset));
    },
    unmap({ iova, length }) {
      eachPage(tables, iova, length, (window, index) => putTce(tables, window, index, 0n));
    },
    attach(group) {
      attachTables(tables, group);
      return 0;
    },
    detach: (group) => detachTables(tables, group),
  };
}

/** Every I/O page of a range in one window; -EINVAL, and nothing is done, where the range is not made of such pages. */
function eachPage(tables: TceTables, iova: bigint, length: bigint, each: (window: number, index: number, offset: bigint) => void): number {
  const number = windowNumber(tables, iova);
  if (number < 0) return -E.EINVAL;
  const { start, size, pageShift } = tables.windows[number]!;
  const shift = BigInt(pageShift);
  if (((iova | length) & ((1n << shift) - 1n)) !== 0n || iova + length > start + size) return -E.EINVAL;
  const first = Number((iova - start) >> shift);
  const count = Number(length >> shift);
  for (let i = 0; i < count; i++) each(number, first + i, BigInt(i) << shift);
  return 0;
}
