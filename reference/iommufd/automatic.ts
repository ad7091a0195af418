import type { Host } from '../vfio/host.js';
import { complement, iovaAlignment, joined, pageBytes } from './ranges.js';
import type { Interval, Ioas } from './state/context.js';

/*
 * Where an area goes whose place the kernel chooses: the first hole that is large enough, as aligned as its memory is.
 * Source: Linux 7.2 drivers/iommu/iommufd/io_pagetable.c iopt_alloc_iova.
 */

/** What the memory of an area is, as far as its place depends on it. */
export interface Placed {
  /** Where its memory begins: an address, or a place in a file. */
  readonly address: bigint;
  readonly length: bigint;
}

const LARGEST_PAGES = [1n << 21n, 1n << 24n] as const;

/** Bytes of the largest page that a kernel may align to (choice I1), the canonical one first; 1 where it has no large pages at all. No less than the page tables need. */
const largestPages = (host: Host, ioas: Ioas): readonly bigint[] => [...LARGEST_PAGES, pageBytes(host), 1n].filter((largest) => largest >= iovaAlignment(host, ioas));

function powerOfTwoFrom(length: bigint): bigint {
  return 1n << BigInt((length - 1n).toString(2).length - (length === 1n ? 1 : 0));
}

/** The alignment that the area asks for by itself. */
export function ownAlignment({ address, length }: Placed): bigint {
  const size = powerOfTwoFrom(length);
  const ofAddress = address & -address;
  return address === 0n || size < ofAddress ? size : ofAddress;
}

/** Where the area can go: for each largest page that a kernel may align to, undefined where there is no room. */
export function placesFor(host: Host, ioas: Ioas, placed: Placed): readonly (bigint | undefined)[] {
  return largestPages(host, ioas).map((largest) => placeFor(host, ioas, placed, largest));
}

/** The alignment that an area's own is brought to is too small for the page tables. */
export const misplaced = (host: Host, ioas: Ioas, placed: Placed): boolean => ownAlignment(placed) < iovaAlignment(host, ioas);

function placeFor(host: Host, ioas: Ioas, placed: Placed, largest: bigint): bigint | undefined {
  const own = ownAlignment(placed);
  const alignment = own < largest ? own : largest;
  const offset = placed.address % pageBytes(host);
  const fit = ({ first, last }: Interval): bigint | undefined => {
    const start = ((first + alignment - 1n) & -alignment) | offset;
    return start < last && last - start >= placed.length - 1n ? start : undefined;
  };
  for (const span of spans(host, ioas)) {
    const start = fit(span);
    if (start === undefined) continue;
    for (const free of complement(ioas.reserved, { first: start, last: span.last })) {
      const found = ioas.areas.hole(free, placed.length, fit);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** Where the kernel looks: never the first page of all IOVAs, nor the last. */
function spans(host: Host, { allowed }: Ioas): Interval[] {
  const page = pageBytes(host);
  const range = { first: page, last: (1n << 64n) - 1n - page };
  if (allowed.length === 0) return [range];
  return joined(allowed).flatMap(({ first, last }) => {
    const clipped = { first: first < range.first ? range.first : first, last: last > range.last ? range.last : last };
    return clipped.first <= clipped.last ? [clipped] : [];
  });
}
