import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { HCALLS } from '../../reference/uapi/hcall.js';
import { BOTH, disable, ENTRIES, get, guest, indirect, LIOBN, LIST, machine, newTable, PAGE, PAGE_SHIFT, put, RAM, READ, stuff, type TableShape, WRITE } from './steps.js';

const CALLS = ['H_PUT_TCE', 'H_GET_TCE', 'H_STUFF_TCE', 'H_PUT_TCE_INDIRECT'] as const;

const all: Scenario = vfioScenario(
  {
    id: 'kvm/hypercalls/enabled-by-default',
    title: 'KVM answers H_PUT_TCE and H_GET_TCE of a new machine, and leaves the calls on several entries to the monitor until they are enabled',
    clauses: [...CALLS.slice(2).map((call) => `kvm/${call}/enabled`), 'KVM_CREATE_VM/made', 'KVM_ENABLE_CAP/answered', 'kvm/H_STUFF_TCE/cleared', 'kvm/H_PUT_TCE_INDIRECT/stored'],
  },
  (p) => {
    const made = machine(p);
    newTable(p, made.vm);
    const ready = { ...made, processor: p.processor(made.vm) };
    put(p, ready, 1n, RAM | BOTH);
    get(p, ready, 1n);
    stuff(p, ready, 1n, 1n);
    indirect(p, ready, 2n, [RAM | READ]);
    get(p, ready, 1n);
    for (const call of [HCALLS.H_STUFF_TCE, HCALLS.H_PUT_TCE_INDIRECT]) p.kvmIoctl(made.vm, 'KVM_ENABLE_CAP', { cap: 104n, arg0: BigInt(call), arg1: 1n });
    stuff(p, ready, 1n, 1n);
    indirect(p, ready, 2n, [RAM | READ]);
    for (const page of [1n, 2n]) get(p, ready, page);
  },
);

const disabled: Scenario = vfioScenario(
  {
    id: 'kvm/hypercalls/disabled',
    title: 'A hypercall that was disabled is left to the monitor, whatever is wrong with it, and changes nothing; enabled again KVM answers it',
    clauses: [...CALLS.map((call) => `kvm/${call}/enabled`), 'KVM_ENABLE_CAP/left'],
  },
  (p) => {
    const made = guest(p);
    newTable(p, made.vm);
    put(p, made, 1n, RAM | BOTH);
    for (const call of CALLS) disable(p, made.vm, call);
    put(p, made, 1n, 0n);
    put(p, made, ENTRIES, 0n);
    get(p, made, 1n);
    stuff(p, made, 1n, 1n, BOTH);
    indirect(p, made, 1n, [0n]);
    p.kvmIoctl(made.vm, 'KVM_ENABLE_CAP', { cap: 104n, arg0: BigInt(HCALLS.H_GET_TCE), arg1: 1n });
    get(p, made, 1n);
  },
);

const others: Scenario = vfioScenario(
  {
    id: 'kvm/hypercalls/others',
    title: 'Hypercalls on TCEs that KVM does not have are left to the monitor with all their registers, and cannot be enabled',
    clauses: ['kvm/other-hcall/handed', 'KVM_ENABLE_CAP/hypercall'],
  },
  (p) => {
    const { vm, processor } = guest(p);
    newTable(p, vm);
    const args = [LIOBN, 1n, 2n, 3n, 4n, 5n, 6n, 7n, 0xffff_ffff_ffff_ffffn];
    for (const call of ['H_PUT_RTCE', 'H_PUT_RTCE_INDIRECT', 'H_REMOVE_RTCE', 'H_MIGRATE_DMA'] as const) {
      p.hcall(processor, call, ...args);
      p.kvmIoctl(vm, 'KVM_ENABLE_CAP', { cap: 104n, arg0: BigInt(HCALLS[call]), arg1: 1n });
    }
    for (const number of [0x22n, 0x1_0000n, (1n << 32n) + BigInt(HCALLS.H_STUFF_TCE)]) p.kvmIoctl(vm, 'KVM_ENABLE_CAP', { cap: 104n, arg0: number, arg1: 1n });
  },
);

const values: Scenario = vfioScenario(
  {
    id: 'kvm/hypercalls/values',
    title: 'Every permission is stored as it is; an entry that maps nothing may be any value, one that maps something must be a page of the guest\'s',
    clauses: ['kvm/H_PUT_TCE/mapped', 'kvm/H_PUT_TCE/cleared', 'kvm/H_PUT_TCE/alignment', 'kvm/H_PUT_TCE/slot', 'kvm/H_GET_TCE/entry'],
  },
  (p) => {
    const made = guest(p);
    newTable(p, made.vm);
    for (const tce of [RAM | READ, RAM | WRITE, RAM | BOTH, 0xdead_beef_0000_0554n, 0xffff_ffff_ffff_fffcn, 0n]) {
      put(p, made, 5n, tce);
      get(p, made, 5n);
    }
    for (const tce of [RAM | 4n | BOTH, RAM | 0x800n | READ, (RAM + 0x1000n) | WRITE, (RAM - PAGE) | BOTH, (RAM + 4n * PAGE) | BOTH, 0xffff_ffff_ffff_0003n]) {
      put(p, made, 6n, tce);
      get(p, made, 6n);
    }
  },
);

/** Tables of several pages, and where the guest may write in them. */
const edges: readonly { readonly what: string; readonly title: string; readonly shape: TableShape & { readonly pageShift: bigint; readonly offset: bigint } }[] = [
  { what: 'small-pages', title: 'The first and the last entry of a table of 4 KiB pages are there, those beside them are not', shape: { pageShift: 12n, offset: 0n } },
  { what: 'offset', title: 'The first and the last entry of a table that begins far up are there, those beside them are not', shape: { pageShift: 16n, offset: 1n << 43n } },
  { what: 'huge-pages', title: 'The first and the last entry of a table of 16 MiB pages are there, those beside them are not', shape: { pageShift: 24n, offset: 16n } },
];

const ofEdges = ({ what, title, shape }: (typeof edges)[number]): Scenario =>
  vfioScenario(
    { id: `kvm/hypercalls/edges/${what}`, title, clauses: ['kvm/H_PUT_TCE/ioba-beyond', 'kvm/H_GET_TCE/ioba-beyond', ...(shape.offset > 0n ? ['kvm/H_PUT_TCE/ioba-below', 'kvm/H_GET_TCE/ioba-below'] : [])] },
    (p) => {
      const made = guest(p);
      newTable(p, made.vm, { ...shape, size: 100n });
      for (const page of [shape.offset - 1n, shape.offset, shape.offset + 99n, shape.offset + 100n]) {
        if (page < 0n) continue;
        put(p, made, page, page << 4n, shape);
        get(p, made, page, shape);
      }
      p.hcall(made.processor, 'H_PUT_TCE', LIOBN, (shape.offset << shape.pageShift) + 0x800n, 0n);
      p.hcall(made.processor, 'H_GET_TCE', LIOBN, 0xffff_ffff_ffff_f000n);
    },
  );

const ranges: Scenario = vfioScenario(
  {
    id: 'kvm/hypercalls/ranges',
    title: 'H_STUFF_TCE has no limit but the table; a range of which the end is in the table is cleared whole, and one past it not at all',
    clauses: ['kvm/H_STUFF_TCE/cleared', 'kvm/H_STUFF_TCE/ioba-beyond', 'kvm/H_STUFF_TCE/ioba-below'],
    destructive: true,
  },
  (p) => {
    const made = guest(p);
    const offset = 4n;
    newTable(p, made.vm, { offset });
    for (const count of [0n, 1n, 511n, 512n, 513n, ENTRIES]) stuff(p, made, offset, count, count << 4n);
    for (const page of [0n, 511n, 512n, ENTRIES - 1n]) get(p, made, offset + page);
    stuff(p, made, offset + 1n, ENTRIES, 0x70n);
    stuff(p, made, offset, ENTRIES + 1n, 0x70n);
    stuff(p, made, offset, 0xffff_ffff_ffff_ffffn, 0x70n);
    stuff(p, made, offset - 1n, 2n, 0x70n);
    for (const page of [0n, ENTRIES - 1n]) get(p, made, offset + page);
  },
);

const nothing: Scenario = vfioScenario(
  {
    id: 'kvm/hypercalls/nothing-at-end',
    title: 'A call of no entries does nothing; just behind the last entry it may be refused',
    clauses: ['kvm/H_STUFF_TCE/nothing-at-end', 'kvm/H_PUT_TCE_INDIRECT/nothing-at-end'],
  },
  (p) => {
    const made = guest(p);
    newTable(p, made.vm);
    for (const page of [0n, ENTRIES]) {
      stuff(p, made, page, 0n);
      p.hcall(made.processor, 'H_PUT_TCE_INDIRECT', LIOBN, page << PAGE_SHIFT, RAM + LIST, 0n);
    }
  },
);

const lists: Scenario = vfioScenario(
  {
    id: 'kvm/hypercalls/lists',
    title: 'Lists of one entry and of 512 are stored; one that runs out of the table, or lies out of the guest\'s memory, changes nothing',
    clauses: ['kvm/H_PUT_TCE_INDIRECT/stored', 'kvm/H_PUT_TCE_INDIRECT/ioba-beyond', 'kvm/H_PUT_TCE_INDIRECT/ioba-below', 'kvm/H_PUT_TCE_INDIRECT/list'],
    destructive: true,
  },
  (p) => {
    const made = guest(p);
    newTable(p, made.vm, { offset: 4n });
    const many = Array.from({ length: 512 }, (_, i) => (RAM + BigInt(i % 3) * PAGE) | BOTH);
    indirect(p, made, 4n, [RAM | READ]);
    indirect(p, made, 5n, many);
    for (const page of [4n, 5n, 516n, 517n]) get(p, made, page);
    indirect(p, made, ENTRIES - 507n, many);
    indirect(p, made, 3n, [RAM | READ]);
    for (const page of [ENTRIES - 507n, ENTRIES + 3n]) get(p, made, page);
    for (const list of [RAM + 4n * PAGE, RAM + LIST + 0x800n]) p.hcall(made.processor, 'H_PUT_TCE_INDIRECT', LIOBN, 4n << PAGE_SHIFT, list, 1n);
  },
);

const gone: Scenario = vfioScenario(
  {
    id: 'kvm/hypercalls/list-unmapped',
    title: 'A list in memory that the process has unmapped is left to the monitor, and the processor goes on',
    clauses: ['kvm/H_PUT_TCE_INDIRECT/list'],
  },
  (p) => {
    const made = guest(p);
    newTable(p, made.vm);
    p.munmap(made.memory);
    p.hcall(made.processor, 'H_PUT_TCE_INDIRECT', LIOBN, 0n, RAM + LIST, 1n);
    put(p, made, 1n, RAM | BOTH);
    get(p, made, 1n);
  },
);

/** What is wrong with one entry of a list. */
const wrong = [
  { what: 'alignment', entry: RAM | 0x800n | BOTH, clauses: ['kvm/H_PUT_TCE_INDIRECT/alignment'] },
  { what: 'slot', entry: (RAM + 4n * PAGE) | BOTH, clauses: ['kvm/H_PUT_TCE_INDIRECT/slot'] },
  { what: 'clear-outside', entry: RAM + 4n * PAGE, clauses: ['kvm/H_PUT_TCE_INDIRECT/clear-outside'] },
] as const;

const partial: readonly Scenario[] = wrong.flatMap(({ what, entry, clauses }) =>
  [0, 1, 7].map((at) =>
    vfioScenario(
      {
        id: `kvm/lists/${what}-${at}`,
        title: `A list of which entry ${at} ${what === 'clear-outside' ? 'maps nothing, with an address out of the memory of the guest' : what === 'slot' ? 'maps a page that is no memory' : 'has bits below the page'}: what is left`,
        clauses,
      },
      (p) => {
        const made = guest(p);
        newTable(p, made.vm);
        indirect(p, made, 8n, Array.from({ length: 8 }, (_, i) => (i === at ? entry : RAM | READ)));
        for (let page = 8n; page < 17n; page++) get(p, made, page);
      },
    ),
  ),
);

const twoTables: Scenario = vfioScenario(
  { id: 'kvm/hypercalls/two-tables', title: 'Two tables of a machine, and those of two machines with the same LIOBN, have their own entries', clauses: ['kvm/H_GET_TCE/entry', 'kvm/H_PUT_TCE/mapped'] },
  (p) => {
    const [first, second] = [guest(p), guest(p, p.memory(), 'vm2')];
    const liobn = LIOBN + 1n;
    newTable(p, first.vm);
    newTable(p, first.vm, { liobn, as: 'beside' });
    newTable(p, second.vm, { as: 'elsewhere' });
    put(p, first, 1n, RAM | BOTH);
    put(p, first, 1n, RAM | READ, { liobn });
    for (const shape of [{}, { liobn }]) get(p, first, 1n, shape);
    get(p, second, 1n);
  },
);

/** Hypercalls on a table that no window follows. */
export const scenarios: readonly Scenario[] = [all, disabled, others, values, ...edges.map(ofEdges), ranges, nothing, lists, gone, ...partial, twoTables];
