import { asPlanned } from '../../reference/planned.js';
import { LARGE_PAGE_DRIVER, MOCK_DRIVER, PLAIN_DRIVER, POWER_IOMMU, USUAL_DRIVER, type GroupIommu } from '../../reference/iommu-drivers.js';
import type {
  DdwDescription,
  GroupDescription,
  LinuxDescription,
  MachineDescription,
  PartnerDescription,
  PeDescription,
  VioDescription,
  WindowDescription,
} from '../../reference/description.js';

/** Where IODA hardware puts the second window of a PE: bus address bit 59. Source: PowerNV tce_bypass_base, QEMU dma64_win_addr. */
const SECOND_WINDOW = 1n << 59n;

const MIB = 1n << 20n;
const GIB = 1n << 30n;

/** A PE with all of the DDW option: two windows, reset, 6-output query; 4K, 64K, 16M and 2M pages. */
const FULL_DDW: DdwDescription = {
  windows: 2,
  pageSizes: 0x107,
  migrationMask: 0,
  tces: 1n << 37n,
  tces32: 0x8000_0000,
  reset: true,
  query6: true,
  limited: false,
  secondStart: SECOND_WINDOW,
};

function pe(index: number, name: string, ddw: DdwDescription | undefined): PeDescription {
  return {
    name,
    configAddress: 0x800,
    buid: 0x0800_0000_2000_0000n + BigInt(index),
    defaultWindow: { liobn: 0x8000_0000n + BigInt(index << 8), start: 0n, size: GIB, pageShift: 12 },
    ...(ddw === undefined ? {} : { ddw }),
    devices: ['dev0'],
  };
}

/** The window of a virtual adapter: as large as the memory, from bus address 0 (LoPAR R1-66872-12). */
const vioWindow = (liobn: bigint): WindowDescription => ({ liobn, start: 0n, size: 256n * MIB, pageShift: 12 });

const client = (name: string, liobn: bigint, bitBucket: boolean): VioDescription => ({ name, own: vioWindow(liobn), bitBucket });

const server = (name: string, liobn: bigint, serves: Pick<PartnerDescription, 'client' | 'additional' | 'perEntry'>): VioDescription => ({
  ...client(name, liobn, true),
  partner: { ...vioWindow(liobn + 1n), ...serves },
});

/**
 * The partition that the model is by default. Two ordinary PEs, and one of each special kind: `vf0` has a single
 * window (an SR-IOV virtual function), `old0` has DDW without extensions, `lim0` has limited addressing and all nine page
 * sizes, `plain0` has no DDW, the DMA of `fixed0` cannot be held up for a migration. `eeh0` and `eeh1` have EEH; `eeh1` has no
 * fundamental reset, `eeh0` two devices. Of two pairs of virtual SCSI adapters
 * within the partition, one has redirected mappings in numbers, the other a single one for each entry.
 */
export const MODEL_MACHINE: MachineDescription = {
  platform: 'pseries',
  memoryBytes: 256n * MIB,
  functions: ['hcall-tce', 'hcall-multi-tce', 'hcall-rdma', 'hcall-migrate', 'slr', 'rtas-eeh', 'platform', 'reboot'],
  pes: [
    pe(0, 'pe0', FULL_DDW),
    { ...pe(1, 'pe1', FULL_DDW), maxRtceMappings: 2 },
    pe(2, 'vf0', { ...FULL_DDW, windows: 1 }),
    pe(3, 'old0', { ...FULL_DDW, reset: false, query6: false }),
    pe(4, 'lim0', { ...FULL_DDW, limited: true, pageSizes: 0x1ff }),
    pe(5, 'plain0', undefined),
    pe(6, 'wide0', { ...FULL_DDW, pageSizes: 0x1ff }),
    { ...pe(7, 'fixed0', FULL_DDW), noMigration: true },
    { ...pe(8, 'eeh0', FULL_DDW), devices: ['dev0', 'dev1'], eeh: { fundamental: true } },
    { ...pe(9, 'eeh1', FULL_DDW), eeh: { fundamental: false } },
  ],
  vios: [
    client('vio0', 0x7100_0000n, true),
    client('vio1', 0x7100_0010n, false),
    server('server0', 0x7100_0020n, { client: 'vio0', additional: 3, perEntry: 3 }),
    server('server1', 0x7100_0030n, { client: 'vio1', additional: 0, perEntry: 1 }),
  ],
  unmigratable: { start: 255n * MIB, size: MIB },
  errinjct: { ioaBusError: 7, ioaBusError64: 15 },
};

/** The same partition with the options that change the meaning of a call: CMO, multi-TCE tables, super pages. */
export const OVERCOMMITTED_MACHINE: MachineDescription = {
  ...MODEL_MACHINE,
  functions: [...MODEL_MACHINE.functions, 'cmo', 'mtt'],
  superPage: { translations: 1024n, operations: 2 },
};

/** The same partition where a kernel answers the calls, with a monitor behind it. */
export const MONITOR_MACHINE: MachineDescription = { ...MODEL_MACHINE, monitor: true };

/** The same partition offered nothing beyond what every partition is. */
export const PLAIN_MACHINE: MachineDescription = {
  ...MODEL_MACHINE,
  functions: ['hcall-tce', 'platform', 'reboot'],
};

/** A partition with the multi-TCE calls and no virtual adapters. */
export const NO_VIO_MACHINE: MachineDescription = { ...MODEL_MACHINE, vios: [] };

const edu = (name: string): GroupDescription['devices'][number] => ({ name, kind: 'edu', id: 0x11e8_1234 });

const group = (name: string, platform: Pick<GroupDescription, 'dma32Size' | 'pageSizes' | 'levels'>, devices = [edu('dev0')]): GroupDescription => ({
  name,
  devices,
  dma32Start: 0,
  windows: 2,
  ...platform,
});

const disk = (name: string): GroupDescription['devices'][number] => ({ name, kind: 'disk', id: 0x0010_1b36 });

const groups = (platform: Pick<GroupDescription, 'dma32Size' | 'pageSizes' | 'levels'>): GroupDescription[] => [
  ...['pe0', 'pe1', 'pe2', 'pe3'].map((name) => group(name, platform)),
  group('pair0', platform, [edu('dev0'), edu('dev1')]),
  group('disk0', platform, [disk('dev0')]),
  group('mixed0', platform, [edu('dev0'), disk('dev1')]),
];

/** A machine that a Linux kernel runs: nothing of the platform below it can be reached but through the kernel. */
const hosting = (linux: Omit<LinuxDescription, 'pageShift' | 'hugePages' | 'secondStart'>): MachineDescription => ({
  platform: linux.platform,
  memoryBytes: GIB,
  functions: [],
  pes: [],
  vios: [],
  linux: { iommufd: { cdev: false }, pageShift: 16, hugePages: [{ shift: 21, free: 16 }], secondStart: SECOND_WINDOW, ...linux },
});

const pageSizeMask = (...shifts: number[]): bigint => shifts.reduce((mask, shift) => mask | (1n << BigInt(shift)), 0n);

const PSERIES = { dma32Size: Number(GIB), pageSizes: pageSizeMask(12, 16, 21, 24), levels: 1 };

/**
 * Linux in a partition: four PEs with a device each, a PE with two, one with a disk, one with both. Two more are special: `vf0`
 * has a single window, above 4 GiB at boot; `plain0` has none that can be created, as every PE while a crash dump is taken.
 */
export const LINUX_PSERIES: MachineDescription = hosting({
  platform: 'pseries',
  eeh: false,
  groups: [...groups(PSERIES), { ...group('vf0', { ...PSERIES, dma32Size: 0 }), windows: 1 }, { ...group('plain0', { ...PSERIES, pageSizes: pageSizeMask(12) }), windows: 0 }],
});

/** The same in a partition of which the PEs have EEH, as those of PowerVM. */
export const LINUX_PSERIES_EEH: MachineDescription = hosting({
  platform: 'pseries',
  eeh: true,
  groups: [...groups(PSERIES), { ...group('noeeh0', PSERIES), withoutEeh: true }],
});

const POWERNV = { dma32Size: 2 * Number(GIB), pageSizes: pageSizeMask(12, 16, 21, 30), levels: 5 };

/** The same on PowerNV, with KVM; one PE takes no part in EEH. */
export const LINUX_POWERNV: MachineDescription = hosting({
  platform: 'powernv',
  eeh: true,
  kvm: true,
  groups: [...groups(POWERNV), { ...group('noeeh0', POWERNV), withoutEeh: true }],
});

/** The same without error states, as on an emulator: a refused access does not stop the PE. */
export const LINUX_POWERNV_PLAIN: MachineDescription = { ...LINUX_POWERNV, linux: { ...LINUX_POWERNV.linux!, eeh: false } };

const USUAL: GroupIommu = { driver: USUAL_DRIVER, coherent: true, isolatedMsi: true };

const SIMPLE = { dma32Size: Number(GIB), pageSizes: pageSizeMask(12, 16), levels: 1 };

const ofIommu = (name: string, iommu: GroupIommu, devices?: GroupDescription['devices']): GroupDescription => ({ ...group(name, SIMPLE, devices), iommu });

/** Where the interrupts of a device are written to. */
const INTERRUPTS = { first: 0xfee0_0000n, last: 0xfeef_ffffn };

const IOMMUFD_GROUPS: GroupDescription[] = [
  ...['pe0', 'pe1', 'pe2'].map((name) => ofIommu(name, USUAL)),
  ofIommu('pair0', USUAL, [edu('dev0'), edu('dev1')]),
  ofIommu('mixed0', USUAL, [edu('dev0'), disk('dev1')]),
  ofIommu('reserved0', USUAL, [{ ...edu('dev0'), reserved: [INTERRUPTS] }, { ...edu('dev1'), reserved: [{ first: 0x1000_0000n, last: 0x1fff_ffffn }] }]),
  ofIommu('mock0', { ...USUAL, driver: MOCK_DRIVER }, [edu('dev0'), { ...edu('dev1'), noDirtyTracking: true }]),
  ofIommu('simple0', { ...USUAL, driver: PLAIN_DRIVER }),
  ofIommu('large0', { ...USUAL, driver: LARGE_PAGE_DRIVER }),
  ofIommu('power0', { ...POWER_IOMMU, isolatedMsi: true }),
  ofIommu('unsafe0', { ...USUAL, isolatedMsi: false }),
  ofIommu('noncoherent0', { ...USUAL, coherent: false }),
];

/**
 * A kernel whose devices have nodes of their own, and IOMMUs of several kinds: most like those of other machines, `mock0` like the
 * kernel's test driver, `simple0` without flags, `large0` with pages larger than the system's, `power0` as POWER's is today. The IOMMU
 * of `reserved0` takes IOVAs for itself, the interrupts of `unsafe0` are not isolated, the DMA of `noncoherent0` is not coherent.
 */
export const LINUX_IOMMUFD: MachineDescription = hosting({ platform: 'powernv', eeh: false, groups: IOMMUFD_GROUPS, iommufd: { cdev: true, mock: true } });

/** The same with the parameter allow_unsafe_interrupts, without the test driver, and with POWER's IOMMU as it is today everywhere. */
export const LINUX_IOMMUFD_POWER: MachineDescription = hosting({
  platform: 'pseries',
  eeh: false,
  groups: ['pe0', 'pe1'].map((name) => group(name, PSERIES)),
  iommufd: { cdev: true, allowUnsafe: true },
});

const withNodes = (machine: MachineDescription): MachineDescription =>
  asPlanned({ ...machine, linux: { ...machine.linux!, iommufd: { cdev: true, allowUnsafe: true } } });

/** The same machines with a kernel as planned: devices have nodes, PEs have page tables. */
export const LINUX_PSERIES_PLANNED: MachineDescription = withNodes(LINUX_PSERIES);
export const LINUX_POWERNV_PLANNED: MachineDescription = withNodes(LINUX_POWERNV);

/** The same without the parameter allow_unsafe_interrupts. */
export const LINUX_PSERIES_PLANNED_SAFE: MachineDescription = { ...LINUX_PSERIES_PLANNED, linux: { ...LINUX_PSERIES_PLANNED.linux!, iommufd: { cdev: true } } };
