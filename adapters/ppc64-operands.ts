/** Checks of instruction operands: each returns the bits that go into the instruction word. */

/** A general purpose register, 0 to 31. */
export const register = (n: number): number => checked(n, 0, 31, 'register');
/** A 16-bit signed immediate. */
export const signed16 = (n: number): number => checked(n, -0x8000, 0x7fff, 'signed immediate') & 0xffff;
/** A 16-bit unsigned immediate. */
export const unsigned16 = (n: number): number => checked(n, 0, 0xffff, 'unsigned immediate');

/** Displacement of the DS form, whose two low bits are part of the opcode. */
export function doubleword(offset: number): number {
  if (offset % 4 !== 0) throw new RangeError(`doubleword offset must be a multiple of 4, not ${offset}`);
  return signed16(offset);
}

function checked(value: number, low: number, high: number, what: string): number {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new RangeError(`${what} must be ${low} to ${high}, not ${value}`);
  }
  return value;
}
