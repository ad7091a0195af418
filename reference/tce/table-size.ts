import { TCE_BYTES } from './tce.js';

/*
 * How large the TCE table of a window is, and how many levels it has: what a VFIO user is charged for (locked memory),
 * and what the host allocates. Window sizes are bytes; shifts are log2 of bytes.
 */

/** Levels a PowerNV table can have. Source: Linux powernv/pci.h. */
export const POWERNV_MAX_LEVELS = 5;
export const POWERNV_DEFAULT_LEVELS = 2;

/** The least a PowerNV table takes. Source: Linux pnv_pci_ioda2_get_table_size. */
const LEAST_TABLE = 0x1000n;

/** Address bits that IODA can translate: 55 and up are reserved. Source: Linux pnv_pci_ioda2_table_alloc_pages. */
const IODA_ADDRESS_BITS = 55;

/** ~0U: what pseries answers for levels it cannot have. Nobody can lock that much. */
export const NO_TABLE = 0xffff_ffffn;

const log2 = (value: bigint): number => value.toString(2).length - 1;
const isPowerOfTwo = (value: bigint): boolean => value > 0n && (value & (value - 1n)) === 0n;
const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const alignUp = (value: bigint, unit: bigint): bigint => ((value + unit - 1n) / unit) * unit;

/** Bytes of one entry for every page of the window, in one level. */
export const tceTableBytes = (pageShift: number, windowSize: bigint): bigint =>
  (windowSize >> BigInt(pageShift)) * BigInt(TCE_BYTES);

/**
 * The table size on pseries. Firmware owns the table, so it is of one level; 0 levels count as one.
 * Source: Linux platforms/pseries/iommu.c spapr_tce_get_table_size.
 */
export const pseriesTableSize = (pageShift: number, windowSize: bigint, levels: number): bigint =>
  levels > 1 ? NO_TABLE : windowSize >> BigInt(pageShift - 3);

/** log2 of the bytes of each level's tables: as little as the levels need together, but at least a host page. */
function levelShift(pageShift: number, windowSize: bigint, levels: number, hostPageShift: number): number {
  const entriesShift = log2(windowSize) - pageShift;
  return Math.max(Math.ceil(entriesShift / levels) + 3, hostPageShift);
}

/**
 * The table size on PowerNV: the table that the hardware reads and the copy with user-space addresses, every level of
 * both. 0 where there can be no such table.
 * Source: Linux platforms/powernv/pci-ioda.c pnv_pci_ioda2_get_table_size. The kernel does not check for a window smaller
 * than a page (its shifts are then undefined); here it is 0.
 *
 * @param hostPageShift log2 of the host's page size: 12 or 16
 */
export function powernvTableSize(pageShift: number, windowSize: bigint, levels: number, hostPageShift: number): bigint {
  if (!canHaveTable(pageShift, windowSize, levels)) return 0n;
  const direct = 1n << BigInt(levelShift(pageShift, windowSize, levels, hostPageShift));
  let level = max(LEAST_TABLE, tceTableBytes(pageShift, windowSize));
  let bytes = 0n;
  for (let left = levels; left > 0; left--) {
    bytes += alignUp(level, direct);
    level = max((level / direct) * BigInt(TCE_BYTES), direct);
  }
  return bytes * 2n;
}

const canHaveTable = (pageShift: number, windowSize: bigint, levels: number): boolean =>
  levels >= 1 && levels <= POWERNV_MAX_LEVELS && isPowerOfTwo(windowSize) && log2(windowSize) >= pageShift;

/** The shape of a table in levels. */
export interface TableLevels {
  /** 1 to 5: 1 is a table of entries alone; each further level is a table of tables. */
  readonly levels: number;
  /** log2 of the bytes of one table of a level, the same in all levels. */
  readonly levelShift: number;
}

/**
 * The levels that PowerNV makes for a window, or undefined where it refuses (-EINVAL).
 * Source: Linux platforms/powernv/pci-ioda-tce.c pnv_pci_ioda2_table_alloc_pages.
 */
export function powernvLevels(
  pageShift: number,
  windowSize: bigint,
  levels: number,
  hostPageShift: number,
): TableLevels | undefined {
  if (!canHaveTable(pageShift, windowSize, levels)) return undefined;
  const shift = levelShift(pageShift, windowSize, levels, hostPageShift);
  return (shift - 3) * levels + pageShift >= IODA_ADDRESS_BITS ? undefined : { levels, levelShift: shift };
}

/** The page allocator of a host. */
export interface HostPages {
  readonly pageShift: number;
  /** log2 of the largest block it gives, in pages: MAX_PAGE_ORDER, 8 on a 64 KiB kernel. */
  readonly maxPageOrder: number;
}

/**
 * The default window that Linux makes for a PE on PowerNV: as much of the memory as one bitmap block can serve, with pages
 * of the host's size. Source: Linux platforms/powernv/pci-ioda.c pnv_pci_ioda2_setup_default_config.
 *
 * @param memory bytes, hot-pluggable included; rounded down to a power of two
 */
export function hostDefaultWindow(memory: bigint, host: HostPages): { readonly size: bigint; readonly levels: number } {
  const blockShift = host.pageShift + host.maxPageOrder;
  const sizeShift = Math.min(blockShift + 3 + host.pageShift, log2(memory));
  const levels = Math.ceil((sizeShift - host.pageShift) / (blockShift - 3));
  return { size: 1n << BigInt(sizeShift), levels: Math.max(levels, POWERNV_DEFAULT_LEVELS) };
}

/**
 * The levels QEMU asks a VFIO host for: it begins with `first` and goes up to `most` while the host refuses.
 * Source: QEMU hw/vfio/spapr.c vfio_spapr_create_window.
 */
export function qemuVfioLevels(
  pageShift: number,
  windowSize: bigint,
  hostPageShift: number,
): { readonly first: number; readonly most: number } {
  const tableShift = log2(tceTableBytes(pageShift, windowSize));
  return {
    first: Math.ceil(tableShift / (hostPageShift + 8)),
    most: Math.floor((64 - pageShift) / hostPageShift),
  };
}
