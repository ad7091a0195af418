/** Writes small flattened device trees for the tests of what reads them. */

/** A node to write. */
export interface NodeSource {
  readonly name: string;
  readonly properties?: Readonly<Record<string, Buffer>>;
  readonly children?: readonly NodeSource[];
}

export function cells(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => bytes.writeUInt32BE(value, i * 4));
  return bytes;
}

export function strings(...values: string[]): Buffer {
  return Buffer.from(values.map((value) => `${value}\0`).join(''), 'latin1');
}

const HEADER_BYTES = 40;

/** The tree as a blob of version 17: header, structure block, strings block. */
export function flatten(root: NodeSource): Buffer {
  let names = '';
  const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
  const node = ({ name, properties = {}, children = [] }: NodeSource): Buffer[] => [
    cells(1),
    padded(strings(name)),
    ...Object.entries(properties).flatMap(([key, value]) => {
      const offset = names.length;
      names += `${key}\0`;
      return [cells(4, 3, value.length, offset), padded(value)];
    }),
    ...children.flatMap(node),
    cells(2),
  ];
  const structure = Buffer.concat([...node(root), cells(9)]);
  const stringsBlock = Buffer.from(names, 'latin1');
  const stringsOffset = HEADER_BYTES + structure.length;
  const total = stringsOffset + stringsBlock.length;
  const header = cells(0xd00dfeed, total, HEADER_BYTES, stringsOffset, 0, 17, 16, 0, stringsBlock.length, structure.length);
  return Buffer.concat([header, structure, stringsBlock]);
}
