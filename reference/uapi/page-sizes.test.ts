import { describe, expect, test } from '@jest/globals';
import { offersPageShift, pageShifts } from './page-sizes.js';

describe('IO page sizes mask', () => {
  test.each([
    [0x107, [12, 16, 21, 24]],
    [0x1ff, [12, 16, 21, 24, 25, 26, 27, 28, 34]],
    [0x3, [12, 16]],
    [0x80, [34]],
    [0xffff_fe00, []],
    [0x200 | 0x3, [12, 16]],
  ])('vector 65: mask %i', (mask, shifts) => {
    expect(pageShifts(mask)).toEqual(shifts);
    expect(Array.from({ length: 64 }, (_, shift) => shift).filter((s) => offersPageShift(mask, BigInt(s)))).toEqual(shifts);
  });
});
