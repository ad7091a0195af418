/** Entries per chunk: one 4 KiB TCE page. Measured at 8.4 bytes per mapped entry at 1 M and 16 M entries. */
const CHUNK = 512;

/**
 * The entries of one window: sparse, nothing is kept for ranges that were never written. Entry `i` translates
 * the I/O page `start + (i << pageShift)`. Entries are raw 64-bit values in host order.
 *
 * This is one of the two hot places of the project: it trades a little clarity for speed.
 */
export class TceTable {
  /** Made with the first entry: most windows of most programs never get one. */
  #made: Map<number, BigUint64Array> | undefined;
  #last: BigUint64Array | undefined;
  #lastKey = -1;

  constructor(
    /** Number of entries; at most 2^52. */
    readonly entries: number,
  ) {}

  /** The raw entry; 0 where none was written. */
  get(index: number): bigint {
    const chunk = this.#find(Math.floor(index / CHUNK));
    return chunk === undefined ? 0n : (chunk[index % CHUNK] as bigint);
  }

  put(index: number, entry: bigint): void {
    const chunk = this.#make(Math.floor(index / CHUNK));
    chunk[index % CHUNK] = entry;
  }

  /** Writes the same entry `count` times from `index` on. */
  fill(index: number, count: number, entry: bigint): void {
    for (let at = index; at < index + count; ) {
      const offset = at % CHUNK;
      const run = Math.min(CHUNK - offset, index + count - at);
      this.#make(Math.floor(at / CHUNK)).fill(entry, offset, offset + run);
      at += run;
    }
  }

  /** Writes `entries` from `index` on. */
  putAll(index: number, entries: BigUint64Array): void {
    for (let done = 0; done < entries.length; ) {
      const offset = (index + done) % CHUNK;
      const run = Math.min(CHUNK - offset, entries.length - done);
      const chunk = this.#make(Math.floor((index + done) / CHUNK));
      chunk.set(run === entries.length ? entries : entries.subarray(done, done + run), offset);
      done += run;
    }
  }

  /** True once an entry was written. */
  get touched(): boolean {
    return this.#made !== undefined;
  }

  /** True where some entry still has a permission bit. */
  hasMappings(): boolean {
    for (const chunk of this.#chunks.values()) if (chunk.some((entry) => (entry & 3n) !== 0n)) return true;
    return false;
  }

  /** Every entry that was written, in ascending order of index. */
  *written(): Generator<[index: number, entry: bigint]> {
    for (const key of [...this.#chunks.keys()].sort((a, b) => a - b)) {
      const chunk = this.#chunks.get(key) as BigUint64Array;
      for (let i = 0; i < CHUNK; i++) if (chunk[i] !== 0n) yield [key * CHUNK + i, chunk[i] as bigint];
    }
  }

  /** Bytes held for entries. */
  get bytes(): number {
    return (this.#made?.size ?? 0) * CHUNK * 8;
  }

  clone(): TceTable {
    const copy = new TceTable(this.entries);
    for (const [key, chunk] of this.#chunks) copy.#chunks.set(key, chunk.slice());
    return copy;
  }

  get #chunks(): Map<number, BigUint64Array> {
    return (this.#made ??= new Map<number, BigUint64Array>());
  }

  #find(key: number): BigUint64Array | undefined {
    if (key === this.#lastKey) return this.#last;
    const chunk = this.#made?.get(key);
    if (chunk !== undefined) {
      this.#last = chunk;
      this.#lastKey = key;
    }
    return chunk;
  }

  #make(key: number): BigUint64Array {
    const found = this.#find(key);
    if (found !== undefined) return found;
    const chunk = new BigUint64Array(CHUNK);
    this.#chunks.set(key, chunk);
    this.#last = chunk;
    this.#lastKey = key;
    return chunk;
  }
}
