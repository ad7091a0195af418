import { describe, expect, test } from '@jest/globals';
import { nextLengths } from './h-migrate-dma-super-page.js';
import { Partition, PARTITION, withFunctions } from './partition.fixture.js';

const LIST = 0x80_0000n;
const NEW = 0x50_0000n;

/** A partition with the page 0x3000 mapped at 0x5000 and 0x6000 of PE 0x10, and a list of those entries. */
function mapped(list: readonly (readonly [liobn: bigint, address: bigint])[], description = PARTITION): Partition {
  const partition = new Partition(description);
  partition.store(0x3000n, 0x1122_3344_5566_7788n);
  partition.call('H_PUT_TCE', 0x10n, 0x5000n, 0x3001n);
  partition.call('H_PUT_TCE', 0x10n, 0x6000n, 0x3003n);
  partition.store(LIST, ...list.flatMap(([liobn, address]) => [liobn << 32n, address]));
  return partition;
}

const contents = (partition: Partition, address: bigint): string => {
  const { observation } = partition.model.answer({ door: 'memory', op: 'load', address, length: 8 });
  return observation.kind === 'bytes' ? Buffer.from(observation.bytes).toString('hex') : '';
};

describe('H_MIGRATE_DMA', () => {
  test('moves the contents and lets the mappings follow', () => {
    const partition = mapped([[0x10n, 0x5000n], [0x10n, 0x6000n], [0x10n, 0x5000n]]);
    expect(partition.status('H_MIGRATE_DMA', NEW, LIST, 3n)).toBe(0);
    expect(contents(partition, NEW)).toBe('1122334455667788');
    expect([0x5000n, 0x6000n].map((ioba) => partition.entry(0x10n, ioba))).toEqual([NEW | 1n, NEW | 3n]);
  });

  test.each([
    ['a new page outside memory', 0x100_0000n, LIST, 1n, -4],
    ['a new page that is not aligned', NEW + 0x800n, LIST, 1n, -4],
    ['a list inside a page', NEW, LIST + 16n, 1n, -4],
    ['a length of 0', NEW, LIST, 0n, -4],
    ['a length of 257', NEW, LIST, 257n, -4],
    ['a negative length', NEW, LIST, (1n << 64n) - 300n, -4],
    ['a length that takes in entries of zeros', NEW, LIST, 2n, -4],
  ])('refuses %s and moves nothing', (_name, newpage, list, length, status) => {
    const partition = mapped([[0x10n, 0x5000n]]);
    expect(partition.status('H_MIGRATE_DMA', newpage, list, length)).toBe(status);
    expect(partition.entry(0x10n, 0x5000n)).toBe(0x3001n);
  });

  test.each([
    ['another page', [0x10n, 0x7000n]],
    ['nothing', [0x10n, 0x8000n]],
    ['an address outside the window', [0x10n, 0x40_0000n]],
    ['an unknown LIOBN', [0x99n, 0x5000n]],
    ['a second pane', [0x31n, 0x5000n]],
  ] as const)('refuses a second entry that names %s', (_name, entry) => {
    const partition = mapped([[0x10n, 0x5000n], entry]);
    partition.call('H_PUT_TCE', 0x10n, 0x7000n, 0x4003n);
    partition.call('H_PUT_TCE', 0x20n, 0x5000n, 0x3003n);
    expect(partition.status('H_MIGRATE_DMA', NEW, LIST, 2n)).toBe(-4);
    expect(partition.entry(0x10n, 0x5000n)).toBe(0x3001n);
  });

  test('names the entry of an unsupported agent', () => {
    const partition = mapped([[0x10n, 0x5000n], [0x10n, 0x6000n], [0x11n, 0x5000n]]);
    partition.call('H_PUT_TCE', 0x11n, 0x5000n, 0x3003n);
    expect(partition.call('H_MIGRATE_DMA', NEW, LIST, 3n)).toEqual([-2, 2n]);
  });

  test('refuses a page of memory that cannot be migrated', () => {
    const partition = mapped([[0x10n, 0x5000n]]);
    partition.call('H_PUT_TCE', 0x10n, 0x5000n, 0xf0_0003n);
    expect(partition.status('H_MIGRATE_DMA', NEW, LIST, 1n)).toBe(-4);
  });

  test('lets the live copies of a client\'s entry follow', () => {
    const partition = mapped([[0x20n, 0x3000n]]);
    partition.call('H_PUT_TCE', 0x20n, 0x3000n, 0x3003n);
    partition.call('H_PUT_RTCE', 0x31n, 0x3000n, 0x10n, 0x8000n, 1n);
    expect(partition.status('H_MIGRATE_DMA', NEW, LIST, 1n)).toBe(0);
    expect([partition.entry(0x20n, 0x3000n), partition.entry(0x10n, 0x8000n)]).toEqual([NEW | 3n, NEW | 3n]);
  });

  test('may be busy at any time, and is H_FUNCTION where it is not offered', () => {
    expect(mapped([[0x10n, 0x5000n]]).judge(9900, 0n, 'H_MIGRATE_DMA', NEW, LIST, 1n)).toEqual([]);
    expect(mapped([[0x10n, 0x5000n]]).judge(9902, 0n, 'H_MIGRATE_DMA', NEW, LIST, 1n)).toEqual(['H_MIGRATE_DMA/moved']);
    expect(new Partition(withFunctions()).status('H_MIGRATE_DMA', NEW, LIST, 1n)).toBe(-2);
  });
});

describe('H_MIGRATE_DMA with super pages', () => {
  const superPages = { ...PARTITION, superPage: { translations: 512n, operations: 1 } };
  const minus = (length: bigint): bigint => BigInt.asUintN(64, -length);
  const full = Array.from({ length: 256 }, () => [0x10n, 0x5000n] as const);

  test('takes a long list in several calls', () => {
    const partition = mapped(full, superPages);
    expect(partition.status('H_MIGRATE_DMA', NEW, LIST, minus(512n))).toBe(18);
    expect(partition.status('H_MIGRATE_DMA', NEW, LIST, 7n)).toBe(-56);
    expect(partition.status('H_MIGRATE_DMA', NEW + 0x1000n, LIST, 1n)).toBe(-16);
    expect(partition.entry(0x10n, 0x5000n)).toBe(0x3001n);
    expect(partition.status('H_MIGRATE_DMA', NEW, LIST, 256n)).toBe(0);
    expect(partition.entry(0x10n, 0x5000n)).toBe(NEW | 1n);
  });

  test('refuses a list beyond the negotiated length with H_RESOURCE', () => {
    expect(mapped(full, superPages).status('H_MIGRATE_DMA', NEW, LIST, minus(513n))).toBe(-16);
  });

  test('moves a page of memory that is not mapped as a whole', () => {
    const partition = mapped([[0xffff_ffffn, 0n], [0x10n, 0x5000n]], superPages);
    partition.store(LIST, (0xffff_ffffn << 32n) | (16n << 24n));
    expect(partition.status('H_MIGRATE_DMA', NEW + 0x1000n, LIST, 2n)).toBe(-4);
    expect(partition.status('H_MIGRATE_DMA', NEW, LIST, 2n)).toBe(0);
    expect(partition.entry(0x10n, 0x5000n)).toBe((NEW + 0x3000n) | 1n);
    expect(contents(partition, NEW + 0x3000n)).toBe('1122334455667788');
  });

  test('refuses a first entry that names no page with H_MEM_PARM', () => {
    const partition = mapped([[0xffff_ffffn, 0x1000n]], superPages);
    partition.store(LIST, (0xffff_ffffn << 32n) | (16n << 24n));
    expect(partition.status('H_MIGRATE_DMA', NEW, LIST, 1n)).toBe(-28);
  });

  test.each([
    [-600n, [-344n]],
    [-512n, [256n, -256n]],
    [-300n, [44n, -44n]],
    [-44n, [44n]],
  ])('after %s more entries the next length is one of %s', (length, next) => {
    expect(nextLengths(length)).toEqual(next);
  });
});
