import type { Window } from '../machine.js';
import { TceTable } from './table.js';
import { isMapping } from './tce.js';

/** The entry of the window's table that translates this address. The caller has checked the range. */
export const entryIndex = (window: Window, address: bigint): number =>
  Number(offsetIn(window, address) >> window.shift);

/** Bytes from the start of the window; in a window of the whole bus, modulo 2^64. */
function offsetIn(window: Window, address: bigint): bigint {
  const offset = address - window.start;
  return offset < 0n && window.size >= WHOLE_BUS ? offset + WHOLE_BUS : offset;
}

const WHOLE_BUS = 1n << 64n;

/** True where `count` pages from `address` on lie in the window. A count of 0 asks for the address alone. */
export function covers(window: Window, address: bigint, count = 1n): boolean {
  const offset = offsetIn(window, address);
  if (offset < 0n || offset >= window.size) return false;
  return count <= 1n || (offset >> window.shift) + count <= window.size >> window.shift;
}

/** True where the address is a multiple of the window's page size. */
export const aligned = (window: Window, address: bigint): boolean =>
  (address & window.offsetMask) === 0n;

/** The values the entry may have: one, or besides what earlier lives of the window left (choice A11). */
export function entryOptions(window: Window, index: number): readonly [bigint, ...bigint[]] {
  const entry = window.table.get(index);
  if (window.residues.length === 0) return [entry];
  const stale = window.residues.map((residue) => residue.get(index)).filter((left) => left !== 0n);
  return [...new Set([entry, ...stale])] as [bigint, ...bigint[]];
}

/** The values that a device may meet. */
export function metOptions(window: Window, index: number): readonly [bigint, ...bigint[]] {
  const options = entryOptions(window, index);
  return window.cleared.has(index) ? [...options, 0n] : options;
}

/** Writes one entry. */
export function putEntry(window: Window, index: number, entry: bigint): void {
  if (window.cleared.size > 0) window.cleared.delete(index);
  settleEntry(window, index, entry);
}

/** The entry has this value: a look has shown it. */
export function settleEntry(window: Window, index: number, entry: bigint): void {
  window.table.put(index, entry);
  for (const residue of window.residues) residue.put(index, 0n);
}

/** Writes the same entry `count` times. */
export function fillEntries(window: Window, index: number, count: number, entry: bigint): void {
  if (window.cleared.size > 0) uncover(window, index, count);
  window.table.fill(index, count, entry);
  for (const residue of window.residues) residue.fill(index, count, 0n);
}

/** Writes consecutive entries. */
export function putEntries(window: Window, index: number, entries: BigUint64Array): void {
  if (window.cleared.size > 0) uncover(window, index, entries.length);
  window.table.putAll(index, entries);
  for (const residue of window.residues) residue.fill(index, entries.length, 0n);
}

function uncover({ cleared }: Window, index: number, count: number): void {
  for (const met of [...cleared]) if (met >= index && met < index + count) cleared.delete(met);
}

/** The entry may also still have this value: only a look shows (choice A11). */
export function leaveResidue(window: Window, index: number, entry: bigint): void {
  const residue = window.residues.find((table) => table.get(index) === 0n) ?? new TceTable(window.table.entries);
  if (!window.residues.includes(residue)) window.residues.push(residue);
  residue.put(index, entry);
}

/** True where the entry has a permission bit and bits that mean nothing for this page size (choice A4). */
export const hasStrayBits = (window: Window, entry: bigint): boolean =>
  (entry & window.strayMask) !== 0n && isMapping(entry);

/** The entry without the bits that mean nothing. */
export const withoutStrayBits = (window: Window, entry: bigint): bigint => entry & ~window.strayMask;

/** True where some entry has stray bits. By 32-bit halves: a list of 512 must not cost 512 bigints. */
export function someStrayBits(window: Window, entries: BigUint64Array): boolean {
  const words = halves(entries);
  const [low, high] = [Number(window.strayMask & 0xffff_ffffn), Number(window.strayMask >> 32n)];
  for (let i = 0; i < words.length; i += 2) {
    const word = words[i] as number;
    if ((word & 3) !== 0 && ((word & low) !== 0 || ((words[i + 1] as number) & high) !== 0)) return true;
  }
  return false;
}

/** True where some entry, mapping or not, is at or above `limit`. A quick look before a closer one. */
export function someAtOrAbove(entries: BigUint64Array, limit: bigint): boolean {
  const words = halves(entries);
  const [low, high] = [Number(limit & 0xffff_ffffn), Number(limit >> 32n)];
  for (let i = 0; i < words.length; i += 2) {
    const upper = words[i + 1] as number;
    if (upper > high || (upper === high && (words[i] as number) >= low)) return true;
  }
  return false;
}

/** Each entry as its low and its high 32 bits (the hosts that run this are little-endian; so is the view). */
const halves = (entries: BigUint64Array): Uint32Array =>
  new Uint32Array(entries.buffer, entries.byteOffset, entries.length * 2);

/** One entry about to be replaced. */
export interface EntryChange {
  readonly window: Window;
  readonly index: number;
  readonly entry: bigint;
}
