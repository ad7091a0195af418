import type { Guard } from '../rules.js';
import { H, type HcallName } from '../uapi/hcall.js';
import { H_TOO_HARD } from '../uapi/kvm.js';
import { merged } from '../vfio/checks.js';
import type { Host } from '../vfio/host.js';
import { SAMPLE_TABLE, tceClause } from './checks.js';
import { faultOf, pageBytes, permissionOf, type Fault } from './entries.js';
import type { SpaprTable, Vm } from './state/vm.js';

/** What a hypercall of the guest is given: R4, R5 … */
export type HcallInput = readonly [host: Host, vm: Vm, args: readonly bigint[]];

/** A hypercall on entries of a table. */
export interface TceCall {
  readonly host: Host;
  readonly vm: Vm;
  readonly table: SpaprTable | undefined;
  readonly ioba: bigint;
  /** Entries of the call. */
  readonly count: bigint;
}

export const readTceCall = (host: Host, vm: Vm, liobn: bigint, ioba: bigint, count = 1n): TceCall => ({
  host,
  vm,
  table: vm.tables.find((table) => table.liobn === liobn),
  ioba,
  count,
});

/** The guest never sees this: whoever runs the machine gets the call, and nothing is changed yet. */
export const HANDED = H_TOO_HARD;

/** Nobody enabled the hypercall. */
export const notEnabled = (call: HcallName): Guard<TceCall> => ({
  ...merged('Linux 7.2 arch/powerpc/kvm/book3s_hv.c kvmppc_pseries_do_hcall, default_hcall_list')(`kvm/${call}/enabled`, 'A hypercall that is not enabled is left to the monitor.'),
  when: ({ vm }) => !vm.enabled.has(call),
  refuse: [HANDED],
});

/** No table of the machine has the LIOBN. */
export const unknownTable = (call: HcallName): Guard<TceCall> => ({
  ...tceClause(`kvm/${call}/liobn`, 'A LIOBN of no table of the machine is left to the monitor, whatever else is wrong; all of its 64 bits count.'),
  when: ({ table }) => table === undefined,
  refuse: [HANDED],
  violation: { args: { liobn: SAMPLE_TABLE.liobn + (1n << 32n) } },
});

const IOBA_SOURCE = 'Linux 7.2 arch/powerpc/kernel/iommu.c iommu_tce_check_ioba';

/** The bus address is not that of an entry, or not all entries are in the table. */
export const outsideTable = (call: HcallName): readonly Guard<TceCall>[] => [
  {
    ...tceClause(`kvm/${call}/ioba-alignment`, "A bus address that is not a multiple of the table's I/O page is refused with H_PARAMETER.", IOBA_SOURCE),
    when: ({ table, ioba }) => (ioba & (pageBytes(table!) - 1n)) !== 0n,
    refuse: [H.H_PARAMETER],
    violation: { args: { ioba: 0x1000n } },
  },
  {
    ...tceClause(`kvm/${call}/ioba-below`, 'A bus address below the table is refused with H_PARAMETER.', IOBA_SOURCE),
    when: ({ table, ioba }) => ioba >> BigInt(table!.pageShift) < table!.offset,
    refuse: [H.H_PARAMETER],
  },
  {
    ...tceClause(`kvm/${call}/ioba-beyond`, 'A call of which not all entries are in the table is refused with H_PARAMETER, and changes none.', IOBA_SOURCE),
    when: ({ table, ioba, count }) => (ioba >> BigInt(table!.pageShift)) - table!.offset + count > table!.size,
    refuse: [H.H_PARAMETER],
    violation: { args: { ioba: SAMPLE_TABLE.entries << SAMPLE_TABLE.pageShift } },
  },
];

/** No entries, just behind the last one. */
export const nothingAtEnd = (call: HcallName): Guard<TceCall> => ({
  ...tceClause(`kvm/${call}/nothing-at-end`, 'A call of no entries just behind the last one may be refused with H_PARAMETER.', IOBA_SOURCE),
  level: 'may',
  choice: { id: 'K1', canonical: false },
  when: ({ table, ioba, count }) => count === 0n && (ioba >> BigInt(table!.pageShift)) - table!.offset === table!.size,
  refuse: [H.H_PARAMETER],
});

/** The sentences on what can be wrong with an entry. */
const FAULTS: Readonly<Record<Exclude<Fault, 'released' | 'partly'>, string>> = {
  alignment: "An entry that maps something and has bits set below the table's I/O page is left to the monitor.",
  slot: "An entry that maps a page which is no memory of the guest's is left to the monitor.",
  'slot-end': "An entry of which the page begins in a slot of the guest's memory and ends behind it is left to the monitor: what is there is not the guest's.",
  registered: 'In an attached table: an entry of which the first hardware page is not registered, or registered as smaller pages than the hardware page, is left to the monitor.',
};

/** A page that ends outside the guest's memory. */
const NOT_THE_GUESTS = 'LoPAR 2.9, ch_lpar_option, H_PUT_TCE: a logical address outside the range of the partition; Linux 7.2 arch/powerpc/kvm/book3s_64_vio.c kvmppc_tce_to_ua looks at the first page alone';

/** Nothing is changed where some entry of the call has such a fault. */
export const faultChecks = <C extends TceCall>(call: HcallName, entries: (c: C) => readonly bigint[]): readonly Guard<C>[] =>
  (['alignment', 'slot', 'slot-end', 'registered'] as const).map((fault) => ({
    ...tceClause(`kvm/${call}/${fault}`, FAULTS[fault], ...(fault === 'slot-end' ? [NOT_THE_GUESTS] : [])),
    when: (c: C) => entries(c).some((tce) => faultOf(c.table!, tce) === fault),
    refuse: [HANDED] as const,
  }));

/** Memory that is pinned only because entries map it. */
export const releasedMemory = <C extends TceCall>(call: HcallName, entries: (c: C) => readonly bigint[]): Guard<C> => ({
  ...tceClause(`kvm/${call}/released`, 'In an attached table: memory that was unregistered and is pinned only because entries map it may be left to the monitor.'),
  level: 'may',
  choice: { id: 'K3', canonical: false },
  when: (c) => entries(c).some((tce) => permissionOf(tce) !== 0n && faultOf(c.table!, tce) === 'released'),
  refuse: [HANDED],
});
