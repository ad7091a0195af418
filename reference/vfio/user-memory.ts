import type { UserFile, UserFill, UserLoad, UserMap, UserStore, UserUnmap } from '../doors/operations.js';
import { E } from '../uapi/errno.js';
import { freeAddress, makeFile, mapMemory, mappingAt, overlaps, unmapMemory } from '../memory/process.js';
import type { OpenBytes } from '../memory/bytes.js';
import type { Host, PlainFile, Process } from './host.js';

/*
 * A user program's own memory: what mmap, munmap, stores and loads do. Nothing here is the I/O stack's; it is what the
 * stack pins and what devices reach.
 */

const pageShiftOf = (host: Host, operation: UserMap): number => operation.hugePages ?? host.linux.pageShift;

/** The address that the model itself would give. */
export const canonicalAddress = (host: Host, process: Process, operation: UserMap, fixed: bigint | undefined): bigint =>
  fixed ?? freeAddress(process.space, operation.length, pageShiftOf(host, operation));

/** What is wrong with an address that mmap gave; undefined where it may. */
export function badAddress(host: Host, process: Process, operation: UserMap, fixed: bigint | undefined, address: bigint): string | undefined {
  if (fixed !== undefined) return address === fixed ? undefined : `the address asked for, 0x${fixed.toString(16)}`;
  if (address % (1n << BigInt(pageShiftOf(host, operation))) !== 0n) return 'a multiple of the page size';
  return overlaps(process.space, address, operation.length) ? 'an address where nothing is mapped' : undefined;
}

/** Maps new memory at an address. */
export function mapAt(host: Host, process: Process, operation: UserMap, address: bigint): void {
  const { length, protection } = operation;
  mapMemory(process.space, host.memory, { start: address, length, pageShift: pageShiftOf(host, operation), protection });
}

/** A new file, that nobody has open yet. */
export const fileOf = (host: Host, { kind, length, hugePages }: UserFile): PlainFile => ({
  kind: 'file',
  file: makeFile(host.memory, kind, length, hugePages ?? host.linux.pageShift),
  users: 0,
});

export const unmapAt = (process: Process, operation: UserUnmap, address: bigint): void => unmapMemory(process.space, address, operation.length);

/** 0, or minus the error where the memory is not there or must not be written. */
export const fill = (host: Host, process: Process, operation: UserFill, address: bigint): number =>
  write(host, process, address, new Uint8Array(operation.length).fill(operation.byte));

/** The same of words, in native order unless told. */
export function store(host: Host, process: Process, { wordBytes, order }: Pick<UserStore, 'wordBytes' | 'order'>, address: bigint, words: readonly bigint[]): number {
  const bytes = Buffer.alloc(words.length * wordBytes);
  words.forEach((word, i) => {
    if (order === 'big' && wordBytes === 8) bytes.writeBigUInt64BE(word, i * wordBytes);
    else if (order === 'big') bytes.writeUInt32BE(Number(BigInt.asUintN(32, word)), i * wordBytes);
    else if (wordBytes === 8) bytes.writeBigUInt64LE(word, i * wordBytes);
    else bytes.writeUInt32LE(Number(BigInt.asUintN(32, word)), i * wordBytes);
  });
  return write(host, process, address, bytes);
}

/** True where the process can write so many bytes. */
export const writable = (process: Process, address: bigint, length: number): boolean => partsOf(process, address, length)?.every(({ protection }) => protection === 'rw') ?? false;

/** Writes bytes as the process does: 0, or minus the error. */
export function write(host: Host, process: Process, address: bigint, bytes: Uint8Array): number {
  const parts = partsOf(process, address, bytes.length);
  if (parts === undefined || parts.some(({ protection }) => protection !== 'rw')) return -E.EFAULT;
  let done = 0;
  for (const { real, length } of parts) {
    host.memory.bytes.store(Number(real), bytes.subarray(done, done + length));
    done += length;
  }
  return 0;
}

/** The bytes as they may be; undefined where the memory is not there. */
export function load(host: Host, process: Pick<Process, 'space'>, operation: Pick<UserLoad, 'length'>, address: bigint): OpenBytes | undefined {
  const parts = partsOf(process, address, operation.length);
  if (parts === undefined || parts.some(({ protection }) => protection === 'none')) return undefined;
  const values = new Uint8Array(operation.length);
  const open = new Map<number, readonly number[]>();
  let done = 0;
  for (const { real, length } of parts) {
    const bytes = host.memory.bytes.load(Number(real), length);
    values.set(bytes.values, done);
    for (const [at, permitted] of bytes.open) open.set(done + at, permitted);
    done += length;
  }
  return { values, open };
}

/** What was seen is what is there from now on. */
export function adopt(host: Host, process: Process, address: bigint, bytes: Uint8Array): void {
  let done = 0;
  for (const { real, length } of partsOf(process, address, bytes.length) ?? []) {
    host.memory.bytes.store(Number(real), bytes.subarray(done, done + length));
    done += length;
  }
}

interface Part {
  readonly real: bigint;
  readonly length: number;
  readonly protection: 'rw' | 'r' | 'none';
}

function partsOf({ space }: Pick<Process, 'space'>, address: bigint, length: number): Part[] | undefined {
  const parts: Part[] = [];
  for (let done = 0; done < length; ) {
    const at = address + BigInt(done);
    const mapping = mappingAt(space, at);
    if (mapping === undefined) return undefined;
    const left = Number(mapping.start + mapping.length - at);
    const run = Math.min(left, length - done);
    parts.push({ real: mapping.real + (at - mapping.start), length: run, protection: mapping.protection });
    done += run;
  }
  return parts;
}
