import { argumentOf, type IoctlName } from './ioctl.js';
import type { Field } from './vfio.js';

/*
 * The structures of ioctls as bytes. A number that means one thing here and another there is read by whoever serves it:
 * so the bytes are written by one layout and read by another.
 */

/** More bytes than any of the structures has. */
const ROOM = 128;

/** The fields of a call's structure; none where its argument is not one. */
export const fieldsOf = (name: IoctlName): readonly Field[] => {
  const argument = argumentOf(name);
  return argument.kind === 'struct' ? argument.fields : [];
};

/** What a structure calls its own size. */
const SIZES = ['argsz', 'size'];

/** The structure with these fields; its size is that of the whole where it is not given, all else is zero. */
export function encode(name: IoctlName, values: Readonly<Record<string, bigint>>): Uint8Array {
  const bytes = Buffer.alloc(ROOM);
  const argument = argumentOf(name);
  const size = argument.kind === 'struct' ? BigInt(argument.size ?? argument.bytes) : 0n;
  for (const field of fieldsOf(name)) {
    const itsSize = SIZES.includes(field.name) && field.offset === 0;
    put(bytes, field, values[field.name] ?? (itsSize ? size : 0n));
  }
  return bytes;
}

/** The fields of a structure in these bytes. */
export function decode(name: IoctlName, bytes: Uint8Array): Record<string, bigint> {
  const buffer = Buffer.from(bytes);
  return Object.fromEntries(fieldsOf(name).map((field) => [field.name, get(buffer, field)]));
}

/** The bytes with some fields, by position, changed. */
export function withFields(name: IoctlName, bytes: Uint8Array, changes: readonly { readonly index: number; readonly value: bigint }[]): Uint8Array {
  const copy = Buffer.from(bytes);
  const fields = fieldsOf(name);
  for (const { index, value } of changes) {
    const field = fields[index];
    if (field !== undefined) put(copy, field, value);
  }
  return copy;
}

const put = (bytes: Buffer, { offset, bytes: size }: Field, value: bigint): void => {
  const cut = BigInt.asUintN(8 * size, value);
  if (size === 8) bytes.writeBigUInt64LE(cut, offset);
  else bytes.writeUIntLE(Number(cut), offset, size);
};

const get = (bytes: Buffer, { offset, bytes: size }: Field): bigint =>
  size === 8 ? bytes.readBigUInt64LE(offset) : BigInt(bytes.readUIntLE(offset, size));
