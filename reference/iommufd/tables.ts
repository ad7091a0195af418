import { KEPT_PLACES, PPC64_DRIVER_NAME, type DriverDescription, type PagingDescription } from '../iommu-drivers.js';
import type { Host } from '../vfio/host.js';
import { makeDomain } from './domain.js';
import { addDomain, removeDomain } from './domains.js';
import { makeWindowsDomain } from './ppc64/paging-domain.js';
import { makeParentDomain } from './ppc64/parent-domain.js';
import { usualWindows, type DomainWindow } from './ppc64/windows.js';
import { type Context, type HardwareDomain, type IommufdObject, type Ioas, type NestedTable, type PagingTable, type Table, type Translation, type Viommu } from './state/context.js';

/* Page tables as objects: made, used, ended. Source: Linux 7.2 drivers/iommu/iommufd/hw_pagetable.c. */

/** What a page table is asked for with. */
export interface TableRequest {
  readonly nestParent?: boolean;
  readonly dirtyTracking?: boolean;
  readonly pasids?: boolean;
  /** Another kind of table than the usual one of its driver. */
  readonly paging?: Pick<PagingDescription, 'apertures' | 'pageSizes'>;
  /** The windows that it is to have (the plan for POWER). */
  readonly windows?: readonly DomainWindow[];
}

/** A page table that is no object yet. @throws Error where the driver makes none */
export function makeTable(id: number, ioas: Ioas, driver: DriverDescription, request: TableRequest = {}): PagingTable {
  const paging = request.paging ?? driver.paging;
  if (paging === undefined) throw new Error(`The driver '${driver.name}' makes no page tables.`);
  return {
    kind: 'hwpt-paging',
    id,
    ioas,
    domain: driver.name === PPC64_DRIVER_NAME ? makePpc64Domain(paging, request) : makeDomain(driver.name, paging, request.dirtyTracking === true),
    automatic: false,
    nestParent: request.nestParent === true,
    pasids: request.pasids === true,
    fault: undefined,
  };
}

/** A table that others are to rest on has memory and no windows. */
const makePpc64Domain = ({ apertures }: Pick<PagingDescription, 'apertures'>, { nestParent, windows }: TableRequest): HardwareDomain =>
  nestParent === true ? makeParentDomain() : makeWindowsDomain(windows ?? usualWindows(apertures));

/** The page table becomes an object, with all that its IOAS has: 0, or minus an error, and then nothing changes. */
export function addTable(host: Host, context: Context, table: PagingTable): number {
  const refused = addDomain(host, table.ioas, table.domain);
  if (refused === 0) context.objects.set(table.id, table);
  return refused;
}

export function removeTable(host: Host, context: Context, table: Table): void {
  if (table.kind === 'hwpt-paging') removeDomain(host, table.ioas, table.domain);
  table.domain.end?.();
  context.objects.delete(table.id);
}

/** A page table of a guest on top of another table, or of that of a virtual IOMMU, that is no object yet; the test driver keeps a word of it at each place. */
export function makeNested(id: number, on: PagingTable | Viommu, pasids: boolean, kept: bigint, domain?: Translation): NestedTable {
  const parent = on.kind === 'viommu' ? on.parent : on;
  return {
    kind: 'hwpt-nested',
    id,
    parent,
    ...(on.kind === 'viommu' && { viommu: on }),
    domain: domain ?? { driver: parent.domain.driver, translate: () => undefined },
    pasids,
    kept: Array.from({ length: KEPT_PLACES }, () => kept),
    fault: undefined,
  };
}

/** The table that follows an IOAS: itself, or that below. (find_hwpt_paging) */
export const pagingOf = (table: Table): PagingTable => (table.kind === 'hwpt-paging' ? table : table.parent);

/** Tables of an IOAS, in the order in which they were made. */
export const tablesOf = ({ objects }: Context, ioas: Ioas): PagingTable[] =>
  [...objects.values()].filter((object): object is PagingTable => object.kind === 'hwpt-paging' && object.ioas === ioas);

/** Attachments that a table is in: one for each device and PASID. */
export function attachmentsOf({ objects }: Context, table: Table): number {
  let count = 0;
  for (const object of objects.values()) {
    if (object.kind !== 'device') continue;
    for (const attachment of object.group.attached.values()) if ((attachment.table === table || attachment.beside?.includes(table) === true) && attachment.devices.has(object)) count += 1;
  }
  return count;
}

/** Another object rests on the table. */
export const tableInUse = (context: Context, table: Table): boolean => attachmentsOf(context, table) > 0 || [...context.objects.values()].some((object) => isOn(object, table));

const isOn = (object: IommufdObject, table: Table): boolean => (object.kind === 'hwpt-nested' && object.viommu === undefined && object.parent === table) || (object.kind === 'viommu' && object.parent === table);

/** Somebody let go of a table: one that was made automatically goes with the last. (iommufd_hw_pagetable_put) */
export function letGo(host: Host, context: Context, table: Table): void {
  if (table.kind === 'hwpt-paging' && table.automatic && !tableInUse(context, table)) removeTable(host, context, table);
}
