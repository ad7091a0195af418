import type { IommuTable, Platform } from '../../platform/table-group.js';
import type { TceTable } from '../../tce/table.js';

/*
 * The TCE tables of a page table of /dev/iommu, as planned for POWER: what they hold is the page table's own, and every PE that
 * is attached has it in its windows.
 */

/** A window of a page table: what a PE translates with one TCE table. Bytes. */
export interface DomainWindow {
  /** First bus address: the PE's default one, 4 GiB, or 512 PiB. */
  readonly start: bigint;
  readonly size: bigint;
  /** log2 of the I/O page size. */
  readonly pageShift: number;
  readonly levels: number;
}

export interface TceTables {
  readonly windows: readonly DomainWindow[];
  /** What each window's table holds, whether a PE has it or not. */
  readonly entries: readonly TceTable[];
  /** The IOMMU groups for which they are in force: the PE's own table for each window, and the number of the first. */
  readonly live: Map<object, { readonly platform: Platform; readonly windows: readonly IommuTable[]; readonly slot: number }>;
  /** They can be in force beside those of other tables of the IOAS (choice I30). */
  separate: boolean;
}
