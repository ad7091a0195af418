import { describe, expect, it, test } from '@jest/globals';
import { LINUX_POWERNV } from '../../../adapters/model/machines.js';
import { buildHost } from '../../vfio/host.js';
import { GuestTables } from './guest-tables.js';
import { makeParentDomain } from './parent-domain.js';
import { attachTables } from './tce-tables.js';
import type { DomainWindow } from './windows.js';

const LOW: DomainWindow = { start: 0n, size: 1n << 30n, pageShift: 12, levels: 1 };
const HIGH: DomainWindow = { start: 1n << 59n, size: 1n << 30n, pageShift: 16, levels: 1 };
const MEMORY = { iova: 0x10_0000n, length: 0x10_0000n, real: 0x8_0000_0000n, readable: true, writeable: true };
const READ_ONLY = { iova: 0x20_0000n, length: 0x1_0000n, real: 0x9_0000_0000n, readable: true, writeable: false };

function guest(...windows: [DomainWindow, ...DomainWindow[]]) {
  const host = buildHost(LINUX_POWERNV);
  const parent = makeParentDomain();
  parent.map(READ_ONLY);
  parent.map(MEMORY);
  const tables = new GuestTables(parent, windows);
  parent.guests.add(tables);
  const { table } = host.groups.get('pe0')!;
  host.platform.takeOwnership(table);
  attachTables(tables.tables, host.iommuGroups.get('pe0')!);
  const hardware = () => table.pe.windows.flatMap(({ table: entries }) => [...entries.written()].filter(([, entry]) => entry !== 0n));
  return { parent, tables, hardware };
}

describe("a guest's tables", () => {
  it('give the hardware the place of the memory, and the guest what it wrote', () => {
    const { tables, hardware } = guest(LOW);
    expect(tables.put(0x5000n, 0x10_3003n)).toBeUndefined();
    expect(hardware()).toEqual([[5, 0x8_0000_3003n]]);
    expect(tables.get(0x5000n)).toBe(0x10_3003n);
  });

  test.each([
    ['memory that the parent does not have', 0x30_0003n, 0x5000n, 'not-mapped'],
    ['memory just before what it has', 0xf_f003n, 0x5000n, 'not-mapped'],
    ['a write to memory that is only read', 0x20_0002n, 0x5000n, 'permission'],
    ['a bus address of no window', 0x10_0003n, 1n << 40n, 'outside'],
    ['a bus address within a page', 0x10_0003n, 0x5800n, 'unaligned'],
  ])('refuse %s, and nothing changes', (_, tce, ioba, fault) => {
    const { tables, hardware } = guest(LOW);
    tables.put(0x5000n, 0x10_3003n);
    expect(tables.put(ioba, tce)).toBe(fault);
    expect(hardware()).toEqual([[5, 0x8_0000_3003n]]);
  });

  it('take a large page only where all of it is the guest\'s', () => {
    const { tables } = guest(LOW, HIGH);
    expect(tables.put(HIGH.start, 0x1f_0003n)).toBeUndefined();
    expect(tables.put(HIGH.start, 0x20_0001n)).toBeUndefined();
    expect(tables.put(HIGH.start, 0x21_0001n)).toBe('not-mapped');
  });

  it('stuff all entries or none', () => {
    const { tables, hardware } = guest(LOW);
    expect(tables.stuff(0n, 0x10_0003n, 3)).toBeUndefined();
    expect(hardware()).toHaveLength(3);
    expect(tables.stuff((1n << 30n) - 0x1000n, 0x10_0003n, 2)).toBe('outside');
    expect(hardware()).toHaveLength(3);
    expect(tables.stuff(0n, 0n, 3)).toBeUndefined();
    expect(hardware()).toEqual([]);
  });

  it('lose what maps memory that the parent loses, and nothing else', () => {
    const { parent, tables, hardware } = guest(LOW);
    tables.put(0n, 0x10_0003n);
    tables.put(0x1000n, 0x20_0001n);
    expect([tables.uses(MEMORY.iova, MEMORY.length), tables.uses(0x30_0000n, 0x1000n)]).toEqual([true, false]);
    parent.unmap(MEMORY);
    expect(hardware()).toEqual([[1, 0x9_0000_0001n]]);
    expect(tables.put(0n, 0x10_0003n)).toBe('not-mapped');
  });
});
