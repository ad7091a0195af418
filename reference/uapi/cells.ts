import { decoded, malformed, type Decoded } from './decoded.js';

/** Bytes of one cell of the device tree and of RTAS: 32 bits, big-endian. Source: LoPAR "Open Firmware Binding". */
export const CELL_BYTES = 4;

/** Cells as they lie in memory. Each cell is 0 to 2^32 − 1. */
export function encodeCells(cells: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(cells.length * CELL_BYTES);
  cells.forEach((cell, i) => bytes.writeUInt32BE(cell, i * CELL_BYTES));
  return new Uint8Array(bytes);
}

/** The cells of a buffer that holds nothing else. */
export function decodeCells(bytes: Uint8Array): Decoded<readonly number[]> {
  if (bytes.length % CELL_BYTES !== 0) return malformed(`expected whole 4-byte cells, saw ${bytes.length} bytes`);
  const view = Buffer.from(bytes);
  return decoded(Array.from({ length: bytes.length / CELL_BYTES }, (_, i) => view.readUInt32BE(i * CELL_BYTES)));
}

/**
 * A number as `count` cells, the most significant first.
 *
 * @throws RangeError where the number needs more cells
 */
export function splitCells(value: bigint, count: number): number[] {
  if (value < 0n || value >> BigInt(32 * count) !== 0n) {
    throw new RangeError(`0x${value.toString(16)} does not fit in ${count} cells`);
  }
  return Array.from({ length: count }, (_, i) => Number((value >> BigInt(32 * (count - 1 - i))) & 0xffff_ffffn));
}

/** One number out of cells, the most significant first. */
export const joinCells = (cells: readonly number[]): bigint =>
  cells.reduce((value, cell) => (value << 32n) | BigInt(cell), 0n);
