import { E } from '../uapi/errno.js';
import type { Host } from '../vfio/host.js';
import { pin, piecesOf, unpin } from './pages.js';
import { areasAligned, complement, iovaAlignment, pageBytes, reserve, unreserve } from './ranges.js';
import type { Area, Ioas, PagingDomain } from './state/context.js';

/*
 * The page tables of an IOAS: each has all of its areas at any time. Source: Linux 7.2 drivers/iommu/iommufd/io_pagetable.c.
 */

/** Makes a page table one of the IOAS: 0, or minus an error, and then nothing changes. (iopt_table_add_domain) */
export function addDomain(host: Host, ioas: Ioas, domain: PagingDomain): number {
  const alignment = iovaAlignment(host, ioas, domain);
  if (alignment > pageBytes(host)) return -E.EINVAL;
  if (alignment !== iovaAlignment(host, ioas) && !areasAligned(host, ioas, alignment)) return -E.EADDRINUSE;
  const refused = (ioas.separate ? 0 : reserveAround(ioas, domain)) || fillAll(host, ioas, domain);
  if (refused !== 0) unreserve(ioas, domain);
  else ioas.domains.push(domain);
  if (ioas.separate) reserveAroundAll(ioas);
  return refused;
}

/** Each page table of the IOAS has windows of its own: all of them together can be mapped. */
function reserveAroundAll(ioas: Ioas): void {
  for (const owner of [ioas.domains, ...ioas.domains]) unreserve(ioas, owner);
  const outside = ioas.domains.length === 0 ? [] : complement(ioas.domains.flatMap(({ apertures }) => apertures));
  ioas.reserved.push(...outside.map((interval) => ({ ...interval, owner: ioas.domains })));
}

/** A page table of its own windows does not have what lies in those of others. */
const has = ({ separate }: Ioas, { apertures }: PagingDomain, { first, last }: Area): boolean => !separate || apertures.some((aperture) => aperture.first <= first && last <= aperture.last);

/** All IOVAs that the page table does not translate. */
function reserveAround(ioas: Ioas, domain: PagingDomain): number {
  for (const outside of complement(domain.apertures)) {
    const refused = reserve(ioas, outside, domain);
    if (refused !== 0) return refused;
  }
  return 0;
}

function fillAll(host: Host, ioas: Ioas, domain: PagingDomain): number {
  const done: Area[] = [];
  for (const area of ioas.areas) {
    if (!has(ioas, domain, area)) continue;
    const refused = fillOne(host, ioas, area, domain);
    if (refused !== 0) {
      for (const other of done) emptyOne(host, ioas, other, domain);
      return refused;
    }
    done.push(area);
  }
  return 0;
}

/** An area into one more page table; its pages are pinned with the first one. What is only reserved is pinned already. */
function fillOne(host: Host, ioas: Ioas, area: Area, domain: PagingDomain): number {
  if (area.reserve) return 0;
  const first = !isInTable(ioas, area);
  const refused = (first ? pin(host, area) : 0) || fill(area, domain);
  if (refused !== 0 && first) unpin(host, area);
  return refused;
}

function emptyOne(host: Host, ioas: Ioas, area: Area, domain: PagingDomain): void {
  if (area.reserve) return;
  domain.unmap(rangeOf(area));
  if (!isInTable(ioas, area)) unpin(host, area);
}

/** Some page table of the IOAS has the area. */
const isInTable = (ioas: Ioas, area: Area): boolean => ioas.domains.some((domain) => has(ioas, domain, area));

/** The page table is none of the IOAS any more: its IOVAs are free, and what only it needed is unpinned. (iopt_table_remove_domain) */
export function removeDomain(host: Host, ioas: Ioas, domain: PagingDomain): void {
  ioas.domains.splice(ioas.domains.indexOf(domain), 1);
  for (const area of ioas.areas) if (has(ioas, domain, area)) emptyOne(host, ioas, area, domain);
  unreserve(ioas, domain);
  if (ioas.separate) reserveAroundAll(ioas);
  if (ioas.domains.length === 0) ioas.separate = false;
}

/** Puts new areas into the IOAS and all of its page tables: 0, or minus an error, and then nothing changes. (iopt_map_pages) */
export function addAreas(host: Host, ioas: Ioas, areas: readonly Area[]): number {
  const filled: Area[] = [];
  for (const area of areas) {
    const refused = area.reserve ? pin(host, area) : ioas.domains.length === 0 ? 0 : fillDomains(host, ioas, area);
    if (refused !== 0) {
      for (const other of filled) emptyDomains(host, ioas, other);
      return refused;
    }
    filled.push(area);
  }
  for (const area of areas) ioas.areas.add(area);
  return 0;
}

function fillDomains(host: Host, ioas: Ioas, area: Area): number {
  const domains = ioas.domains.filter((domain) => has(ioas, domain, area));
  const pinned = pin(host, area);
  if (pinned !== 0) return pinned;
  for (const [i, domain] of domains.entries()) {
    const refused = fill(area, domain);
    if (refused === 0) continue;
    for (const other of domains.slice(0, i)) other.unmap(rangeOf(area));
    unpin(host, area);
    return refused;
  }
  return 0;
}

function emptyDomains(host: Host, ioas: Ioas, area: Area): void {
  if (!area.reserve) for (const domain of ioas.domains) if (has(ioas, domain, area)) domain.unmap(rangeOf(area));
  unpin(host, area);
}

/** Takes an area out of the IOAS and its page tables. */
export function removeArea(host: Host, ioas: Ioas, area: Area): void {
  emptyDomains(host, ioas, area);
  ioas.areas.delete(area);
}

/** Enters an area piece by piece; where one is refused, those before it go again. */
function fill(area: Area, domain: PagingDomain): number {
  const done: { readonly iova: bigint; readonly length: bigint }[] = [];
  for (const piece of piecesOf(area)) {
    const refused = domain.map({ ...piece, readable: area.readable, writeable: area.writeable });
    if (refused !== 0) {
      for (const other of done) domain.unmap(other);
      return refused;
    }
    done.push(piece);
  }
  return 0;
}

const rangeOf = ({ first, last }: Area): { readonly iova: bigint; readonly length: bigint } => ({ iova: first, length: last - first + 1n });
