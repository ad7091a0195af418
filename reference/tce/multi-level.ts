import type { ByteStore } from '../memory/bytes.js';
import { decodeTce, encodeTce } from './encode.js';
import type { TableLevels } from './table-size.js';
import { isMapping, permits, rpn, TCE_BYTES, TCE_READ, TCE_WRITE, type Direction } from './tce.js';

/*
 * A TCE table in memory as IODA hardware walks it: 1 to 5 levels of tables of the same size. Bus address, for 3 levels:
 *
 *   +----------+-----------+-----------+-----------+-------------+
 *   | 0        | level 2   | level 1   | level 0   | in the page |
 *   +----------+-----------+-----------+-----------+-------------+
 *               each log2(entries of a table) bits   page shift bits
 *
 * An entry above level 0 is the address of a table of the level below, 4 KiB aligned, with permission bits; with
 * permission 00 there is no table. Entries are 8 bytes, big-endian.
 * Source: QEMU pnv_phb4_translate_tve; skiboot phb4_map_pe_dma_window; Linux powernv/pci-ioda-tce.c pnv_tce.
 */

/** A table in memory, as its TVE describes it. */
export interface TableShape extends TableLevels {
  /** Address of the one table of the highest level; bytes. */
  readonly base: bigint;
  /** log2 of the I/O page size in bytes, 12 to 34. */
  readonly pageShift: number;
}

const indexBits = (shape: TableLevels): number => shape.levelShift - 3;

/** Entries of level 0 that the shape has room for. */
export const capacity = (shape: TableLevels): bigint => 1n << BigInt(indexBits(shape) * shape.levels);

/** The entry's position in the table of each level, the highest level first. */
export function levelIndexes(shape: TableLevels, index: bigint): number[] {
  const bits = indexBits(shape);
  const mask = (1n << BigInt(bits)) - 1n;
  return Array.from({ length: shape.levels }, (_, i) => Number((index >> BigInt(bits * (shape.levels - 1 - i))) & mask));
}

const slot = (table: bigint, index: number): number => Number(table) + index * TCE_BYTES;
const load = (memory: ByteStore, address: number): bigint => decodeTce(memory.load(address, TCE_BYTES).values);

/**
 * Where the entry of I/O page `index` lies in memory; undefined where a level on the way has no table.
 *
 * @param allocate makes a table of zeros and gives its address; without it nothing is changed
 */
function findSlot(shape: TableShape, memory: ByteStore, index: bigint, allocate?: () => bigint): number | undefined {
  const indexes = levelIndexes(shape, index);
  const leaf = indexes.pop() as number;
  let table = shape.base;
  for (const at of indexes) {
    let entry = load(memory, slot(table, at));
    if (!isMapping(entry)) {
      if (allocate === undefined) return undefined;
      entry = allocate() | TCE_READ | TCE_WRITE;
      memory.store(slot(table, at), encodeTce(entry));
    }
    table = rpn(entry);
  }
  return slot(table, leaf);
}

/**
 * What the hardware makes of a device's access: the memory address, or undefined where it refuses. The page number of the
 * last entry is masked to the page size. The caller has chosen the window and taken its start off the address.
 *
 * @param offset bus address from the window's start, bytes
 */
export function walk(shape: TableShape, memory: ByteStore, offset: bigint, direction: Direction): bigint | undefined {
  const index = offset >> BigInt(shape.pageShift);
  if (offset < 0n || index >= capacity(shape)) return undefined;
  const at = findSlot(shape, memory, index);
  if (at === undefined) return undefined;
  const entry = load(memory, at);
  if (!permits(entry, direction)) return undefined;
  const inPage = (1n << BigInt(shape.pageShift)) - 1n;
  return (rpn(entry) & ~inPage) | (offset & inPage);
}

/** Gives zeroed memory for a table of so many bytes, aligned to its size; its address in bytes. */
export type TableAllocator = (bytes: number) => bigint;

/**
 * A multi-level table as a kernel keeps it: the highest level is there from the beginning, the tables below come with the
 * first entry that needs them and stay.
 */
export class MultiLevelTable {
  readonly shape: TableShape;
  #tables = 1;

  constructor(
    readonly memory: ByteStore,
    levels: TableLevels,
    pageShift: number,
    readonly allocator: TableAllocator,
  ) {
    this.shape = { ...levels, pageShift, base: allocator(2 ** levels.levelShift) };
  }

  /** Bytes of all tables that exist now. */
  get bytes(): number {
    return this.#tables * 2 ** this.shape.levelShift;
  }

  /** The raw entry; 0 where none was written. Allocates nothing. */
  get(index: number): bigint {
    const at = findSlot(this.shape, this.memory, BigInt(index));
    return at === undefined ? 0n : load(this.memory, at);
  }

  /** Writes one entry; makes the tables it needs. */
  put(index: number, entry: bigint): void {
    const at = findSlot(this.shape, this.memory, BigInt(index), () => this.#allocate()) as number;
    this.memory.store(at, encodeTce(entry));
  }

  /**
   * Writes 0 to `count` entries. Where there is no table nothing needs to be written, and none is made: the rest of the
   * table that is missing is passed over, from its own boundary and not from `index`.
   */
  clear(index: number, count: number): void {
    const perTable = 2 ** indexBits(this.shape);
    for (let at = index; at < index + count; ) {
      const address = findSlot(this.shape, this.memory, BigInt(at));
      if (address !== undefined) this.memory.store(address, encodeTce(0n));
      at = address === undefined ? (Math.floor(at / perTable) + 1) * perTable : at + 1;
    }
  }

  /** A device's access, `offset` bytes from the window's start: the memory address, or undefined where it is refused. */
  translate(offset: bigint, direction: Direction): bigint | undefined {
    return walk(this.shape, this.memory, offset, direction);
  }

  #allocate(): bigint {
    this.#tables += 1;
    return this.allocator(2 ** this.shape.levelShift);
  }
}
