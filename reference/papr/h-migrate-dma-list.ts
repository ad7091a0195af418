import type { Operation } from '../doors/operations.js';
import type { Term } from '../doors/term.js';
import { findWindow, ownsPage, type Machine, type Window } from '../machine.js';
import { covers, entryIndex } from '../tce/entries.js';
import { isMapping, rpn } from '../tce/tce.js';

/*
 * A translation of H_MIGRATE_DMA, 16 bytes, big-endian:
 *
 *    0            3  4          5          7  8                      15
 *   +--------------+----------+-------------+--------------------------+
 *   | LIOBN        | log2 of  | reserved    | I/O bus address          |
 *   |              | size (*) |             | (or logical address (*)) |
 *   +--------------+----------+-------------+--------------------------+
 *
 * (*) Only with the I/O Super Page option, in the first entry, under the LIOBN 0xffffffff: a page not mapped for I/O.
 * Source: LoPAR, H_MIGRATE_DMA, parameter xlates.
 */
export const TRANSLATION_BYTES = 16;

/** Translations of one call. */
export const TRANSLATION_LIMIT = 256;

/** The LIOBN under which the first entry names a page of memory instead of a mapping. */
export const UNMAPPED = 0xffff_ffffn;

/** One entry of the list, with what it refers to. */
export interface Translation {
  readonly liobn: bigint;
  /** The byte at offset 4. */
  readonly sizeShift: number;
  readonly address: bigint;
  readonly window: Window | undefined;
  /** Index of the TCE; undefined without a window, or outside it. */
  readonly index: number | undefined;
  /** The TCE as it is when the call begins. */
  readonly entry: bigint | undefined;
}

/** Reads a list. `bytes` is a multiple of 16 long. */
export function readTranslations(machine: Machine, bytes: Uint8Array): Translation[] {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: view.length / TRANSLATION_BYTES }, (_, i) => {
    const at = i * TRANSLATION_BYTES;
    const liobn = BigInt(view.readUInt32BE(at));
    const address = view.readBigUInt64BE(at + 8);
    const window = findWindow(machine, liobn);
    const index = window !== undefined && covers(window, address) ? entryIndex(window, address) : undefined;
    const entry = index === undefined ? undefined : window!.table.get(index);
    return { liobn, sizeShift: view.readUInt8(at + 4), address, window, index, entry };
  });
}

/** The memory page that a list moves. */
export interface MovedPage {
  readonly address: bigint;
  /** Bytes, a power of 2. */
  readonly size: bigint;
}

/** The page of the first entry; undefined where it names none. Without super pages it is always 4 KiB. */
export function movedPage(list: readonly Translation[], superPages: boolean): MovedPage | undefined {
  const [first] = list;
  if (first === undefined) return undefined;
  if (superPages && first.liobn === UNMAPPED) return { address: first.address, size: 1n << BigInt(first.sizeShift) };
  if (first.entry === undefined || !isMapping(first.entry)) return undefined;
  const size = superPages ? first.window!.offsetMask + 1n : 0x1000n;
  return { address: rpn(first.entry) & ~(size - 1n), size };
}

/** True where all of `[address, address + size)` is partition memory. */
export function ownsRange(machine: Machine, address: bigint, size: bigint): boolean {
  if (address + size > machine.description.memoryBytes) return false;
  for (const page of machine.foreignPages) if (page << 12n >= address && page << 12n < address + size) return false;
  return size > 0n && ownsPage(machine, address);
}

/**
 * The operations that store a list at `address` (at least 4 bytes into the program's memory). An LIOBN is only known
 * when the program runs and cannot be shifted: it is stored as a doubleword that begins 4 bytes early; the addresses
 * come after, so that they mend what that overwrote.
 */
export function storeTranslations(list: readonly (readonly [liobn: Term, address: Term])[], address: bigint): Operation[] {
  const store = (at: bigint, term: Term): Operation => ({ door: 'memory', op: 'store', address: at, doublewords: [term] });
  const place = (i: number): bigint => address + BigInt(i * TRANSLATION_BYTES);
  return [
    ...list.map(([liobn], i) => store(place(i) - 4n, liobn)),
    ...list.map(([, bus], i) => store(place(i) + 8n, bus)),
  ];
}
