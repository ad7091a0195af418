import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeTve, encodeTve, isWindowOf, TCE_PAGE_SHIFTS, windowIds, type Phb, type Tve } from './tve.js';

const table = (tableAddress: bigint, tableShift: number, pageShift: number, levels = 1): Tve => ({
  kind: 'translated',
  tableAddress,
  levels,
  tableShift,
  pageShift,
});

const bypass = (end: bigint): Tve => ({ kind: 'bypass', start: 0n, end });

describe('translated windows', () => {
  test.each([
    [71, '64K, 8 MiB', table(0x1_0000_0000n, 23, 16), 'phb4', 0x10_0000_0c05n],
    [72, '4K, 4 MiB', table(0x2000_0000n, 22, 12), 'phb4', 0x2_0000_0b01n],
    [73, '16M, 32 KiB', table(0x3000_0000n, 15, 24), 'phb3', 0x3_0000_040dn],
    [74, '2M, 256 KiB', table(0x4000_0000n, 18, 21), 'phb4', 0x4_0000_070an],
    [75, '256M, 4 KiB', table(0x5000_0000n, 12, 28), 'phb3', 0x5_0000_0111n],
    [76, '64K, 2 levels of 64 KiB', table(0x6000_0000n, 16, 16, 2), 'phb4', 0x6_0000_2505n],
    [77, '1G, 4 KiB', table(0x7000_0000n, 12, 30), 'phb4', 0x7_0000_0113n],
  ] as const)('vector %i: %s', (_vector, _name, tve, phb, value) => {
    expect(encodeTve(tve, phb)).toBe(value);
    expect(decodeTve(value)).toEqual(tve);
  });
});

describe('bypass windows', () => {
  test.each([
    [78, '64 GiB', bypass(1n << 36n), 'phb4', 0x1000_1080n],
    [78, '64 GiB', bypass(1n << 36n), 'phb3', 0x1000_1000n],
    [79, '512 GiB', bypass(1n << 39n), 'phb4', 0x8000_1080n],
    [80, '4 TiB', bypass(1n << 42n), 'phb4', 0x4_0000_1080n],
  ] as const)('vector %i: %s', (_vector, _name, tve, phb, value) => {
    expect(encodeTve(tve, phb)).toBe(value);
    expect(decodeTve(value)).toEqual(tve);
  });

  test('bits 49 and 48 of start and end have their own places', () => {
    const value = encodeTve({ kind: 'bypass', start: 0x1_0000_0100_0000n, end: 0x3_ffff_ff00_0000n }, 'phb4');
    expect(value).toBe(0x00_0001_ff_ffff_1780n);
  });
});

describe('any window', () => {
  const phb = fc.constantFrom<Phb>('phb3', 'phb4');
  const megabytes16 = fc.bigInt(0n, (1n << 26n) - 1n).map((unit) => unit << 24n);

  test('that is translated comes back from its register value', () => {
    const translated = phb.chain((kind) =>
      fc.tuple(
        fc.constant(kind),
        fc.record({
          kind: fc.constant('translated' as const),
          tableAddress: fc.bigInt(0n, (1n << 48n) - 1n).map((page) => page << 12n),
          levels: fc.integer({ min: 1, max: 5 }),
          tableShift: fc.integer({ min: 12, max: 42 }),
          pageShift: fc.constantFrom(...TCE_PAGE_SHIFTS[kind]),
        }),
      ),
    );
    fc.assert(fc.property(translated, ([kind, tve]) => { expect(decodeTve(encodeTve(tve, kind))).toEqual(tve); }));
  });

  test('that bypasses comes back from its register value', () => {
    fc.assert(
      fc.property(phb, megabytes16, megabytes16, (kind, start, end) => {
        expect(decodeTve(encodeTve({ kind: 'bypass', start, end }, kind))).toEqual({ kind: 'bypass', start, end });
      }),
    );
  });

  test('is disabled without a page size or without a table size', () => {
    expect(encodeTve({ kind: 'disabled' }, 'phb4')).toBe(0n);
    expect(decodeTve(0n)).toEqual({ kind: 'disabled' });
    expect(decodeTve(0x2_0000_0001n)).toEqual({ kind: 'disabled' });
    expect(decodeTve(0x2_0000_0b00n)).toEqual({ kind: 'disabled' });
  });
});

describe('window ids', () => {
  test('vector 83: PE 7 has windows 14 and 15, and not 13', () => {
    expect(windowIds(7)).toEqual([14, 15]);
    expect([13, 14, 15, 16].map((id) => isWindowOf(7, id))).toEqual([false, true, true, false]);
  });
});
