/**
 * 64-bit quantities. Addresses, sizes and entries are unsigned 64-bit `bigint`s; page indexes and page shifts are
 * `number`s.
 */
declare const kind: unique symbol;

/** A translation control entry; see `tce/tce.ts` for its layout. Made by `makeTce`. */
export type Tce = bigint & { readonly [kind]: 'TCE' };

/** The value as an unsigned 64-bit register holds it. */
export const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
/** The value as a signed 64-bit register shows it. */
export const s64 = (value: bigint): bigint => BigInt.asIntN(64, value);

/** `0x` and lower-case hexadecimal digits; a negative value as the unsigned 64-bit register. */
export const hex = (value: bigint | number): string => '0x' + u64(BigInt(value)).toString(16);
