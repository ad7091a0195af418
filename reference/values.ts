/**
 * The 64-bit quantities of the stack, as distinct types: an IOBA is never passed where a TCE is meant.
 * All are unsigned 64-bit `bigint`s; page indexes and page shifts are `number`s.
 */
declare const kind: unique symbol;
type Quantity<Base, Name extends string> = Base & { readonly [kind]: Name };

/** Logical I/O bus number: names one TCE table of the partition. 32 bits (LoPAR, "H_PUT_TCE"). */
export type Liobn = Quantity<bigint, 'LIOBN'>;
/** I/O bus address: what a device puts on the bus, and what a TCE hypercall names. Bytes, absolute. */
export type Ioba = Quantity<bigint, 'IOBA'>;
/** A translation control entry; see `tce/tce.ts` for its layout. */
export type Tce = Quantity<bigint, 'TCE'>;
/** A partition logical (guest) address. Bytes. */
export type LogicalAddress = Quantity<bigint, 'logical address'>;
/** log2 of an I/O page size in bytes: 12 (4 KiB) to 34 (16 GiB). */
export type PageShift = Quantity<number, 'page shift'>;

export const U64_MASK = 0xffff_ffff_ffff_ffffn;

/** The value as an unsigned 64-bit register holds it. */
export const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
/** The value as a signed 64-bit register shows it. */
export const s64 = (value: bigint): bigint => BigInt.asIntN(64, value);

export const liobn = (value: bigint): Liobn => value as Liobn;
export const ioba = (value: bigint): Ioba => value as Ioba;
export const tce = (value: bigint): Tce => value as Tce;
export const logical = (value: bigint): LogicalAddress => value as LogicalAddress;
export const pageShift = (value: number): PageShift => value as PageShift;

/** `0x` and lower-case hexadecimal digits; a negative value as the unsigned 64-bit register. */
export const hex = (value: bigint | number): string => '0x' + u64(BigInt(value)).toString(16);
