import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { TceTable } from './table.js';

const ENTRIES = 2000;
const index = fc.integer({ min: 0, max: ENTRIES - 1 });
const entry = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const write = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), index, values: fc.array(entry, { minLength: 1, maxLength: 1 }) }),
  fc.record({ kind: fc.constant('fill' as const), index, values: fc.array(entry, { minLength: 1, maxLength: 1 }), count: fc.integer({ min: 0, max: 1100 }) }),
  fc.record({ kind: fc.constant('putAll' as const), index, values: fc.array(entry, { maxLength: 700 }) }),
);

describe('TceTable', () => {
  it('holds what a plain map of entries would hold', () => {
    fc.assert(
      fc.property(fc.array(write, { maxLength: 20 }), (writes) => {
        const table = new TceTable(ENTRIES);
        const plain = new Map<number, bigint>();
        for (const w of writes) {
          const values = w.kind === 'fill' ? Array.from({ length: Math.min(w.count, ENTRIES - w.index) }, () => w.values[0]!) : w.values.slice(0, ENTRIES - w.index);
          if (w.kind === 'put') table.put(w.index, values[0]!);
          if (w.kind === 'fill') table.fill(w.index, values.length, w.values[0]!);
          if (w.kind === 'putAll') table.putAll(w.index, BigUint64Array.from(values));
          values.forEach((value, i) => plain.set(w.index + i, value));
        }
        const written = [...plain].filter(([, value]) => value !== 0n).sort(([a], [b]) => a - b);
        expect([...table.written()]).toEqual(written);
        expect(table.hasMappings()).toBe(written.some(([, value]) => (value & 3n) !== 0n));
      }),
    );
  });

  it('keeps nothing for a window of 2^40 bytes that nobody touched', () => {
    const table = new TceTable(2 ** 28);
    expect(table.get(2 ** 28 - 1)).toBe(0n);
    expect(table.bytes).toBe(0);
    expect(table.touched).toBe(false);
  });

  it('keeps one chunk for one entry at the far end', () => {
    const table = new TceTable(2 ** 40);
    table.put(2 ** 40 - 1, 7n);
    expect(table.get(2 ** 40 - 1)).toBe(7n);
    expect(table.bytes).toBe(4096);
  });

  it('does not share entries with its clone', () => {
    const table = new TceTable(16);
    table.put(3, 1n);
    const copy = table.clone();
    table.put(3, 2n);
    expect(copy.get(3)).toBe(1n);
  });
});
