import { regionAround, type Region } from '../memory/process.js';
import { TCE_READ, TCE_WRITE } from '../tce/tce.js';
import type { Host } from '../vfio/host.js';
import { clearEntries, mapEntry, regionPage } from '../vfio/windows.js';
import type { Attachment, MemorySlot, SpaprTable, Vm } from './state/vm.js';

/*
 * Entries of a machine's table, and the hardware entries that follow them: one for each hardware page of the guest's I/O page.
 * Source: Linux arch/powerpc/kvm/book3s_64_vio.c kvmppc_tce_validate, kvmppc_tce_iommu_map, kvmppc_tce_iommu_unmap, kvmppc_clear_tce.
 */

const ENTRY_BYTES = 8;

export const permissionOf = (tce: bigint): bigint => tce & (TCE_READ | TCE_WRITE);

/** The guest address that an entry maps; bits below the page are not looked at yet. */
export const guestAddress = (tce: bigint): bigint => tce & ~(TCE_READ | TCE_WRITE);

/** Bytes of the guest's I/O page. */
export const pageBytes = ({ pageShift }: SpaprTable): bigint => 1n << BigInt(pageShift);

/** The number of the entry for a bus address that the table covers. */
export const indexOf = ({ pageShift, offset }: SpaprTable, ioba: bigint): bigint => (ioba >> BigInt(pageShift)) - offset;

/** What the guest stored. */
export function readEntry(host: Host, table: SpaprTable, index: bigint): bigint {
  const { values } = host.memory.bytes.load(Number(table.real) + Number(index) * ENTRY_BYTES, ENTRY_BYTES);
  return Buffer.from(values).readBigUInt64LE();
}

/** Keeps what the guest stores. */
export function storeEntry(host: Host, table: SpaprTable, index: bigint, tce: bigint): void {
  const bytes = Buffer.alloc(ENTRY_BYTES);
  bytes.writeBigUInt64LE(tce);
  host.memory.bytes.store(Number(table.real) + Number(index) * ENTRY_BYTES, bytes);
}

/** The slot that holds a guest address. */
export const slotAt = ({ slots }: Vm, address: bigint): MemorySlot | undefined => [...slots.values()].find(({ start, size }) => address >= start && address < start + size);

/** Where the guest's memory is in the process. */
export const userAddress = ({ start, address }: MemorySlot, guest: bigint): bigint => address + (guest - start);

/** What can be wrong with an entry that maps something; `partly` shows only once the entry is being mapped. */
export type Fault = 'alignment' | 'slot' | 'slot-end' | 'registered' | 'released' | 'partly';

export function faultOf(table: SpaprTable, tce: bigint): Fault | undefined {
  if (permissionOf(tce) === 0n) return undefined;
  const guest = guestAddress(tce);
  if ((guest & (pageBytes(table) - 1n)) !== 0n) return 'alignment';
  const slot = slotAt(table.vm, guest);
  if (slot === undefined) return 'slot';
  if (guest + pageBytes(table) > slot.start + slot.size) return 'slot-end';
  const address = userAddress(slot, guest);
  if (table.attached.some((attachment) => !isRegistered(table, attachment, address))) return 'registered';
  if (table.attached.some((attachment) => unregisteredPage(table, attachment, address) !== undefined)) return 'partly';
  return table.attached.some((attachment) => regionFor(table, attachment, address)!.users === 0) ? 'released' : undefined;
}

const isRegistered = (table: SpaprTable, attachment: Attachment, address: bigint): boolean => regionFor(table, attachment, address) !== undefined;

/** The registered region of the machine's process that holds a hardware page, and of which the pages are large enough. */
function regionFor({ vm }: SpaprTable, { table: { window } }: Attachment, address: bigint): Region | undefined {
  const region = regionAround(vm.space, address, 1n << window.shift);
  return region !== undefined && region.pageShift >= window.pageShift ? region : undefined;
}

/** The first hardware page of a guest's page that is not registered. */
export function unregisteredPage(table: SpaprTable, attachment: Attachment, address: bigint): number | undefined {
  for (let i = 0; i < hardwarePages(table, attachment); i++) {
    if (!isRegistered(table, attachment, address + (BigInt(i) << attachment.table.window.shift))) return i;
  }
  return undefined;
}

/** Hardware entries of one of the guest's. */
export const hardwarePages = ({ pageShift }: SpaprTable, { table: { window } }: Attachment): number => 2 ** (pageShift - window.pageShift);

/** The first of them: both tables begin at the same bus address. */
const firstPage = (table: SpaprTable, attachment: Attachment, index: bigint): number => Number(index) * hardwarePages(table, attachment);

/** What the hardware entries of a guest's entry map in one table. */
export const usersOf = (table: SpaprTable, attachment: Attachment, index: bigint): readonly (Region | undefined)[] =>
  Array.from({ length: hardwarePages(table, attachment) }, (_, i) => attachment.table.users.get(firstPage(table, attachment, index) + i));

/** Clears the hardware entries of a guest's entry in one table. */
const clearIn = (host: Host, table: SpaprTable, attachment: Attachment, index: bigint): void =>
  clearEntries(host, table.vm, attachment.table, firstPage(table, attachment, index), hardwarePages(table, attachment));

/** Points the hardware entries of a guest's entry to its page. */
export function mapIn(host: Host, table: SpaprTable, attachment: Attachment, index: bigint, tce: bigint): void {
  const guest = guestAddress(tce);
  const start = userAddress(slotAt(table.vm, guest)!, guest);
  for (let i = 0; i < hardwarePages(table, attachment); i++) {
    const address = start + (BigInt(i) << attachment.table.window.shift);
    const region = regionAround(table.vm.space, address, 1n << attachment.table.window.shift);
    if (region !== undefined) mapEntry(host, table.vm, attachment.table, firstPage(table, attachment, index) + i, regionPage(region, address, permissionOf(tce)));
  }
}

/** Stores an entry in the guest's table and in every hardware table that follows it. */
export function putEntry(host: Host, table: SpaprTable, index: bigint, tce: bigint): void {
  for (const attachment of table.attached) {
    if (permissionOf(tce) === 0n) clearIn(host, table, attachment, index);
    else mapIn(host, table, attachment, index, tce);
  }
  storeEntry(host, table, index, tce);
}

/** An entry that could be mapped in part only: hardware tables before the one that failed have it, that one has nothing, and the guest's table what it had. */
export function failEntry(host: Host, table: SpaprTable, index: bigint, tce: bigint): void {
  const guest = guestAddress(tce);
  const address = userAddress(slotAt(table.vm, guest)!, guest);
  for (const attachment of table.attached) {
    if (unregisteredPage(table, attachment, address) !== undefined) {
      clearIn(host, table, attachment, index);
      return;
    }
    mapIn(host, table, attachment, index, tce);
  }
}

/** A list's entry that maps nothing, of which the address is not registered: cleared in the hardware table that comes first. */
export function clearFirst(host: Host, table: SpaprTable, index: bigint): void {
  const [attachment] = table.attached;
  if (attachment !== undefined) clearIn(host, table, attachment, index);
}

/** True where the address of an entry is memory of the guest's, registered for every hardware table. */
export function isMapped(table: SpaprTable, tce: bigint): boolean {
  const guest = guestAddress(tce);
  const slot = slotAt(table.vm, guest);
  return slot !== undefined && table.attached.every((attachment) => unregisteredPage(table, attachment, userAddress(slot, guest)) === undefined);
}
