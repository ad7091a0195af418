import { describe, expect, it } from '@jest/globals';
import { cBytes, cCast, cComment, cName, cNumber, cString, cValue } from './values.js';

describe('numbers of C', () => {
  it('keep all of their 64 bits', () => {
    expect(cNumber(0xffff_ffff_ffff_fff1n)).toBe('UINT64_C(0xfffffffffffffff1)');
    expect(cNumber(0x8000_0000n)).toBe('UINT64_C(0x80000000)');
    expect(cNumber(0x7fff_ffffn)).toBe('0x7fffffff');
    expect([0n, 9n, 10n, -3n].map(cNumber)).toEqual(['0', '9', '0xa', '-3']);
  });

  it('are found in what came of earlier operations and steps', () => {
    expect(cValue({ ref: 'w1' })).toBe('got->w1.result');
    expect(cValue({ ref: 'w1', at: 32, size: 8, plus: 0x1000n })).toBe('field(&got->w1, 32, 8) + 0x1000');
    expect(cValue({ ref: 'm', plus: -1n })).toBe('got->m.result - 1');
    expect(cValue({ ref: '#0', at: 24, size: 8 })).toBe('field(&got->part[0], 24, 8)');
    expect(cCast('void *', { ref: 'm', plus: 1n })).toBe('(void *)(got->m.result + 1)');
  });
});

describe('names of C', () => {
  it('are identifiers that nothing else has', () => {
    expect(['pe0.dev0', 'double', 'linux', 'other', '0x', 'read-only'].map(cName)).toEqual(['pe0_dev0', 'double_', 'linux_', 'other_', '_0x', 'read_only']);
  });
});

describe('texts of C', () => {
  it('are read back as they were', () => {
    expect(cString('a "b"\\\n1')).toBe('"a \\"b\\"\\\\\\0121"');
    expect(cBytes(Uint8Array.of(0, 255, 16))).toBe('"\\x00\\xff\\x10"');
  });

  it('end no comment', () => {
    expect(cComment('a */ b /* c')).toBe('a * / b / * c');
  });
});
