/*
 * A translation validation entry (TVE): what the host bridge of a PowerNV machine knows of one window of a PE. Bits as the
 * hardware numbers them (bit 0 is the most significant):
 *
 *    0                                        47 48  50 51   55 56 58 59   63
 *   +-------------------------------------------+------+-------+-----+-------+
 *   | table address >> 12                       | lvls | TTS   |  0  | psize |   translated: psize is not 0
 *   +-------------------------------------------+------+-------+-----+-------+
 *   levels − 1; TTS = log2(bytes of one table) − 11; psize = page shift − 11.
 *
 *    0            23 24          47 48 50 51 52 53 54 55 56 57 63
 *   +---------------+--------------+-----+--+-----+-----+--+-----+
 *   | start 47..24  | end 47..24   |  0  | 1| s   | e   | N|  0  |   bypass: the bus address is the memory address
 *   +---------------+--------------+-----+--+-----+-----+--+-----+
 *   s, e: bits 49..48 of start and end. N is 1 on PHB4 and PHB5 (NON_TRANSLATE_50).
 *
 * Source: skiboot phb3-regs.h, phb4-regs.h (IODA2_TVT_*, IODA3_TVT_*), phb3.c, phb4.c map_pe_dma_window(_real).
 */

/** Host bridges by what they translate; PHB5 is as PHB4. */
export type Phb = 'phb3' | 'phb4';

/** Page shifts that a host bridge translates. Source: skiboot ibm,supported-tce-sizes. */
export const TCE_PAGE_SHIFTS: Readonly<Record<Phb, readonly number[]>> = {
  phb3: [12, 16, 24, 28],
  phb4: [12, 16, 21, 30],
};

export interface TranslatedTve {
  readonly kind: 'translated';
  /** Of the highest level; bytes, a multiple of 4 KiB. */
  readonly tableAddress: bigint;
  /** 1 to 8; OPAL takes up to 5. */
  readonly levels: number;
  /** log2 of the bytes of one table of a level, 12 to 42. */
  readonly tableShift: number;
  /** log2 of the page size in bytes. */
  readonly pageShift: number;
}

export interface BypassTve {
  readonly kind: 'bypass';
  /** Within the window: without bit 59. Bytes, multiples of 16 MiB. */
  readonly start: bigint;
  /** The first address past it, below 2^50. */
  readonly end: bigint;
}

/** Every access is refused. */
export interface DisabledTve {
  readonly kind: 'disabled';
}

export type Tve = TranslatedTve | BypassTve | DisabledTve;

const LEVELS_SHIFT = 13n;
const TTS_SHIFT = 8n;
const TTS_BIAS = 11;
const PAGE_SHIFT_BIAS = 11;
const FIELD_24 = 0xff_ffffn;
const BYPASS = 1n << 12n;
const NON_TRANSLATE_50 = 1n << 7n;

/** The register value. The caller keeps the fields in their ranges, as OPAL's checks do (`opal-windows.ts`). */
export function encodeTve(tve: Tve, phb: Phb): bigint {
  if (tve.kind === 'disabled') return 0n;
  if (tve.kind === 'bypass') return encodeBypass(tve, phb);
  return (
    ((tve.tableAddress >> 12n) << 16n) |
    (BigInt(tve.levels - 1) << LEVELS_SHIFT) |
    (BigInt(tve.tableShift - TTS_BIAS) << TTS_SHIFT) |
    BigInt(tve.pageShift - PAGE_SHIFT_BIAS)
  );
}

function encodeBypass({ start, end }: BypassTve, phb: Phb): bigint {
  const low = (address: bigint): bigint => (address >> 24n) & FIELD_24;
  const high = (address: bigint): bigint => (address >> 48n) & 3n;
  const common = BYPASS | (phb === 'phb4' ? NON_TRANSLATE_50 : 0n);
  return (low(start) << 40n) | (low(end) << 16n) | (high(start) << 10n) | (high(end) << 8n) | common;
}

/** What a register value means. */
export function decodeTve(value: bigint): Tve {
  const tts = Number((value >> TTS_SHIFT) & 0x1fn);
  const psize = Number(value & 0x1fn);
  if (psize === 0) return (value & BYPASS) === 0n ? { kind: 'disabled' } : decodeBypass(value);
  if (tts === 0) return { kind: 'disabled' };
  return {
    kind: 'translated',
    tableAddress: (value >> 16n) << 12n,
    levels: Number((value >> LEVELS_SHIFT) & 7n) + 1,
    tableShift: tts + TTS_BIAS,
    pageShift: psize + PAGE_SHIFT_BIAS,
  };
}

function decodeBypass(value: bigint): BypassTve {
  const start = (((value >> 10n) & 3n) << 48n) | (((value >> 40n) & FIELD_24) << 24n);
  const end = (((value >> 8n) & 3n) << 48n) | (((value >> 16n) & FIELD_24) << 24n);
  return { kind: 'bypass', start, end };
}

/** Window ids of a PE: address bit 59 says which of the two an access uses. Source: skiboot phb4_map_pe_dma_window. */
export const windowIds = (pe: number): readonly [number, number] => [2 * pe, 2 * pe + 1];

/** True where the window id is one of the PE's. */
export const isWindowOf = (pe: number, windowId: number): boolean => windowId >> 1 === pe;

/** Address bit that selects the second window of a PE. */
export const SECOND_WINDOW = 1n << 59n;
