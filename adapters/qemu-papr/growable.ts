/** A zeroed buffer with a view that grows as it is used. */
export class Growable {
  #bytes: Buffer<ArrayBuffer>;
  #view: DataView;
  #used = 0;

  /** @param capacity bytes to start with */
  constructor(capacity: number) {
    this.#bytes = Buffer.alloc(capacity);
    this.#view = viewOf(this.#bytes);
  }

  /** Bytes in use. */
  get used(): number {
    return this.#used;
  }

  get view(): DataView {
    return this.#view;
  }

  /** The bytes in use; the same memory until the next `extendTo`. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#used);
  }

  /** Puts bytes at an offset in use. */
  set(bytes: Uint8Array, offset: number): void {
    this.#bytes.set(bytes, offset);
  }

  /** Makes `used` bytes be in use; the new ones are zero. */
  extendTo(used: number): void {
    if (used > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(used, this.#bytes.length * 2));
      this.#bytes.copy(larger);
      this.#bytes = larger;
      this.#view = viewOf(larger);
    }
    this.#used = used;
  }

  /** Zeroes what is in use, and forgets it. */
  clear(): void {
    this.#bytes.fill(0, 0, this.#used);
    this.#used = 0;
  }
}

function viewOf(buffer: Buffer<ArrayBuffer>): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
}
