import { describe, expect, test } from '@jest/globals';
import { multiTceCounts, planDdw, type DdwInput } from './linux-ddw.js';

const GIB = 1n << 30n;
const mask = (bits: number): bigint => (1n << BigInt(bits)) - 1n;

const guest = (changes: Partial<DdwInput>): DdwInput => ({
  memoryEnd: 64n * GIB,
  pageSizes: 0x107,
  tces: 1n << 37n,
  dmaMask: mask(64),
  ...changes,
});

describe('the window that Linux creates', () => {
  test('vector 66: 64 GiB, all of QEMU\'s page sizes: direct, in pages of 16M', () => {
    expect(planDdw(guest({}))).toEqual({
      mapping: 'direct',
      limited: false,
      pageShift: 24,
      windowShift: 36,
      largestShift: 61,
      property: 'linux,direct64-ddr-window-info',
    });
  });

  test('vector 67: 2^19 TCEs of 64K do not cover 64 GiB: dynamic, as large as they are', () => {
    expect(planDdw(guest({ pageSizes: 0x3, tces: 1n << 19n }))).toEqual({
      mapping: 'dynamic',
      limited: false,
      pageShift: 16,
      windowShift: 35,
      largestShift: 35,
      property: 'linux,dma64-ddr-window-info',
    });
  });

  test('TCEs that just cover all memory map it directly', () => {
    expect(planDdw(guest({ pageSizes: 0x3, tces: 1n << 20n }))).toMatchObject({ mapping: 'direct', windowShift: 36 });
  });

  test('vector 68: 100 GiB need a window of 2^37 bytes', () => {
    expect(planDdw(guest({ memoryEnd: 100n * GIB }))).toMatchObject({ mapping: 'direct', windowShift: 37 });
  });

  test('vector 69: a device of 48 bits wants limited addressing, and no window above 2^48', () => {
    expect(planDdw(guest({ dmaMask: mask(48) }))).toMatchObject({ limited: true, largestShift: 48, windowShift: 36 });
    expect(planDdw(guest({ dmaMask: mask(48), memoryEnd: 1n << 49n }))).toMatchObject({ mapping: 'dynamic', windowShift: 48 });
  });

  test('a device of 32 bits gets none, one of 33 does', () => {
    expect(planDdw(guest({ dmaMask: mask(32) }))).toEqual({
      mapping: 'none',
      because: 'the device reaches no more than 4 GiB',
    });
    expect(planDdw(guest({ dmaMask: mask(33) }))).toMatchObject({ mapping: 'dynamic', windowShift: 33 });
  });

  test('no known page size, no window', () => {
    expect(planDdw(guest({ pageSizes: 0xfe00 }))).toEqual({ mapping: 'none', because: 'no page size is offered' });
  });

  test('2^37 TCEs of 16 GiB wrap to nothing: the kernel asks for a window of 2^0 bytes', () => {
    expect(planDdw(guest({ pageSizes: 0x1ff }))).toMatchObject({ mapping: 'dynamic', pageShift: 34, windowShift: 0 });
  });
});

describe('the hypercalls that map or clear memory', () => {
  test('vector 70: 64 GiB of 64K take 2048 calls of 512', () => {
    expect(multiTceCounts(0n, 64n * GIB, 16)).toEqual(Array.from({ length: 2048 }, () => 512));
  });

  test('vector 70: 64 GiB of 16M take 8 calls', () => {
    expect(multiTceCounts(0n, 64n * GIB, 24)).toEqual(Array.from({ length: 8 }, () => 512));
  });

  test('the last call carries the rest', () => {
    expect(multiTceCounts(0n, 513n << 16n, 16)).toEqual([512, 1]);
  });

  test('memory that begins inside a page is mapped from that page on', () => {
    expect(multiTceCounts(3n << 28n, 1n << 28n, 30)).toEqual([1]);
  });

  test('memory that ends inside a page leaves that page out: 100 GiB of 16 GiB pages are 6', () => {
    expect(multiTceCounts(0n, 100n * GIB, 34)).toEqual([6]);
  });

  test('less than a page is one call with a count of 0', () => {
    expect(multiTceCounts(0n, GIB, 34)).toEqual([0]);
  });
});
