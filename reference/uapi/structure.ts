import { VFIO_CALLS, type Field, type VfioCallName } from './vfio.js';

/*
 * The structures of ioctls as bytes. A number that means one thing here and another there is read by whoever serves it:
 * so the bytes are written by one layout and read by another.
 */

/** More bytes than any of the structures has. */
const ROOM = 64;

/** The fields of a call's structure; none where its argument is not one. */
export const fieldsOf = (name: VfioCallName): readonly Field[] => {
  const { argument } = VFIO_CALLS[name];
  return argument.kind === 'struct' ? argument.fields : [];
};

/** The structure with these fields; argsz is the size of the whole where it is not given, all else is zero. */
export function encode(name: VfioCallName, values: Readonly<Record<string, bigint>>): Uint8Array {
  const bytes = Buffer.alloc(ROOM);
  const { argument } = VFIO_CALLS[name];
  for (const field of fieldsOf(name)) {
    const size = field.name === 'argsz' && argument.kind === 'struct' ? BigInt(argument.bytes) : 0n;
    put(bytes, field, values[field.name] ?? size);
  }
  return bytes;
}

/** The fields of a structure in these bytes. */
export function decode(name: VfioCallName, bytes: Uint8Array): Record<string, bigint> {
  const buffer = Buffer.from(bytes);
  return Object.fromEntries(fieldsOf(name).map((field) => [field.name, get(buffer, field)]));
}

/** The bytes with some fields, by position, changed. */
export function withFields(name: VfioCallName, bytes: Uint8Array, changes: readonly { readonly index: number; readonly value: bigint }[]): Uint8Array {
  const copy = Buffer.from(bytes);
  const fields = fieldsOf(name);
  for (const { index, value } of changes) {
    const field = fields[index];
    if (field !== undefined) put(copy, field, value);
  }
  return copy;
}

const put = (bytes: Buffer, { offset, bytes: size }: Field, value: bigint): void => {
  if (size === 4) bytes.writeUInt32LE(Number(BigInt.asUintN(32, value)), offset);
  else bytes.writeBigUInt64LE(BigInt.asUintN(64, value), offset);
};

const get = (bytes: Buffer, { offset, bytes: size }: Field): bigint =>
  size === 4 ? BigInt(bytes.readUInt32LE(offset)) : bytes.readBigUInt64LE(offset);
