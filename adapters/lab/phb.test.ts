import { describe, expect, it } from '@jest/globals';

import { phbRegisters, setReleased, setStopped } from './phb.js';
import type { Registers } from './qtest.js';

const TREE = `
 Root memory region: phb4-0.1-iommu
  0000000000000000-00000000fffeffff (prio 0, i/o): phb4-0.1-iommu
  000600c3c0000000-000600c3c0001fff (prio 0, i/o): phb4-0.0-regs
  000600c3c0100000-000600c3c0101fff (prio 0, i/o): phb4-0.1-regs
  000600c3c0a00000-000600c3c0a01fff (prio 0, i/o): phb5-0.10-regs
`;

/** A PHB with its tables: the data register is that of the entry selected last. */
function fakePhb(base: bigint): Registers & { readonly tables: Map<bigint, bigint> } {
  const tables = new Map<bigint, bigint>();
  let selected = 0n;
  return {
    tables,
    read: () => Promise.resolve(tables.get(selected) ?? 0n),
    write(address, value) {
      if (address === base + 0x220n) selected = value;
      else if (address === base + 0x228n) tables.set(selected, value);
      else throw new Error(`no register at ${address}`);
      return Promise.resolve();
    },
  };
}

describe('the registers of a host bridge', () => {
  it('are where the machine says, by its number', () => {
    expect(phbRegisters(TREE, 1)).toBe(0x600c3c0100000n);
    expect(phbRegisters(TREE, 10)).toBe(0x600c3c0a00000n);
    expect(phbRegisters(TREE, 0)).toBe(0x600c3c0000000n);
    expect(phbRegisters(TREE, 2)).toBeUndefined();
  });
});

describe('stopping a PE', () => {
  const stop = 1n << 63n;

  it('sets both of its states, and its bit among those to be looked at, beside what is there', async () => {
    const phb = fakePhb(0x1000n);
    phb.tables.set((20n << 48n) | 3n, 8n);
    await setStopped(phb, 0x1000n, 0xfd, 'all');
    expect([...phb.tables]).toEqual([
      [(20n << 48n) | 3n, 12n],
      [(7n << 48n) | 0xfdn, stop],
      [(8n << 48n) | 0xfdn, stop],
    ]);
  });

  it('can be taken back: what stands beside it stays', async () => {
    const phb = fakePhb(0n);
    await setStopped(phb, 0n, 0xfd, 'all');
    await setStopped(phb, 0n, 0xfe, 'dma');
    await setReleased(phb, 0n, 0xfd);
    expect([...phb.tables].filter(([, entry]) => entry !== 0n)).toEqual([
      [(20n << 48n) | 3n, 2n],
      [(8n << 48n) | 0xfen, stop],
    ]);
  });

  it.each([
    ['mmio', 7n],
    ['dma', 8n],
  ] as const)('of %s sets that state alone', async (what, table) => {
    const phb = fakePhb(0n);
    await setStopped(phb, 0n, 0, what);
    expect([...phb.tables]).toEqual([[table << 48n, stop], [20n << 48n, stop]]);
  });
});
