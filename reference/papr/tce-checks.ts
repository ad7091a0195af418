import { findWindow, ownsPage, type Machine, type Window } from '../machine.js';
import { architecture, type Guard } from '../rules.js';
import { aligned, covers, hasStrayBits, someAtOrAbove, someStrayBits } from '../tce/entries.js';
import { isMapping, rpn } from '../tce/tce.js';
import { H } from '../uapi/hcall.js';

/** What the checks of a TCE hypercall look at. */
export interface TceContext {
  readonly machine: Machine;
  readonly liobn: bigint;
  readonly ioba: bigint;
  readonly window: Window | undefined;
}

/** A clause of the architecture that every implementation must keep. */
export const clause = architecture('LoPAR 2.9, Translation Control Entry Access');

/** LIOBN names no window of the partition. */
export const unknownLiobn = (call: string): Guard<TceContext> => ({
  ...clause(`${call}/liobn`, 'An LIOBN that names no table of the partition is refused with H_PARAMETER.'),
  when: (c) => c.window === undefined,
  refuse: [H.H_PARAMETER],
  violation: { args: { liobn: 0x7fff_fff0n } },
});

/** The LIOBN is a 32-bit argument (uint32 in GET, PUT and STUFF): what wider values mean is open (A27). */
export const wideLiobn = (call: string): Guard<TceContext> => ({
  ...clause(`${call}/liobn-width`, 'An LIOBN with bits above its 32 is refused with H_PARAMETER, or cut to 32 bits.'),
  level: 'may',
  when: (c) => c.liobn > 0xffff_ffffn,
  refuse: [H.H_PARAMETER],
  choice: { id: 'A27', canonical: true },
  violation: { args: { liobn: { from: 'pe0.liobn', plus: 1n << 32n } } },
});

/** The window that an LIOBN of 32 bits names. */
export const namedWindow = (machine: Machine, liobn: bigint): Window | undefined =>
  findWindow(machine, liobn) ?? (liobn > 0xffff_ffffn ? findWindow(machine, liobn & 0xffff_ffffn) : undefined);

/** IOBA lies outside the window. */
export const iobaOutside = (call: string): Guard<TceContext> => ({
  ...clause(`${call}/ioba`, 'An IOBA outside the window of the LIOBN is refused with H_PARAMETER.'),
  when: (c) => c.window !== undefined && !covers(c.window, c.ioba),
  refuse: [H.H_PARAMETER],
  violation: { args: { ioba: { from: 'pe0.end' } } },
});

/** IOBA is not a multiple of the page size: open (A1). */
export const iobaUnaligned = (call: string): Guard<TceContext> => ({
  ...clause(`${call}/ioba-alignment`, 'An IOBA inside an I/O page is taken as that page, or refused with H_PARAMETER.'),
  level: 'may',
  when: (c) => c.window !== undefined && !aligned(c.window, c.ioba),
  refuse: [H.H_PARAMETER],
  choice: { id: 'A1', canonical: false },
  violation: { args: { ioba: { from: 'pe0.start', plus: 0x5008n } } },
});

/** The shared table was taken back by its owner. */
export const tableRescinded = (call: string): Guard<TceContext> => ({
  ...clause(`${call}/rescinded`, 'A table that its owner has rescinded is refused with H_RESCINDED.'),
  option: 'slr',
  when: (c) => c.window?.rescinded === true,
  refuse: [H.H_RESCINDED],
  violation: { requires: ['slr'], setup: [{ door: 'platform', op: 'rescind-table', liobn: { from: 'pe0.liobn' } }] },
});

/** True where the entry maps a page that is not the partition's. */
export const mapsForeignPage = (machine: Machine, entry: bigint): boolean =>
  (entry >= machine.description.memoryBytes || machine.foreignPages.size > 0) &&
  isMapping(entry) &&
  !ownsPage(machine, rpn(entry));

/** True where the entry maps a page that its owner took back. */
export const mapsRescindedPage = (machine: Machine, entry: bigint): boolean =>
  machine.rescindedPages.size > 0 && isMapping(entry) && machine.rescindedPages.has(rpn(entry) >> 12n);

/** True where the entry maps a large page that begins in the partition and ends outside. */
export function mapsPastMemory(machine: Machine, window: Window, entry: bigint): boolean {
  if (window.pageShift === 12 || !isMapping(entry)) return false;
  return (rpn(entry) | window.offsetMask) >= machine.description.memoryBytes;
}

/** True where a choice lets the platform refuse the entry: stray bits (A4), or a page that ends outside (A24). */
export const refusableEntry = (machine: Machine, window: Window, entry: bigint): boolean =>
  hasStrayBits(window, entry) || mapsPastMemory(machine, window, entry);

/** The same for a list of entries. */
export function someRefusableEntry(machine: Machine, window: Window, entries: BigUint64Array): boolean {
  if (someStrayBits(window, entries)) return true;
  const lastWholePage = machine.description.memoryBytes - window.offsetMask - 1n;
  const near = window.pageShift > 12 && someAtOrAbove(entries, lastWholePage < 0n ? 0n : lastWholePage);
  return near && entries.some((entry) => mapsPastMemory(machine, window, entry));
}
