import { describe, expect, test } from '@jest/globals';
import { Partition, PARTITION, withFunctions } from './partition.fixture.js';

const LIST = 0x80_0000n;

function served(...list: bigint[]): Partition {
  const partition = new Partition();
  for (const page of [3n, 4n, 5n]) partition.call('H_PUT_TCE', 0x20n, page << 12n, (page << 12n) | 3n);
  partition.store(LIST, ...list);
  return partition;
}

describe('H_PUT_RTCE_INDIRECT', () => {
  test('copies the entries in the order of the list', () => {
    const partition = served(0x5000n, 0x3000n);
    expect(partition.status('H_PUT_RTCE_INDIRECT', LIST, 0x31n, 0x10n, 0x8000n, 2n)).toBe(0);
    expect([0x8000n, 0x9000n].map((ioba) => partition.entry(0x10n, ioba))).toEqual([0x5003n, 0x3003n]);
  });

  test.each([
    ['a first pane as r-liobn', [LIST, 0x20n, 0x10n, 0x8000n, 1n], -4],
    ['a list inside a page', [LIST + 8n, 0x31n, 0x10n, 0x8000n, 1n], -4],
    ['a list outside memory', [0x100_0000n, 0x31n, 0x10n, 0x8000n, 1n], -4],
    ['an unknown liobn', [LIST, 0x31n, 0x99n, 0x8000n, 1n], -4],
    ['a range that leaves the window', [LIST, 0x31n, 0x10n, 0x3f_f000n, 2n], -4],
    ['a count of 513', [LIST, 0x31n, 0x10n, 0x8000n, 513n], -4],
  ])('refuses %s', (_name, args, status) => {
    expect(served(0x3000n, 0x4000n).status('H_PUT_RTCE_INDIRECT', ...args)).toBe(status);
  });

  test('finds an r-ioba outside the pane before it copies anything, and names it in R4', () => {
    const partition = served(0x3000n, 0x10_0000n);
    expect(partition.call('H_PUT_RTCE_INDIRECT', LIST, 0x31n, 0x10n, 0x8000n, 2n)).toEqual([-15, 1n]);
    expect(partition.entry(0x10n, 0x8000n)).toBe(0n);
  });

  test('finds an entry that maps nothing after it has copied those before', () => {
    const partition = served(0x3000n, 0x9000n);
    expect(partition.call('H_PUT_RTCE_INDIRECT', LIST, 0x31n, 0x10n, 0x8000n, 2n)).toEqual([-15, 1n]);
    expect(partition.entry(0x10n, 0x8000n)).toBe(0x3003n);
  });

  test('an r-ioba inside a page may be masked or refused', () => {
    expect(served(0x3008n).judge(0, 0n, 'H_PUT_RTCE_INDIRECT', LIST, 0x31n, 0x10n, 0x8000n, 1n)).toEqual([]);
    expect(served(0x3008n).judge(-15, 0n, 'H_PUT_RTCE_INDIRECT', LIST, 0x31n, 0x10n, 0x8000n, 1n)).toEqual([]);
  });

  test('belongs to hcall-multi-tce: H_FUNCTION without it, H_PARAMETER with it and no server adapter', () => {
    const args = [LIST, 0x31n, 0x10n, 0x8000n, 1n];
    expect(new Partition(withFunctions('hcall-rdma')).status('H_PUT_RTCE_INDIRECT', ...args)).toBe(-2);
    const plain = { ...PARTITION, vios: [] };
    expect(new Partition(plain).status('H_PUT_RTCE_INDIRECT', ...args)).toBe(-4);
    expect(new Partition(plain).judge(-2, 0n, 'H_PUT_RTCE_INDIRECT', ...args)).toEqual(['H_PUT_RTCE_INDIRECT/set-is-whole']);
  });
});
