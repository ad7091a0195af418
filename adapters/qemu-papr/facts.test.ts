import { describe, expect, it } from '@jest/globals';

import { parseDeviceTree } from './device-tree.js';
import { cells, flatten, strings, type NodeSource } from './device-tree.fixture.js';
import { machineFacts, rtasToken } from './facts.js';

/** Values as QEMU 7.2 gives them for a bridge with index 1 and one edu. */
const EDU: NodeSource = {
  name: 'legacy-device@1',
  properties: {
    'vendor-id': cells(0x1234),
    'device-id': cells(0x11e8),
    reg: cells(0x800, 0, 0, 0, 0, 0x200_0810, 0, 0, 0, 0x10_0000),
  },
};
const PHB: NodeSource = {
  name: 'pci@800000020000001',
  properties: {
    compatible: strings('IBM,Logical_PHB'),
    reg: cells(0x800_0000, 0x2000_0001, 0, 0),
    'ibm,#dma-address-cells': cells(2),
    'ibm,#dma-size-cells': cells(2),
    'ibm,dma-window': cells(0x8000_0100, 0, 0, 0, 0x4000_0000),
    'ibm,ddw-applicable': cells(0x2026, 0x2027, 0x2028),
    'ibm,ddw-extensions': cells(2, 0x2029, 1),
    ranges: cells(0x100_0000, 0, 0, 0x2000, 0x1_0000, 0, 0x1_0000, 0x200_0000, 0, 0x8000_0000, 0x2001, 0, 0, 0x8000_0000),
  },
  children: [EDU],
};
const TREE: NodeSource = {
  name: '',
  properties: { model: strings('IBM pSeries (emulated by qemu)') },
  children: [
    {
      name: 'rtas',
      properties: {
        'ibm,query-pe-dma-window': cells(0x2026),
        'rtas-size': cells(0x82c),
        'ibm,hypertas-functions': strings('hcall-tce', 'hcall-multi-tce'),
      },
    },
    PHB,
    { name: 'pci@800000020000000', properties: { compatible: strings('IBM,Logical_PHB'), reg: cells(0x800_0000, 0x2000_0000, 0, 0) } },
    { name: 'v-scsi@71000001', properties: { reg: cells(0x7100_0001), 'ibm,my-dma-window': cells(0x7100_0001, 0, 0, 0, 0x1000_0000) } },
    { name: 'memory@0', properties: { device_type: strings('memory'), reg: cells(0, 0, 0, 0x1000_0000) } },
  ],
};

describe('the facts of a machine', () => {
  const facts = machineFacts(parseDeviceTree(flatten(TREE)));

  it('name the memory, the hypercall sets and the RTAS calls', () => {
    expect(facts.memoryBytes).toBe(0x1000_0000n);
    expect(facts.hypertas).toEqual(['hcall-tce', 'hcall-multi-tce']);
    expect([...facts.rtas]).toEqual([['ibm,query-pe-dma-window', 0x2026]]);
  });

  it('list the bridges by index, with windows and tokens', () => {
    expect(facts.phbs.map(({ index }) => index)).toEqual([0, 1]);
    expect(facts.phbs[1]).toMatchObject({
      buid: 0x800_0000_2000_0001n,
      dmaWindow: { liobn: 0x8000_0100, start: 0n, size: 0x4000_0000n },
      ddw: { query: 0x2026, create: 0x2027, remove: 0x2028 },
      ddwExtensions: [2, 0x2029, 1],
    });
  });

  it('leave out what a bridge does not state', () => {
    expect(facts.phbs[0]).toMatchObject({ dmaWindow: undefined, ddw: undefined, ddwExtensions: [], ranges: [], devices: [] });
  });

  it('tell where PCI memory is reached, and what a device decodes', () => {
    const [io, memory] = facts.phbs[1]!.ranges;
    expect(io).toMatchObject({ space: 'io', cpuAddress: 0x2000_0001_0000n });
    expect(memory).toEqual({ space: 'mem32', pciAddress: 0x8000_0000n, cpuAddress: 0x2001_0000_0000n, size: 0x8000_0000n });
    expect(facts.phbs[1]!.devices).toEqual([
      {
        path: '/pci@800000020000001/legacy-device@1',
        vendorId: 0x1234,
        deviceId: 0x11e8,
        configAddress: 0x800,
        bars: [{ register: 0x10, space: 'mem32', size: 0x10_0000n }],
      },
    ]);
  });

  it('list the virtual devices with a window', () => {
    expect(facts.vio).toEqual([
      { path: '/v-scsi@71000001', unitAddress: 0x7100_0001, window: { liobn: 0x7100_0001, start: 0n, size: 0x1000_0000n } },
    ]);
  });

  it('have no token for a call that is not offered', () => {
    expect(rtasToken(facts, 'ibm,query-pe-dma-window')).toBe(0x2026);
    expect(() => rtasToken(facts, 'ibm,set-eeh-option')).toThrow('no RTAS call ibm,set-eeh-option; it has ibm,query-pe-dma-window');
  });
});
