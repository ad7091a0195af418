import { describe, expect, test } from '@jest/globals';
import { mapPeDmaWindow, mapPeDmaWindowReal, OPAL, type MapPeDmaWindow, type MapPeDmaWindowReal } from './opal-windows.js';

const PHB4 = { kind: 'phb4', pes: 512 } as const;
const PHB3 = { kind: 'phb3', pes: 256 } as const;
const MIB = 1n << 20n;

const map = (changes: Partial<MapPeDmaWindow>): MapPeDmaWindow => ({
  pe: 7,
  windowId: 14,
  levels: 1,
  tableAddress: 0x1_0000_0000n,
  tableSize: 8n * MIB,
  pageSize: 0x1_0000n,
  ...changes,
});

const real = (changes: Partial<MapPeDmaWindowReal>): MapPeDmaWindowReal => ({
  pe: 7,
  windowId: 15,
  start: 1n << 59n,
  size: 1n << 36n,
  ...changes,
});

describe('OPAL_PCI_MAP_PE_DMA_WINDOW (44)', () => {
  test('vector 71: writes the TVE of the window', () => {
    expect(mapPeDmaWindow(PHB4, map({}))).toEqual({ status: OPAL.SUCCESS, tve: 0x10_0000_0c05n });
  });

  test('vector 83: window 13 is none of PE 7\'s', () => {
    expect(mapPeDmaWindow(PHB4, map({ windowId: 13 }))).toEqual({ status: OPAL.PARAMETER });
    expect(mapPeDmaWindow(PHB4, map({ windowId: 14 })).status).toBe(OPAL.SUCCESS);
    expect(mapPeDmaWindow(PHB4, map({ windowId: 15 })).status).toBe(OPAL.SUCCESS);
    expect(mapPeDmaWindow(PHB4, map({ windowId: 16 })).status).toBe(OPAL.PARAMETER);
  });

  test.each<[string, Partial<MapPeDmaWindow>]>([
    ['a PE that the bridge does not have', { pe: 512, windowId: 1024 }],
    ['no level', { levels: 0 }],
    ['6 levels', { levels: 6 }],
    ['a table below 4 KiB', { tableSize: 0x800n }],
    ['a table that is no power of two', { tableSize: 3n * MIB }],
    ['a table above 2^42', { tableSize: 1n << 43n }],
    ['a page size of PHB3', { pageSize: 16n * MIB }],
  ])('refuses %s', (_name, changes) => {
    expect(mapPeDmaWindow(PHB4, map(changes))).toEqual({ status: OPAL.PARAMETER });
  });

  test('each bridge has its page sizes', () => {
    expect(mapPeDmaWindow(PHB3, map({ pageSize: 16n * MIB })).status).toBe(OPAL.SUCCESS);
    expect(mapPeDmaWindow(PHB3, map({ pageSize: 2n * MIB })).status).toBe(OPAL.PARAMETER);
  });

  test('a table of nothing switches the window off, whatever the other arguments', () => {
    expect(mapPeDmaWindow(PHB4, map({ tableSize: 0n, levels: 0, pageSize: 0n }))).toEqual({ status: OPAL.SUCCESS, tve: 0n });
  });

  test('but not one that is not the PE\'s', () => {
    expect(mapPeDmaWindow(PHB4, map({ tableSize: 0n, windowId: 13 })).status).toBe(OPAL.PARAMETER);
  });
});

describe('OPAL_PCI_MAP_PE_DMA_WINDOW_REAL (45)', () => {
  test('vector 78: 64 GiB in the second window', () => {
    expect(mapPeDmaWindowReal(PHB4, real({}))).toEqual({ status: OPAL.SUCCESS, tve: 0x1000_1080n });
    expect(mapPeDmaWindowReal(PHB3, real({}))).toEqual({ status: OPAL.SUCCESS, tve: 0x1000_1000n });
  });

  test.each<[string, Partial<MapPeDmaWindowReal>]>([
    ['a window that is not the PE\'s', { windowId: 13 }],
    ['a start in the other window', { start: 0n }],
    ['a start that is not a multiple of 16 MiB', { start: (1n << 59n) + MIB }],
    ['a size that is not a multiple of 16 MiB', { size: MIB }],
    ['an end at 2^50', { size: 1n << 50n }],
  ])('refuses %s', (_name, changes) => {
    expect(mapPeDmaWindowReal(PHB4, real(changes))).toEqual({ status: OPAL.PARAMETER });
  });

  test('a size of 0 switches the window off', () => {
    expect(mapPeDmaWindowReal(PHB4, real({ size: 0n }))).toEqual({ status: OPAL.SUCCESS, tve: 0n });
  });
});
