import { describe, expect, test } from '@jest/globals';
import {
  hostDefaultWindow,
  NO_TABLE,
  powernvLevels,
  powernvTableSize,
  pseriesTableSize,
  qemuVfioLevels,
  tceTableBytes,
} from './table-size.js';

const KIB = 1n << 10n;
const MIB = 1n << 20n;
const GIB = 1n << 30n;
const TIB = 1n << 40n;
const HOST_64K = 16;

/** Page shifts of the columns. */
const PAGES = [12, 16, 21, 24, 28, 30] as const;

describe('TCE table bytes, one level', () => {
  test.each([
    [1, GIB, [2n * MIB, 128n * KIB, 4n * KIB, 512n, 32n, 8n]],
    [2, 2n * GIB, [4n * MIB, 256n * KIB, 8n * KIB, KIB, 64n, 16n]],
    [3, 4n * GIB, [8n * MIB, 512n * KIB, 16n * KIB, 2n * KIB, 128n, 32n]],
    [4, 64n * GIB, [128n * MIB, 8n * MIB, 256n * KIB, 32n * KIB, 2n * KIB, 512n]],
    [5, 256n * GIB, [512n * MIB, 32n * MIB, MIB, 128n * KIB, 8n * KIB, 2n * KIB]],
    [6, TIB, [2n * GIB, 128n * MIB, 4n * MIB, 512n * KIB, 32n * KIB, 8n * KIB]],
  ])('vector %i', (_vector, window, sizes) => {
    expect(PAGES.map((shift) => tceTableBytes(shift, window))).toEqual(sizes);
    expect(PAGES.map((shift) => pseriesTableSize(shift, window, 1))).toEqual(sizes);
  });
});

describe('pseries table size', () => {
  test.each([
    [7, 12, 31n, 0x40_0000n],
    [8, 12, 30n, 0x20_0000n],
    [9, 16, 36n, 0x80_0000n],
    [10, 24, 36n, 0x8000n],
  ])('vector %i', (_vector, pageShift, windowShift, bytes) => {
    expect(pseriesTableSize(pageShift, 1n << windowShift, 1)).toBe(bytes);
  });

  test('vector 11: two levels have no size', () => {
    expect(pseriesTableSize(12, 1n << 31n, 2)).toBe(0xffff_ffffn);
    expect(NO_TABLE).toBe(0xffff_ffffn);
  });

  test('no level at all counts as one, as the kernel has it', () => {
    expect(pseriesTableSize(12, 1n << 31n, 0)).toBe(0x40_0000n);
  });
});

describe('PowerNV table size, 64 KiB host pages', () => {
  test.each([
    [12, 16, 36n, 1, 0x100_0000n],
    [13, 16, 36n, 2, 0x102_0000n],
    [14, 16, 31n, 1, 0x8_0000n],
    [15, 12, 31n, 1, 0x80_0000n],
    [16, 12, 30n, 1, 0x40_0000n],
    [17, 24, 36n, 1, 0x2_0000n],
    [18, 28, 36n, 1, 0x2_0000n],
    [19, 21, 36n, 1, 0x8_0000n],
    [20, 16, 40n, 2, 0x1002_0000n],
    [21, 16, 40n, 3, 0x1004_0000n],
  ])('vector %i', (_vector, pageShift, windowShift, levels, bytes) => {
    expect(powernvTableSize(pageShift, 1n << windowShift, levels, HOST_64K)).toBe(bytes);
  });

  test.each([
    ['no level', 1n << 36n, 0],
    ['6 levels', 1n << 36n, 6],
    ['a window that is no power of two', 3n << 35n, 1],
    ['a window of nothing', 0n, 1],
    ['a window smaller than a page', 1n << 15n, 2],
  ])('vector 22: %s has no size', (_name, window, levels) => {
    expect(powernvTableSize(16, window, levels, HOST_64K)).toBe(0n);
    expect(powernvLevels(16, window, levels, HOST_64K)).toBeUndefined();
  });

  test('a smaller host page lets a level be smaller', () => {
    expect(powernvTableSize(24, 1n << 36n, 1, 12)).toBe(2n * 32n * KIB);
  });

  test('a table is refused where its levels together would reach address bit 55, although it has a size', () => {
    expect(powernvLevels(16, 1n << 40n, 2, HOST_64K)).toEqual({ levels: 2, levelShift: 16 });
    expect(powernvLevels(16, 1n << 40n, 3, HOST_64K)).toBeUndefined();
    expect(powernvTableSize(16, 1n << 40n, 3, HOST_64K)).not.toBe(0n);
    expect(powernvLevels(12, 1n << 40n, 3, HOST_64K)).toEqual({ levels: 3, levelShift: 16 });
  });

  test.each([12, 16])('5 levels are allowed and never fit, with host pages of 2^%i bytes', (hostPageShift) => {
    expect(powernvLevels(12, 1n << 12n, 5, hostPageShift)).toBeUndefined();
    expect(powernvTableSize(12, 1n << 12n, 5, hostPageShift)).not.toBe(0n);
  });
});

describe('host default window, 64 KiB pages and MAX_PAGE_ORDER 8', () => {
  const host = { pageShift: 16, maxPageOrder: 8 };

  test.each([
    [23, 64n * GIB, 0x10_0000_0000n],
    [24, 100n * GIB, 0x10_0000_0000n],
    [25, 512n * GIB, 0x80_0000_0000n],
    [26, 16n * TIB, 0x800_0000_0000n],
  ])('vector %i', (_vector, memory, size) => {
    expect(hostDefaultWindow(memory, host)).toEqual({ size, levels: 2 });
  });
});

describe('levels that QEMU asks a host with 64 KiB pages for', () => {
  test.each([
    ['64 GiB of 64K', 16, 36n, 1],
    ['1 TiB of 64K', 16, 40n, 2],
    ['64 TiB of 64K', 16, 46n, 2],
    ['1 GiB of 4K', 12, 30n, 1],
    ['1 TiB of 4K', 12, 40n, 2],
  ])('vector 84: %s', (_name, pageShift, windowShift, first) => {
    expect(qemuVfioLevels(pageShift, 1n << windowShift, HOST_64K)).toEqual({ first, most: 3 });
  });

  test('a table of 16 MiB still has one level, one of 32 MiB has two', () => {
    expect(qemuVfioLevels(16, 128n * GIB, HOST_64K).first).toBe(1);
    expect(qemuVfioLevels(16, 256n * GIB, HOST_64K).first).toBe(2);
  });
});
