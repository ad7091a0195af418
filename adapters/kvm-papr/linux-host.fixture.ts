import type { GroupDescription, MachineDescription } from '../../reference/description.js';

const MIB = 1n << 20n;

const edu = (name: string): GroupDescription['devices'][number] => ({ name, kind: 'edu', id: 0x11e8_1234 });

const group = (name: string, devices: GroupDescription['devices']): GroupDescription => ({
  name,
  devices,
  dma32Start: 0,
  dma32Size: 0x8000_0000,
  pageSizes: 0x1_1000n,
  windows: 2,
  levels: 5,
});

/** A PowerNV host with KVM: a group of two devices, two of one each, and one with a disk. A refused access stops nothing. */
export const WITH_KVM: MachineDescription = {
  platform: 'powernv',
  memoryBytes: 1024n * MIB,
  functions: [],
  pes: [],
  vios: [],
  linux: {
    platform: 'powernv',
    pageShift: 16,
    hugePages: [],
    secondStart: 1n << 59n,
    eeh: false,
    kvm: true,
    groups: [
      group('pair0', [edu('dev0'), edu('dev1')]),
      group('disk0', [{ name: 'dev0', kind: 'disk', id: 0x0010_1b36 }]),
      group('pe0', [edu('dev0')]),
      group('pe1', [edu('dev0')]),
    ],
  },
};
