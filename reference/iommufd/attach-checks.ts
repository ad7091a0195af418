import type { Guard, Violation } from '../rules.js';
import { E } from '../uapi/errno.js';
import type { Host } from '../vfio/host.js';
import { attachmentOf, type Goal } from './attach.js';
import { iommufdClause } from './checks.js';
import { areasAligned, complement, iovaAlignment, meets, pageBytes } from './ranges.js';
import { NO_PASID, type BoundDevice, type Context, type IommufdObject, type Interval, type Ioas, type PagingDomain, type Table } from './state/context.js';
import { fillChecks, type FillBreaks } from './fill-checks.js';
import { makeTable, pagingOf, tablesOf } from './tables.js';
import { vdeviceOf } from './virtual.js';

/*
 * What a change of an attachment is refused for before anything is done: the same for every call that makes one.
 * Source: Linux 7.2 drivers/iommu/iommufd/device.c iommufd_device_change_pt, io_pagetable.c.
 */

const clause = iommufdClause('device.c iommufd_device_change_pt');

/** A device that goes to a table, or to an IOAS. */
export interface Change {
  readonly host: Host;
  readonly context: Context;
  readonly device: Pick<BoundDevice, 'group' | 'driver' | 'reserved'> & Partial<BoundDevice>;
  readonly pasid: number;
  readonly object: IommufdObject | undefined;
}

export interface ChangeContext {
  readonly change: Change;
}

/** Rules of a change, in the order in which the kernel comes to them where a device is attached for the first time. */
export type ChangeRule = 'table' | 'kind' | 'paging' | 'group' | 'reserved' | 'pasid' | 'driver' | 'pasid-range' | 'virtual' | 'page-size' | 'alignment' | 'aperture';

const isTable = (object: IommufdObject | undefined): object is Table => object?.kind === 'hwpt-paging' || object?.kind === 'hwpt-nested';

const isAttached = ({ device, pasid }: Change): boolean => device.kind === 'device' && attachmentOf(device as BoundDevice, pasid) !== undefined;

/** The group is attached to another table, by a device that is not this one. */
const elsewhere = (change: Change, table: Table | undefined): boolean => {
  const attachment = change.device.group.attached.get(change.pasid);
  return attachment !== undefined && attachment.table !== table && !isAttached(change);
};

/** The table's driver is not the device's, or it would have to tell what the device cannot. */
const unsuited = ({ device, pasid }: Change, { domain }: Table): boolean =>
  domain.driver !== device.driver.name || (pasid === NO_PASID && 'dirty' in domain && !device.driver.dirtyTracking);

/** What a change comes to, as far as it can be told without doing it: the table, or none where one is to be made. */
export function goalOf(change: Change): Goal {
  const { context, object } = change;
  if (isTable(object)) return { object, table: object };
  const ioas = object as Ioas;
  // A table that does not suit the device is passed over; any other refusal is the answer.
  return { object: ioas, table: tablesOf(context, ioas).find((table) => table.automatic && !elsewhere(change, table) && !unsuited(change, table)) };
}

/** A table is to be made. */
const isNew = (change: Change): boolean => change.object?.kind === 'ioas' && goalOf(change).table === undefined;

const taken = ({ areas, allowed }: Ioas, interval: Interval): boolean => areas.firstIn(interval) !== undefined || allowed.some((other) => meets(other, interval));

/** IOVAs that the devices' IOMMU takes for itself are mapped or promised in the IOAS that they go to. */
function reservedTaken(change: Change): boolean {
  if (change.pasid !== NO_PASID) return false;
  const { table, object } = goalOf(change);
  const to = table === undefined ? (object as Ioas) : pagingOf(table).ioas;
  const attachment = change.device.group.attached.get(change.pasid);
  if (isAttached(change) && pagingOf(attachment!.table).ioas === to) return false;
  const devices = isAttached(change) ? [...attachment!.devices] : [change.device];
  return devices.some(({ reserved }) => reserved.some((interval) => taken(to, interval)));
}

/** The group goes to another table: a device that follows the others of its group, or stays where it is, is asked nothing more. */
function moves(change: Change): boolean {
  const attachment = change.device.group.attached.get(change.pasid);
  return attachment === undefined || (isAttached(change) && attachment.table !== goalOf(change).table);
}

/** A table that was not made for PASIDs would meet one that is attached. One that is made by attaching never was. */
function pasidClash(change: Change): boolean {
  if (!moves(change)) return false;
  const { attached } = change.device.group;
  const suits = goalOf(change).table?.pasids === true;
  if (change.pasid === NO_PASID) return !suits && [...attached.keys()].some((pasid) => pasid !== NO_PASID);
  return !suits || attached.get(NO_PASID)?.table.pasids === false;
}

/** The table is one of a guest that does not have the device. */
function isStranger({ context, device, object }: Change): boolean {
  return object?.kind === 'hwpt-nested' && object.viommu !== undefined && vdeviceOf(context, object.viommu, device as BoundDevice) === undefined;
}

type Shape = Pick<PagingDomain, 'apertures' | 'pageSizes'>;

/** What is wrong with a page table for an IOAS, in the order in which it is looked at. (iopt_table_add_domain) */
export function misfit(host: Host, ioas: Ioas, shape: Shape): 'page-size' | 'alignment' | 'aperture' | undefined {
  const alignment = iovaAlignment(host, ioas, shape as PagingDomain);
  if (alignment > pageBytes(host)) return 'page-size';
  if (alignment !== iovaAlignment(host, ioas) && !areasAligned(host, ioas, alignment)) return 'alignment';
  return complement(shape.apertures).some((outside) => taken(ioas, outside)) ? 'aperture' : undefined;
}

const newMisfit = (change: Change): ReturnType<typeof misfit> => (isNew(change) ? misfit(change.host, change.object as Ioas, change.device.driver.paging!) : undefined);

interface RuleText {
  readonly text: string;
  readonly source?: string;
  readonly status: number;
  readonly when: (change: Change) => boolean;
}

const IO_PAGETABLE = 'Linux 7.2 drivers/iommu/iommufd/io_pagetable.c iopt_table_add_domain';

const RULES: Readonly<Record<ChangeRule, RuleText>> = {
  table: { text: 'A number of no object is refused with ENOENT.', status: -E.ENOENT, when: ({ object }) => object === undefined || object.kind === 'tombstone' },
  kind: { text: 'An object that is neither a page table nor an IOAS is refused with EINVAL.', status: -E.EINVAL, when: ({ object }) => !isTable(object) && object?.kind !== 'ioas' },
  paging: {
    text: 'An IOAS is refused with EOPNOTSUPP where the IOMMU has no page tables of its own to follow it.',
    source: 'Linux 7.2 drivers/iommu/iommu.c __iommu_paging_domain_alloc_flags',
    status: -E.EOPNOTSUPP,
    // A PE of POWER without a default window has none that could be made without being told (planned).
    when: (change) => isNew(change) && (change.device.driver.paging?.apertures.length ?? 0) === 0,
  },
  group: {
    text: 'A device of a group that is attached to another page table is refused with EINVAL.',
    source: 'Linux 7.2 drivers/iommu/iommufd/device.c iommufd_hw_pagetable_attach',
    status: -E.EINVAL,
    when: (change) => elsewhere(change, goalOf(change).table),
  },
  reserved: {
    text: "An IOAS in which IOVAs that the device's IOMMU takes for itself are mapped, or promised to the user, is refused with EADDRINUSE, and nothing changes.",
    source: 'Linux 7.2 drivers/iommu/iommufd/io_pagetable.c iopt_table_enforce_dev_resv_regions',
    status: -E.EADDRINUSE,
    when: reservedTaken,
  },
  pasid: {
    text: 'A PASID goes only to a table that was made for PASIDs, and only beside such a one; where a PASID is attached, the device goes only to such a one: else EINVAL.',
    source: 'Linux 7.2 drivers/iommu/iommufd/device.c iommufd_hwpt_pasid_compat',
    status: -E.EINVAL,
    when: pasidClash,
  },
  'pasid-range': {
    text: 'A PASID that the device does not have is refused with EINVAL.',
    source: 'Linux 7.2 drivers/iommu/iommu.c iommu_attach_device_pasid',
    status: -E.EINVAL,
    when: (change) => change.device.driver.pasidBits > 0 && change.pasid >= 2 ** change.device.driver.pasidBits,
  },
  virtual: {
    text: 'A nested table of a virtual IOMMU is refused with ENOENT to a device that the guest does not have.',
    source: 'Linux 7.2 drivers/iommu/iommufd/selftest.c mock_domain_nop_attach',
    status: -E.ENOENT,
    when: (change) => change.pasid === NO_PASID && moves(change) && isStranger(change),
  },
  driver: {
    text: "A page table of another driver, or one that tells what was written where the device's cannot, is refused with EINVAL.",
    source: 'Linux 7.2 drivers/iommu/iommu.c __iommu_attach_group',
    status: -E.EINVAL,
    when: (change) => isTable(change.object) && unsuited(change, change.object),
  },
  'page-size': {
    text: "An IOMMU whose smallest page is larger than the system's is refused with EINVAL.",
    source: IO_PAGETABLE,
    status: -E.EINVAL,
    when: (change) => newMisfit(change) === 'page-size',
  },
  alignment: {
    text: "Areas that the IOMMU's pages are too large for are refused with EADDRINUSE.",
    source: IO_PAGETABLE,
    status: -E.EADDRINUSE,
    when: (change) => newMisfit(change) === 'alignment',
  },
  aperture: {
    text: 'An area, or a range promised to the user, outside what the IOMMU translates is refused with EADDRINUSE.',
    source: IO_PAGETABLE,
    status: -E.EADDRINUSE,
    when: (change) => newMisfit(change) === 'aperture',
  },
};

/** What only a table that is made is looked at for: before anything else of a device that is attached, at the end of one that is not. */
const OF_NEW: readonly ChangeRule[] = ['page-size', 'alignment', 'aperture'];

/** The checks of a call that changes an attachment: those of `rules`, with what breaks them. */
export function changeChecks<C extends ChangeContext>(call: string, rules: Readonly<Partial<Record<ChangeRule, Violation | undefined>>>, fill: FillBreaks = {}): Guard<C>[] {
  const guard = (rule: ChangeRule, attached?: boolean): Guard<C> => {
    const { text, source, status, when } = RULES[rule];
    return {
      ...clause(`${call}/${rule}`, text, source),
      when: ({ change }) => (attached === undefined || isAttached(change) === attached) && when(change),
      refuse: [status],
      ...(attached !== true && rules[rule] !== undefined && { violation: rules[rule] }),
    };
  };
  const has = (rule: ChangeRule): boolean => rule in rules;
  const common = (['table', 'kind', 'paging'] as const).filter(has);
  const device = (['group', 'reserved', 'pasid', 'driver', 'pasid-range', 'virtual'] as const).filter(has);
  const table = OF_NEW.filter(has);
  const filling = (attached: boolean): Guard<C>[] =>
    fillChecks<C>(call, ({ change }) => (isAttached(change) === attached && isNew(change) ? { host: change.host, table: makeTable(0, change.object as Ioas, change.device.driver) } : undefined), attached ? {} : fill);
  const made = (attached: boolean): Guard<C>[] => [...table.map((rule) => guard(rule, attached)), ...filling(attached)];
  return [...common.map((rule) => guard(rule)), ...made(true), ...device.map((rule) => guard(rule)), ...made(false)];
}
