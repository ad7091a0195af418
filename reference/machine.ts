import type { MachineDescription, PartnerDescription, PeDescription, WindowDescription } from './description.js';
import { makeEehPe, type EehPe } from './eeh/pe.js';
import { ByteStore } from './memory/bytes.js';
import { TceTable } from './tce/table.js';

/**
 * A window: a range of I/O bus addresses of one PE (or virtual adapter), translated by one TCE table and
 * named by its LIOBN.
 */
export interface Window {
  readonly liobn: bigint;
  /** First bus address; bytes. */
  readonly start: bigint;
  readonly size: bigint;
  readonly pageShift: number;
  /** The page shift as the exponent of 64-bit arithmetic, and the address bits within a page. */
  readonly shift: bigint;
  readonly offsetMask: bigint;
  /** Bits of an entry that mean nothing for this page size: reserved ones, and page number bits below it. */
  readonly strayMask: bigint;
  /** The window the platform provides at boot and gives back when the last other one goes. */
  readonly isDefault: boolean;
  readonly owner: string;
  readonly table: TceTable;
  /** Tables of earlier lives whose entries may still be there where nothing was written since (choice A11). */
  readonly residues: TceTable[];
  /** Entries of which a device may meet nothing, although the table shows them: of a list that was left to a monitor (choice K20). */
  readonly cleared: Set<number>;
  /** The owner of this shared logical resource took it back. */
  rescinded: boolean;
  /** Which pane of a virtual adapter's ibm,my-dma-window it is; absent for a PE's window. */
  readonly pane?: 'first' | 'second';
  /** The copies of its entries in other tables; the panes on one table share them. */
  readonly redirections?: Redirections;
}

/** What a redirected mapping points to: the table's LIOBN and the entry's index in it. */
export interface CopyPointer {
  readonly liobn: number;
  readonly index: number;
}

/**
 * The copies of a virtual adapter's entries that a server has made in the tables of its I/O adapters. A pointer may
 * be stale: only while the entry it points to still equals the original is it a copy.
 */
export interface Redirections {
  /** By index of the original entry, in order of their making. */
  readonly copies: Map<number, CopyPointer[]>;
  /** A live copy may be invalidated when its original changes. */
  readonly bitBucket: boolean;
}

/** A partitionable endpoint: devices that share windows and an error state. */
export interface Pe {
  readonly description: PeDescription;
  /** In order of creation. */
  windows: Window[];
  /** The default window's tables of earlier lives. */
  defaultResidues: readonly TceTable[];
  /** Buffers of the devices that can do DMA, by device name. */
  readonly buffers: Map<string, ByteStore>;
  /** Its error state; absent without EEH. */
  readonly eeh: EehPe | undefined;
}

/** Cooperative memory overcommitment: the partition's I/O entitlement. */
export interface Cmo {
  /** Bytes that can still be mapped for I/O. */
  entitlement: bigint;
  /** How often each 4 KiB page is mapped, by page number: a page counts once however often. */
  readonly mapped: Map<bigint, number>;
}

/** A migration whose list of translations takes several calls of H_MIGRATE_DMA. */
export interface Migration {
  /** What the next call may give as its length. */
  readonly next: readonly bigint[];
  /** The bytes of the entries passed so far, 16 each. */
  readonly list: Uint8Array;
}

/** The whole state of a machine: plain data below a description. `pseries` partitions for now. */
export interface Machine {
  readonly description: MachineDescription;
  readonly memory: ByteStore;
  readonly pes: Map<string, Pe>;
  /** Every live window by LIOBN. */
  readonly windows: Map<number, Window>;
  /** The window looked up last: most programs stay with one. */
  recent: Window | undefined;
  /** 4 KiB pages (by number) that the owner took back. */
  readonly rescindedPages: Set<bigint>;
  /** 4 KiB pages (by number) that left the partition. */
  readonly foreignPages: Set<bigint>;
  /** The next interruptible calls are answered with this busy status. */
  busy: { calls: number; status: number };
  readonly cmo: Cmo | undefined;
  /** Marks that known defects leave behind, for later calls of the same mutant. The specification never looks at them. */
  readonly scars: Set<string>;
  /** A known defect has left the system in a state that nothing here can follow: what comes after is not judged. */
  diverged: boolean;
  /** The redirected mappings of every virtual adapter. */
  readonly redirections: readonly Redirections[];
  /** Migrations under way (I/O Super Page option), by the new page's address. */
  readonly migrations: Map<bigint, Migration>;
  /** The token with which error injection is open. */
  errinjct: bigint | undefined;
}

/** Begins the marks that go with a PE's devices: they are gone once the devices are new to the kernel. */
export const PE_SCAR = 'pe:';

/** Puts a machine together as it is when the partition receives control. The only place that does. */
export function buildMachine(description: MachineDescription): Machine {
  const redirections = description.vios.map(({ bitBucket }) => ({ copies: new Map<number, CopyPointer[]>(), bitBucket }));
  const machine: Machine = {
    description,
    memory: new ByteStore(),
    pes: new Map(),
    windows: new Map(),
    recent: undefined,
    rescindedPages: new Set(),
    foreignPages: new Set(),
    busy: { calls: 0, status: 0 },
    cmo: description.functions.includes('cmo')
      ? { entitlement: description.memoryBytes, mapped: new Map() }
      : undefined,
    scars: new Set(),
    diverged: false,
    redirections,
    migrations: new Map(),
    errinjct: undefined,
  };
  for (const pe of description.pes) addPe(machine, pe);
  description.vios.forEach(({ name, own }, i) => {
    addWindow(machine, { ...makeWindow(own, name, true), pane: 'first', redirections: redirections[i]! });
  });
  for (const { name, partner } of description.vios) if (partner !== undefined) addSecondPane(machine, partner, name);
  return machine;
}

function addPe(machine: Machine, description: PeDescription): void {
  const buffers = new Map(description.devices.map((device) => [`${description.name}.${device}`, new ByteStore()]));
  const pe: Pe = { description, windows: [], defaultResidues: [], buffers, eeh: description.eeh === undefined ? undefined : makeEehPe() };
  machine.pes.set(description.name, pe);
  addDefaultWindow(machine, pe);
}

/** A second pane shows the table of the client's first pane. */
function addSecondPane(machine: Machine, { client, liobn }: PartnerDescription, owner: string): void {
  const first = [...machine.windows.values()].find((window) => window.owner === client);
  if (first === undefined) throw new Error(`The machine has no virtual adapter '${client}' for ${owner} to serve.`);
  addWindow(machine, { ...first, liobn, owner, pane: 'second' });
}

/** A window without entries, not yet in any machine. */
export function makeWindow(
  description: WindowDescription,
  owner: string,
  isDefault: boolean,
  residues: readonly TceTable[] = [],
): Window {
  const { liobn, start, size, pageShift } = description;
  const shift = BigInt(pageShift);
  return {
    liobn,
    start,
    size,
    pageShift,
    shift,
    offsetMask: (1n << shift) - 1n,
    strayMask: ((1n << shift) - 1n) & ~3n,
    owner,
    isDefault,
    table: new TceTable(Number(size >> shift)),
    residues: [...residues],
    cleared: new Set(),
    rescinded: false,
  };
}

/** Makes a window reachable by its LIOBN. */
export function addWindow(machine: Machine, window: Window): void {
  machine.windows.set(Number(window.liobn), window);
  machine.recent = undefined;
}

/** Gives the PE its default window: same LIOBN, place and size as ever. What its entries hold is choice A11. */
export function addDefaultWindow(machine: Machine, pe: Pe): void {
  const window = makeWindow(pe.description.defaultWindow, pe.description.name, true, pe.defaultResidues);
  pe.windows.push(window);
  addWindow(machine, window);
}

/** Takes a window out of its PE and out of reach. */
export function removeWindow(machine: Machine, pe: Pe, window: Window): void {
  pe.windows = pe.windows.filter((other) => other !== window);
  machine.windows.delete(Number(window.liobn));
  machine.recent = undefined;
  if (window.isDefault) pe.defaultResidues = lives(window);
}

/** The tables whose entries may show when this window comes back: its own, and those it may show already. */
const lives = (window: Window): readonly TceTable[] =>
  window.table.touched ? [window.table, ...window.residues] : window.residues;

/** The tables of the PE's default window so far. */
export function defaultLives(pe: Pe): readonly TceTable[] {
  const window = pe.windows.find((candidate) => candidate.isDefault);
  return window === undefined ? pe.defaultResidues : lives(window);
}

/** The live window with that LIOBN. LIOBNs are 32-bit: a wider value names none. */
export function findWindow(machine: Machine, liobn: bigint): Window | undefined {
  if (machine.recent?.liobn === liobn) return machine.recent;
  const window = liobn > 0xffff_ffffn ? undefined : machine.windows.get(Number(liobn));
  if (window !== undefined) machine.recent = window;
  return window;
}

/** The PE below the host bridge that this BUID names: one PE to a bridge. */
export function findPe(machine: Machine, buid: bigint): Pe | undefined {
  for (const pe of machine.pes.values()) if (pe.description.buid === buid) return pe;
  return undefined;
}

/** True where `[address, address + 4 KiB)` is partition memory. */
export const ownsPage = (machine: Machine, address: bigint): boolean =>
  address < machine.description.memoryBytes &&
  (machine.foreignPages.size === 0 || !machine.foreignPages.has(address >> 12n));
