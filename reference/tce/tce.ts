import type { Tce } from '../values.js';

/*
 * A TCE, bits as LoPAR numbers them (bit 0 is the most significant):
 *
 *    0                                                    51 52        61 62 63
 *   +-------------------------------------------------------+------------+--+--+
 *   | real page number, in 4 KiB granules                   | reserved   | W| R|
 *   +-------------------------------------------------------+------------+--+--+
 *
 * 62–63: 00 page fault, 01 the device may read memory, 10 write, 11 both. With 00 the other 62 bits mean nothing
 * to the hardware. In memory an entry is 8 bytes, big-endian. Source: LoPAR "TCE Definition"; Linux asm/tce.h.
 */
export const TCE_READ = 0x1n;
export const TCE_WRITE = 0x2n;
export const TCE_PERMISSION = 0x3n;
export const TCE_RPN = 0xffff_ffff_ffff_f000n;
export const TCE_BYTES = 8;

/** What a device wants to do with memory. */
export type Direction = 'read' | 'write';

/** True where the entry maps a page for at least one direction. */
export const isMapping = (entry: bigint): boolean => (entry & TCE_PERMISSION) !== 0n;

/** True where the entry lets a device access memory in that direction. */
export const permits = (entry: bigint, direction: Direction): boolean =>
  (entry & (direction === 'read' ? TCE_READ : TCE_WRITE)) !== 0n;

/** The address the entry maps, at its 4 KiB granularity. */
export const rpn = (entry: bigint): bigint => entry & TCE_RPN;

/** An entry that maps `address` (4 KiB aligned) with permission bits 0 to 3. */
export const makeTce = (address: bigint, permission: bigint): Tce => ((address & TCE_RPN) | permission) as Tce;
