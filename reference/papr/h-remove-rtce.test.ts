import { describe, expect, test } from '@jest/globals';
import { Partition, withFunctions } from './partition.fixture.js';

function copied(): Partition {
  const partition = new Partition();
  for (const page of [3n, 4n]) partition.call('H_PUT_TCE', 0x20n, page << 12n, (page << 12n) | 3n);
  partition.call('H_PUT_RTCE', 0x31n, 0x3000n, 0x10n, 0x8000n, 2n);
  return partition;
}

describe('H_REMOVE_RTCE', () => {
  test('writes tce-value without its permission bits', () => {
    const partition = copied();
    expect(partition.status('H_REMOVE_RTCE', 0x31n, 0x3000n, 0x10n, 0x8000n, 1n, 0xdead_bfffn)).toBe(0);
    expect([0x8000n, 0x9000n].map((ioba) => partition.entry(0x10n, ioba))).toEqual([0xdead_bffcn, 0x4003n]);
    expect(partition.entry(0x20n, 0x3000n)).toBe(0x3003n);
  });

  test('lets the mapping be made again', () => {
    const partition = copied();
    partition.call('H_REMOVE_RTCE', 0x31n, 0x3000n, 0x10n, 0x8000n, 2n, 0n);
    expect(partition.status('H_PUT_RTCE', 0x31n, 0x3000n, 0x10n, 0x8000n, 2n)).toBe(0);
    expect(partition.status('H_PUT_RTCE', 0x31n, 0x3000n, 0x10n, 0x8000n, 2n)).toBe(-77);
  });

  test('replaces what is there, a copy or not, and says nothing of it', () => {
    const partition = copied();
    partition.call('H_PUT_TCE', 0x10n, 0x20000n, 0x7003n);
    expect(partition.status('H_REMOVE_RTCE', 0x31n, 0x6000n, 0x10n, 0x20000n, 1n, 0n)).toBe(0);
    expect(partition.entry(0x10n, 0x20000n)).toBe(0n);
  });

  test('checks its ranges like H_PUT_RTCE', () => {
    const partition = copied();
    expect(partition.status('H_REMOVE_RTCE', 0x20n, 0x3000n, 0x10n, 0x8000n, 1n, 0n)).toBe(-4);
    expect(partition.status('H_REMOVE_RTCE', 0x31n, 0xf_f000n, 0x10n, 0x8000n, 2n, 0n)).toBe(-4);
    expect(partition.status('H_REMOVE_RTCE', 0x31n, 0x3000n, 0x10n, 0x3f_f000n, 2n, 0n)).toBe(-4);
    expect(new Partition(withFunctions('hcall-multi-tce')).status('H_REMOVE_RTCE', 0x31n, 0x3000n, 0x10n, 0x8000n, 1n, 0n)).toBe(-2);
  });
});
