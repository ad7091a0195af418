import { describe, expect, it } from '@jest/globals';

import { joinCells } from '../../reference/uapi/cells.js';
import { allNodes, cellsOf, parseDeviceTree, stringsOf } from './device-tree.js';
import { cells, flatten, strings } from './device-tree.fixture.js';

const TREE = flatten({
  name: '',
  properties: { model: strings('bare'), compatible: strings('a', 'bc') },
  children: [
    { name: 'rtas', properties: { token: cells(0x2026), odd: Buffer.from([1, 2, 3]), empty: Buffer.alloc(0) } },
    { name: 'bus@1', children: [{ name: 'device@2', properties: { reg: cells(0x8000000, 0x20000001) } }] },
  ],
});

describe('a flattened device tree', () => {
  const root = parseDeviceTree(TREE);

  it('gives its nodes with their paths, parents first', () => {
    expect([...allNodes(root)].map(({ path }) => path)).toEqual(['/', '/rtas', '/bus@1', '/bus@1/device@2']);
  });

  it('gives properties as strings, cells and wide numbers', () => {
    const device = [...allNodes(root)][3]!;
    expect(stringsOf(root, 'compatible')).toEqual(['a', 'bc']);
    expect(cellsOf(device, 'reg')).toEqual([0x8000000, 0x20000001]);
    expect(joinCells(cellsOf(device, 'reg'))).toBe(0x800_0000_2000_0001n);
  });

  it('keeps its place after properties whose length is odd or zero', () => {
    const rtas = root.children[0]!;
    expect([...rtas.properties.keys()]).toEqual(['token', 'odd', 'empty']);
    expect(rtas.properties.get('odd')).toEqual(Buffer.from([1, 2, 3]));
  });

  it('has nothing for an absent property', () => {
    expect(cellsOf(root, 'reg')).toEqual([]);
    expect(stringsOf(root, 'name')).toEqual([]);
  });
});

describe('bytes that are not a device tree', () => {
  it('are told by their magic number', () => {
    expect(() => parseDeviceTree(Buffer.alloc(40))).toThrow('begins with 0xd00dfeed, but saw 0x0');
  });

  it('are told by their size', () => {
    expect(() => parseDeviceTree(TREE.subarray(0, 60))).toThrow(`says ${TREE.length} bytes, but 60 are here`);
  });

  it('are told by a token out of place', () => {
    const broken = Buffer.from(TREE);
    broken.writeUInt32BE(7, broken.readUInt32BE(8));
    expect(() => parseDeviceTree(broken)).toThrow('token 7 at offset 40 is out of place');
  });
});
