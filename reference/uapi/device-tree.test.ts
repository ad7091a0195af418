import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  decodeDdrWindowInfo,
  decodeDdwApplicable,
  decodeDmaWindow,
  decodeMyDmaWindow,
  encodeDdrWindowInfo,
  encodeDdwApplicable,
  encodeDdwExtensions,
  encodeDmaWindow,
  encodeMyDmaWindow,
  readDdwExtension,
  readDdwExtensions,
  TWO_CELLS,
  type DmaCells,
} from './device-tree.js';

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const ONE_CELL: DmaCells = { address: 1, size: 1 };
const GIB = 1n << 30n;

describe('ibm,dma-window', () => {
  test.each([
    [41, '80000000 00000000 00000000 00000000 40000000', TWO_CELLS, { liobn: 0x8000_0000n, start: 0n, size: GIB }],
    [42, '80000100 00000000 00000000 00000000 40000000', TWO_CELLS, { liobn: 0x8000_0100n, start: 0n, size: GIB }],
    [44, '10000003 00000000 80000000', ONE_CELL, { liobn: 0x1000_0003n, start: 0n, size: 2n * GIB }],
    [45, '70000018 00000000 00000000 00000000 80000000', TWO_CELLS, { liobn: 0x7000_0018n, start: 0n, size: 2n * GIB }],
  ])('vector %i', (_vector, hex, cells, window) => {
    expect(encodeDmaWindow(window, cells)).toEqual(bytes(hex));
    expect(decodeDmaWindow(bytes(hex), cells)).toEqual({ ok: true, value: window });
  });

  test.each([
    ['nothing', '', 'expected triples of 5 cells, saw 0 cells'],
    ['four cells', '80000000 00000000 00000000 40000000', 'expected triples of 5 cells, saw 4 cells'],
    ['half a cell', '8000', 'expected whole 4-byte cells, saw 2 bytes'],
    ['two triples', '80000000 00000000 00000000 00000000 40000000 '.repeat(2), 'expected one triple, saw 2'],
  ])('%s is none', (_name, hex, problem) => {
    expect(decodeDmaWindow(bytes(hex))).toEqual({ ok: false, problem });
  });

  test('a start that needs two cells does not fit in one', () => {
    expect(() => encodeDmaWindow({ liobn: 1n, start: 1n << 59n, size: GIB }, ONE_CELL)).toThrow('does not fit in 1 cells');
  });
});

describe('ibm,my-dma-window', () => {
  test('vector 43: the own pane of a virtual adapter', () => {
    const hex = '71000001 00000000 00000000 00000000 10000000';
    const pane = { liobn: 0x7100_0001n, start: 0n, size: 256n << 20n };
    expect(encodeMyDmaWindow([pane])).toEqual(bytes(hex));
    expect(decodeMyDmaWindow(bytes(hex))).toEqual({ ok: true, value: [pane] });
  });

  test('any panes come back, with any number of cells', () => {
    const cellCount = fc.constantFrom<1 | 2>(1, 2);
    const panes = (cells: DmaCells) =>
      fc.array(
        fc.record({
          liobn: fc.bigInt(0n, (1n << 32n) - 1n),
          start: fc.bigInt(0n, (1n << BigInt(32 * cells.address)) - 1n),
          size: fc.bigInt(0n, (1n << BigInt(32 * cells.size)) - 1n),
        }),
        { minLength: 1, maxLength: 3 },
      );
    const cases = fc
      .record({ address: cellCount, size: cellCount })
      .chain((cells) => panes(cells).map((list) => [cells, list] as const));
    fc.assert(
      fc.property(cases, ([cells, list]) => {
        expect(decodeMyDmaWindow(encodeMyDmaWindow(list, cells), cells)).toEqual({ ok: true, value: list });
      }),
    );
  });
});

describe('ibm,ddw-applicable', () => {
  test('vector 46: query, create, remove', () => {
    const tokens = { query: 0x2026, create: 0x2027, remove: 0x2028 };
    expect(encodeDdwApplicable(tokens)).toEqual(bytes('00002026 00002027 00002028'));
    expect(decodeDdwApplicable(bytes('00002026 00002027 00002028'))).toEqual({ ok: true, value: tokens });
  });

  test('two tokens are too few, four too many', () => {
    expect(decodeDdwApplicable(bytes('00002026 00002027')).ok).toBe(false);
    expect(decodeDdwApplicable(bytes('00002026 00002027 00002028 00002029')).ok).toBe(false);
  });
});

describe('ibm,ddw-extensions', () => {
  test('vector 47: reset and the query with 6 outputs, no limited addressing', () => {
    const property = bytes('00000002 00002029 00000001');
    expect(encodeDdwExtensions([0x2029, 1])).toEqual(property);
    expect(readDdwExtensions(property)).toEqual({ reset: 0x2029, query6: true, limited: false });
  });

  test('vector 48: a list of one extension offers the reset alone', () => {
    const property = bytes('00000001 00002029');
    expect(encodeDdwExtensions([0x2029])).toEqual(property);
    expect(readDdwExtensions(property)).toEqual({ reset: 0x2029, query6: false, limited: false });
    expect(readDdwExtension(property, 3)).toEqual({ ok: false, problem: 'short' });
  });

  test.each([
    ['no property', undefined, 'absent'],
    ['an empty property', bytes(''), 'empty'],
    ['a count without the cells it promises', bytes('00000002 00002029'), 'short'],
    ['cells beyond the count', bytes('00000001 00002029 00000001'), 'short'],
    ['a torn count', bytes('0000'), 'short'],
  ])('extension 3 of %s cannot be read', (_name, property, problem) => {
    expect(readDdwExtension(property, 3)).toEqual({ ok: false, problem });
    expect(readDdwExtensions(property).query6).toBe(false);
  });

  test('a reserved value of extension 3 offers nothing, and unknown extensions are ignored', () => {
    const property = bytes('00000005 00002029 00000002 00000001 deadbeef cafebabe');
    expect(readDdwExtensions(property)).toEqual({ reset: 0x2029, query6: false, limited: true });
  });
});

describe('linux,direct64- and linux,dma64-ddr-window-info', () => {
  const start = 1n << 59n;

  test.each([
    [49, '64 GiB of 64K', '80000001 08000000 00000000 00000010 00000024', { liobn: 0x8000_0001n, start, pageShift: 16, windowShift: 36 }],
    [50, '64 GiB of 16M', '80000001 08000000 00000000 00000018 00000024', { liobn: 0x8000_0001n, start, pageShift: 24, windowShift: 36 }],
    [50, '256 GiB of 2M', '70000018 08000000 00000000 00000015 00000026', { liobn: 0x7000_0018n, start, pageShift: 21, windowShift: 38 }],
  ])('vector %i: %s', (_vector, _name, hex, info) => {
    expect(encodeDdrWindowInfo(info)).toEqual(bytes(hex));
    expect(decodeDdrWindowInfo(bytes(hex))).toEqual({ ok: true, value: info });
  });

  test('fewer than 20 bytes are none', () => {
    expect(decodeDdrWindowInfo(bytes('80000001 08000000 00000000 00000010'))).toEqual({
      ok: false,
      problem: 'expected 20 bytes, saw 16',
    });
  });
});
