import { describe, expect, it } from '@jest/globals';
import { ByteStore, firstDifference, permittedAt } from './bytes.js';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const open = (length: number, ...permitted: number[]) => ({
  values: new Uint8Array(length),
  open: new Map(Array.from({ length }, (_, i) => [i, permitted] as const)),
});

describe('ByteStore', () => {
  it('is zero where nothing was stored, and keeps bytes across pages', () => {
    const store = new ByteStore();
    store.store(4094, bytes(1, 2, 3, 4));
    expect([...store.load(4092, 8).values]).toEqual([0, 0, 1, 2, 3, 4, 0, 0]);
  });

  it('permits the old and the new values after a store that may not have happened', () => {
    const store = new ByteStore();
    store.store(0, bytes(7, 8));
    store.maybeStore(0, { values: bytes(9, 8), open: new Map() });
    const seen = store.load(0, 2);
    expect([...permittedAt(seen, 0)].sort()).toEqual([7, 9]);
    expect(permittedAt(seen, 1)).toEqual([8]);
    expect(firstDifference(seen, bytes(7, 8))).toBeUndefined();
    expect(firstDifference(seen, bytes(9, 8))).toBeUndefined();
    expect(firstDifference(seen, bytes(1, 8))).toBe(0);
  });

  it('copies what is open with the bytes, and a certain store settles it', () => {
    const store = new ByteStore();
    store.maybeStore(0, open(2, 0x00, 0xff));
    store.store(100, store.load(0, 2));
    expect(firstDifference(store.load(100, 2), bytes(0xff, 0))).toBeUndefined();
    store.store(100, bytes(5, 5));
    expect(store.load(100, 2).open.size).toBe(0);
  });

  it('finds missing bytes', () => {
    expect(firstDifference({ values: bytes(1, 2), open: new Map() }, bytes(1))).toBe(1);
  });
});
