/** The memory of the guest: a nameless file on tmpfs that QEMU maps and that this process reads and writes. */

import { closeSync, ftruncateSync, readSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';

import { openNameless } from './nameless.js';

export class GuestRam {
  readonly #fd: number;
  #open = true;

  /** @param bytes size of guest memory; tmpfs provides pages only as they are touched */
  constructor(readonly bytes: number) {
    this.#fd = openNameless(roomyDirectory(bytes));
    ftruncateSync(this.#fd, bytes);
  }

  /** The descriptor to hand to QEMU. */
  get fd(): number {
    return this.#fd;
  }

  /** Fills `into` from a guest physical address. */
  read(address: bigint | number, into: Uint8Array): void {
    readSync(this.#fd, into, 0, into.length, this.#checked(address, into.length));
  }

  /** Stores bytes at a guest physical address. */
  write(address: bigint | number, bytes: Uint8Array): void {
    writeSync(this.#fd, bytes, 0, bytes.length, this.#checked(address, bytes.length));
  }

  /** Makes all of memory zero. The machine must be stopped: an access in between would be a bus error. */
  zero(): void {
    ftruncateSync(this.#fd, 0);
    ftruncateSync(this.#fd, this.bytes);
  }

  close(): void {
    if (this.#open) closeSync(this.#fd);
    this.#open = false;
  }

  #checked(address: bigint | number, count: number): number {
    const at = Number(address);
    if (at < 0 || at + count > this.bytes) {
      throw new RangeError(`guest memory ends at 0x${this.bytes.toString(16)}: no ${count} bytes at 0x${at.toString(16)}`);
    }
    return at;
  }
}

/** /dev/shm where it has room (in containers it is often 64 MiB), else the directory for temporary files. */
function roomyDirectory(bytes: number): string {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm');
    return bavail * bsize >= bytes ? '/dev/shm' : tmpdir();
  } catch {
    return tmpdir();
  }
}
