import { mayLock, pinUntil, type AddressSpace, type MemoryFile } from '../memory/process.js';
import { E } from '../uapi/errno.js';
import type { Host } from '../vfio/host.js';
import { complement, pageBytes } from './ranges.js';
import type { Interval } from './state/areas.js';
import type { Area, Context, Pages, Pin } from './state/context.js';

/*
 * The memory that areas map: when it is pinned, who is charged for it, where it really is.
 * Source: Linux 7.2 drivers/iommu/iommufd/pages.c.
 */

/** Pages from an address of a process, from the page that holds it. (iopt_alloc_user_pages) */
export const userPages = (host: Host, context: Context, owner: AddressSpace, address: bigint, writeable: boolean): Pages =>
  makePages(context, owner, { kind: 'process', start: address - (address % pageBytes(host)) }, writeable);

/** The same from a place in a file. (iopt_alloc_file_pages) */
export const filePages = (host: Host, context: Context, owner: AddressSpace, file: MemoryFile, place: bigint, writeable: boolean): Pages =>
  makePages(context, owner, { kind: 'file', file, start: place - (place % pageBytes(host)) }, writeable);

const makePages = ({ rlimitMode }: Context, owner: AddressSpace, source: Pages['source'], writeable: boolean): Pages => ({
  source,
  writeable,
  accounting: owner.lockLimit === undefined ? 'none' : rlimitMode,
  owner,
  pins: [],
  users: new Set(),
});

/** The system pages that an area needs, as bytes from the start of its pages. */
function extent(host: Host, { offset, first, last }: Area): Interval {
  const inPage = pageBytes(host) - 1n;
  return { first: offset & ~inPage, last: (offset + (last - first)) | inPage };
}

const bytesOf = (intervals: readonly Interval[]): bigint => intervals.reduce((sum, { first, last }) => sum + (last - first + 1n), 0n);

const countOf = (host: Host, intervals: readonly Interval[]): bigint => bytesOf(intervals) >> BigInt(host.linux.pageShift);

export const pinnedPages = (host: Host, { pins }: Pages): bigint => countOf(host, pins);

/** Pins what the area needs and what is not pinned yet, and charges for it: 0, or minus an error, and then nothing changes. */
export function pin(host: Host, area: Area): number {
  const { pages } = area;
  const missing = complement(pages.pins, extent(host, area));
  const found = missing.map((interval) => pinnable(pages, interval));
  const upTo = found.findIndex((pins, i) => bytesOf(pins) < bytesOf([missing[i]!]));
  const pins = (upTo < 0 ? found : found.slice(0, upTo + 1)).flat();
  const refused = charge(host, pages, countOf(host, pins));
  if (refused !== 0) return refused;
  if (upTo >= 0) {
    uncharge(host, pages, countOf(host, pins));
    return pages.source.kind === 'file' ? -E.EINVAL : -E.EFAULT;
  }
  pages.pins = merged([...pages.pins, ...pins]);
  pages.users.add(area);
  return 0;
}

/** The area needs its pages no more: those that no other area needs are unpinned. */
export function unpin(host: Host, area: Area): void {
  const { pages } = area;
  if (!pages.users.delete(area)) return;
  const needed = [...pages.users].map((other) => extent(host, other));
  const before = pinnedPages(host, pages);
  const over = complement(needed, extent(host, area));
  pages.pins = pages.pins.flatMap((run) => complement(over, run).map((rest) => partOf(run, rest)));
  uncharge(host, pages, before - pinnedPages(host, pages));
}

const partOf = (run: Pin, { first, last }: Interval): Pin => ({ first, last, real: run.real + (first - run.first) });

/** What can be pinned of an interval, to the first page that cannot. Of a file all or nothing. */
function pinnable({ source, owner, writeable }: Pages, { first, last }: Interval): Pin[] {
  const at = source.start + first;
  if (source.kind === 'file') return source.file.kind === 'memory' && source.start + last < source.file.length ? [{ first, last, real: source.file.real + at }] : [];
  return pinUntil(owner, at, last - first + 1n, writeable).map(({ address, length, real }) => ({ first: address - source.start, last: address - source.start + length - 1n, real }));
}

/** In ascending order; runs that go on in real memory are one. */
function merged(pins: readonly Pin[]): Pin[] {
  const runs: Pin[] = [];
  for (const next of [...pins].sort((a, b) => (a.first < b.first ? -1 : 1))) {
    const before = runs.at(-1);
    if (before !== undefined && before.last + 1n === next.first && before.real + (next.first - before.first) === next.real) runs[runs.length - 1] = { ...before, last: next.last };
    else runs.push(next);
  }
  return runs;
}

/** The pieces of real memory that an area maps, in the order of their IOVAs. */
export function piecesOf({ pages, offset, first, last }: Area): { readonly iova: bigint; readonly length: bigint; readonly real: bigint }[] {
  const wanted = { first: offset, last: offset + (last - first) };
  return pages.pins
    .filter((run) => run.first <= wanted.last && wanted.first <= run.last)
    .map((run) => {
      const from = run.first > wanted.first ? run.first : wanted.first;
      const to = run.last < wanted.last ? run.last : wanted.last;
      return { iova: first + (from - wanted.first), length: to - from + 1n, real: run.real + (from - run.first) };
    });
}

/** Charges for pages as the pages' mapper chose. (iopt_pages_update_pinned) */
export function charge(host: Host, { accounting, owner }: Pick<Pages, 'accounting' | 'owner'>, count: bigint): number {
  const { pageShift } = host.linux;
  if (accounting === 'process' && !mayLock(owner, count, pageShift)) return -E.ENOMEM;
  if (accounting === 'user' && !mayLock({ ...owner, lockedPages: host.userLocked }, count, pageShift)) return -E.ENOMEM;
  account(host, accounting, owner, count);
  return 0;
}

export const uncharge = (host: Host, { accounting, owner }: Pick<Pages, 'accounting' | 'owner'>, count: bigint): void => account(host, accounting, owner, -count);

function account(host: Host, accounting: Pages['accounting'], owner: AddressSpace, change: bigint): void {
  if (accounting === 'process') owner.lockedPages += change;
  if (accounting === 'user') host.userLocked += change;
  owner.pinnedPages += change;
}
