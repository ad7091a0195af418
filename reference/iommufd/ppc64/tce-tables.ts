import { TceTable } from '../../tce/table.js';
import { TCE_READ, TCE_WRITE } from '../../tce/tce.js';
import type { IommuGroup } from '../state/context.js';
import type { DomainWindow, TceTables } from '../state/tce-tables.js';
import { MOST_WINDOWS, windowsOverlap } from './windows.js';

export type { TceTables } from '../state/tce-tables.js';

/*
 * Entries of the TCE tables of a page table of /dev/iommu, and the PEs that have them. Everything below the windows is the
 * platform's (reference/platform).
 */

export const makeTceTables = (windows: readonly DomainWindow[]): TceTables => ({
  windows,
  entries: windows.map(({ size, pageShift }) => new TceTable(Number(size >> BigInt(pageShift)))),
  live: new Map(),
  separate: false,
});

/**
 * Permission bits of a mapping: whatever the device may write it may read. Source: Linux 7.2 platforms/pseries/iommu.c
 * tce_build_pSeries, tce_buildmulti_pSeriesLP; platforms/powernv/pci-ioda-tce.c pnv_tce_build.
 */
export const mappingPermission = (writeable: boolean): bigint => (writeable ? TCE_READ | TCE_WRITE : TCE_READ);

/** The number of the window that holds a bus address; -1 outside all of them. */
export const windowNumber = ({ windows }: TceTables, iova: bigint): number =>
  windows.findIndex(({ start, size }) => iova >= start && iova < start + size);

/** Writes an entry: into the table, and into the window of every PE that has it. */
export function putTce(tables: TceTables, window: number, index: number, entry: bigint): void {
  tables.entries[window]!.put(index, entry);
  if (tables.live.size === 0) return;
  for (const { platform, windows } of tables.live.values()) platform.put(windows[window]!, index, entry);
}

/** The group's accesses go by these tables from now on, and by no window that was there before but of tables that they can be beside. */
export function attachTables(tables: TceTables, group: IommuGroup): void {
  const before = group.tables ?? [];
  if (before.includes(tables)) return;
  const kept = besides(tables, before) ? before : [];
  if (kept.length === 0) for (const other of before) detachTables(other, group);
  const { platform, pe } = hardwareOf(group);
  const slot = kept.reduce((sum, { windows }) => sum + windows.length, 0);
  const windows = tables.windows.map((window, i) => {
    const table = platform.createTable(pe, slot + i, window, window.start);
    for (const [index, entry] of tables.entries[i]!.written()) platform.put(table, index, entry);
    platform.setWindow(pe, slot + i, table);
    return table;
  });
  tables.live.set(group, { platform, windows, slot });
  group.tables = [...kept, tables];
}

/** Tables can be in force beside others where each has windows of its own, and the PE has room for all. */
export const besides = (tables: TceTables, others: readonly TceTables[]): boolean =>
  [tables, ...others].every(({ separate }) => separate) &&
  others.reduce((sum, { windows }) => sum + windows.length, tables.windows.length) <= MOST_WINDOWS &&
  others.every(({ windows }) => windows.every((one) => tables.windows.every((other) => !windowsOverlap([one, other]))));

/** No access of the group goes by these tables any more. Where others are in force by now, nothing is left to do. */
export function detachTables(tables: TceTables, group: IommuGroup): void {
  const live = tables.live.get(group);
  if (live === undefined) return;
  const { platform, pe } = hardwareOf(group);
  live.windows.forEach((table, i) => {
    for (const [index] of [...table.window.table.written()]) platform.put(table, index, 0n);
    platform.unsetWindow(pe, live.slot + i, table);
  });
  tables.live.delete(group);
  group.tables = (group.tables ?? []).filter((other) => other !== tables);
}

function hardwareOf({ name, hardware }: IommuGroup): NonNullable<IommuGroup['hardware']> {
  if (hardware === undefined) throw new Error(`'${name}' is no PE: it has no windows.`);
  return hardware;
}
