/**
 * Bytes whose values may be open: where the specification leaves it to the platform what arrived (data of a
 * refused device read, a write through a TCE of which only {zero, stale} is known), each byte keeps its
 * permitted values until it is observed.
 */
export interface OpenBytes {
  readonly values: Uint8Array;
  /** Permitted values at positions where more than one is permitted. */
  readonly open: ReadonlyMap<number, readonly number[]>;
}

/** Bytes that each may have any of these values. */
export const openBytes = (length: number, permitted: readonly number[]): OpenBytes => ({
  values: new Uint8Array(length),
  open: new Map(Array.from({ length }, (_, i) => [i, permitted] as const)),
});

const ANY_BYTE: readonly number[] = Array.from({ length: 256 }, (_, value) => value);

/** Bytes of which nothing is known. */
export const anyBytes = (length: number): OpenBytes => openBytes(length, ANY_BYTE);

const PAGE = 4096;

/** Sparse byte store; untouched bytes are zero. Addresses are byte offsets below 2^53. */
export class ByteStore {
  readonly #pages = new Map<number, Uint8Array>();
  readonly #open = new Map<number, readonly number[]>();

  /** The bytes at `address`, with what is open among them. */
  load(address: number, length: number): OpenBytes {
    const values = new Uint8Array(length);
    this.#eachPage(address, length, (page, offset, at, count) => {
      const bytes = this.#pages.get(page);
      if (bytes !== undefined) values.set(bytes.subarray(offset, offset + count), at);
    });
    const open = new Map<number, readonly number[]>();
    if (this.#open.size > 0) {
      for (let i = 0; i < length; i++) {
        const permitted = this.#open.get(address + i);
        if (permitted !== undefined) open.set(i, permitted);
      }
    }
    return { values, open };
  }

  /** Stores bytes, and what is open among them. */
  store(address: number, bytes: OpenBytes | Uint8Array): void {
    const { values, open } = bytes instanceof Uint8Array ? { values: bytes, open: undefined } : bytes;
    this.#eachPage(address, values.length, (page, offset, at, count) => {
      this.#page(page).set(values.subarray(at, at + count), offset);
    });
    if (this.#open.size === 0 && (open === undefined || open.size === 0)) return;
    for (let i = 0; i < values.length; i++) {
      const permitted = open?.get(i);
      if (permitted === undefined) this.#open.delete(address + i);
      else this.#open.set(address + i, permitted);
    }
  }

  /** Each byte may keep its permitted values, or have one of those of `bytes`. */
  maybeStore(address: number, bytes: OpenBytes): void {
    const before = this.load(address, bytes.values.length);
    for (let i = 0; i < bytes.values.length; i++) {
      const permitted = [...new Set([...permittedAt(before, i), ...permittedAt(bytes, i)])];
      if (permitted.length > 1) this.#open.set(address + i, permitted);
    }
  }

  /** A page of 4096 bytes at an aligned address, to read from; zeros where untouched. The caller must not write it. */
  page(address: number): Uint8Array {
    return this.#pages.get(address / PAGE) ?? ZEROS;
  }

  /** True where nothing was ever stored. */
  get untouched(): boolean {
    return this.#pages.size === 0 && this.#open.size === 0;
  }

  /** Copies what was ever stored in a range, with what is open; both addresses are multiples of 4096. */
  copy(from: number, to: number, length: number): void {
    for (const [index, bytes] of [...this.#pages]) {
      const address = index * PAGE;
      if (address >= from && address < from + length) this.store(address - from + to, this.load(address, bytes.length));
    }
  }

  clone(): ByteStore {
    const copy = new ByteStore();
    for (const [page, bytes] of this.#pages) copy.#pages.set(page, bytes.slice());
    for (const [address, permitted] of this.#open) copy.#open.set(address, permitted);
    return copy;
  }

  #page(index: number): Uint8Array {
    let bytes = this.#pages.get(index);
    if (bytes === undefined) {
      bytes = new Uint8Array(PAGE);
      this.#pages.set(index, bytes);
    }
    return bytes;
  }

  #eachPage(
    address: number,
    length: number,
    visit: (page: number, offset: number, at: number, count: number) => void,
  ): void {
    for (let at = 0; at < length; ) {
      const offset = (address + at) % PAGE;
      const count = Math.min(PAGE - offset, length - at);
      visit(Math.floor((address + at) / PAGE), offset, at, count);
      at += count;
    }
  }
}

const ZEROS = new Uint8Array(PAGE);

/** The permitted values of byte `index`. */
export function permittedAt(bytes: OpenBytes, index: number): readonly number[] {
  return bytes.open.get(index) ?? [bytes.values[index] ?? 0];
}

/** The first position where `observed` is not permitted, or undefined. */
export function firstDifference(bytes: OpenBytes, observed: Uint8Array): number | undefined {
  for (let i = 0; i < Math.max(bytes.values.length, observed.length); i++) {
    const value = observed[i];
    if (value === bytes.values[i] && !bytes.open.has(i)) continue;
    if (value === undefined || !permittedAt(bytes, i).includes(value)) return i;
  }
  return undefined;
}
