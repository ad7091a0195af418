import { E } from '../uapi/errno.js';
import type { Host } from '../vfio/host.js';
import { EVERYTHING } from './state/areas.js';
import type { Interval, Ioas, PagingDomain } from './state/context.js';

/*
 * Which IOVAs of an IOAS can be used: what is reserved and by whom, what is allowed, what alignment its page tables ask for.
 * Source: Linux 7.2 drivers/iommu/iommufd/io_pagetable.c.
 */

export const pageBytes = ({ linux }: Host): bigint => 1n << BigInt(linux.pageShift);

export const meets = (a: Interval, b: Interval): boolean => a.first <= b.last && b.first <= a.last;

/** Reserves IOVAs for an owner; refused where some of them are mapped or were promised to the user. (iopt_reserve_iova) */
export function reserve(ioas: Ioas, interval: Interval, owner: object): number {
  if (ioas.areas.firstIn(interval) !== undefined || ioas.allowed.some((allowed) => meets(allowed, interval))) return -E.EADDRINUSE;
  ioas.reserved.push({ first: interval.first, last: interval.last, owner });
  return 0;
}

/** Gives back all that an owner reserved, and nothing of anybody else's. (iopt_remove_reserved_iova) */
export function unreserve(ioas: Ioas, owner: object): void {
  const rest = ioas.reserved.filter((reservation) => reservation.owner !== owner);
  ioas.reserved.splice(0, ioas.reserved.length, ...rest);
}

/** What is left of a range without some intervals, in ascending order. */
export function complement(taken: readonly Interval[], range: Interval = EVERYTHING): Interval[] {
  const left: Interval[] = [];
  let next = range.first;
  for (const { first, last } of [...taken].sort((a, b) => (a.first < b.first ? -1 : 1))) {
    if (last < next) continue;
    if (first > range.last) break;
    if (first > next) left.push({ first: next, last: first - 1n });
    next = last + 1n;
  }
  if (next <= range.last) left.push({ first: next, last: range.last });
  return left;
}

/** Intervals as a user counts them: those that meet or touch are one. */
export const joined = (intervals: readonly Interval[]): Interval[] => complement(complement(intervals));

/** What nobody has reserved: what IOMMU_IOAS_IOVA_RANGES answers. */
export const usable = (ioas: Ioas): Interval[] => complement(ioas.reserved);

/** Bytes of the smallest page of a page table. */
const smallestPage = ({ pageSizes }: PagingDomain): bigint => pageSizes & -pageSizes;

/** What every IOVA, length and offset must be a multiple of; with a page table that is yet to come, if one is given. (iova_alignment) */
export function iovaAlignment(host: Host, { domains, hugePages, accesses }: Pick<Ioas, 'domains' | 'hugePages' | 'accesses'>, ...more: readonly PagingDomain[]): bigint {
  const least = hugePages && accesses === 0 ? 1n : pageBytes(host);
  return [...domains, ...more].map(smallestPage).reduce((largest, page) => (page > largest ? page : largest), least);
}

/** Every area could be mapped with that alignment. (iopt_check_iova_alignment) */
export function areasAligned(host: Host, { areas }: Ioas, alignment: bigint): boolean {
  const [mask, inPage] = [alignment - 1n, pageBytes(host) - 1n];
  for (const { first, last, offset } of areas) if (((first | (last - first + 1n) | (offset & inPage)) & mask) !== 0n) return false;
  return true;
}
