import type { Value } from '../ssh/instructions.js';

/* Numbers, names and texts as C writes them. */

/** Words that C, or GNU C beside it, has for itself. */
const RESERVED = new Set(
  ('auto break case char const continue default do double else enum extern float for goto if inline int long register restrict return short signed sizeof static ' +
    'struct switch typedef union unsigned void volatile while asm typeof linux unix errno stdin stdout stderr other part').split(' '),
);

/** The name as an identifier of C. Names that differ in punctuation alone are the same. */
export function cName(name: string): string {
  const plain = name.replace(/\W/g, '_').replace(/^(?=\d)/, '_');
  return RESERVED.has(plain) ? `${plain}_` : plain;
}

/** The text as a literal of C. */
export const cString = (text: string): string => `"${Array.from(Buffer.from(text), escaped).join('')}"`;

/** An octal escape ends after three digits, whatever follows. */
function escaped(byte: number): string {
  const letter = String.fromCharCode(byte);
  if (letter === '"' || letter === '\\') return `\\${letter}`;
  return byte >= 0x20 && byte < 0x7f ? letter : `\\${byte.toString(8).padStart(3, '0')}`;
}

/** Text within a comment of C. */
export const cComment = (text: string): string => text.replaceAll('*/', '* /').replaceAll('/*', '/ *');

/** Bytes as a literal of C, so many to a line. */
export function cBytes(bytes: Uint8Array, each = 16): string {
  const hex = Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`);
  return Array.from({ length: Math.ceil(hex.length / each) }, (_, i) => `"${hex.slice(i * each, (i + 1) * each).join('')}"`).join('\n\t\t');
}

const SMALL = 10n;
const INT_MAX = 0x7fff_ffffn;

/** The number; in hexadecimal digits, and as one of 64 bits, where it needs them. */
export function cNumber(value: bigint): string {
  if (value < 0n) return `-${cNumber(-value)}`;
  if (value < SMALL) return value.toString();
  const digits = `0x${value.toString(16)}`;
  return value <= INT_MAX ? digits : `UINT64_C(${digits})`;
}

/** Where an operation's outcome is; `#0` is that of the first step of the operation itself. */
export const outcomeOf = (name: string): string => (name.startsWith('#') ? `got->part[${name.slice(1)}]` : `got->${cName(name)}`);

/** The value as an expression of 64 bits. */
export function cValue(value: Value): string {
  if (typeof value === 'bigint') return cNumber(value);
  const { ref, at, size, plus = 0n } = value;
  const found = at === undefined ? `${outcomeOf(ref)}.result` : `field(&${outcomeOf(ref)}, ${at}, ${size})`;
  if (plus === 0n) return found;
  return plus < 0n ? `${found} - ${cNumber(-plus)}` : `${found} + ${cNumber(plus)}`;
}

/** The value as another type: an expression of several parts in brackets. */
export function cCast(type: string, value: Value): string {
  const text = cValue(value);
  return `(${type})${/ [+-] /.test(text) ? `(${text})` : text}`;
}
