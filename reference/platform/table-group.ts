import type { GroupDescription } from '../description.js';
import type { Pe, Window } from '../machine.js';
import type { Region } from '../memory/process.js';

/*
 * What a driver of user-space DMA asks of the platform, for one group of devices (a PE): tables, windows, ownership. The
 * real counterpart is iommu_table_group_ops (Linux arch/powerpc/include/asm/iommu.h). Sizes and addresses are bytes.
 */

/** A window that is asked for. */
export interface WindowRequest {
  /** log2 of the I/O page size. */
  readonly pageShift: number;
  readonly size: bigint;
  /** Levels of the table. */
  readonly levels: number;
}

/** A TCE table with the window it is for. */
export interface IommuTable {
  /** The window as the hardware has it once it is set: place, size, entries. */
  readonly window: Window;
  /** Locked memory that the table costs its owner. */
  readonly lockedBytes: bigint;
  /** What each entry in use refers to: registered memory, or pages pinned for it alone (v1). */
  readonly users: Map<number, Region | undefined>;
}

/** A PE and its windows, from the host's point of view. */
export interface TableGroup {
  readonly description: GroupDescription;
  readonly pe: Pe;
  /** Taken from the host: no window of the host's is left. */
  taken: boolean;
  /** Firmware refused it a window once: where the kernel remembers that, it may never ask again. */
  refused: boolean;
}

/** What differs between platforms. */
export interface Platform {
  /** Locked memory that a table costs; 0 where there can be no such table. */
  tableBytes(request: WindowRequest): bigint;
  /** The largest run of memory that a table needs in one piece; bytes. */
  tablePiece(request: WindowRequest): bigint;
  /** A PE has at most one window beside the default one: it does not matter which of the two is made first. */
  readonly oneDynamicWindow: boolean;
  /** Whether levels 0 may be asked for. */
  readonly takesNoLevels: boolean;
  /** Several groups can share the windows of a container. */
  readonly sharesWindows: boolean;
  /** Permission bits that a mapping gets for those asked for. */
  permission(asked: bigint): bigint;
  /** A table for the window; nothing translates by it yet. `slot` is 0 or 1, `start` the first bus address. */
  createTable(group: TableGroup, slot: number, request: WindowRequest, start: bigint): IommuTable;
  /** The window translates the group's accesses. */
  setWindow(group: TableGroup, slot: number, table: IommuTable): void;
  unsetWindow(group: TableGroup, slot: number, table: IommuTable): void;
  /** Writes an entry: a real address with permission bits, or 0. */
  put(table: IommuTable, index: number, entry: bigint): void;
  /** The host's windows go: no access of the group's devices reaches memory. */
  takeOwnership(group: TableGroup): void;
  /** The host's windows come back. */
  releaseOwnership(group: TableGroup): void;
}

/** The first entry's number and the number of entries: the same arithmetic for every table. */
export const entriesOf = ({ window }: IommuTable): number => Number(window.size >> window.shift);
