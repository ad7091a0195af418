import { describe, expect, test } from '@jest/globals';
import { Partition, PARTITION } from './partition.fixture.js';

/** A client that maps three pages from bus address 0x3000 on. */
function served(description = PARTITION): Partition {
  const partition = new Partition(description);
  for (const page of [3n, 4n, 5n]) partition.call('H_PUT_TCE', 0x20n, page << 12n, (page << 12n) | 3n);
  return partition;
}

const H_PARAMETER = -4;
const H_R_PARM = -15;
const H_RESOURCE = -16;
const H_IN_USE = -77;

/** The pair with one mapping for each entry. */
const SINGLE = {
  ...PARTITION,
  vios: PARTITION.vios.map((vio) => (vio.partner === undefined ? vio : { ...vio, partner: { ...vio.partner, additional: 0, perEntry: 1 } })),
};

describe('H_PUT_RTCE', () => {
  test('copies the entries with their permissions', () => {
    const partition = served();
    partition.call('H_PUT_TCE', 0x20n, 0x4000n, 0x4001n);
    expect(partition.status('H_PUT_RTCE', 0x31n, 0x3000n, 0x10n, 0x8000n, 3n)).toBe(0);
    expect([0x8000n, 0x9000n, 0xa000n, 0xb000n].map((ioba) => partition.entry(0x10n, ioba))).toEqual([0x3003n, 0x4001n, 0x5003n, 0n]);
  });

  test.each([
    ['a first pane as r-liobn', [0x20n, 0x3000n, 0x10n, 0x8000n, 1n]],
    ['a PE as r-liobn', [0x10n, 0x3000n, 0x10n, 0x8000n, 1n]],
    ['r-ioba past its window', [0x31n, 0x10_0000n, 0x10n, 0x8000n, 1n]],
    ['a range that leaves the second pane', [0x31n, 0xf_f000n, 0x10n, 0x8000n, 2n]],
    ['an unknown liobn', [0x31n, 0x3000n, 0x99n, 0x8000n, 1n]],
    ['a liobn of more than 32 bits', [0x31n, 0x3000n, 0x1_0000_0010n, 0x8000n, 1n]],
    ['a range that leaves the window', [0x31n, 0x3000n, 0x10n, 0x3f_f000n, 2n]],
    ['a count that wraps 64 bits', [0x31n, 0x3000n, 0x10n, 0x8000n, 1n << 52n]],
  ])('refuses %s with H_PARAMETER and copies nothing', (_name, args) => {
    const partition = served();
    expect(partition.status('H_PUT_RTCE', ...args)).toBe(H_PARAMETER);
    expect(partition.entry(0x10n, 0x8000n)).toBe(0n);
  });

  test('keeps what it copied before an entry that maps nothing', () => {
    const partition = served();
    expect(partition.call('H_PUT_RTCE', 0x31n, 0x4000n, 0x10n, 0x8000n, 4n)).toEqual([H_R_PARM, 2n]);
    expect([0x8000n, 0x9000n, 0xa000n].map((ioba) => partition.entry(0x10n, ioba))).toEqual([0x4003n, 0x5003n, 0n]);
  });

  test.each([
    [1n, ['H_PUT_RTCE/loop-count']],
    [2n, []],
    [3n, []],
    [4n, ['H_PUT_RTCE/loop-count']],
  ])('a system may count loops from 0 or from 1: R4 = %s', (r4, departures) => {
    expect(served().judge(H_R_PARM, r4, 'H_PUT_RTCE', 0x31n, 0x4000n, 0x10n, 0x8000n, 4n)).toEqual(departures);
  });

  test('refuses the same mapping again with H_IN_USE', () => {
    const partition = served();
    partition.call('H_PUT_RTCE', 0x31n, 0x4000n, 0x10n, 0x9000n, 1n);
    expect(partition.call('H_PUT_RTCE', 0x31n, 0x3000n, 0x10n, 0x8000n, 2n)).toEqual([H_IN_USE, 1n]);
    expect(partition.entry(0x10n, 0x8000n)).toBe(0x3003n);
  });

  test('where an entry has one mapping at most, H_RESOURCE comes before H_IN_USE', () => {
    const partition = served(SINGLE);
    partition.call('H_PUT_RTCE', 0x31n, 0x3000n, 0x10n, 0x8000n, 1n);
    expect(partition.call('H_PUT_RTCE', 0x31n, 0x3000n, 0x10n, 0x8000n, 1n)).toEqual([H_RESOURCE, 0n]);
    expect(partition.call('H_PUT_RTCE', 0x31n, 0x3000n, 0x10n, 0x9000n, 1n)).toEqual([H_RESOURCE, 0n]);
  });

  test('a copy that was overwritten no longer counts', () => {
    const partition = served(SINGLE);
    partition.call('H_PUT_RTCE', 0x31n, 0x3000n, 0x10n, 0x8000n, 1n);
    partition.call('H_PUT_TCE', 0x10n, 0x8000n, 0n);
    expect(partition.status('H_PUT_RTCE', 0x31n, 0x3000n, 0x10n, 0x9000n, 1n)).toBe(0);
  });

  test('gives H_RESOURCE beyond the mappings of an entry, of a table, and of an adapter', () => {
    const partition = served();
    const copy = (from: bigint, liobn: bigint, to: bigint): number => partition.status('H_PUT_RTCE', 0x31n, from, liobn, to, 1n);
    expect([0x8000n, 0x9000n, 0xa000n, 0xb000n].map((to) => copy(0x3000n, 0x10n, to))).toEqual([0, 0, 0, H_RESOURCE]);
    expect([0x10000n, 0x11000n].map((to) => copy(0x4000n, 0x10n, to))).toEqual([0, H_RESOURCE]);
    const other = served();
    expect([0x8000n, 0x9000n, 0xa000n].map((to) => other.status('H_PUT_RTCE', 0x31n, 0x3000n, 0x11n, to, 1n))).toEqual([0, 0, H_RESOURCE]);
  });

  test('a first mapping is never refused for the additional ones of others', () => {
    const partition = served();
    for (const to of [0x8000n, 0x9000n, 0xa000n]) partition.call('H_PUT_RTCE', 0x31n, 0x3000n, 0x10n, to, 1n);
    expect(partition.status('H_PUT_RTCE', 0x31n, 0x4000n, 0x10n, 0x20000n, 2n)).toBe(0);
  });

  test('a count of 0 may be refused, and changes nothing', () => {
    expect(served().judge(0, 0n, 'H_PUT_RTCE', 0x31n, 0x3000n, 0x10n, 0x8000n, 0n)).toEqual([]);
    expect(served().judge(H_PARAMETER, 0n, 'H_PUT_RTCE', 0x31n, 0x3000n, 0x10n, 0x8000n, 0n)).toEqual([]);
    expect(served().judge(H_R_PARM, 0n, 'H_PUT_RTCE', 0x31n, 0x3000n, 0x10n, 0x8000n, 0n)).toEqual(['H_PUT_RTCE/copy']);
  });
});
