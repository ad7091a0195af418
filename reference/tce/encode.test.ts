import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeTce, encodeTce, pageTce, tceFields } from './encode.js';

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

describe('entries', () => {
  test.each([
    [27, '4K read and write', 0x1234_5000n, 12, 3n, 0x1234_5003n, '00 00 00 00 12 34 50 03'],
    [28, '4K read only', 0x1234_5000n, 12, 1n, 0x1234_5001n, '00 00 00 00 12 34 50 01'],
    [28, '4K write only', 0x1234_5000n, 12, 2n, 0x1234_5002n, '00 00 00 00 12 34 50 02'],
    [29, '64K', 0x1_0000n, 16, 3n, 0x1_0003n, '00 00 00 00 00 01 00 03'],
    [30, '2M', 0x20_0000n, 21, 3n, 0x20_0003n, '00 00 00 00 00 20 00 03'],
    [31, '16M', 0x700_0000n, 24, 3n, 0x700_0003n, '00 00 00 00 07 00 00 03'],
    [32, '16G', 0x4_0000_0000n, 34, 3n, 0x4_0000_0003n, '00 00 00 04 00 00 00 03'],
    [33, 'poison', 0x5_5000n, 12, 0n, 0x5_5000n, '00 00 00 00 00 05 50 00'],
  ])('vector %i: %s', (_vector, _name, address, pageShift, permission, entry, memory) => {
    expect(pageTce(address, pageShift, permission)).toBe(entry);
    expect(encodeTce(entry)).toEqual(bytes(memory));
    expect(decodeTce(bytes(memory))).toBe(entry);
    expect(tceFields(entry)).toEqual({ address, read: (permission & 1n) === 1n, write: (permission & 2n) === 2n });
  });

  test('an address inside a page is no page', () => {
    expect(() => pageTce(0x2_1000n, 16, 3n)).toThrow('0x21000 does not begin a page of 2^16 bytes');
  });

  test('a permission has two bits', () => {
    expect(() => pageTce(0x1000n, 12, 4n)).toThrow(RangeError);
  });

  test('any entry comes back from memory, wherever it lies', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, (1n << 64n) - 1n), fc.nat(64), (entry, offset) => {
        const memory = new Uint8Array(offset + 8);
        memory.set(encodeTce(entry), offset);
        expect(decodeTce(memory, offset)).toBe(entry);
      }),
    );
  });

  test('fewer than 8 bytes hold no entry', () => {
    expect(() => decodeTce(new Uint8Array(7))).toThrow(RangeError);
  });
});
