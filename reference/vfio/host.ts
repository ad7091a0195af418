import type { BoundDevice, Context, IommuGroup } from '../iommufd/state/context.js';
import type { EventQueue } from '../iommufd/state/event-queue.js';
import type { FaultQueue } from '../iommufd/state/fault-queue.js';
import type { GroupDescription, LinuxDescription, MachineDescription, PeDescription } from '../description.js';
import { buildMachine, type Machine } from '../machine.js';
import type { EventSource } from '../eeh/events.js';
import { makeHostRecovery, type HostRecovery } from '../eeh/recovery.js';
import { makeAddressSpace, makeRealMemory, type AddressSpace, type MemoryFile, type RealMemory, type Region } from '../memory/process.js';
import type { Added, SpaprTable, Vm } from '../kvm/state/vm.js';
import type { OpalPe, OpalPhb } from '../opal/phb.js';
import { powernvPlatform } from '../platform/powernv.js';
import { pseriesPlatform } from '../platform/pseries.js';
import type { IommuTable, Platform, TableGroup } from '../platform/table-group.js';

/** A Linux kernel as its VFIO users see it: processes, containers, groups, and the hardware below. */
export interface Host {
  readonly linux: LinuxDescription;
  /** The PEs with their windows, and all memory. */
  readonly machine: Machine;
  readonly platform: Platform;
  readonly memory: RealMemory;
  readonly processes: Map<string, Process>;
  readonly groups: Map<string, VfioGroup>;
  /** The same groups as /dev/iommu has them. */
  readonly iommuGroups: Map<string, IommuGroup>;
  /** System pages that the user is charged for, whichever process pinned them (IOMMUFD; user_struct.locked_vm). */
  userLocked: bigint;
  /** First sectors of disks as they were read first. */
  readonly sectors: Map<string, Uint8Array>;
  /** What the kernel's EEH has counted and done, by PE. */
  readonly recovery: HostRecovery;
  /** Errors as devices are told of them, by PE. */
  readonly events: Map<string, EventSource>;
  /** The registers of devices that keep what is stored to them. */
  readonly registers: Map<string, number>;
  /** Entries that still mapped something when their window went, by group. */
  readonly lost: Map<string, bigint>;
  /** Files that some process has mapped. */
  readonly mapped: Set<TableFile>;
  /** What known defects make the kernel say. The specification has nothing to say. */
  readonly mayLog: RegExp[];
  /** The calls that two threads make at the moment: names of ioctls, or of operations. */
  racing: readonly string[];
}

export interface Process {
  readonly name: string;
  readonly space: AddressSpace;
  readonly files: Map<number, OpenFile>;
}

/** An open file; processes that were forked share it. */
export type OpenFile = ContainerFile | GroupFile | DeviceFile | NodeFile | IommufdFile | QueueFile | PlainFile | KvmOwnFile;

interface Shared {
  /** Descriptors of all processes, and for a group's file its devices' files. */
  users: number;
}

export interface ContainerFile extends Shared {
  readonly kind: 'container';
  readonly container: Container;
}

export interface GroupFile extends Shared {
  readonly kind: 'group';
  readonly group: VfioGroup;
  /** The last device of the group left vfio-pci since: the descriptor stands for nothing any more. */
  gone: boolean;
}

export interface DeviceFile extends Shared {
  readonly kind: 'device';
  /** `pe0.dev0`. */
  readonly device: string;
  readonly group: VfioGroup;
  readonly opener: GroupFile;
  /** The same where the group works with /dev/iommu: what is done when nobody uses the file any more. */
  readonly end?: (host: Host) => void;
}

/** An open node of a device's own. */
export interface NodeFile extends Shared {
  readonly kind: 'node';
  /** `pe0.dev0`. */
  readonly device: string;
  readonly group: VfioGroup;
  /** The device as a context of /dev/iommu has it, once it is bound. */
  bound: Binding | undefined;
  readonly end: (host: Host) => void;
}

export interface Binding {
  readonly device: BoundDevice;
  /** Keeps the context alive. */
  readonly iommufd: IommufdFile;
}

/** An open /dev/iommu. Whatever else keeps the context alive (a bound device, a queue) counts as a user of it too. */
export interface IommufdFile extends Shared {
  readonly kind: 'iommufd';
  readonly context: Context;
  /** The container that it stands for while VFIO_SET_IOMMU has made it one of SPAPR TCE (the plan for POWER). */
  spapr?: ContainerFile;
  /** What is done when nobody uses it any more. */
  readonly end: (host: Host) => void;
}

/** A queue of /dev/iommu: read it, and answer faults by writing. It counts as a user of the context. */
export type QueueFile = FaultFile | EventFile;

export interface FaultFile extends Shared {
  readonly kind: 'faults';
  readonly queue: FaultQueue;
  readonly opener: IommufdFile;
}

export interface EventFile extends Shared {
  readonly kind: 'events';
  readonly queue: EventQueue;
  readonly opener: IommufdFile;
}

/** A file with contents, made by `user/file`. */
export interface PlainFile extends Shared {
  readonly kind: 'file';
  readonly file: MemoryFile;
}

/** What KVM's calls answer. */
export type KvmOwnFile = KvmFile | VmFile | TableFile | DeviceBridgeFile | ProcessorFile;

/** An open /dev/kvm. */
export interface KvmFile extends Shared {
  readonly kind: 'kvm';
}

/** A virtual machine. */
export interface VmFile extends Shared {
  readonly kind: 'kvm-vm';
  readonly vm: Vm;
}

/** A TCE table of a machine. A mapping of it counts as a user. */
export interface TableFile extends Shared {
  readonly kind: 'kvm-table';
  readonly table: SpaprTable;
  readonly end: (host: Host) => void;
}

/** KVM's VFIO device: the files that it was given, which it keeps open. */
export interface DeviceBridgeFile extends Shared {
  readonly kind: 'kvm-device';
  readonly vm: Vm;
  added: Added<OpenFile>[];
  readonly end: (host: Host) => void;
}

/** A processor of a machine. */
export interface ProcessorFile extends Shared {
  readonly kind: 'kvm-processor';
  readonly vm: Vm;
}

export type Driver = 'vfio-pci' | 'host' | 'none';

/** An IOMMU group as VFIO has it. */
export interface VfioGroup {
  readonly description: GroupDescription;
  readonly table: TableGroup;
  readonly drivers: Map<string, Driver>;
  file: GroupFile | undefined;
  container: Container | undefined;
  /** What stands in for a container. */
  iommufd: IommufdFile | undefined;
  /** Open device files. */
  devices: number;
  /** Nodes of devices that are bound. */
  nodes: number;
}

/** The state that VFIO_SET_IOMMU makes: SPAPR TCE of version 1 or 2. */
export interface Container {
  version: 1 | 2 | undefined;
  enabled: boolean;
  /** The default window is promised and not made. */
  defaultPending: boolean;
  /** The process that it belongs to, from the first call that charges or registers anything. */
  space: AddressSpace | undefined;
  /** Pages that VFIO_IOMMU_ENABLE locked. */
  enabledPages: bigint;
  readonly tables: [IommuTable | undefined, IommuTable | undefined];
  /** The one attached last comes first. */
  groups: VfioGroup[];
  registered: Region[];
}

export const makeContainer = (): Container => ({
  version: undefined,
  enabled: false,
  defaultPending: false,
  space: undefined,
  enabledPages: 0n,
  tables: [undefined, undefined],
  groups: [],
  registered: [],
});

export const makeProcess = (name: string, space = makeAddressSpace()): Process => ({ name, space, files: new Map() });

/** Puts a host together as a program finds it: every device with vfio-pci, disks with the host's driver, one process. */
export function buildHost(description: MachineDescription): Host {
  const linux = description.linux!;
  const machine = buildMachine(hardware(linux));
  const platform = linux.platform === 'pseries' ? pseriesPlatform(machine) : powernvPlatform(machine, phbOf(linux), linux.pageShift);
  const groups = new Map(linux.groups.map((group) => [group.name, makeGroup(machine, group)]));
  return {
    linux,
    machine,
    platform,
    memory: makeRealMemory(machine.memory),
    processes: new Map([['main', makeProcess('main')]]),
    groups,
    iommuGroups: new Map([...groups].map(([name, { table }]) => [name, { name, owner: undefined, bound: 0, attached: new Map(), hardware: { platform, pe: table } }])),
    userLocked: 0n,
    sectors: new Map(),
    recovery: makeHostRecovery(),
    events: new Map(),
    registers: new Map(),
    lost: new Map(),
    mapped: new Set(),
    mayLog: [],
    racing: [],
  };
}

function makeGroup(machine: Machine, description: GroupDescription): VfioGroup {
  return {
    description,
    table: { description, pe: machine.pes.get(description.name)!, taken: false, refused: false },
    drivers: new Map(description.devices.map(({ name, kind }) => [`${description.name}.${name}`, kind === 'disk' ? 'host' : 'vfio-pci'])),
    file: undefined,
    container: undefined,
    iommufd: undefined,
    devices: 0,
    nodes: 0,
  };
}

/** All that a kernel's own memory could ever be. */
const ALL_MEMORY = 1n << 50n;

/** The hardware that the kernel runs on, as far as its windows and memory go. */
const hardware = (linux: LinuxDescription): MachineDescription => ({
  platform: linux.platform,
  memoryBytes: ALL_MEMORY,
  programMemory: { start: 0n, end: ALL_MEMORY },
  functions: ['hcall-tce', 'hcall-multi-tce'],
  pes: linux.groups.map((group, i) => hardwarePe(linux, group, i)),
  vios: [],
});

/** More entries than any kernel asks for. */
const MANY_TCES = 1n << 52n;

const hardwarePe = (linux: LinuxDescription, group: GroupDescription, index: number): PeDescription => ({
  name: group.name,
  configAddress: 0x800,
  buid: BigInt(index),
  defaultWindow: {
    liobn: 0x8000_0000n + BigInt(index << 8),
    start: BigInt(group.dma32Start),
    size: BigInt(group.dma32Size),
    pageShift: 12,
  },
  ddw: {
    windows: 2,
    pageSizes: 0x1ff,
    migrationMask: 0,
    tces: MANY_TCES,
    tces32: 0xffff_ffff,
    reset: true,
    query6: true,
    limited: false,
    secondStart: linux.secondStart,
  },
  devices: group.devices.map(({ name }) => name),
  ...(linux.eeh && group.withoutEeh !== true && { eeh: { fundamental: true } }),
});

/** A host bridge with one PE for each group. */
function phbOf(linux: LinuxDescription): OpalPhb {
  const table = new Map<string, OpalPe>(linux.groups.map(({ name }, number) => [name, { number, tvt: [0n, 0n] }]));
  return { kind: 'phb4', pes: 512, table };
}

/** The container of a group's device, and the group. @throws Error where the machine has no such device */
export function groupOfDevice(host: Host, device: string): VfioGroup {
  for (const group of host.groups.values()) if (group.drivers.has(device)) return group;
  throw new Error(`The machine has no device '${device}'.`);
}

/** Bytes in whole system pages: a part of one counts nothing. Source: Linux tce_iommu_create_table, tce_iommu_free_table. */
export const systemPages = (host: Host, bytes: bigint): bigint => bytes >> BigInt(host.linux.pageShift);
