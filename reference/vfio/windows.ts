import { mayLock, regionReal, type AddressSpace, type Region } from '../memory/process.js';
import { entriesOf, type IommuTable, type WindowRequest } from '../platform/table-group.js';
import type { Chooser } from '../chooser.js';
import { systemPages, type Container, type Host, type VfioGroup } from './host.js';

/*
 * The windows of a container: making, removing, entries. Source: Linux drivers/vfio/vfio_iommu_spapr_tce.c
 * tce_iommu_create_window, tce_iommu_remove_window, tce_iommu_clear, tce_iommu_build_v2.
 */

/** log2 of the pages of a default window, bytes. */
const DEFAULT_PAGE_SHIFT = 12;

/** The default window that is promised to a container: 4 KiB pages, the size that VFIO_IOMMU_SPAPR_TCE_GET_INFO says. */
export const defaultRequest = (container: Container): WindowRequest => ({
  pageShift: DEFAULT_PAGE_SHIFT,
  size: BigInt(container.groups[0]!.description.dma32Size),
  levels: 1,
});

/** The first window, of 4 KiB pages and no larger than the default one: in a partition that is the default window, cut to size. */
export const isDefaultWindow = (container: Container, slot: number, { window: { pageShift, size } }: IommuTable): boolean =>
  slot === 0 && pageShift === DEFAULT_PAGE_SHIFT && size <= BigInt(container.groups[0]!.description.dma32Size);

/** Locked pages that a window costs its owner. */
export const windowPages = (host: Host, request: WindowRequest): bigint => systemPages(host, host.platform.tableBytes(request));

/** Pages to lock for the promised default window; 0 where none is promised. */
const pendingPages = (host: Host, container: Container): bigint =>
  container.defaultPending ? windowPages(host, defaultRequest(container)) : 0n;

/** True where the promised default window would exceed the limit of locked memory. */
export const cannotMakeDefault = (host: Host, container: Container, space: AddressSpace): boolean =>
  !mayLock(space, pendingPages(host, container), host.linux.pageShift);

/** True where a window beside the promised default would exceed it. */
export const cannotLockWindow = (host: Host, container: Container, space: AddressSpace, request: WindowRequest): boolean =>
  !mayLock(space, pendingPages(host, container) + windowPages(host, request), host.linux.pageShift);

/** Makes the default window that was promised, if it was. */
export function makePromisedDefault(host: Host, container: Container, space: AddressSpace): void {
  if (!container.defaultPending) return;
  container.defaultPending = false;
  const start = BigInt(container.groups[0]!.description.dma32Start);
  makeWindowOf(host, container, space, defaultRequest(container), 0, start);
}

/** The slot that the next window takes; undefined where both are taken. */
export const freeSlot = (container: Container): number | undefined => {
  const slot = container.tables.findIndex((table) => table === undefined);
  return slot < 0 ? undefined : slot;
};

/** Makes a window in a free slot and sets it for every group. */
export function makeWindowOf(
  host: Host,
  container: Container,
  space: AddressSpace,
  request: WindowRequest,
  slot: number,
  start: bigint,
): IommuTable {
  const table = host.platform.createTable(container.groups[0]!.table, slot, request, start);
  container.tables[slot] = table;
  space.lockedPages += systemPages(host, table.lockedBytes);
  for (const group of container.groups) host.platform.setWindow(group.table, slot, table);
  return table;
}

/** Where a new window starts: the platform says; it must be clear of the other one. */
export function chooseStart(host: Host, container: Container, request: WindowRequest, slot: number, chooser: Chooser): bigint {
  const other = container.tables[1 - slot]?.window;
  const overlaps = (start: bigint): boolean => other !== undefined && start < other.start + other.size && other.start < start + request.size;
  const preferred = slot === 0 ? BigInt(container.groups[0]!.description.dma32Start) : host.linux.secondStart;
  return chooser.adopt({
    choice: 'A9',
    clause: 'VFIO_IOMMU_SPAPR_TCE_CREATE/start',
    name: 'start_addr',
    canonical: overlaps(preferred) ? host.linux.secondStart : preferred,
    permitted: (start) => !overlaps(start) && start % (1n << BigInt(request.pageShift)) === 0n && start + request.size <= 1n << 64n,
    expects: 'a multiple of the page size, clear of the other window',
    index: START_ADDR,
  });
}

/** Position of start_addr in the structure of VFIO_IOMMU_SPAPR_TCE_CREATE. */
const START_ADDR = 7;

/** The container's window that holds a bus address. */
export const windowAt = (container: Container, iova: bigint): IommuTable | undefined =>
  container.tables.find((table) => table !== undefined && iova >= table.window.start && iova < table.window.start + table.window.size);

/** Clears every entry of a table, then takes the window from every group, then gives the table's memory back. */
export function removeWindowOf(host: Host, container: Container, slot: number): void {
  const table = container.tables[slot];
  if (table === undefined) return;
  clearEntries(host, container, table, 0, entriesOf(table));
  for (const group of container.groups) host.platform.unsetWindow(group.table, slot, table);
  freeTable(host, container, slot);
}

/** Gives a table's locked memory back. */
function freeTable(host: Host, container: Container, slot: number): void {
  const table = container.tables[slot];
  if (table === undefined) return;
  container.tables[slot] = undefined;
  if (container.space !== undefined) container.space.lockedPages -= systemPages(host, table.lockedBytes);
}

/** Clears the entries in use of a range, and lets go of what they referred to. */
export function clearEntries(host: Host, { space }: Payer, table: IommuTable, first: number, count: number): void {
  const inUse = count > table.users.size ? [...table.users.keys()].filter((index) => index >= first && index < first + count) : range(first, count);
  for (const index of inUse) {
    if (!table.users.has(index)) continue;
    host.platform.put(table, index, 0n);
    release(host, space, table.users.get(index));
    table.users.delete(index);
  }
}

const range = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i);

/** Points an entry to a page of a region, or to a page pinned for it alone. Whatever was there is let go. */
export function mapEntry(host: Host, { space }: Payer, table: IommuTable, index: number, page: MappedPage): void {
  if (page.region !== undefined) page.region.mapped += 1;
  if (table.users.has(index)) release(host, space, table.users.get(index));
  host.platform.put(table, index, page.real | host.platform.permission(page.permission));
  table.users.set(index, page.region);
}

/** What an entry is to map. */
export interface MappedPage {
  readonly region: Region | undefined;
  readonly real: bigint;
  readonly permission: bigint;
}

/** A page of a region as an entry maps it. */
export const regionPage = (region: Region, address: bigint, permission: bigint): MappedPage => ({
  region,
  real: regionReal(region, address),
  permission,
});

/** Whose registered memory a table's entries map. */
type Payer = Pick<Container, 'space'>;

/** One mapping fewer; a region that nobody has registered any more goes with its last mapping. */
function release(host: Host, space: AddressSpace | undefined, region: Region | undefined): void {
  if (region === undefined) return;
  region.mapped -= 1;
  dropUnusedRegion(host, space, region);
}

/** Gives a region's pages back if no container has registered it and nothing maps it. */
export function dropUnusedRegion(host: Host, space: AddressSpace | undefined, region: Region): void {
  if (space === undefined || region.users > 0 || region.mapped > 1 || !space.regions.includes(region)) return;
  space.regions.splice(space.regions.indexOf(region), 1);
  space.lockedPages -= systemPages(host, region.length);
}

/** Attaches a group: it gets the container's windows. */
export function attachGroup(host: Host, container: Container, group: VfioGroup): void {
  container.tables.forEach((table, slot) => {
    if (table !== undefined) host.platform.setWindow(group.table, slot, table);
  });
  if (container.groups.length === 0) container.defaultPending = true;
  container.groups.unshift(group);
}

/** Detaches a group: entries cleared, windows taken from it, the host's windows back; the last group ends the driver's state. */
function detachGroup(host: Host, container: Container, group: VfioGroup): void {
  container.tables.forEach((table, slot) => {
    if (table === undefined) return;
    clearEntries(host, container, table, 0, entriesOf(table));
    host.platform.unsetWindow(group.table, slot, table);
  });
  container.groups = container.groups.filter((other) => other !== group);
  host.platform.releaseOwnership(group.table);
  if (container.groups.length === 0) endDriver(host, container);
}

/** What the driver's release gives back: tables, registered memory, the pages of VFIO_IOMMU_ENABLE. */
function endDriver(host: Host, container: Container): void {
  freeTable(host, container, 0);
  freeTable(host, container, 1);
  for (const region of container.registered) {
    region.users -= 1;
    dropUnusedRegion(host, container.space, region);
  }
  if (container.space !== undefined) container.space.lockedPages -= container.enabledPages;
  Object.assign(container, { version: undefined, enabled: false, defaultPending: false, space: undefined, enabledPages: 0n, registered: [] });
}

/** Takes a group out of its container: it goes back to the host. */
export function leaveContainer(host: Host, group: VfioGroup): void {
  const left = group.container;
  if (left === undefined) return;
  group.container = undefined;
  if (left.version !== undefined) {
    detachGroup(host, left, group);
    return;
  }
  left.groups = left.groups.filter((other) => other !== group);
  host.platform.releaseOwnership(group.table);
}
