import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { refused, writes } from '../isolation/vfio/device.js';
import { V2 } from './attachment.js';
import { busAt, filledRig, FREE, guestRig } from './rig.js';
import { attached, BOTH, get, guest, indirect, newTable, PAGE, put, RAM, READ, setSlot, stuff } from './steps.js';

const NO_WRITE = 'dma/write-permission';
const UNREGISTERED = 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY/unregistered';
const REGISTERED = 'kvm/H_PUT_TCE/registered';
const LOCKED = 'ledger/locked';

const notRegistered: Scenario = vfioScenario(
  {
    id: 'kvm/registered/not-registered',
    title: "Memory of the guest's that is not registered is left to the monitor by every call, and nothing changes; once it is registered the same calls are answered",
    clauses: [REGISTERED, 'kvm/H_PUT_TCE_INDIRECT/registered', 'kvm/H_PUT_TCE/mapped', 'kvm/H_PUT_TCE_INDIRECT/stored'],
    requires: V2,
  },
  (p) => {
    const made = guestRig(p, { unregistered: true });
    const calls = (): void => {
      put(p, made, FREE, RAM | BOTH);
      indirect(p, made, FREE + 1n, [RAM | BOTH, (RAM + PAGE) | READ]);
      for (const page of [0n, 1n, 2n]) get(p, made, FREE + page);
    };
    calls();
    p.register(made.rig.container, made.memory);
    calls();
  },
);

const unregistered: Scenario = vfioScenario(
  {
    id: 'kvm/registered/unregister-mapped',
    title: 'Memory that is let go while the guest has it mapped stays pinned and charged until the guest takes it back, and is given back then',
    clauses: [UNREGISTERED, 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY/mapped', LOCKED, 'kvm/H_PUT_TCE/cleared', REGISTERED],
    requires: V2,
  },
  (p) => {
    const made = guestRig(p);
    for (const page of [0n, 1n]) put(p, made, FREE + page, RAM | BOTH);
    p.unregister(made.rig.container, made.memory);
    for (const page of [0n, 1n]) put(p, made, FREE + page, 0n);
    p.do({ door: 'host', op: 'ledger' });
    put(p, made, FREE, RAM | BOTH);
  },
);

const firstVersion: Scenario = vfioScenario(
  {
    id: 'kvm/registered/version-1',
    title: 'In a window of SPAPR TCE v1, which knows no registered memory, KVM maps nothing: every page is left to the monitor',
    clauses: [REGISTERED, 'KVM_SET_DEVICE_ATTR/attached'],
    requires: ['platform:powernv'],
  },
  (p) => {
    const container = p.v1();
    p.unmap(container, p.defaultWindow().start, 0x1000n);
    const made = guest(p);
    attached(p, made.vm, container, newTable(p, made.vm));
    put(p, made, FREE, RAM | BOTH);
    get(p, made, FREE);
    put(p, made, FREE, 0n);
  },
);

const released: Scenario = vfioScenario(
  {
    id: 'kvm/registered/released',
    title: 'Memory that was let go and is pinned only by an entry is mapped once more or left to the monitor',
    clauses: ['kvm/H_PUT_TCE/released', 'kvm/H_PUT_TCE_INDIRECT/released'],
    requires: V2,
  },
  (p) => {
    const made = guestRig(p);
    put(p, made, FREE, RAM | BOTH);
    p.unregister(made.rig.container, made.memory);
    put(p, made, FREE + 1n, (RAM + PAGE) | BOTH);
    indirect(p, made, FREE + 2n, [(RAM + PAGE) | BOTH]);
    stuff(p, made, FREE, 3n);
  },
);

/** A list that clears what was mapped, and what is left of it. */
const clearedByList: Scenario = vfioScenario(
  {
    id: 'kvm/registered/cleared-by-list',
    title: 'A page that a list takes back is mapped no more, and its memory is given back when it is let go',
    clauses: ['kvm/H_PUT_TCE_INDIRECT/stored', UNREGISTERED, LOCKED],
    requires: V2,
    destructive: true,
  },
  (p) => {
    const made = guestRig(p);
    put(p, made, FREE, RAM | BOTH);
    indirect(p, made, FREE, [RAM]);
    get(p, made, FREE);
    p.unregister(made.rig.container, made.memory);
  },
);

const clearedAtNought: Scenario = vfioScenario(
  {
    id: 'kvm/registered/cleared-by-noughts',
    title: 'A list of noughts, whose address is not registered, takes the pages back or is left to the monitor after its first entry',
    clauses: ['kvm/H_PUT_TCE_INDIRECT/clear-unregistered'],
    requires: V2,
    destructive: true,
  },
  (p) => {
    const made = guestRig(p);
    for (const page of [0n, 1n]) put(p, made, FREE + page, RAM | BOTH);
    indirect(p, made, FREE, [0n, 0n]);
    for (const page of [0n, 1n]) get(p, made, FREE + page);
    stuff(p, made, FREE, 2n);
    p.unregister(made.rig.container, made.memory);
  },
);

const partly: Scenario = vfioScenario(
  {
    id: 'kvm/registered/partly-registered',
    title: 'A page of 128 KiB of which only the first half is registered is left to the monitor and maps nothing; what was mapped for it is let go',
    clauses: ['kvm/H_PUT_TCE/partly-registered', 'kvm/H_PUT_TCE_INDIRECT/partly-registered', NO_WRITE, UNREGISTERED, LOCKED],
    requires: V2,
    claims: [refused('write', 'first', 'the page could not be mapped whole'), refused('write', 'listed', 'nor by a list')],
    destructive: true,
  },
  (p) => {
    const shape = { pageShift: 17n, size: 256n };
    const made = filledRig(p, { shape });
    const buffer = p.memory(2n * PAGE);
    const half = { ...buffer, length: PAGE };
    p.register(made.rig.container, half);
    const start = RAM * 2n;
    setSlot(p, made.vm, buffer, { slot: 1n, start });
    put(p, made, FREE, RAM | BOTH, shape);
    put(p, made, FREE, start | BOTH, shape);
    get(p, made, FREE, shape);
    writes(p, made.rig, { as: 'first', iova: busAt(made, 2n * FREE), memory: buffer.at(0n) });
    indirect(p, made, FREE + 1n, [RAM | BOTH, start | BOTH, RAM | BOTH], shape);
    for (const page of [1n, 2n, 3n]) get(p, made, FREE + page, shape);
    writes(p, made.rig, { as: 'listed', iova: busAt(made, 2n * (FREE + 2n)), memory: buffer.at(0n) });
    p.unregister(made.rig.container, half);
  },
);

/** What the guest maps of memory that is registered, in part, no more, or not at all. */
export const scenarios: readonly Scenario[] = [notRegistered, unregistered, firstVersion, released, clearedByList, clearedAtNought, partly];
