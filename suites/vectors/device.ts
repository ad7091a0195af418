import type { ProgramBuilder, WindowHandle } from '../../harness/build/program-builder.js';
import type { Term } from '../../reference/doors/term.js';

/** Where a program keeps bytes for a device to fetch. */
const DEVICE_BYTES = 0x106_0000n;
/** Where a device shows what it read. */
const SHOWN = 0x107_0000n;

/** Bytes of one access. */
export const LENGTH = 16;

/** The device's buffer becomes `byte` throughout: it fetches it through page 0xe of a window of 4 KiB pages. */
export function loadDevice(p: ProgramBuilder, window: WindowHandle, byte: number): void {
  p.fill(DEVICE_BYTES, LENGTH, byte).put(window, 0xe000n, DEVICE_BYTES | 1n).deviceReads(window.at(0xe000n), LENGTH);
}

/**
 * The device reads `iova`, and writes what it has then where the program can load it (as `as`): through page 0xf of a
 * window of 4 KiB pages. What it had before is 0x3c in all bytes.
 */
export function readThrough(p: ProgramBuilder, window: WindowHandle, iova: Term, as: string): void {
  loadDevice(p, window, 0x3c);
  p.put(window, 0xf000n, SHOWN | 2n);
  p.deviceReads(iova, LENGTH).deviceWrites(window.at(0xf000n), LENGTH).load(SHOWN, LENGTH, as);
}
