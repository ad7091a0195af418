import { anyBytes } from '../memory/bytes.js';
import { pinRange, realAddress } from '../memory/process.js';
import { E } from '../uapi/errno.js';
import type { Host, Process } from '../vfio/host.js';
import { load, write } from '../vfio/user-memory.js';

/*
 * What a program gives to a driver through a pointer: a structure, or an array of them, of words of 32 bits.
 * Source: Linux 7.2 include/linux/iommu.h, include/linux/uaccess.h copy_struct_from_user.
 */

/** Words at an address; those after `given` bytes are zero. Minus an error where bytes are not there, or more than the kernel knows. */
export function wordsAt(host: Host, process: Process, address: bigint, given: number, known: number): bigint[] | number {
  const bytes = given === 0 ? new Uint8Array() : load(host, process, { length: given }, address)?.values;
  if (bytes === undefined) return -E.EFAULT;
  if (bytes.subarray(known).some((byte) => byte !== 0)) return -E.E2BIG;
  const whole = Buffer.alloc(known);
  whole.set(bytes.subarray(0, known));
  return Array.from({ length: known >> 2 }, (_, i) => BigInt(whole.readUInt32LE(4 * i)));
}

/** The same of a structure that a driver knows by its type, and that has at least so many bytes. */
export function structureAt(host: Host, process: Process, address: bigint, given: number, { least, known }: { readonly least: number; readonly known: number }): bigint[] | number {
  return given < least || given > known ? -E.EINVAL : wordsAt(host, process, address, given, known);
}

/** Whether all of these bytes can be written. */
export const canWrite = ({ space }: Process, address: bigint, length: number): boolean => pinRange(space, address, BigInt(length)) !== undefined;

/** Writes words to an address, of them so many bytes. */
export function writeWords(host: Host, process: Process, address: bigint, words: readonly bigint[], length: number): void {
  const bytes = Buffer.alloc(4 * words.length);
  words.forEach((word, i) => bytes.writeUInt32LE(Number(word), 4 * i));
  write(host, process, address, bytes.subarray(0, length));
}

/** From now on these bytes may be anything. */
export function openAt(host: Host, process: Process, address: bigint, length: number): void {
  for (let i = 0; i < length; i++) {
    const real = realAddress(process.space, address + BigInt(i));
    if (real !== undefined) host.memory.bytes.store(Number(real), anyBytes(1));
  }
}
