import type { Host } from '../vfio/host.js';
import { claim, giveBack, type DeviceFacts } from './groups.js';
import { reserve, unreserve } from './ranges.js';
import { NO_PASID, type Attachment, type BoundDevice, type Context, type IommufdObject, type Ioas, type Table } from './state/context.js';
import { answerAll } from './state/fault-queue.js';
import { isWindowsDomain } from './ppc64/paging-domain.js';
import { besides } from './ppc64/tce-tables.js';
import { addTable, letGo, makeTable, pagingOf, removeTable } from './tables.js';
import { leaveTombstone, vdeviceOf } from './virtual.js';

/*
 * Devices of a context, and the page tables that they are attached to. What is refused before anything is done, the checks say;
 * what is refused on the way leaves everything as it was. Source: Linux 7.2 drivers/iommu/iommufd/device.c.
 */

/** A device becomes the context's. (iommufd_device_bind) */
export function bindDevice(host: Host, context: Context, facts: DeviceFacts, id: number): BoundDevice {
  const device: BoundDevice = { kind: 'device', id, ...facts };
  claim(host, facts.group, context);
  context.objects.set(id, device);
  return device;
}

/** It is so no longer: detached from everything, and with the last of its group the group is the host's again. */
export function unbindDevice(host: Host, context: Context, device: BoundDevice): void {
  leaveTombstone(context, device);
  for (const pasid of [...device.group.attached.keys()].reverse()) detach(host, context, device, pasid);
  context.objects.delete(device.id);
  giveBack(host, device.group);
}

/** The attachment that a device is in. */
export function attachmentOf(device: BoundDevice, pasid: number): Attachment | undefined {
  const attachment = device.group.attached.get(pasid);
  return attachment?.devices.has(device) === true ? attachment : undefined;
}

/** What a change came to: minus an error, or the table that is in force. */
export type Changed = { readonly refused: number } | { readonly table: Table };

/** The same where every check has passed. @throws Error where it is refused all the same */
export function changed(...asked: Parameters<typeof change>): Table {
  const result = change(...asked);
  if ('refused' in result) throw new Error(`The reference refuses what its checks have let pass: ${result.refused}.`);
  return result.table;
}

/** What an attachment is changed to: a table, or an IOAS, for which one is found (`table`) or made. */
export interface Goal {
  readonly object: Ioas | Table;
  readonly table: Table | undefined;
}

/** Attaches a device that is not, or replaces what it and its group are attached to. On an error nothing changes. */
export function change(host: Host, context: Context, device: BoundDevice, pasid: number, { object, table }: Goal, id: number): Changed {
  if (table !== undefined) {
    const refused = switchTo(host, context, device, pasid, table);
    return refused === 0 ? { table } : { refused };
  }
  const made = makeTable(id, object as Ioas, device.driver);
  const refused = addTable(host, context, made) || switchTo(host, context, device, pasid, made);
  if (refused === 0) made.automatic = true;
  else if (context.objects.get(id) === (made as IommufdObject)) removeTable(host, context, made);
  return refused === 0 ? { table: made } : { refused };
}

function switchTo(host: Host, context: Context, device: BoundDevice, pasid: number, table: Table): number {
  const refused = attachmentOf(device, pasid) === undefined ? attach(device, pasid, table) : replace(host, context, device, pasid, table);
  if (refused === 0 && pasid === NO_PASID) raiseThrough(context, device, table);
  return refused;
}

/** On a nested table of a virtual IOMMU the device raises its events there, by the number that it has there now. (mock_domain_nop_attach) */
function raiseThrough(context: Context, device: BoundDevice, table: Table): void {
  const viommu = table.kind === 'hwpt-nested' ? table.viommu : undefined;
  const { group } = device;
  if (viommu === group.virtual?.viommu) return;
  const virtual = viommu && vdeviceOf(context, viommu, device);
  group.virtual = viommu && virtual && { viommu, id: virtual.virtualId };
}

/** The first device attaches the whole group; another one of it only follows. (iommufd_hw_pagetable_attach) */
function attach(device: BoundDevice, pasid: number, table: Table): number {
  const { group } = device;
  const { ioas } = pagingOf(table);
  const refused = (pasid === NO_PASID ? reserveFor(ioas, [device]) : 0) || (group.attached.has(pasid) ? 0 : (table.domain.attach?.(group) ?? 0));
  if (refused !== 0) {
    if (pasid === NO_PASID) unreserve(ioas, device);
    return refused;
  }
  const attachment = group.attached.get(pasid) ?? { table, devices: new Set() };
  group.attached.set(pasid, attachment);
  attachment.devices.add(device);
  return 0;
}

/** The whole group goes over from one table to another; no third comes between. (iommufd_device_do_replace) */
function replace(host: Host, context: Context, { group }: BoundDevice, pasid: number, table: Table): number {
  const attachment = group.attached.get(pasid)!;
  const before = attachment.table;
  if (before === table || attachment.beside?.includes(table) === true) return 0;
  const [from, to] = [pagingOf(before).ioas, pagingOf(table).ioas];
  const moves = pasid === NO_PASID && from !== to;
  const devices = [...attachment.devices];
  const refused = (moves ? reserveFor(to, devices) : 0) || (table.domain.attach?.(group) ?? 0);
  if (refused !== 0) {
    if (moves) for (const device of devices) unreserve(to, device);
    return refused;
  }
  if (moves) for (const device of devices) unreserve(from, device);
  const joins = isBeside(table, before);
  if (joins) attachment.beside = [...(attachment.beside ?? []), before];
  else for (const other of [before, ...(attachment.beside ?? [])]) other.domain.detach?.(group);
  if (before.fault !== undefined) answerAll(before.fault, { group, pasid });
  attachment.table = table;
  if (joins) return 0;
  const gone = [before, ...(attachment.beside ?? [])];
  delete attachment.beside;
  for (const other of gone) letGo(host, context, other);
  return 0;
}

/** What the devices' IOMMU takes for itself is reserved, all of it or nothing. */
function reserveFor(ioas: Ioas, devices: readonly BoundDevice[]): number {
  for (const device of devices) {
    for (const interval of device.reserved) {
      const refused = reserve(ioas, interval, device);
      if (refused === 0) continue;
      for (const other of devices) unreserve(ioas, other);
      return refused;
    }
  }
  return 0;
}

/** The device leaves its table; with the last of its group no access reaches memory any more. Never fails. */
export function detach(host: Host, context: Context, device: BoundDevice, pasid: number): void {
  const attachment = attachmentOf(device, pasid);
  if (attachment === undefined) return;
  const { table, devices, beside = [] } = attachment;
  devices.delete(device);
  if (devices.size === 0) {
    device.group.attached.delete(pasid);
    for (const one of [table, ...beside]) one.domain.detach?.(device.group);
    if (pasid === NO_PASID) device.group.virtual = undefined;
    if (table.fault !== undefined) answerAll(table.fault, { group: device.group, pasid });
  }
  if (pasid === NO_PASID) unreserve(pagingOf(table).ioas, device);
  for (const one of [table, ...beside]) letGo(host, context, one);
}

/** Both page tables are in force at a time: each has windows of its own (the plan for POWER, choice I30). */
const isBeside = ({ domain }: Table, { domain: other }: Table): boolean => isWindowsDomain(domain) && isWindowsDomain(other) && besides(domain.tables, [other.tables]);

/** The table that a device is attached to. */
export const tableOf = (device: BoundDevice, pasid = NO_PASID): Table | undefined => attachmentOf(device, pasid)?.table;

