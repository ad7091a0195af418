/** What QEMU's trace tells of the windows of a partition's PEs: the hypervisor's own view of what the guest's kernel did. */

import type { LabMachine } from './machine.js';

/** Entries of a PE's windows. */
export interface WindowsSeen {
  /** Entries that map something now. */
  readonly mapped: bigint;
  /** Entries that still mapped something when their window went, since the trace began. */
  readonly lost: bigint;
}

/** Bytes of a TCE's page in a default window. */
const DEFAULT_PAGE = 0x1000n;

/** The LIOBNs of a host bridge are 0x80000000 | index << 8 | window. Source: QEMU hw/ppc/spapr_pci.h SPAPR_PCI_LIOBN. */
const bridgeOf = (liobn: bigint): number => Number((liobn >> 8n) & 0xffffn);

/** The BUID of a host bridge ends in its index. Source: QEMU hw/ppc/spapr_pci.h SPAPR_PCI_BASE_BUID. */
const bridgeOfBuid = (buid: bigint): number => Number(buid & 0xffffn);

interface Table {
  readonly page: bigint;
  /** Bus addresses that map something. */
  readonly mapped: Set<bigint>;
}

/** Follows what the hypervisor of one machine sees of it, program by program. */
export class Witness {
  readonly #tables = new Map<bigint, Table>();
  readonly #lost = new Map<number, bigint>();
  #read = 0;
  #rest = '';

  constructor(private readonly machine: Pick<LabMachine, 'trace' | 'startTrace' | 'stopTrace'>) {}

  /** Begins a new trace; what was known of an earlier one is forgotten. @throws TargetLost */
  async start(): Promise<void> {
    await this.machine.startTrace();
    this.#tables.clear();
    this.#lost.clear();
    [this.#read, this.#rest] = [0, ''];
  }

  /** The end of the trace. @throws TargetLost */
  stop(): Promise<void> {
    return this.machine.stopTrace();
  }

  /** What is known of the PE behind a host bridge. */
  look(bridge: number): WindowsSeen {
    this.#follow();
    let mapped = 0n;
    for (const [liobn, table] of this.#tables) if (bridgeOf(liobn) === bridge) mapped += BigInt(table.mapped.size);
    return { mapped, lost: this.#lost.get(bridge) ?? 0n };
  }

  #follow(): void {
    const { text, end } = this.machine.trace.read(this.#read);
    this.#read = end;
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#take(line);
  }

  #take(line: string): void {
    const event = /\bspapr_iommu_(?:pci_)?(\w+) (.*)$/.exec(line);
    if (event === null) return;
    const [, name, rest] = event as unknown as [string, string, string];
    const value = (field: string): bigint => BigInt(new RegExp(`${field}=(0x[0-9a-f]+|\\d+)`).exec(rest)?.[1] ?? 0);
    const liobn = value('liobn');
    const refused = /ret=(-?\d+)/.exec(rest)?.[1] ?? '0';
    if (refused !== '0') return;
    switch (name) {
      case 'put':
      case 'indirect':
        this.#put(liobn, value('ioba'), value('tce'), 1n);
        break;
      case 'stuff': {
        // The address is that after the last entry.
        const [count, page] = [value('npages'), this.#table(liobn).page];
        this.#put(liobn, value('ioba') - count * page, value('tcevalue'), count);
        break;
      }
      case 'ddw_create':
        this.#tables.set(liobn, { page: value('page size'), mapped: new Set() });
        break;
      case 'ddw_remove':
        this.#remove(liobn);
        break;
      case 'ddw_reset':
        for (const known of [...this.#tables.keys()]) if (bridgeOf(known) === bridgeOfBuid(value('buid'))) this.#remove(known);
        break;
    }
  }

  #put(liobn: bigint, first: bigint, entry: bigint, count: bigint): void {
    const { page, mapped } = this.#table(liobn);
    for (let i = 0n; i < count; i++) {
      if ((entry & 3n) === 0n) mapped.delete(first + i * page);
      else mapped.add(first + i * page);
    }
  }

  #remove(liobn: bigint): void {
    const lost = BigInt(this.#table(liobn).mapped.size);
    const bridge = bridgeOf(liobn);
    this.#lost.set(bridge, (this.#lost.get(bridge) ?? 0n) + lost);
    this.#tables.delete(liobn);
  }

  #table(liobn: bigint): Table {
    const known = this.#tables.get(liobn) ?? { page: DEFAULT_PAGE, mapped: new Set<bigint>() };
    this.#tables.set(liobn, known);
    return known;
  }
}
