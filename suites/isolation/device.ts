import type { ProgramBuilder, WindowHandle } from '../../harness/build/program-builder.js';
import { plus, type Term } from '../../reference/doors/term.js';
import { mapping, READ, WRITE } from '../tce/entries.js';

/** Where a device takes its pattern from, and where its buffer is written to be seen. */
const STAGE = 0x400_0000n;
const DRAIN = 0x500_0000n;
/** The pages of a window that serve for this; scenarios use lower ones. */
const STAGE_PAGE = 8n;
const DRAIN_PAGE = 9n;

/** What memory holds, what other memory holds, and what the device's buffer holds before an access. */
export const MEMORY_BYTE = 0xa5;
export const OTHER_BYTE = 0xc3;
export const DEVICE_BYTE = 0x5a;

/** Bytes of an access, where nothing else is said. */
export const LENGTH = 64;

export type Direction = 'read' | 'write';
export const DIRECTIONS: readonly Direction[] = ['read', 'write'];

/** The bus address of the page with that number in the window. */
export const pageAt = (window: WindowHandle, page: bigint): Term => window.at(page << BigInt(window.pageShift));

/** A device and the window through which its buffer is filled and drained. */
export interface Device {
  readonly name: string;
  readonly via: WindowHandle;
}

export const deviceOf = (via: WindowHandle, pe = 'pe0'): Device => ({ name: `${pe}.dev0`, via });

/** Writes an entry of the window by page number. */
export const map = (p: ProgramBuilder, window: WindowHandle, page: bigint, entry: Term): ProgramBuilder =>
  p.put(window, page << BigInt(window.pageShift), entry);

/** Fills the first bytes of the device's buffer: it reads them from memory. */
export function fillBuffer(p: ProgramBuilder, { name, via }: Device, byte = DEVICE_BYTE, length = LENGTH): void {
  p.fill(STAGE, length, byte);
  map(p, via, STAGE_PAGE, mapping(STAGE, READ));
  p.deviceReads(pageAt(via, STAGE_PAGE), length, 0, name);
  map(p, via, STAGE_PAGE, 0n);
}

/** Makes the first bytes of the device's buffer visible: it writes them to memory, which is loaded as `as`. */
export function drainBuffer(p: ProgramBuilder, { name, via }: Device, as?: string, length = LENGTH): void {
  map(p, via, DRAIN_PAGE, mapping(DRAIN, WRITE));
  p.deviceWrites(pageAt(via, DRAIN_PAGE), length, 0, name);
  map(p, via, DRAIN_PAGE, 0n);
  p.load(DRAIN, length, as);
}

export interface Access {
  readonly direction: Direction;
  /** The bus address accessed. */
  readonly iova: Term;
  /** The memory that may be reached. */
  readonly memory: bigint;
  readonly length?: number;
  /** Names of the two loads: `<as>-memory` holds what memory had, `<as>` what arrived. */
  readonly as?: string;
}

/**
 * One access that shows whether it went through. Before it, memory and the device's buffer hold different patterns. A
 * read: the buffer is drained afterwards (`<as>`), to be held against memory (`<as>-memory`). A write: memory is loaded
 * before (`<as>-memory`) and after (`<as>`).
 */
export function access(p: ProgramBuilder, device: Device, { direction, iova, memory, length = LENGTH, as }: Access): void {
  p.fill(memory, length, MEMORY_BYTE);
  fillBuffer(p, device, DEVICE_BYTE, length);
  p.load(memory, length, as === undefined ? undefined : `${as}-memory`);
  if (direction === 'read') {
    p.deviceReads(iova, length, 0, device.name);
    drainBuffer(p, device, as, length);
  } else {
    p.deviceWrites(iova, length, 0, device.name);
    p.load(memory, length, as);
  }
}

/** The claim that an access named `as` reached memory: a read brings its bytes, a write changes them. */
export const reached = (direction: Direction, as: string, says: string) => ({
  says,
  clause: 'dma/translated',
  holds: direction === 'read' ? ('equal' as const) : ('different' as const),
  loads: [`${as}-memory`, as] as const,
});

/** The claim that it did not. */
export const refused = (direction: Direction, as: string, says: string, clause = `dma/${direction}-permission`) => ({
  says,
  clause,
  holds: direction === 'read' ? ('different' as const) : ('equal' as const),
  loads: [`${as}-memory`, as] as const,
});

/** Both directions at once, unnamed: the model alone judges what they bring. */
export function probe(p: ProgramBuilder, device: Device, iova: Term, memory: bigint): void {
  for (const direction of DIRECTIONS) access(p, device, { direction, iova, memory });
}

/** The permission bit that the direction needs. */
export const needed = (direction: Direction): bigint => (direction === 'read' ? READ : WRITE);

/** Past participle for titles. */
export const verb: Record<Direction, string> = { read: 'reads', write: 'writes' };

/** The address `offset` bytes on. */
export const shifted = (address: Term, offset: bigint): Term => plus(address, offset);
