import { TceTable } from '../../tce/table.js';
import { TCE_READ, TCE_WRITE } from '../../tce/tce.js';
import type { IommuGroup } from '../state/context.js';
import type { DomainWindow, TceTables } from '../state/tce-tables.js';

export type { TceTables } from '../state/tce-tables.js';

/*
 * Entries of the TCE tables of a page table of /dev/iommu, and the PEs that have them. Everything below the windows is the
 * platform's (reference/platform).
 */

export const makeTceTables = (windows: readonly DomainWindow[]): TceTables => ({
  windows,
  entries: windows.map(({ size, pageShift }) => new TceTable(Number(size >> BigInt(pageShift)))),
  live: new Map(),
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

/** The group's accesses go by these tables from now on, and by no window that was there before. */
export function attachTables(tables: TceTables, group: IommuGroup): void {
  if (group.tables === tables) return;
  detachTables(group.tables, group);
  const { platform, pe } = hardwareOf(group);
  const windows = tables.windows.map((window, slot) => {
    const table = platform.createTable(pe, slot, window, window.start);
    for (const [index, entry] of tables.entries[slot]!.written()) platform.put(table, index, entry);
    platform.setWindow(pe, slot, table);
    return table;
  });
  tables.live.set(group, { platform, windows });
  group.tables = tables;
}

/** No access of the group goes by these tables any more. Where others are in force by now, nothing is left to do. */
export function detachTables(tables: TceTables | undefined, group: IommuGroup): void {
  if (tables === undefined || group.tables !== tables) return;
  const { platform, pe } = hardwareOf(group);
  tables.live.get(group)?.windows.forEach((table, slot) => {
    for (const [index] of [...table.window.table.written()]) platform.put(table, index, 0n);
    platform.unsetWindow(pe, slot, table);
  });
  tables.live.delete(group);
  group.tables = undefined;
}

function hardwareOf({ name, hardware }: IommuGroup): NonNullable<IommuGroup['hardware']> {
  if (hardware === undefined) throw new Error(`'${name}' is no PE: it has no windows.`);
  return hardware;
}
