import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { drain, LENGTH, openRig, PAGE as IO_PAGE, reached, reads, refused, reopen, writes } from '../isolation/vfio/device.js';
import { V2 } from './attachment.js';
import { busAt, filledRig, FREE } from './rig.js';
import { BOTH, get, indirect, newTable, PAGE, put, RAM, READ, setSlot, stuff, takeAway, attach, LIOBN, WRITE } from './steps.js';

const TRANSLATED = 'dma/translated';
const NO_WRITE = 'dma/write-permission';
const NO_READ = 'dma/read-permission';
const MAPPED = 'kvm/H_PUT_TCE/mapped';
const CLEARED = 'kvm/H_PUT_TCE/cleared';

const whole: Scenario = vfioScenario(
  {
    id: 'kvm/isolation/whole-page',
    title: "A guest's page of 64 KiB over a window of 4 KiB pages: the device writes its first and its last bytes, and nothing behind them",
    clauses: [TRANSLATED, NO_WRITE, MAPPED],
    requires: V2,
    claims: [
      reached('write', 'first', 'the guest mapped the page'),
      reached('write', 'last', 'the guest mapped the whole page'),
      refused('write', 'behind', 'the next page of memory is not mapped'),
    ],
  },
  (p) => {
    const made = filledRig(p);
    put(p, made, FREE, RAM | BOTH);
    writes(p, made.rig, { as: 'first', iova: busAt(made, FREE), memory: made.memory.at(0n) });
    writes(p, made.rig, { as: 'last', iova: busAt(made, FREE, PAGE - BigInt(LENGTH)), memory: made.memory.at(PAGE - BigInt(LENGTH)) });
    writes(p, made.rig, { as: 'behind', iova: busAt(made, FREE + 1n), memory: made.memory.at(PAGE) });
  },
);

const reading: Scenario = vfioScenario(
  {
    id: 'kvm/isolation/reads',
    title: 'A page that the guest mapped for reading alone the device reads and does not write',
    clauses: [TRANSLATED, NO_WRITE, MAPPED],
    requires: V2,
    claims: [reached('read', 'read', 'the page is mapped for reading'), refused('write', 'written', 'the page is not mapped for writing')],
  },
  (p) => {
    const made = filledRig(p);
    put(p, made, FREE, RAM | READ);
    reads(p, made.rig, { as: 'read', iova: busAt(made, FREE), memory: made.memory.at(0n) });
    drain(p, made.rig, 'read');
    writes(p, made.rig, { as: 'written', iova: busAt(made, FREE, IO_PAGE), memory: made.memory.at(IO_PAGE) });
  },
);

const writing: Scenario = vfioScenario(
  {
    id: 'kvm/isolation/writes',
    title: 'A page that the guest mapped for writing alone the device writes',
    clauses: [TRANSLATED, MAPPED],
    requires: V2,
    claims: [reached('write', 'written', 'the page is mapped for writing')],
  },
  (p) => {
    const made = filledRig(p);
    put(p, made, FREE, RAM | WRITE);
    writes(p, made.rig, { as: 'written', iova: busAt(made, FREE), memory: made.memory.at(0n) });
  },
);

const clears = [
  { what: 'put', title: 'one by one', clause: CLEARED },
  { what: 'stuff', title: 'by a range', clause: 'kvm/H_STUFF_TCE/cleared' },
] as const;

const cleared: readonly Scenario[] = clears.map(({ what, title, clause }) =>
  vfioScenario(
    {
      id: `kvm/isolation/cleared-by-${what}`,
      title: `A page that the guest took back, ${title}, the device reaches no more, neither at its beginning nor at its end`,
      clauses: [NO_WRITE, NO_READ, clause],
      requires: V2,
      claims: [
        reached('write', 'mapped', 'the page is mapped'),
        refused('write', 'first', 'the page was taken back'),
        refused('write', 'last', 'the whole page was taken back'),
        refused('read', 'read', 'the page was taken back'),
      ],
    },
    (p) => {
      const made = filledRig(p);
      put(p, made, FREE, RAM | BOTH);
      writes(p, made.rig, { as: 'mapped', iova: busAt(made, FREE), memory: made.memory.at(0n) });
      if (what === 'put') put(p, made, FREE, 0x5550n);
      else stuff(p, made, FREE - 1n, 3n, 0x5550n);
      writes(p, made.rig, { as: 'first', iova: busAt(made, FREE), memory: made.memory.at(0n) });
      writes(p, made.rig, { as: 'last', iova: busAt(made, FREE, PAGE - IO_PAGE), memory: made.memory.at(PAGE - IO_PAGE) });
      reads(p, made.rig, { as: 'read', iova: busAt(made, FREE), memory: made.memory.at(0n) });
      drain(p, reopen(p, made.rig), 'read');
    },
  ),
);

const listed: Scenario = vfioScenario(
  {
    id: 'kvm/isolation/list',
    title: 'A list maps pages here and there; the device writes each to its own place',
    clauses: [TRANSLATED, 'kvm/H_PUT_TCE_INDIRECT/stored'],
    requires: V2,
    claims: [reached('write', 'first', 'the list mapped the page'), reached('write', 'second', 'the list mapped the page')],
  },
  (p) => {
    const made = filledRig(p);
    indirect(p, made, FREE, [(RAM + 2n * PAGE) | BOTH, RAM | BOTH]);
    writes(p, made.rig, { as: 'first', iova: busAt(made, FREE), memory: made.memory.at(2n * PAGE) });
    writes(p, made.rig, { as: 'second', iova: busAt(made, FREE + 1n), memory: made.memory.at(0n) });
  },
);

const replaced: Scenario = vfioScenario(
  {
    id: 'kvm/isolation/replaced',
    title: 'Of a page that the guest mapped elsewhere without taking it back the device reaches the new place alone',
    clauses: [TRANSLATED, MAPPED],
    requires: V2,
    claims: [reached('write', 'new', 'the page is mapped there now'), { says: 'the old place is as it was', clause: TRANSLATED, holds: 'equal', loads: ['old-before', 'old-after'] }],
  },
  (p) => {
    const made = filledRig(p);
    put(p, made, FREE, RAM | BOTH);
    put(p, made, FREE, (RAM + PAGE) | BOTH);
    p.load(made.memory.at(0n), LENGTH, 'old-before');
    writes(p, made.rig, { as: 'new', iova: busAt(made, FREE), memory: made.memory.at(PAGE) });
    p.load(made.memory.at(0n), LENGTH, 'old-after');
  },
);

const outside: Scenario = vfioScenario(
  {
    id: 'kvm/isolation/behind-slot',
    title: "A page of 128 KiB that begins at the end of the guest's memory and ends behind it is not mapped: the device does not reach what the program has there",
    clauses: ['kvm/H_PUT_TCE/slot-end', 'kvm/H_PUT_TCE_INDIRECT/slot-end', NO_WRITE],
    requires: V2,
    claims: [refused('write', 'behind', "what lies behind the guest's memory is not the guest's"), refused('write', 'listed', "nor by a list")],
  },
  (p) => {
    const shape = { pageShift: 17n, size: 256n };
    const made = filledRig(p, { shape });
    // The registered memory is twice as large as the guest's.
    const buffer = p.registered(made.rig.container, 2n * PAGE);
    const start = RAM * 2n;
    setSlot(p, made.vm, { address: buffer.address, length: PAGE }, { slot: 1n, start });
    put(p, made, FREE, start | BOTH, shape);
    writes(p, made.rig, { as: 'behind', iova: busAt(made, 2n * FREE + 1n), memory: buffer.at(PAGE) });
    indirect(p, made, FREE + 1n, [start | BOTH], shape);
    writes(p, made.rig, { as: 'listed', iova: busAt(made, 2n * FREE + 3n), memory: buffer.at(PAGE) });
  },
);

const neighbour: Scenario = vfioScenario(
  {
    id: 'kvm/isolation/neighbour',
    title: 'What a guest maps for one PE the device of another PE of the same program does not reach',
    clauses: [NO_WRITE, TRANSLATED],
    requires: V2,
    claims: [reached('write', 'own', 'the guest mapped the page for this PE'), refused('write', 'foreign', 'the guest mapped nothing for the other PE')],
  },
  (p) => {
    const made = filledRig(p);
    const other = openRig(p, { group: 'pe1' });
    put(p, made, FREE, RAM | BOTH);
    writes(p, made.rig, { as: 'own', iova: busAt(made, FREE), memory: made.memory.at(0n) });
    writes(p, other, { as: 'foreign', iova: other.window.at(FREE << 16n), memory: made.memory.at(0n) });
  },
);

const notReplayed: Scenario = vfioScenario(
  {
    id: 'kvm/isolation/not-replayed',
    title: 'Entries that a table had before it was attached are not carried over: the device reaches only what is stored since',
    clauses: [NO_WRITE, 'KVM_SET_DEVICE_ATTR/attached', 'kvm/H_GET_TCE/entry'],
    requires: V2,
    claims: [refused('write', 'before', 'the entry was stored before'), reached('write', 'since', 'the entry was stored since')],
  },
  (p) => {
    const made = filledRig(p);
    const shape = { liobn: LIOBN + 1n, as: 'late' };
    const late = newTable(p, made.vm, shape);
    put(p, made, FREE, RAM | BOTH, shape);
    attach(p, made.bridge, made.rig.container.group, late);
    get(p, made, FREE, shape);
    put(p, made, FREE + 1n, (RAM + PAGE) | BOTH, shape);
    writes(p, made.rig, { as: 'since', iova: busAt(made, FREE + 1n), memory: made.memory.at(PAGE) });
    writes(p, made.rig, { as: 'before', iova: busAt(made, FREE), memory: made.memory.at(0n) });
  },
);

/** What ends an attachment. */
const ends = ['taken-away', 'table-closed', 'bridge-closed'] as const;

const afterwards: readonly Scenario[] = ends.map((what) =>
  vfioScenario(
    {
      id: `kvm/isolation/${what}`,
      title: `Once ${{ 'taken-away': 'the group is taken away', 'table-closed': 'the table is closed', 'bridge-closed': 'the bridge is closed' }[what]}, the device reaches what was mapped, and nothing that the guest stores since`,
      clauses: [TRANSLATED, NO_WRITE, what === 'taken-away' ? 'KVM_SET_DEVICE_ATTR/taken-away' : 'close/closed'],
      requires: V2,
      claims: [reached('write', 'before', 'what the window maps stays mapped'), refused('write', 'since', 'the window follows the guest no more')],
    },
    (p) => {
      const made = filledRig(p);
      put(p, made, FREE, RAM | BOTH);
      if (what === 'taken-away') takeAway(p, made.bridge, made.rig.container.group);
      else p.close(what === 'table-closed' ? made.table : made.bridge.fd);
      put(p, made, FREE + 1n, (RAM + PAGE) | BOTH);
      put(p, made, FREE, 0n);
      writes(p, made.rig, { as: 'before', iova: busAt(made, FREE), memory: made.memory.at(0n) });
      writes(p, made.rig, { as: 'since', iova: busAt(made, FREE + 1n), memory: made.memory.at(PAGE) });
    },
  ),
);

/** What the guest maps its device reaches, in both directions; what it cannot reach, or took back, the device cannot. */
export const scenarios: readonly Scenario[] = [whole, reading, writing, ...cleared, listed, replaced, outside, neighbour, notReplayed, ...afterwards];
