import { entriesOf, type IommuTable, type TableGroup } from '../../platform/table-group.js';
import { TceTable } from '../../tce/table.js';
import { TCE_READ, TCE_WRITE } from '../../tce/tce.js';
import type { Host } from '../../vfio/host.js';
import type { IommuGroup } from '../state/context.js';
import type { DomainWindow } from './windows.js';

/*
 * The TCE tables of a page table of /dev/iommu: what they hold is the page table's own, and every PE that is attached has it
 * in its windows. Everything below the windows is the platform's (reference/platform).
 */

export interface TceTables {
  readonly windows: readonly DomainWindow[];
  /** What each window's table holds, whether a PE has it or not. */
  readonly entries: readonly TceTable[];
  /** The tables that PEs have for these windows, by group. */
  readonly live: Map<string, readonly IommuTable[]>;
}

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
export function putTce(host: Host, tables: TceTables, window: number, index: number, entry: bigint): void {
  tables.entries[window]!.put(index, entry);
  if (tables.live.size === 0) return;
  for (const live of tables.live.values()) host.platform.put(live[window]!, index, entry);
}

/** The group's accesses go by these tables from now on, and by no window that was there before. */
export function attachTables(host: Host, tables: TceTables, group: IommuGroup): void {
  const pe = groupTable(host, group);
  if (host.tceTables.get(group.name) === tables) return;
  detachTables(host, host.tceTables.get(group.name), group);
  const live = tables.windows.map((window, slot) => {
    const table = host.platform.createTable(pe, slot, window, window.start);
    for (const [index, entry] of tables.entries[slot]!.written()) host.platform.put(table, index, entry);
    host.platform.setWindow(pe, slot, table);
    return table;
  });
  tables.live.set(group.name, live);
  host.tceTables.set(group.name, tables);
}

/** No access of the group goes by these tables any more. Where others are in force by now, nothing is left to do. */
export function detachTables(host: Host, tables: TceTables | undefined, group: IommuGroup): void {
  if (tables === undefined || host.tceTables.get(group.name) !== tables) return;
  const pe = groupTable(host, group);
  tables.live.get(group.name)?.forEach((table, slot) => {
    for (const index of written(table)) host.platform.put(table, index, 0n);
    host.platform.unsetWindow(pe, slot, table);
  });
  tables.live.delete(group.name);
  host.tceTables.delete(group.name);
}

/** Entries that are not zero: all are cleared before the window goes. */
const written = (table: IommuTable): number[] =>
  [...table.window.table.written()].map(([index]) => index).filter((index) => index < entriesOf(table));

function groupTable(host: Host, { name }: IommuGroup): TableGroup {
  const group = host.groups.get(name);
  if (group === undefined) throw new Error(`The machine has no PE '${name}'.`);
  return group.table;
}
