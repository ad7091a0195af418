import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { Term } from '../../reference/doors/term.js';
import { BOTH, ENTRIES, get, guest, LIOBN, machine, newTable, newVm, PAGE, put, RAM, type TableShape } from './steps.js';

const MADE = 'KVM_CREATE_SPAPR_TCE_64/made';
const LOCKED = 'ledger/locked';

/** The last page number of the bus, for pages of 64 KiB. */
const LAST_PAGES = 1n << 48n;

const shapes: readonly { readonly what: string; readonly title: string; readonly shape: TableShape; readonly clauses: readonly string[] }[] = [
  { what: 'smallest-page', title: 'A table of pages of 4 KiB is made', shape: { pageShift: 12n }, clauses: [MADE] },
  { what: 'below-smallest-page', title: 'A table of pages of 2 KiB is refused', shape: { pageShift: 11n }, clauses: ['KVM_CREATE_SPAPR_TCE_64/page-size'] },
  { what: 'largest-page', title: 'A table of pages of 16 GiB is made', shape: { pageShift: 34n, size: 4n }, clauses: [MADE] },
  { what: 'no-page', title: 'A table of pages of one byte is refused', shape: { pageShift: 0n }, clauses: ['KVM_CREATE_SPAPR_TCE_64/page-size'] },
  { what: 'shift-comes-round', title: 'A page shift whose low bits alone would do is refused', shape: { pageShift: 64n + 16n }, clauses: ['KVM_CREATE_SPAPR_TCE_64/page-size'] },
  { what: 'one-entry', title: 'A table of one entry is made', shape: { size: 1n }, clauses: [MADE] },
  { what: 'uneven', title: 'A table of a number of entries that is no power of two is made', shape: { size: 1000n }, clauses: [MADE] },
  { what: 'last-page', title: 'A table may end with the last but one page of the bus', shape: { offset: LAST_PAGES - ENTRIES - 1n }, clauses: [MADE] },
  { what: 'past-last-page', title: 'A table that ends one page too far is refused', shape: { offset: LAST_PAGES - ENTRIES }, clauses: ['KVM_CREATE_SPAPR_TCE_64/range'] },
  { what: 'high-liobn', title: 'A LIOBN of 64 bits is one like any other', shape: { liobn: 0xffff_ffff_0000_0001n }, clauses: [MADE] },
  { what: 'page-of-entries', title: 'A table of exactly a page of pointers to pages of entries costs a page more than one of a page less', shape: { size: 1n << 26n }, clauses: [MADE, LOCKED] },
  { what: 'beyond-piece', title: 'A table whose record takes more than 64 KiB is made or refused, and locks nothing when refused', shape: { size: (1n << 26n) + 1n }, clauses: ['KVM_CREATE_SPAPR_TCE_64/memory'] },
];

const ofShape = ({ what, title, shape, clauses }: (typeof shapes)[number]): Scenario =>
  vfioScenario({ id: `kvm/tables/${what}`, title, clauses }, (p) => {
    p.close(newTable(p, newVm(p, 'vm'), shape));
  });

/** Entries whose sum with the offset comes round to a small number. */
const comingRound: Scenario = vfioScenario(
  { id: 'kvm/tables/comes-round', title: 'A table whose end comes round 64 bits is refused', clauses: ['KVM_CREATE_SPAPR_TCE_64/range'] },
  (p) => {
    newTable(p, newVm(p, 'vm'), { offset: 1n, size: (1n << 64n) - 1n });
  },
);

const comingRoundUsed: Scenario = vfioScenario(
  {
    id: 'kvm/tables/comes-round-used',
    title: 'No entry of a table whose end would come round 64 bits can be read by the guest',
    clauses: ['KVM_CREATE_SPAPR_TCE_64/range', 'kvm/H_GET_TCE/liobn'],
    destructive: true,
  },
  (p) => {
    const made = guest(p);
    newTable(p, made.vm, { offset: 1n, size: (1n << 64n) - 1n });
    get(p, made, 2n);
  },
);

/** The ledger follows each making and closing: the builder looks. */
const costs: Scenario = vfioScenario(
  { id: 'kvm/tables/locked', title: 'A table is paid for at once, and what it cost is given back with its last descriptor', clauses: [MADE, LOCKED, 'close/closed'] },
  (p) => {
    const vm = newVm(p, 'vm');
    const tables = [1n, 8192n, 8193n, 1n << 20n].map((size, i) => newTable(p, vm, { liobn: LIOBN + BigInt(i), size, as: `table${i}` }));
    for (const table of tables) p.close(table);
  },
);

const duplicate: Scenario = vfioScenario(
  {
    id: 'kvm/tables/liobn-again',
    title: 'A LIOBN is refused a second time, locks nothing, and is free again once its table is closed; another machine may have it too',
    clauses: ['KVM_CREATE_SPAPR_TCE_64/liobn', 'KVM_CREATE_SPAPR_TCE/liobn', LOCKED],
  },
  (p) => {
    const [vm, other] = [newVm(p, 'vm'), newVm(p, 'vm2')];
    const table = newTable(p, vm);
    newTable(p, vm, { as: 'again', pageShift: 12n });
    p.kvmIoctl(vm, 'KVM_CREATE_SPAPR_TCE', { liobn: LIOBN, window_size: 1n << 20n }, { as: 'old' });
    newTable(p, other, { as: 'elsewhere' });
    p.close(table);
    newTable(p, vm, { as: 'anew' });
  },
);

const oldCall: Scenario = vfioScenario(
  { id: 'kvm/tables/old-call', title: 'KVM_CREATE_SPAPR_TCE makes a table of 4 KiB pages from bus address 0; a part of a page counts nothing', clauses: ['KVM_CREATE_SPAPR_TCE/made', 'kvm/H_PUT_TCE/ioba-beyond'] },
  (p) => {
    const made = guest(p);
    p.kvmIoctl(made.vm, 'KVM_CREATE_SPAPR_TCE', { liobn: LIOBN, window_size: 0x1_1fffn }, { as: 'table' });
    const shape = { pageShift: 12n };
    put(p, made, 16n, RAM | BOTH, shape);
    put(p, made, 17n, RAM | BOTH, shape);
    get(p, made, 16n, shape);
  },
);

const load = (p: VfioProgramBuilder, address: Term): VfioProgramBuilder => p.load(address, 16);

const mapped: Scenario = vfioScenario(
  {
    id: 'kvm/tables/mapped',
    title: "A mapping of a table shows what the guest stores, and the guest has what is stored there, in the system's own order",
    clauses: ['kvm/map/mapped', 'kvm/H_GET_TCE/entry', 'memory/contents'],
  },
  (p) => {
    const made = guest(p);
    const entries = p.mapTable(newTable(p, made.vm), PAGE);
    put(p, made, 1n, RAM | BOTH);
    load(p, entries.address);
    p.store(entries.at(16n), [0x55_0000n]);
    get(p, made, 2n);
    get(p, made, 3n);
  },
);

const keptByMapping: Scenario = vfioScenario(
  {
    id: 'kvm/tables/kept-by-mapping',
    title: 'A table whose descriptor is closed lives on as long as it is mapped: the guest uses it, its pages stay locked, its LIOBN is taken',
    clauses: ['kvm/map/mapped', 'KVM_CREATE_SPAPR_TCE_64/liobn', LOCKED, 'kvm/H_PUT_TCE/liobn'],
  },
  (p) => {
    const made = guest(p);
    const table = newTable(p, made.vm);
    const entries = p.mapTable(table, PAGE);
    p.close(table);
    put(p, made, 1n, RAM | BOTH);
    load(p, entries.address);
    newTable(p, made.vm, { as: 'again' });
    p.munmap(entries).do({ door: 'host', op: 'ledger' });
    put(p, made, 1n, RAM | BOTH);
    newTable(p, made.vm, { as: 'anew' });
  },
);

const twoMappings: Scenario = vfioScenario(
  { id: 'kvm/tables/two-mappings', title: 'Two mappings of a table show the same entries; the table goes with the last of them', clauses: ['kvm/map/mapped', LOCKED] },
  (p) => {
    const made = guest(p);
    const table = newTable(p, made.vm);
    const [first, second] = [p.mapTable(table, PAGE), p.mapTable(table, PAGE)];
    p.close(table).store(first.address, [0x1234_0000n]);
    load(p, second.address);
    p.munmap(first).do({ door: 'host', op: 'ledger' });
    get(p, made, 0n);
    p.munmap(second).do({ door: 'host', op: 'ledger' });
    get(p, made, 0n);
  },
);

const notMappable: Scenario = vfioScenario(
  {
    id: 'kvm/tables/not-mappable',
    title: 'Only a table can be mapped, and not by no bytes at all',
    clauses: ['kvm/map/file', 'kvm/map/descriptor', 'kvm/map/length', 'kvm/map/mapped'],
  },
  (p) => {
    const vm = newVm(p, 'vm');
    const table = newTable(p, vm);
    p.mapTable(vm, PAGE);
    p.mapTable(table, 0n);
    p.munmap(p.mapTable(table, 2n * PAGE));
    p.close(table);
    p.mapTable(table, PAGE);
  },
);

const orderOfClosing: readonly Scenario[] = (
  [
    ['machine-first', 'A machine whose descriptor is closed lives on in its tables and processors'],
    ['table-first', 'A table closed before its machine is none of the guest\'s any more'],
  ] as const
).map(([what, title]) =>
  vfioScenario({ id: `kvm/tables/${what}`, title, clauses: ['close/closed', LOCKED, what === 'machine-first' ? 'kvm/H_PUT_TCE/mapped' : 'kvm/H_PUT_TCE/liobn'] }, (p) => {
    const made = guest(p);
    const table = newTable(p, made.vm);
    p.close(what === 'machine-first' ? made.vm : table);
    put(p, made, 1n, RAM | BOTH);
    get(p, made, 1n);
  }),
);

const ofChild: Scenario = vfioScenario(
  {
    id: 'kvm/tables/child',
    title: 'A child has its parent\'s tables open and mapped, and can make none; they go with the last of both',
    clauses: ['KVM_CREATE_SPAPR_TCE_64/process', 'kvm/map/mapped', 'kvm-other/process', LOCKED],
  },
  (p) => {
    const { vm } = machine(p);
    const table = newTable(p, vm);
    const entries = p.mapTable(table, PAGE);
    const child = p.fork();
    newTable(p, vm, { liobn: LIOBN + 1n, as: 'second', by: child });
    p.kvmIoctl(vm, 'KVM_GET_API_VERSION', {}, { by: child });
    p.store(entries.address, [0x7_0000n]).load(entries.address, 8, undefined, child);
    p.close(table).munmap(entries).do({ door: 'host', op: 'ledger' });
    p.exit(child).do({ door: 'host', op: 'ledger' });
  },
);

/** Tables of a machine: what they may be, what they cost, what keeps them alive. */
export const scenarios: readonly Scenario[] = [
  ...shapes.map(ofShape),
  comingRound,
  comingRoundUsed,
  costs,
  duplicate,
  oldCall,
  mapped,
  keptByMapping,
  twoMappings,
  notMappable,
  ...orderOfClosing,
  ofChild,
];
