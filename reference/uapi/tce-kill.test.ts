import { describe, expect, test } from '@jest/globals';
import { killPe, phb3KillPages, phb4Kill, TCE_KILL_ALL } from './tce-kill.js';

describe('TCE kill register', () => {
  test('vector 81: one page of PE 5, all of PE 5, everything', () => {
    expect(phb3KillPages(5, 0x1_0000n, 16, 1)).toEqual([0x2000_0000_0001_0005n]);
    expect(killPe(5)).toBe(0x4000_0000_0000_0005n);
    expect(TCE_KILL_ALL).toBe(0x8000_0000_0000_0000n);
  });

  test('vector 82: a page of the second window has address bit 59', () => {
    expect(phb3KillPages(5, (1n << 59n) + 0x1_0000n, 16, 1)).toEqual([0x2800_0000_0001_0005n]);
  });

  test('PHB3 takes one value for each page', () => {
    expect(phb3KillPages(5, 0x10_0000n, 16, 3)).toEqual([
      0x2000_0000_0010_0005n,
      0x2000_0000_0011_0005n,
      0x2000_0000_0012_0005n,
    ]);
  });

  test('PHB4 kills the whole PE where pages are asked for', () => {
    expect(phb4Kill('pages', 5)).toBe(killPe(5));
    expect(phb4Kill('pe', 5)).toBe(killPe(5));
    expect(phb4Kill('all', 5)).toBe(TCE_KILL_ALL);
  });
});
