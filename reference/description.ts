import { z } from 'zod';
import { groupIommuSchema, intervalSchema } from './iommu-drivers.js';

/**
 * The description of a machine: what a target found out by asking its system, and what configures the model
 * the same way. Addresses and sizes are bytes.
 */
const address = z.bigint().nonnegative();
const u32 = z.number().int().min(0).max(0xffff_ffff);

const windowSchema = z.object({
  /** Logical I/O bus number. */
  liobn: address,
  /** First bus address. */
  start: address,
  size: z.bigint().positive(),
  /** log2 of the I/O page size. LoPAR: a default window has 4 KiB pages. */
  pageShift: z.number().int().min(12).max(34),
});

const ddwSchema = z.object({
  /** Windows that can exist at the same time in this PE, the default included. */
  windows: z.number().int().min(1).max(2),
  /** The IO page sizes mask that ibm,query-pe-dma-window gives. */
  pageSizes: u32,
  /** The migration capable mask. */
  migrationMask: u32,
  /** Largest contiguous block of TCEs reserved for the PE. */
  tces: z.bigint().positive(),
  /** The same as the 32-bit cell of a query with 5 outputs. */
  tces32: u32,
  /** The PE offers ibm,reset-pe-dma-window(s) (extension 2). */
  reset: z.boolean(),
  /** The PE's query may be called with 6 outputs (extension 3). */
  query6: z.boolean(),
  /** The PE has limited addressing (extension 4). */
  limited: z.boolean(),
  /** Where a window goes when another one exists; the architecture leaves it open. */
  secondStart: address,
}).refine((ddw) => ddw.reset || !ddw.query6, 'extension 3 (6-output query) stands in a list that begins with the reset token');

const peSchema = z.object({
  /** `pe0`, `pe1` …: ordinary PEs; other names say what is special (`vf0`). */
  name: z.string(),
  /** 0x00BBDF00. */
  configAddress: u32,
  /** Bus unit id of the PCI host bridge. */
  buid: address,
  defaultWindow: windowSchema,
  /** Absent where the PE has no ibm,ddw-applicable. */
  ddw: ddwSchema.optional(),
  /** Names of devices that can be made to do DMA: `dev0` … */
  devices: z.array(z.string()),
  /** ibm,max-rtce-mappings of the host bridge: mappings of one redirected entry that its adapters bear. Absent: no limit. */
  maxRtceMappings: z.number().int().min(1).optional(),
  /** The PE has Enhanced Error Handling; `fundamental`: it can be reset so (ibm,reset-capabilities). */
  eeh: z.object({ fundamental: z.boolean() }).optional(),
  /** An agent whose DMA H_MIGRATE_DMA cannot hold up. */
  noMigration: z.literal(true).optional(),
});

/** The second pane: a window on the table of the client's first pane. A client in another partition is not modelled. */
const partnerSchema = windowSchema.extend({
  /** The client adapter, of the same partition (LoPAR R1-66872-18 permits it). */
  client: z.string(),
  /** Mappings of entries that already have one, in the whole table: H_VIOCTL GET_MAX_REDIRECTED_MAPPINGS, R4; 0 without it. */
  additional: z.number().int().min(0),
  /** Mappings of one entry: GET_MAX_REDIRECTED_MAPPINGS, R5; 1 without it. */
  perEntry: z.number().int().min(1),
});

const vioSchema = z.object({
  /** `vio0` …: client adapters; `server0` …: server adapters. */
  name: z.string(),
  /** First pane of ibm,my-dma-window: the partition's own memory. */
  own: windowSchema,
  /** Attribute Bit Bucket Allowed of the first pane's LIOBN: a server's live copy of an entry may be invalidated. */
  bitBucket: z.boolean(),
  /** Second pane, of a server adapter: the partner's memory through the redirected TCEs. */
  partner: partnerSchema.optional(),
});

/** Limits of the I/O Super Page option. */
const superPageSchema = z.object({
  /** Translations of one migration: 256 · 2^n, n from 0 to 15. */
  translations: z.bigint().min(256n),
  /** Migrations under way at a time: 2^n, n from 0 to 7. */
  operations: z.number().int().min(1).max(128),
});

/** A device of an IOMMU group, as a user program can have it. */
const groupDeviceSchema = z.object({
  /** `dev0` …: programs say `pe0.dev0`. */
  name: z.string(),
  /** What it is: `edu` does DMA on command, `disk` has a driver of the host's own. */
  kind: z.enum(['edu', 'disk', 'other']),
  /** PCI vendor and device, as the first word of the configuration space has them. */
  id: u32,
  /** IOVAs that its IOMMU takes for itself: interrupts, or what firmware uses. */
  reserved: z.array(intervalSchema).optional(),
  /** Tables that tell what was written do not suit it. */
  noDirtyTracking: z.literal(true).optional(),
});

/** A PE as Linux has it: an IOMMU group with its table group. */
const groupSchema = z.object({
  /** The PE's: `pe0`, or what is special about it. */
  name: z.string(),
  devices: z.array(groupDeviceSchema),
  /** The default window as VFIO offers it. */
  dma32Start: u32,
  dma32Size: u32,
  /** Bit n: I/O pages of 2^n bytes. */
  pageSizes: address,
  /** max_dynamic_windows_supported. */
  windows: u32,
  /** Levels that a table can have. */
  levels: z.number().int().min(1).max(5),
  /** The PE has no EEH, although the host has. */
  withoutEeh: z.literal(true).optional(),
  /** What it is to /dev/iommu; absent: what every group of POWER is in Linux 7.2. */
  iommu: groupIommuSchema.optional(),
});

/** What a kernel's /dev/iommu is. */
const iommufdSchema = z.object({
  /** VFIO devices have nodes of their own. */
  cdev: z.boolean(),
  /** The parameter allow_unsafe_interrupts: devices whose interrupts are not isolated can be bound. Absent: they cannot. */
  allowUnsafe: z.boolean().optional(),
  /** The kernel has the test driver (CONFIG_IOMMUFD_TEST). */
  mock: z.literal(true).optional(),
});

/** A Linux kernel that runs on the machine, whose doors are to be tested. */
const linuxSchema = z.object({
  platform: z.enum(['pseries', 'powernv']),
  /** log2 of the system's page size. */
  pageShift: z.number().int().min(12).max(16),
  groups: z.array(groupSchema).min(1),
  /** Huge pages that a program can have: log2 of their size, and how many. */
  hugePages: z.array(z.object({ shift: z.number().int().min(16).max(34), free: z.number().int().min(0) })),
  /** The kernel has /dev/kvm, which makes machines of the kind HV, with TCE tables that can be attached to windows of VFIO. */
  kvm: z.literal(true).optional(),
  /** VFIO answers that the EEH extension is there. */
  eeh: z.boolean(),
  /** The host bridge is an emulator's: its PEs have error states, but stop nothing, and injected errors never come. */
  emulatedEeh: z.literal(true).optional(),
  /** Where the window beside another one begins; the platform decides. */
  secondStart: address,
  /** Absent where the kernel has no /dev/iommu. */
  iommufd: iommufdSchema.optional(),
});

export const machineSchema = z.object({
  /** The partition's hypervisor interface; a machine that is not a partition has only what `linux` says. */
  platform: z.enum(['pseries', 'powernv']),
  /** The kernel that runs on it; absent where programs meet the platform itself. */
  linux: linuxSchema.optional(),
  /** Where programs keep their memory, if not in PROGRAM_MEMORY. */
  programMemory: z.object({ start: address, end: address }).optional(),
  /** Partition memory, logical addresses 0 to this. */
  memoryBytes: z.bigint().positive(),
  /** Function sets of /rtas `ibm,hypertas-functions` that the suites know, plus `slr`, `mtt`, `cmo`. */
  functions: z.array(z.string()),
  pes: z.array(peSchema),
  vios: z.array(vioSchema),
  /** Memory of nodes with ibm,no-h-migrate-dma: logical address and size, bytes. */
  unmigratable: z.object({ start: address, size: z.bigint().positive() }).optional(),
  /** The I/O Super Page option of H_MIGRATE_DMA; absent where it was not negotiated (ibm,architecture-vec-5, byte 3). */
  superPage: superPageSchema.optional(),
  /** The calls are answered by a kernel with a monitor behind it: it may leave any of them to the monitor, which does nothing. */
  monitor: z.literal(true).optional(),
  /** Tokens of ibm,errinjct-tokens; absent where the partition may not inject errors. */
  errinjct: z.object({ ioaBusError: u32, ioaBusError64: u32 }).optional(),
});

export type LinuxDescription = z.infer<typeof linuxSchema>;
export type GroupDescription = z.infer<typeof groupSchema>;
export type MachineDescription = z.infer<typeof machineSchema>;
export type PeDescription = z.infer<typeof peSchema>;
export type WindowDescription = z.infer<typeof windowSchema>;
export type DdwDescription = z.infer<typeof ddwSchema>;
export type VioDescription = z.infer<typeof vioSchema>;
export type PartnerDescription = z.infer<typeof partnerSchema>;

/** Programs may use this memory: it is neither the platform's nor the test payload's. Logical addresses, bytes. */
export const PROGRAM_MEMORY = { start: 0x100_0000n, end: 0x700_0000n } as const;

/**
 * The machine facts that programs refer to: `memory.end`, `memory.fixed` (the first page that cannot be migrated); `errinjct.ioaBusError`, `errinjct.ioaBusError64`; for each PE `pe0.liobn`, `.start`, `.size`, `.end`
 * (of the default window, `end` is the first address past it), `.configAddress`, `.buidHigh`, `.buidLow`, and of a PE with EEH, as pairs of
 * words, `.configBuid` and `.buidWhat` (its lower word 0);
 * for each IOMMU group `pe0.dma32.start`, `.size`, `.end`, and of the system `system.page` (bytes);
 * for each virtual adapter `vio0.liobn` …; for the second pane of a server adapter `server0.partner.liobn` ….
 */
export function machineFacts(machine: MachineDescription): ReadonlyMap<string, bigint> {
  const known = factsOf.get(machine) ?? gatherFacts(machine);
  factsOf.set(machine, known);
  return known;
}

/** The parts of a machine that facts are about: the names before the dot (`pe0`, `memory`). */
export const machineParts = (machine: MachineDescription): ReadonlySet<string> =>
  new Set([...machineFacts(machine).keys()].map((fact) => fact.slice(0, fact.indexOf('.'))));

const factsOf = new WeakMap<MachineDescription, ReadonlyMap<string, bigint>>();

function gatherFacts(machine: MachineDescription): ReadonlyMap<string, bigint> {
  const facts = new Map<string, bigint>([['memory.end', machine.memoryBytes]]);
  if (machine.unmigratable !== undefined) facts.set('memory.fixed', machine.unmigratable.start);
  for (const [name, token] of Object.entries(machine.errinjct ?? {})) facts.set(`errinjct.${name}`, BigInt(token));
  const window = (name: string, w: WindowDescription): void => {
    facts.set(`${name}.liobn`, w.liobn).set(`${name}.start`, w.start);
    facts.set(`${name}.size`, w.size).set(`${name}.end`, w.start + w.size);
  };
  for (const pe of machine.pes) {
    window(pe.name, pe.defaultWindow);
    facts.set(`${pe.name}.configAddress`, BigInt(pe.configAddress));
    facts.set(`${pe.name}.buidHigh`, pe.buid >> 32n).set(`${pe.name}.buidLow`, pe.buid & 0xffff_ffffn);
    if (pe.eeh !== undefined) facts.set(`${pe.name}.configBuid`, (BigInt(pe.configAddress) << 32n) | (pe.buid >> 32n)).set(`${pe.name}.buidWhat`, (pe.buid & 0xffff_ffffn) << 32n);
  }
  for (const vio of machine.vios) {
    window(vio.name, vio.own);
    if (vio.partner !== undefined) window(`${vio.name}.partner`, vio.partner);
  }
  if (machine.linux !== undefined) linuxFacts(machine.linux, facts);
  return facts;
}

function linuxFacts({ pageShift, groups }: LinuxDescription, facts: Map<string, bigint>): void {
  facts.set('system.page', 1n << BigInt(pageShift));
  for (const { name, dma32Start, dma32Size } of groups) {
    facts.set(`${name}.dma32.start`, BigInt(dma32Start)).set(`${name}.dma32.size`, BigInt(dma32Size));
    facts.set(`${name}.dma32.end`, BigInt(dma32Start) + BigInt(dma32Size));
  }
}
