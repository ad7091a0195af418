import { makeTce, rpn, TCE_BYTES, TCE_PERMISSION, TCE_READ, TCE_WRITE } from './tce.js';
import type { Tce } from '../values.js';

/** What an entry says. */
export interface TceFields {
  /** The page it maps, bytes, at 4 KiB granularity. With neither permission it means nothing. */
  readonly address: bigint;
  readonly read: boolean;
  readonly write: boolean;
}

/** Every field of an entry; see the drawing in `tce.ts`. */
export const tceFields = (entry: bigint): TceFields => ({
  address: rpn(entry),
  read: (entry & TCE_READ) !== 0n,
  write: (entry & TCE_WRITE) !== 0n,
});

/**
 * The well-formed entry that maps a page of 2^pageShift bytes: the page number keeps its place whatever the page size, so
 * the bits below the page size are 0. Source: LoPAR "TCE Definition"; Linux iommu_tce_check_gpa.
 *
 * @param pageShift log2 of the page size in bytes, 12 to 34
 * @param permission bits 0 to 3
 * @throws RangeError where the address is not a multiple of the page size, or the permission has other bits
 */
export function pageTce(address: bigint, pageShift: number, permission: bigint): Tce {
  if ((address & ((1n << BigInt(pageShift)) - 1n)) !== 0n) {
    throw new RangeError(`0x${address.toString(16)} does not begin a page of 2^${pageShift} bytes`);
  }
  if ((permission & ~TCE_PERMISSION) !== 0n) throw new RangeError(`permission ${permission} is none of 0 to 3`);
  return makeTce(address, permission);
}

/** The entry as it lies in memory: 8 bytes, big-endian. */
export function encodeTce(entry: bigint): Uint8Array {
  const bytes = Buffer.alloc(TCE_BYTES);
  bytes.writeBigUInt64BE(entry);
  return new Uint8Array(bytes);
}

/** The entry that begins at `offset`. @throws RangeError where fewer than 8 bytes are there */
export const decodeTce = (bytes: Uint8Array, offset = 0): bigint =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(offset);
