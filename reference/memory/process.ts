import type { ByteStore } from './bytes.js';

/*
 * The memory of user processes as a driver that pins pages sees it. Every mapping has real pages behind it; those that
 * somebody pinned stay when the mapping goes. Addresses and lengths are bytes.
 */

/** A mapping of anonymous memory. */
export interface Mapping {
  readonly start: bigint;
  readonly length: bigint;
  /** Where its pages are: one run of real memory. */
  readonly real: bigint;
  /** log2 of the pages it is made of: the system's, or huge ones. */
  readonly pageShift: number;
  readonly protection: 'rw' | 'r' | 'none';
  /** A file's pages, the same for every process. */
  readonly of?: object;
}

/** Real memory: its bytes, and where the next mapping gets its pages. */
export interface RealMemory {
  readonly bytes: ByteStore;
  next: bigint;
}

/** The first real address that a process can get: nothing else of the machine is above it. */
const FIRST_REAL = 1n << 32n;

export const makeRealMemory = (bytes: ByteStore): RealMemory => ({ bytes, next: FIRST_REAL });

/** A process's address space (mm). */
export interface AddressSpace {
  mappings: Mapping[];
  /** Locked memory in system pages (VmLck). */
  lockedPages: bigint;
  /** Memory that IOMMUFD has pinned in system pages (VmPin), whoever is charged for it. */
  pinnedPages: bigint;
  /** RLIMIT_MEMLOCK in bytes; undefined while the process may lock what it likes (CAP_IPC_LOCK). */
  lockLimit: bigint | undefined;
  /** Memory that is registered for I/O, of every container of the process. */
  readonly regions: Region[];
  /** Where the next mapping is put when nobody says where. */
  next: bigint;
}

/** A range of pinned memory that DMA mappings may refer to (mm_iommu_table_group_mem_t). */
export interface Region {
  readonly address: bigint;
  readonly length: bigint;
  /** log2 of the largest I/O page it can serve. */
  readonly pageShift: number;
  /** Containers that registered it. */
  users: number;
  /** 1, and one for every I/O page that maps it. */
  mapped: number;
  readonly pinned: readonly Pinned[];
}

/** A file whose contents are memory (memfd), or any other, whose pages cannot be pinned. */
export interface MemoryFile {
  readonly kind: 'memory' | 'plain';
  /** Bytes. */
  readonly length: bigint;
  readonly real: bigint;
  readonly pageShift: number;
}

/** A part of a region, pinned at its real address. */
export interface Pinned {
  readonly address: bigint;
  readonly length: bigint;
  readonly real: bigint;
  readonly pageShift: number;
}

/** Where processes put their memory, unless told where. */
const FIRST_ADDRESS = 0x7000_0000_0000n;

export const makeAddressSpace = (): AddressSpace => ({
  mappings: [],
  lockedPages: 0n,
  pinnedPages: 0n,
  lockLimit: undefined,
  regions: [],
  next: FIRST_ADDRESS,
});

const end = (range: { readonly start: bigint; readonly length: bigint }): bigint => range.start + range.length;

const alignUp = (value: bigint, shift: number): bigint => ((value + (1n << BigInt(shift)) - 1n) >> BigInt(shift)) << BigInt(shift);

/** An address that is free for a mapping of that many bytes. */
export function freeAddress(space: AddressSpace, length: bigint, pageShift: number): bigint {
  const address = alignUp(space.next, pageShift);
  space.next = address + alignUp(length, pageShift) + (1n << BigInt(pageShift));
  return address;
}

/** True where a part of the range is mapped. */
export const overlaps = (space: AddressSpace, start: bigint, length: bigint): boolean =>
  space.mappings.some((mapping) => start < end(mapping) && mapping.start < start + length);

/** Maps new pages of zeros, over what is there. */
export function mapMemory(space: AddressSpace, memory: RealMemory, mapping: Omit<Mapping, 'real'>): void {
  unmapMemory(space, mapping.start, mapping.length);
  const real = alignUp(memory.next, mapping.pageShift);
  memory.next = real + alignUp(mapping.length, mapping.pageShift);
  space.mappings.push({ ...mapping, real });
}

/** Maps pages that are there, over what is mapped. */
export function mapPages(space: AddressSpace, mapping: Mapping): void {
  unmapMemory(space, mapping.start, mapping.length);
  space.mappings.push(mapping);
}

/** Takes the mappings of a range away, parts of mappings too. */
export function unmapMemory(space: AddressSpace, start: bigint, length: bigint): void {
  space.mappings = space.mappings.flatMap((mapping) => without(mapping, start, start + length));
}

function without(mapping: Mapping, from: bigint, to: bigint): Mapping[] {
  if (to <= mapping.start || from >= end(mapping)) return [mapping];
  const rest: Mapping[] = [];
  if (from > mapping.start) rest.push({ ...mapping, length: from - mapping.start });
  if (to < end(mapping)) rest.push({ ...mapping, start: to, length: end(mapping) - to, real: mapping.real + (to - mapping.start) });
  return rest;
}

/** The mapping that holds the address. */
export const mappingAt = (space: AddressSpace, address: bigint): Mapping | undefined =>
  space.mappings.find((mapping) => address >= mapping.start && address < end(mapping));

/** The real address of a byte; undefined where nothing is mapped. */
export function realAddress(space: AddressSpace, address: bigint): bigint | undefined {
  const mapping = mappingAt(space, address);
  return mapping === undefined ? undefined : mapping.real + (address - mapping.start);
}

/** The pages of a range as a driver pins them for writing; undefined where one is missing or must not be written. */
export function pinRange(space: AddressSpace, address: bigint, length: bigint): Pinned[] | undefined {
  const pinned = pinUntil(space, address, length);
  return pinned.reduce((sum, part) => sum + part.length, 0n) === length ? pinned : undefined;
}

/** The pages of a range up to the first that is missing or must not be touched: for writing, or to be read alone. */
export function pinUntil(space: AddressSpace, address: bigint, length: bigint, writing = true): Pinned[] {
  const pinned: Pinned[] = [];
  for (let at = address; at < address + length; ) {
    const mapping = mappingAt(space, at);
    if (mapping === undefined || mapping.protection === 'none' || (writing && mapping.protection === 'r')) break;
    const run = end(mapping) < address + length ? end(mapping) - at : address + length - at;
    pinned.push({ address: at, length: run, real: mapping.real + (at - mapping.start), pageShift: mapping.pageShift });
    at += run;
  }
  return pinned;
}

/** A new file of zeros; a length that is no number of its pages takes a whole one more. */
export function makeFile(memory: RealMemory, kind: MemoryFile['kind'], length: bigint, pageShift: number): MemoryFile {
  const real = alignUp(memory.next, pageShift);
  memory.next = real + alignUp(length, pageShift);
  return { kind, length, real, pageShift };
}

/** A copy for a child process: the same addresses, pages of its own with the same contents, nothing locked. */
export function forkMemory(space: AddressSpace, memory: RealMemory): AddressSpace {
  const child: AddressSpace = { ...makeAddressSpace(), lockLimit: space.lockLimit, next: space.next };
  for (const mapping of space.mappings) {
    if (mapping.of !== undefined) {
      child.mappings.push(mapping);
      continue;
    }
    mapMemory(child, memory, mapping);
    const copy = child.mappings.at(-1)!;
    memory.bytes.copy(Number(mapping.real), Number(copy.real), Number(mapping.length));
  }
  return child;
}

/** True where the process may lock so many more pages. Locking none is always allowed. */
export const mayLock = (space: AddressSpace, pages: bigint, pageShift: number): boolean =>
  pages === 0n || space.lockLimit === undefined || (space.lockedPages + pages) << BigInt(pageShift) <= space.lockLimit;

/** The region with exactly that place and size. */
export const findRegion = (space: AddressSpace, address: bigint, length: bigint): Region | undefined =>
  space.regions.find((region) => region.address === address && region.length === length);

/** The region that holds the whole range, of any container of the process. */
export const regionAround = (space: AddressSpace, address: bigint, length: bigint): Region | undefined =>
  space.regions.find((region) => address >= region.address && address + length <= region.address + region.length);

/** The part of a region that holds the address: what was pinned at registration, whatever the process maps there now. */
export function pinnedAt(region: Region, address: bigint): Pinned {
  const part = region.pinned.find((candidate) => address >= candidate.address && address < candidate.address + candidate.length);
  if (part === undefined) throw new Error(`The region does not hold 0x${address.toString(16)}.`);
  return part;
}

/** The real address of a byte of a region. */
export function regionReal(region: Region, address: bigint): bigint {
  const part = pinnedAt(region, address);
  return part.real + (address - part.address);
}

/** log2 of the largest power of two that divides the value; 0 for 0. */
export function trailingZeros(value: bigint): number {
  let count = 0;
  for (let rest = value; rest !== 0n && (rest & 1n) === 0n; rest >>= 1n) count += 1;
  return count;
}
