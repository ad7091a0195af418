import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ByteStore } from '../memory/bytes.js';
import { decodeTve, encodeTve } from '../uapi/tve.js';
import { decodeTce, encodeTce } from './encode.js';
import { capacity, levelIndexes, MultiLevelTable, walk, type TableAllocator } from './multi-level.js';
import type { TableLevels } from './table-size.js';
import { TceTable } from './table.js';
import { permits, rpn, type Direction } from './tce.js';

/** Tables one after another from 1 GiB on, each aligned to its size. */
function tablesFrom(first = 0x4000_0000): TableAllocator {
  let next = first;
  return (bytes) => {
    const at = Math.ceil(next / bytes) * bytes;
    next = at + bytes;
    return BigInt(at);
  };
}

const make = (levels: TableLevels, pageShift: number, memory = new ByteStore()): MultiLevelTable =>
  new MultiLevelTable(memory, levels, pageShift, tablesFrom());

const TWO = { levels: 2, levelShift: 16 };
const THREE = { levels: 3, levelShift: 16 };

describe('a table in levels', () => {
  test('splits an index into 13 bits a level of 64 KiB', () => {
    expect(levelIndexes(THREE, (5n << 26n) | (6n << 13n) | 7n)).toEqual([5, 6, 7]);
    expect(capacity(THREE)).toBe(1n << 39n);
  });

  test('is one table at first, and makes the others when an entry needs them', () => {
    const table = make(THREE, 16);
    expect(table.bytes).toBe(0x1_0000);
    table.put(0, 0x100_0003n);
    expect(table.bytes).toBe(3 * 0x1_0000);
    table.put(8191, 0x100_0003n);
    expect(table.bytes).toBe(3 * 0x1_0000);
    table.put(8192, 0x100_0003n);
    expect(table.bytes).toBe(4 * 0x1_0000);
  });

  test('reading or clearing what was never written makes no table', () => {
    const table = make(THREE, 16);
    expect(table.get(12345)).toBe(0n);
    table.clear(0, 1 << 20);
    expect(table.translate(0x1234_0000n, 'read')).toBeUndefined();
    expect(table.bytes).toBe(0x1_0000);
  });

  test('lies in memory as big-endian words: tables by address with both permissions, entries raw', () => {
    const memory = new ByteStore();
    const table = make(TWO, 16, memory);
    table.put(8192 * 3 + 5, 0x12_0003n);
    const word = (address: bigint): bigint => decodeTce(memory.load(Number(address), 8).values);
    expect(table.shape.base).toBe(0x4000_0000n);
    expect(word(0x4000_0000n + 3n * 8n)).toBe(0x4001_0003n);
    expect(word(0x4001_0000n + 5n * 8n)).toBe(0x12_0003n);
  });

  test('an entry above the last level with permission 00 leads nowhere', () => {
    const memory = new ByteStore();
    const table = make(TWO, 16, memory);
    table.put(5, 0x12_0003n);
    expect(table.translate(0x5_1234n, 'read')).toBe(0x12_1234n);
    memory.store(0x4000_0000, encodeTce(0x4001_0000n));
    expect(table.translate(0x5_1234n, 'read')).toBeUndefined();
  });

  test('clearing passes over a table that is missing, not over part of the next', () => {
    const table = make(TWO, 16);
    table.put(8192, 0x100_0003n);
    table.put(16191, 0x100_0003n);
    table.clear(8000, 8192);
    expect([table.get(8192), table.get(16191)]).toEqual([0n, 0n]);
  });

  test('vector 34: TCE[5] of a window of 64K pages translates 0x51234 to 0x121234', () => {
    const table = make({ levels: 1, levelShift: 23 }, 16);
    table.put(5, 0x12_0003n);
    expect(table.translate(0x5_1234n, 'write')).toBe(0x12_1234n);
  });

  test('vectors 35–37: directions, and no access without permission', () => {
    const table = make({ levels: 1, levelShift: 16 }, 12);
    table.put(0, 0x4_0001n);
    table.put(1, 0x5_0002n);
    table.put(2, 0x5_5000n);
    expect([table.translate(0x8n, 'read'), table.translate(0x8n, 'write')]).toEqual([0x4_0008n, undefined]);
    expect([table.translate(0x1000n, 'read'), table.translate(0x1000n, 'write')]).toEqual([undefined, 0x5_0000n]);
    expect([table.translate(0x2000n, 'read'), table.translate(0x2000n, 'write')]).toEqual([undefined, undefined]);
  });

  test.each([12, 16, 21, 24, 28, 30, 34])('stray bits below a page of 2^%i bytes do not move it', (pageShift) => {
    const table = make(TWO, pageShift);
    const page = 1n << BigInt(pageShift);
    table.put(1, page | ((page - 1n) & 0xfffn & ~3n) | ((page - 1n) & 0xffff_f000n) | 3n);
    expect(table.translate(page + 0x234n, 'read')).toBe(page + 0x234n);
    expect(table.translate(2n * page - 1n, 'write')).toBe(2n * page - 1n);
  });

  test('refuses addresses that its levels cannot express', () => {
    const table = make(TWO, 12);
    table.put(0, 0x100_0003n);
    expect(table.translate(capacity(TWO) << 12n, 'read')).toBeUndefined();
    expect(table.translate(-1n, 'read')).toBeUndefined();
  });

  test('is what its TVE says', () => {
    const table = make(THREE, 16);
    table.put(123456, 0x12_0003n);
    const { base, levels, levelShift, pageShift } = table.shape;
    const register = encodeTve({ kind: 'translated', tableAddress: base, levels, tableShift: levelShift, pageShift }, 'phb4');
    const tve = decodeTve(register);
    if (tve.kind !== 'translated') throw new Error(`expected a translated window, saw ${tve.kind}`);
    const shape = { base: tve.tableAddress, levels: tve.levels, levelShift: tve.tableShift, pageShift: tve.pageShift };
    expect(walk(shape, table.memory, (123456n << 16n) + 5n, 'read')).toBe(0x12_0005n);
  });
});

describe('a multi-level table answers as a single-level one', () => {
  type Step =
    | { readonly op: 'put'; readonly index: number; readonly entry: bigint }
    | { readonly op: 'clear'; readonly index: number; readonly count: number }
    | { readonly op: 'translate'; readonly index: number; readonly inPage: bigint; readonly direction: Direction };

  /** What an access comes to in one level: the entry's page masked to the page size, plus the offset. */
  function translateFlat(table: TceTable, pageShift: number, offset: bigint, direction: Direction): bigint | undefined {
    const entry = table.get(Number(offset >> BigInt(pageShift)));
    const inPage = (1n << BigInt(pageShift)) - 1n;
    return permits(entry, direction) ? (rpn(entry) & ~inPage) | (offset & inPage) : undefined;
  }

  /** More shapes than Linux makes: the hardware walks them all. */
  const window = fc
    .record({
      levels: fc.integer({ min: 1, max: 5 }),
      levelShift: fc.integer({ min: 12, max: 16 }),
      pageShift: fc.constantFrom(12, 16, 21, 24, 28, 30, 34),
    })
    .chain((shape) => {
      const most = Math.min((shape.levelShift - 3) * shape.levels, 45);
      return fc.integer({ min: 0, max: most }).map((entriesShift) => ({ ...shape, entriesShift }));
    });

  const steps = (entriesShift: number, pageShift: number): fc.Arbitrary<Step[]> => {
    const last = 2 ** entriesShift - 1;
    const index = fc.oneof(fc.nat(last), fc.nat(Math.min(last, 8)), fc.nat(Math.min(last, 8)).map((n) => last - n));
    const entry = fc.bigInt(0n, (1n << 50n) - 1n);
    return fc.array(
      fc.oneof(
        fc.record({ op: fc.constant('put' as const), index, entry }),
        index.chain((at) =>
          fc.nat(Math.min(last + 1 - at, 5000)).map((count) => ({ op: 'clear' as const, index: at, count })),
        ),
        fc.record({
          op: fc.constant('translate' as const),
          index,
          inPage: fc.bigInt(0n, (1n << BigInt(pageShift)) - 1n),
          direction: fc.constantFrom<Direction>('read', 'write'),
        }),
      ),
      { maxLength: 40 },
    );
  };

  const cases = window.chain((w) => steps(w.entriesShift, w.pageShift).map((program) => ({ ...w, program })));

  test('for any entries, gets, clears and accesses', () => {
    fc.assert(
      fc.property(cases, ({ levels, levelShift, pageShift, entriesShift, program }) => {
        const flat = new TceTable(2 ** entriesShift);
        const multi = make({ levels, levelShift }, pageShift);
        for (const step of program) {
          const offset = (BigInt(step.index) << BigInt(pageShift)) | ('inPage' in step ? step.inPage : 0n);
          if (step.op === 'put') {
            flat.put(step.index, step.entry);
            multi.put(step.index, step.entry);
          } else if (step.op === 'clear') {
            flat.fill(step.index, step.count, 0n);
            multi.clear(step.index, step.count);
          }
          for (const direction of ['read', 'write'] as const) {
            expect(multi.translate(offset, direction)).toBe(translateFlat(flat, pageShift, offset, direction));
          }
          expect(multi.get(step.index)).toBe(flat.get(step.index));
        }
        for (const [index, entry] of flat.written()) expect(multi.get(index)).toBe(entry);
      }),
      { numRuns: 300 },
    );
  });
});
