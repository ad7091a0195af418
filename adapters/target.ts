import { POWER_IOMMU, PPC64_DRIVER_NAME } from '../reference/iommu-drivers.js';
import type { LinuxDescription, MachineDescription } from '../reference/description.js';
import type { Program } from '../reference/doors/operations.js';
import type { Trace } from '../reference/doors/observation.js';

/**
 * A capability a target has or lacks. Doors (`papr`, `memory`, `dma`, `platform`), `properties` (a partition's device tree), `monitor` (calls
 * that the kernel leaves to its monitor can be seen), function sets (`hcall-multi-tce`,
 * `hcall-rdma`, `hcall-migrate`, `cmo`, `slr`, `mtt`; `no-mtt` and the like where one is absent), `ddw`, `ddw-reset`, `ddw-query-6`,
 * `vfio` (a Linux kernel's doors `vfio`, `user` and `host`) with `platform:pseries` or `platform:powernv`, `spapr-v2`, `second-window`, `huge:SHIFT` for
 * huge pages, `page-size:SHIFT` for I/O pages, `device:NAME` and `disk`, `iommufd` or `no-iommufd` (/dev/iommu), `cdev` (devices have nodes of
 * their own), `paging` or `no-paging` (the IOMMU has page tables that follow an IOAS), `nested`, `ppc64-paging` (as
 * planned for POWER), `dirty-tracking`, `pasid`, `unsafe-interrupts`
 * or not (the parameter allow_unsafe_interrupts) `mock` or `no-mock` (the kernel's own test driver), `eeh` or `no-eeh`, `eeh-stops`
 * (a stopped PE really stops, and injected errors come), `freeze` (a PE can be stopped from outside; `freeze-beside`: while the program does
 * something), `eeh-debugfs` (the kernel's EEH can be told and read), `eeh-notify` (devices are told of errors), `rtas-eeh` (the RTAS calls of
 * EEH are there), `errinjct` (errors can be injected by RTAS), `bind` (drivers may be changed), `limit`
 * (locked memory can be limited), `kvm` or `no-kvm` (/dev/kvm), `log` (kernel log), `witness` (the hypervisor's view); `reboot`, `vio`, `vio-server` (or `no-vio-server`), `fixed-memory`, `io-super-page`, `pe:NAME` and `vio:NAME` for each PE and virtual adapter by name.
 */
export type Capability = string;

/** What a target is, found by asking the system. */
export interface TargetDescription {
  /** `model`, `qemu-papr`. */
  readonly name: string;
  /** The one canonical name of the system under test: platform, machine, firmware, kernel or QEMU version, page size. */
  readonly fingerprint: string;
  /** The system whose departures the ledger lists (`qemu`), with its version; undefined for the model. */
  readonly system?: { readonly name: string; readonly version: string; readonly platform?: string };
  readonly capabilities: ReadonlySet<Capability>;
  /** Why it lacks a capability, as far as the system told. */
  readonly reasons?: Readonly<Record<Capability, string>>;
  readonly machine: MachineDescription;
  /** The system may be destroyed by a scenario: nobody else uses it. */
  readonly disposable: boolean;
  /** What was found out, where a profile has changed it since. */
  readonly asFound?: TargetDescription;
}

/** A system that takes programs: the model, an emulator, a host. */
export interface Target {
  /** The systems it can be, the usual one first: most targets are one; the model can be a partition of several kinds. */
  readonly variants: readonly [TargetDescription, ...TargetDescription[]];
  /** How often programs went to a system elsewhere and their answers came back; undefined where there is no such way. */
  readonly exchanges?: number;
  /**
   * Runs a program on a machine as it is at boot (program memory and device buffers zero), and returns one observation
   * for every operation. The death of the system is an observation (`crashed`, then `not-run`), never an exception.
   * @param on one of `variants`; the first if left out
   * @throws TargetLost when the target is gone for reasons that are not the system's.
   */
  run(program: Program, on?: TargetDescription): Promise<Trace>;
  /**
   * The same on a machine that the platform's own reset calls put back, not a boot: faster, and as good unless an earlier
   * program found a way to outlive them. What it shows is to be confirmed by `run`.
   */
  runQuick(program: Program): Promise<Trace>;
  /**
   * Gives up the running machine: the next program gets a new one. For systems that a fault may have scarred.
   *
   * @param scars what known faults have left. Without it nobody knows what was done to the machine; with it a target may keep the
   *   machine that it knows to be as it was, or makes so and makes sure of it
   */
  renew(scars?: ReadonlySet<string>): Promise<void>;
  /** Gives everything back: processes, files, devices. May be called twice. */
  close(): Promise<void>;
}

/** The target cannot be reached, or was lost, for reasons that are not the system's. Exit status 3. */
export class TargetLost extends Error {}

/** A user's mistake: one line that says what was expected, what was seen, and what to do. Exit status 2. */
export class UsageError extends Error {}

/** Function sets whose absence shows in what the calls answer. */
const OPTIONAL = ['hcall-multi-tce', 'hcall-rdma', 'hcall-migrate', 'mtt'] as const;

/** The capabilities that follow from a machine's description. */
export function machineCapabilities(machine: MachineDescription): Set<Capability> {
  return machine.linux === undefined ? partitionCapabilities(machine) : linuxCapabilities(machine.linux);
}

function partitionCapabilities(machine: MachineDescription): Set<Capability> {
  const capabilities = new Set<Capability>(['papr', 'memory', machine.monitor === undefined ? 'properties' : 'monitor', ...machine.functions]);
  for (const name of OPTIONAL) if (!machine.functions.includes(name)) capabilities.add(`no-${name}`);
  for (const { name, ddw, devices } of machine.pes) {
    capabilities.add(`pe:${name}`);
    if (devices.length > 0) capabilities.add('dma');
    if (ddw !== undefined) capabilities.add('ddw');
    if (ddw?.reset === true) capabilities.add('ddw-reset');
    if (ddw?.query6 === true) capabilities.add('ddw-query-6');
  }
  if (machine.pes[0]?.ddw?.limited !== true) capabilities.add('no-limited');
  for (const { name } of machine.vios) capabilities.add('vio').add(`vio:${name}`);
  capabilities.add(machine.vios.some(({ partner }) => partner !== undefined) ? 'vio-server' : 'no-vio-server');
  if (machine.unmigratable !== undefined) capabilities.add('fixed-memory');
  if (machine.superPage !== undefined) capabilities.add('io-super-page');
  if (machine.errinjct !== undefined) capabilities.add('errinjct');
  return capabilities;
}

/** What a Linux kernel offers a user program, as far as its machine decides it. */
function linuxCapabilities(linux: LinuxDescription): Set<Capability> {
  const capabilities = new Set<Capability>(['vfio', `platform:${linux.platform}`, linux.eeh ? 'eeh' : 'no-eeh', linux.iommufd === undefined ? 'no-iommufd' : 'iommufd', linux.kvm === true ? 'kvm' : 'no-kvm']);
  for (const capability of iommufdCapabilities(linux)) capabilities.add(capability);
  if (linux.eeh && linux.emulatedEeh !== true) capabilities.add('eeh-stops');
  for (const { name, devices, windows, pageSizes } of linux.groups) {
    capabilities.add(`pe:${name}`);
    for (const device of devices) {
      capabilities.add(`device:${name}.${device.name}`);
      if (device.kind === 'edu') capabilities.add('dma');
      if (device.kind === 'disk') capabilities.add('disk');
    }
    if (windows > 0) capabilities.add('spapr-v2');
    if (windows > 1) capabilities.add('second-window');
    for (let shift = 12; shift < 64; shift++) if (((pageSizes >> BigInt(shift)) & 1n) === 1n) capabilities.add(`page-size:${shift}`);
  }
  for (const { shift, free } of linux.hugePages) if (free > 0) capabilities.add(`huge:${shift}`);
  return capabilities;
}

/** What a kernel's /dev/iommu offers: the IOMMU of the first group stands for the others, unless a scenario names one. */
function iommufdCapabilities({ iommufd, groups }: LinuxDescription): Capability[] {
  if (iommufd === undefined) return [];
  const { driver } = groups[0]!.iommu ?? POWER_IOMMU;
  return [
    ...(iommufd.cdev ? ['cdev'] : []),
    iommufd.allowUnsafe === true ? 'unsafe-interrupts' : 'no-unsafe-interrupts',
    iommufd.mock === true ? 'mock' : 'no-mock',
    ...(driver.paging === undefined ? ['no-paging'] : ['paging']),
    ...(driver.nested === undefined ? [] : ['nested']),
    ...(driver.name === PPC64_DRIVER_NAME ? ['ppc64-paging'] : []),
    ...(driver.dirtyTracking ? ['dirty-tracking'] : []),
    ...(driver.pasidBits > 0 ? ['pasid'] : []),
  ];
}
