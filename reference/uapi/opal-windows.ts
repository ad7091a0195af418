import { encodeTve, isWindowOf, SECOND_WINDOW, TCE_PAGE_SHIFTS, type Phb, type Tve } from './tve.js';

/*
 * The two OPAL calls that set a window of a PE, as their argument rules and the TVE they write.
 * Source: skiboot phb3.c, phb4.c map_pe_dma_window and map_pe_dma_window_real (the C code; its .rst pages are old).
 */

/** OPAL return codes. Source: skiboot opal-api.h. */
export const OPAL = { SUCCESS: 0, PARAMETER: -1, UNSUPPORTED: -7 } as const;

/** A host bridge as far as its windows go. */
export interface PhbWindows {
  readonly kind: Phb;
  /** 256 on PHB3; 512 or 256 on PHB4 and PHB5. */
  readonly pes: number;
}

/** The status, and on success the TVE that the call writes. */
export type OpalWindow =
  | { readonly status: typeof OPAL.SUCCESS; readonly tve: bigint }
  | { readonly status: typeof OPAL.PARAMETER };

const REFUSED: OpalWindow = { status: OPAL.PARAMETER };

const written = (tve: Tve, phb: Phb): OpalWindow => ({ status: OPAL.SUCCESS, tve: encodeTve(tve, phb) });

/** Arguments of OPAL_PCI_MAP_PE_DMA_WINDOW (44). */
export interface MapPeDmaWindow {
  readonly pe: number;
  /** 16 bits: twice the PE number, plus 1 for the second window. */
  readonly windowId: number;
  readonly levels: number;
  /** Of the highest level; bits below 4 KiB are lost. */
  readonly tableAddress: bigint;
  /** Bytes of one table of a level; 0 switches the window off. */
  readonly tableSize: bigint;
  /** Bytes. */
  readonly pageSize: bigint;
}

const LARGEST_TABLE_SHIFT = 42;
const shiftOf = (size: bigint): number => size.toString(2).length - 1;
const isPowerOfTwo = (value: bigint): boolean => value > 0n && (value & (value - 1n)) === 0n;

/** OPAL_PCI_MAP_PE_DMA_WINDOW: a window that a TCE table translates. */
export function mapPeDmaWindow(phb: PhbWindows, call: MapPeDmaWindow): OpalWindow {
  const { pe, windowId, levels, tableAddress, tableSize, pageSize } = call;
  if (pe >= phb.pes || !isWindowOf(pe, windowId)) return REFUSED;
  if (tableSize === 0n) return written({ kind: 'disabled' }, phb.kind);
  if (levels < 1 || levels > 5) return REFUSED;
  if (!isPowerOfTwo(tableSize) || tableSize < 0x1000n) return REFUSED;
  const tableShift = shiftOf(tableSize);
  if (tableShift > LARGEST_TABLE_SHIFT) return REFUSED;
  const pageShift = TCE_PAGE_SHIFTS[phb.kind].find((shift) => 1n << BigInt(shift) === pageSize);
  if (pageShift === undefined) return REFUSED;
  return written({ kind: 'translated', tableAddress, levels, tableShift, pageShift }, phb.kind);
}

/** Arguments of OPAL_PCI_MAP_PE_DMA_WINDOW_REAL (45). */
export interface MapPeDmaWindowReal {
  readonly pe: number;
  readonly windowId: number;
  /** Bus address, bit 59 set for the second window; bytes, a multiple of 16 MiB. */
  readonly start: bigint;
  /** Bytes, a multiple of 16 MiB; 0 switches the window off. */
  readonly size: bigint;
}

const BYPASS_UNIT = (1n << 24n) - 1n;
const LAST_BYPASS_END = (1n << 50n) - 1n;

/** OPAL_PCI_MAP_PE_DMA_WINDOW_REAL: a window in which bus addresses are memory addresses. */
export function mapPeDmaWindowReal(phb: PhbWindows, { pe, windowId, start, size }: MapPeDmaWindowReal): OpalWindow {
  if (pe >= phb.pes || !isWindowOf(pe, windowId)) return REFUSED;
  if (size === 0n) return written({ kind: 'disabled' }, phb.kind);
  if (start >> 59n !== BigInt(windowId & 1)) return REFUSED;
  const first = start & (SECOND_WINDOW - 1n);
  if ((first & BYPASS_UNIT) !== 0n || (size & BYPASS_UNIT) !== 0n) return REFUSED;
  if (first + size > LAST_BYPASS_END) return REFUSED;
  return written({ kind: 'bypass', start: first, end: first + size }, phb.kind);
}
