import { decode, encode, fieldsOf } from '../../reference/uapi/structure.js';
import { argumentOf, type IoctlName } from '../../reference/uapi/ioctl.js';
import type { ByteOrder, Patch, Value } from './instructions.js';

/** A structure as a host gets it, but for the values that are not known before. */
export interface Structure {
  /** Hexadecimal. */
  readonly bytes: string;
  readonly patch: readonly Patch[];
}

/** Bytes of the structure that a call takes; 0 where it takes none. */
const sizeOf = (name: IoctlName): number => {
  const argument = argumentOf(name);
  return argument.kind === 'struct' ? argument.bytes : 0;
};

/** A call's structure in the host's byte order. */
export function encodeFor(order: ByteOrder, name: IoctlName, args: Readonly<Record<string, Value>>): Structure {
  const known: Record<string, bigint> = {};
  const patch: Patch[] = [];
  for (const { name: field, offset, bytes } of fieldsOf(name)) {
    const value = args[field];
    if (typeof value === 'bigint') known[field] = value;
    else if (value !== undefined) patch.push([offset, bytes, value]);
  }
  const bytes = encode(name, known).subarray(0, sizeOf(name));
  return { bytes: Buffer.from(turned(order, name, bytes)).toString('hex'), patch };
}

/** The fields of a call's structure out of a host's bytes. */
export const decodeFrom = (order: ByteOrder, name: IoctlName, bytes: Uint8Array): Record<string, bigint> => decode(name, turned(order, name, bytes));

/** The uAPI's layouts are read and written little-endian; a big-endian host has the bytes of every field turned round. */
function turned(order: ByteOrder, name: IoctlName, bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  if (order === 'big') for (const { offset, bytes: size } of fieldsOf(name)) copy.subarray(offset, offset + size).reverse();
  return copy;
}

/** Where a field is in a call's structure. */
export const fieldOf = (name: IoctlName, field: string): { readonly at: number; readonly size: 1 | 2 | 4 | 8 } | undefined => {
  const found = fieldsOf(name).find((candidate) => candidate.name === field);
  return found && { at: found.offset, size: found.bytes };
};

