import { describe, expect, test } from '@jest/globals';
import { bookRemoval } from './cmo.js';
import { Partition, PARTITION } from './partition.fixture.js';

const H_NOT_ENOUGH_RESOURCES = -44;

const wide = { liobn: 0x12n, start: 0n, size: 0x100_0000n, pageShift: 16 };
const CMO = {
  ...PARTITION,
  functions: [...PARTITION.functions, 'cmo'],
  pes: [...PARTITION.pes, { name: 'pe2', configAddress: 0, buid: 2n, defaultWindow: wide, devices: [] }],
};

/** R4 of a successful H_PUT_TCE, signed. */
function put(partition: Partition, liobn: bigint, ioba: bigint, tce: bigint): bigint {
  const [status, r4] = partition.call('H_PUT_TCE', liobn, ioba, tce);
  expect(status).toBe(0);
  return BigInt.asIntN(64, r4);
}

describe('the I/O mapped memory of a partition with CMO', () => {
  test('grows with the first mapping of a page and shrinks with the last', () => {
    const partition = new Partition(CMO);
    expect(put(partition, 0x10n, 0x5000n, 0x3003n)).toBe(0x1000n);
    expect(put(partition, 0x11n, 0x7000n, 0x3001n)).toBe(0n);
    expect(put(partition, 0x10n, 0x5000n, 0n)).toBe(0n);
    expect(put(partition, 0x11n, 0x7000n, 0x3000n)).toBe(-0x1000n);
  });

  test('does not change when one page replaces another', () => {
    const partition = new Partition(CMO);
    put(partition, 0x10n, 0x5000n, 0x3003n);
    expect(put(partition, 0x10n, 0x5000n, 0x4003n)).toBe(0n);
    expect(put(partition, 0x10n, 0x5000n, 0x4001n)).toBe(0n);
  });

  test('counts a large page whole, less what is mapped of it, and only as far as there is memory', () => {
    const partition = new Partition(CMO);
    put(partition, 0x10n, 0x5000n, 0x2_3003n);
    expect(put(partition, 0x12n, 0n, 0x2_0003n)).toBe(0xf000n);
    expect(put(partition, 0x10n, 0x5000n, 0n)).toBe(0n);
    expect(put(partition, 0x12n, 0n, 0n)).toBe(-0x1_0000n);
    const odd = new Partition({ ...CMO, memoryBytes: 0x2_8000n });
    expect(put(odd, 0x12n, 0n, 0x2_0003n)).toBe(0x8000n);
  });

  test('counts a page once that one call maps often', () => {
    const partition = new Partition(CMO);
    expect(partition.call('H_STUFF_TCE', 0x10n, 0x5000n, 0x3003n, 512n)).toEqual([0, 0x1000n]);
    expect(partition.call('H_STUFF_TCE', 0x10n, 0x5000n, 0n, 511n)).toEqual([0, 0n]);
  });

  test('does not change through copies', () => {
    const partition = new Partition(CMO);
    put(partition, 0x20n, 0x3000n, 0x3003n);
    partition.call('H_PUT_RTCE', 0x31n, 0x3000n, 0x10n, 0x8000n, 1n);
    expect(partition.model.machine.cmo?.entitlement).toBe(PARTITION.memoryBytes - 0x1000n);
    partition.call('H_REMOVE_RTCE', 0x31n, 0x3000n, 0x10n, 0x8000n, 1n, 0n);
    expect(put(partition, 0x20n, 0x3000n, 0n)).toBe(-0x1000n);
  });

  test('shrinks with a window that goes', () => {
    const partition = new Partition(CMO);
    const { machine } = partition.model;
    put(partition, 0x10n, 0x5000n, 0x3003n);
    bookRemoval(machine, machine.windows.get(0x10)!);
    expect(put(partition, 0x11n, 0x5000n, 0x3003n)).toBe(0x1000n);
  });
});

describe('the I/O entitlement', () => {
  test('is refused to be exceeded, unless the platform can honour it', () => {
    const args = [0x10n, 0x5000n, 0x3003n] as const;
    const without = (): Partition => {
      const partition = new Partition(CMO);
      partition.model.machine.cmo!.entitlement = 0xfffn;
      return partition;
    };
    expect(without().status('H_PUT_TCE', ...args)).toBe(H_NOT_ENOUGH_RESOURCES);
    expect(without().judge(0, 0x1000n, 'H_PUT_TCE', ...args)).toEqual([]);
    expect(without().judge(0, 0n, 'H_PUT_TCE', ...args)).toEqual(['H_PUT_TCE/cmo-r4']);
  });

  test('is no reason to refuse what fits, or what unmaps after it was exceeded', () => {
    const partition = new Partition(CMO);
    partition.model.machine.cmo!.entitlement = 0x1000n;
    expect(partition.judge(H_NOT_ENOUGH_RESOURCES, 0n, 'H_PUT_TCE', 0x10n, 0x5000n, 0x3003n)).toEqual(['H_PUT_TCE/store']);
    const over = new Partition(CMO);
    put(over, 0x10n, 0x5000n, 0x3003n);
    over.model.machine.cmo!.entitlement = -0x4000n;
    expect(over.judge(H_NOT_ENOUGH_RESOURCES, 0n, 'H_PUT_TCE', 0x10n, 0x5000n, 0n)).toEqual(['H_PUT_TCE/store']);
  });

  test('a call that brings a page back may be busy for 1 or 10 ms', () => {
    const answers = [9900, 9901, 9902].map((status) => new Partition(CMO).judge(status, 0n, 'H_PUT_TCE', 0x10n, 0x5000n, 0x3003n));
    expect(answers).toEqual([[], [], ['H_PUT_TCE/store']]);
    expect(new Partition().judge(9900, 0n, 'H_PUT_TCE', 0x10n, 0x5000n, 0x3003n)).toEqual(['H_PUT_TCE/store']);
  });
});
