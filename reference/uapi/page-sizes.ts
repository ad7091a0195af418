/**
 * The IO page sizes mask of ibm,query-pe-dma-window. LoPAR numbers bits from the most significant end (31 is 4 KiB).
 * 2 MiB (0x100) is reserved in public LoPAR 2.9 and defined by QEMU (RTAS_DDW_PGSIZE_2M) and Linux: choice A23.
 */
const PAGE_SHIFTS: readonly (readonly [mask: number, shift: number])[] = [
  [0x001, 12],
  [0x002, 16],
  [0x004, 24],
  [0x008, 25],
  [0x010, 26],
  [0x020, 27],
  [0x040, 28],
  [0x080, 34],
  [0x100, 21],
];

/** The page shifts a mask offers, in ascending order; unknown bits are ignored. */
export const pageShifts = (mask: number): number[] =>
  PAGE_SHIFTS.filter(([bit]) => (mask & bit) !== 0)
    .map(([, shift]) => shift)
    .sort((a, b) => a - b);

/** True where the mask offers pages of 2^shift bytes. */
export const offersPageShift = (mask: number, shift: bigint): boolean =>
  PAGE_SHIFTS.some(([bit, offered]) => BigInt(offered) === shift && (mask & bit) !== 0);
