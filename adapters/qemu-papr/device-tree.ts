/** Reads a flattened device tree (Devicetree Specification 0.4, chapter 5). */

const FDT_MAGIC = 0xd00d_feed;
const Token = { beginNode: 1, endNode: 2, property: 3, nop: 4, end: 9 } as const;
const Field = { magic: 0, totalSize: 4, structure: 8, strings: 12 } as const;
/** Bytes of the header of version 17. */
export const FDT_HEADER_BYTES = 40;

/** A node with its properties as raw bytes. */
export interface DeviceTreeNode {
  /** With the unit address, as `pci@800000020000000`; the root's is empty. */
  readonly name: string;
  readonly path: string;
  readonly properties: ReadonlyMap<string, Buffer>;
  readonly children: readonly DeviceTreeNode[];
}

interface OpenNode extends DeviceTreeNode {
  readonly properties: Map<string, Buffer>;
  readonly children: OpenNode[];
}

/**
 * Size of the tree whose header this is, in bytes.
 *
 * @throws Error when the bytes do not begin a device tree
 */
export function deviceTreeSize(header: Buffer): number {
  const magic = header.readUInt32BE(Field.magic);
  if (magic !== FDT_MAGIC) {
    throw new Error(`expected a device tree, which begins with 0xd00dfeed, but saw 0x${magic.toString(16)}`);
  }
  return header.readUInt32BE(Field.totalSize);
}

/**
 * Parses a whole tree.
 *
 * @throws Error when the bytes are not a well-formed device tree
 */
export function parseDeviceTree(blob: Buffer): DeviceTreeNode {
  const size = deviceTreeSize(blob);
  if (size > blob.length) throw new Error(`the device tree says ${size} bytes, but ${blob.length} are here`);
  return new Parser(blob).parse();
}

class Parser {
  readonly #strings: number;
  #at: number;

  constructor(private readonly blob: Buffer) {
    this.#at = blob.readUInt32BE(Field.structure);
    this.#strings = blob.readUInt32BE(Field.strings);
  }

  parse(): DeviceTreeNode {
    const open: OpenNode[] = [];
    for (;;) {
      const token = this.#cell();
      const current = open.at(-1);
      if (token === Token.beginNode) {
        const node = this.#beginNode(current);
        open.push(node);
      } else if (token === Token.property && current !== undefined) {
        this.#property(current);
      } else if (token === Token.endNode && current !== undefined) {
        if (open.length === 1) return current;
        open.pop();
      } else if (token !== Token.nop) {
        throw new Error(`device tree: token ${token} at offset ${this.#at - 4} is out of place`);
      }
    }
  }

  #cell(): number {
    const value = this.blob.readUInt32BE(this.#at);
    this.#at += 4;
    return value;
  }

  #beginNode(parent: OpenNode | undefined): OpenNode {
    const name = this.#string(this.#at);
    this.#skip(name.length + 1);
    const path = parent === undefined ? '/' : `${parent.path === '/' ? '' : parent.path}/${name}`;
    const node: OpenNode = { name, path, properties: new Map(), children: [] };
    parent?.children.push(node);
    return node;
  }

  #property(node: OpenNode): void {
    const length = this.#cell();
    const name = this.#string(this.#strings + this.#cell());
    node.properties.set(name, this.blob.subarray(this.#at, this.#at + length));
    this.#skip(length);
  }

  #skip(bytes: number): void {
    this.#at = (this.#at + bytes + 3) & ~3;
  }

  #string(start: number): string {
    const end = this.blob.indexOf(0, start);
    if (end < 0) throw new Error(`device tree: the string at offset ${start} has no end`);
    return this.blob.toString('latin1', start, end);
  }
}

/** All nodes of a tree, parents first. */
export function* allNodes(node: DeviceTreeNode): Generator<DeviceTreeNode> {
  yield node;
  for (const child of node.children) yield* allNodes(child);
}

/** The 32-bit cells of a property; none when it is absent. */
export function cellsOf(node: DeviceTreeNode, property: string): number[] {
  const bytes = node.properties.get(property);
  if (bytes === undefined) return [];
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, i) => bytes.readUInt32BE(i * 4));
}

/** The strings of a property; none when it is absent. */
export function stringsOf(node: DeviceTreeNode, property: string): string[] {
  const bytes = node.properties.get(property);
  if (bytes === undefined || bytes.length === 0) return [];
  return bytes.toString('latin1').replace(/\0$/, '').split('\0');
}
