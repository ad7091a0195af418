import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { PAGE as IO_PAGE, reached, refused, writes } from '../isolation/vfio/device.js';
import { V2 } from './attachment.js';
import { busAt, filledRig, FREE, guestRig } from './rig.js';
import { BOTH, get, PAGE, put, RAM } from './steps.js';

const TRANSLATED = 'dma/translated';
const NO_WRITE = 'dma/write-permission';
const UNREGISTERED = 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY/unregistered';
const REGISTERED = 'kvm/H_PUT_TCE/registered';
const LOCKED = 'ledger/locked';

const vfioLast: Scenario = vfioScenario(
  {
    id: 'kvm/against-vfio/map-last',
    title: 'Where the program maps a part of what the guest mapped, the last wins: that part leads elsewhere, the rest as before; the guest sees its own entry',
    clauses: ['VFIO_IOMMU_MAP_DMA/mapped', TRANSLATED, 'kvm/H_GET_TCE/entry'],
    requires: V2,
    claims: [reached('write', 'part', 'the program mapped this part last'), reached('write', 'rest', 'the guest mapped this part')],
  },
  (p) => {
    const made = filledRig(p);
    put(p, made, FREE, RAM | BOTH);
    p.map(made.rig.container, made.memory.at(PAGE), busAt(made, FREE, IO_PAGE), IO_PAGE);
    get(p, made, FREE);
    writes(p, made.rig, { as: 'part', iova: busAt(made, FREE, IO_PAGE), memory: made.memory.at(PAGE) });
    writes(p, made.rig, { as: 'rest', iova: busAt(made, FREE, 2n * IO_PAGE), memory: made.memory.at(2n * IO_PAGE) });
  },
);

const guestLast: Scenario = vfioScenario(
  {
    id: 'kvm/against-vfio/put-last',
    title: 'Where the guest maps what the program mapped, the guest wins; what it takes back maps nothing, whoever mapped it',
    clauses: ['kvm/H_PUT_TCE/mapped', 'kvm/H_PUT_TCE/cleared', TRANSLATED, NO_WRITE],
    requires: V2,
    claims: [reached('write', 'guests', 'the guest mapped the page last'), refused('write', 'taken', 'the guest took the page back')],
  },
  (p) => {
    const made = filledRig(p);
    p.map(made.rig.container, made.memory.at(PAGE), busAt(made, FREE), 2n * PAGE);
    put(p, made, FREE, RAM | BOTH);
    put(p, made, FREE + 1n, 0n);
    writes(p, made.rig, { as: 'guests', iova: busAt(made, FREE), memory: made.memory.at(0n) });
    writes(p, made.rig, { as: 'taken', iova: busAt(made, FREE + 1n), memory: made.memory.at(2n * PAGE) });
  },
);

const unmapped: Scenario = vfioScenario(
  {
    id: 'kvm/against-vfio/unmap',
    title: 'What the program unmaps the device reaches no more, although the guest still reads its entry; what was registered can be let go',
    clauses: ['VFIO_IOMMU_UNMAP_DMA/unmapped', NO_WRITE, 'kvm/H_GET_TCE/entry', UNREGISTERED, LOCKED],
    requires: V2,
    claims: [refused('write', 'unmapped', 'the program unmapped the page')],
  },
  (p) => {
    const made = filledRig(p);
    put(p, made, FREE, RAM | BOTH);
    p.unmap(made.rig.container, busAt(made, FREE), PAGE);
    get(p, made, FREE);
    p.unregister(made.rig.container, made.memory);
    writes(p, made.rig, { as: 'unmapped', iova: busAt(made, FREE), memory: made.memory.at(0n) });
    put(p, made, FREE, 0n);
  },
);

const windowRemoved: Scenario = vfioScenario(
  {
    id: 'kvm/against-vfio/window-removed',
    title: 'A window that is removed while it is attached gives back its table and what it mapped; the guest\'s calls go on, to no effect on any device',
    clauses: ['VFIO_IOMMU_SPAPR_TCE_REMOVE/removed', 'kvm/H_PUT_TCE/mapped', LOCKED],
    requires: V2,
  },
  (p) => {
    const made = guestRig(p);
    put(p, made, FREE, RAM | BOTH);
    p.remove(made.rig.container, made.rig.window.start);
    put(p, made, FREE + 1n, RAM | BOTH);
    get(p, made, FREE + 1n);
    put(p, made, FREE + 1n, 0n);
    p.unregister(made.rig.container, made.memory);
  },
);

const orphan: Scenario = vfioScenario(
  {
    id: 'kvm/against-vfio/window-removed-mapped',
    title: 'What the guest maps in a window that is gone is let go with the table, and its memory can be given back',
    clauses: ['VFIO_IOMMU_SPAPR_TCE_REMOVE/removed', 'close/closed', UNREGISTERED, LOCKED],
    requires: V2,
    destructive: true,
  },
  (p) => {
    const made = guestRig(p);
    p.remove(made.rig.container, made.rig.window.start);
    put(p, made, FREE, RAM | BOTH);
    p.close(made.table);
    p.unregister(made.rig.container, made.memory);
  },
);

const left: Scenario = vfioScenario(
  {
    id: 'kvm/against-vfio/group-leaves',
    title: 'A group that leaves its container while a table is attached takes its windows with it: another program\'s window at the same place is not the guest\'s',
    clauses: ['VFIO_GROUP_UNSET_CONTAINER/given-back', REGISTERED, LOCKED, NO_WRITE],
    requires: V2,
    claims: [refused('write', 'later', 'the guest mapped nothing in the new window')],
    destructive: true,
  },
  (p) => {
    const made = guestRig(p);
    const { container, device } = made.rig;
    put(p, made, FREE, RAM | BOTH);
    p.close(device.fd).ioctl(container.group, 'VFIO_GROUP_UNSET_CONTAINER');
    put(p, made, FREE, RAM | BOTH);
    const fd = p.open('container', 'next');
    p.ioctl(container.group, 'VFIO_GROUP_SET_CONTAINER', { fd }).ioctl(fd, 'VFIO_SET_IOMMU', { value: 7n });
    const next = { fd, group: container.group };
    p.register(next, made.memory).unmap(next, made.rig.window.start, IO_PAGE);
    put(p, made, FREE, RAM | BOTH);
    writes(p, { device: p.device(next) }, { as: 'later', iova: busAt(made, FREE), memory: made.memory.at(0n) });
  },
);

const closing: Scenario = vfioScenario(
  {
    id: 'kvm/against-vfio/all-closed',
    title: 'A machine, its table and its bridge that go while pages are mapped leave the window as it is, and the container gives all of it back',
    clauses: ['close/closed', UNREGISTERED, LOCKED],
    requires: V2,
  },
  (p) => {
    const made = guestRig(p);
    for (let page = 0n; page < 4n; page++) put(p, made, FREE + page, RAM | BOTH);
    for (const fd of [made.table, made.bridge.fd, made.processor, made.vm]) p.close(fd);
    p.unmap(made.rig.container, busAt(made, FREE), 4n * PAGE).unregister(made.rig.container, made.memory);
  },
);

/** What the guest stores against what the program does with the same window. */
export const scenarios: readonly Scenario[] = [
  vfioLast,
  guestLast,
  unmapped,
  windowRemoved,
  orphan,
  left,
  closing,
];
