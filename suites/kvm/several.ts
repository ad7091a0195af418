import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { TWO_WINDOWS, V2, withWindow } from './attachment.js';
import { add, attach, attached, BOTH, ENTRIES, get, guest, indirect, LIOBN, newTable, put, RAM, setSlot, takeAway } from './steps.js';

/** Groups share the windows of their container. */
const SHARED = [...V2, 'platform:powernv'] as const;

const ATTACHED = 'KVM_SET_DEVICE_ATTR/attached';
const TAKEN = 'KVM_SET_DEVICE_ATTR/taken-away';

const twice: Scenario = vfioScenario(
  {
    id: 'kvm/several/twice',
    title: 'A table that a group attached twice follows the guest no more once the group is taken away',
    clauses: [ATTACHED, TAKEN, 'kvm/H_PUT_TCE/registered', 'kvm/H_PUT_TCE/mapped'],
    requires: V2,
    destructive: true,
  },
  (p) => {
    const container = withWindow(p);
    const made = guest(p);
    const table = newTable(p, made.vm);
    const bridge = attached(p, made.vm, container, table);
    attach(p, bridge, container.group, table);
    // The guest's memory is not registered: as long as a window follows the table, no entry is mapped.
    put(p, made, 1n, RAM | BOTH);
    takeAway(p, bridge, container.group);
    put(p, made, 1n, RAM | BOTH);
  },
);

const removedBefore: Scenario = vfioScenario(
  {
    id: 'kvm/several/window-removed-before',
    title: 'A window that was removed while a table was attached to it is attached no more once its group is taken away',
    clauses: [TAKEN, 'VFIO_IOMMU_SPAPR_TCE_REMOVE/removed', 'kvm/H_PUT_TCE/registered', 'kvm/H_PUT_TCE/mapped'],
    requires: V2,
    destructive: true,
  },
  (p) => {
    const container = withWindow(p);
    const made = guest(p);
    const bridge = attached(p, made.vm, container, newTable(p, made.vm));
    p.remove(container, p.defaultWindow().start);
    put(p, made, 1n, RAM | BOTH);
    takeAway(p, bridge, container.group);
    put(p, made, 1n, RAM | BOTH);
  },
);

const twoWindows: Scenario = vfioScenario(
  {
    id: 'kvm/several/two-windows',
    title: 'Two tables are attached to two windows of a group; once it is taken away neither follows the guest',
    clauses: [ATTACHED, TAKEN, 'kvm/H_PUT_TCE/registered', 'kvm/H_PUT_TCE/mapped'],
    requires: [...TWO_WINDOWS, 'platform:powernv'],
  },
  (p) => {
    const container = withWindow(p);
    p.create(container);
    const made = guest(p);
    const far = { liobn: LIOBN + 1n, offset: (1n << 59n) >> 16n, as: 'far' };
    const [near, second] = [newTable(p, made.vm), newTable(p, made.vm, far)];
    const bridge = attached(p, made.vm, container, near);
    attach(p, bridge, container.group, second);
    const both = (): void => {
      put(p, made, 1n, RAM | BOTH);
      put(p, made, far.offset + 1n, RAM | BOTH, far);
    };
    // The guest's memory is not registered: as long as a window follows a table, no entry is mapped.
    both();
    takeAway(p, bridge, container.group);
    both();
  },
);

const largePages: Scenario = vfioScenario(
  {
    id: 'kvm/several/page-larger-than-memory',
    title: 'In a window of pages of 2 MiB memory that is registered as smaller pages is left to the monitor, alone and in a list',
    clauses: ['kvm/H_PUT_TCE/registered', 'kvm/H_PUT_TCE_INDIRECT/registered'],
    requires: [...V2, 'platform:powernv', 'page-size:21'],
  },
  (p) => {
    const shape = { pageShift: 21n, size: 16n };
    const container = p.v2();
    p.remove(container, p.defaultWindow().start).create(container, 1n << 34n, 21);
    const made = guest(p);
    const large = p.registered(container, 1n << 22n);
    const start = 1n << 24n;
    setSlot(p, made.vm, large, { slot: 1n, start });
    attached(p, made.vm, container, newTable(p, made.vm, shape));
    put(p, made, 1n, start | BOTH, shape);
    indirect(p, made, 2n, [start | BOTH], shape);
    for (const page of [1n, 2n]) get(p, made, page, shape);
  },
);

const sharedWindow: Scenario = vfioScenario(
  {
    id: 'kvm/several/two-groups',
    title: 'Two groups of a container attach a table to the window they share; it follows the guest until both are taken away',
    clauses: [ATTACHED, TAKEN, 'kvm/H_PUT_TCE/registered'],
    requires: SHARED,
  },
  (p) => {
    const container = withWindow(p);
    const joined = p.open('pe1', 'joined');
    p.ioctl(joined, 'VFIO_GROUP_SET_CONTAINER', { fd: container.fd });
    const made = guest(p);
    const table = newTable(p, made.vm);
    const bridge = attached(p, made.vm, container, table);
    add(p, bridge, joined);
    attach(p, bridge, joined, table);
    // The guest's memory is not registered: as long as a window follows the table, no entry is mapped.
    for (const group of [container.group, joined]) {
      put(p, made, 1n, RAM | BOTH);
      takeAway(p, bridge, group);
    }
    put(p, made, 1n, RAM | BOTH);
  },
);

const twoContainers: Scenario = vfioScenario(
  {
    id: 'kvm/several/two-containers',
    title: 'A table is attached to windows of two containers; memory that is registered once serves both, and the ledger comes out even',
    clauses: [ATTACHED, 'kvm/H_PUT_TCE/mapped', 'ledger/locked'],
    requires: V2,
  },
  (p) => {
    const [first, second] = [withWindow(p), withWindow(p, 'pe1')];
    const made = guest(p);
    const table = newTable(p, made.vm);
    p.register(first, made.memory);
    const bridge = attached(p, made.vm, first, table);
    add(p, bridge, second.group);
    attach(p, bridge, second.group, table);
    put(p, made, 1n, RAM | BOTH);
    p.close(table);
    put(p, made, 1n, RAM | BOTH);
  },
);

const twoTables: Scenario = vfioScenario(
  {
    id: 'kvm/several/two-tables',
    title: 'Two tables are attached to one window: what is stored last in either is in the window, and each shows its own entries',
    clauses: [ATTACHED, 'kvm/H_GET_TCE/entry'],
    requires: V2,
  },
  (p) => {
    const container = withWindow(p);
    const made = guest(p);
    p.register(container, made.memory);
    const [first, second] = [newTable(p, made.vm), newTable(p, made.vm, { liobn: LIOBN + 1n, pageShift: 12n, size: ENTRIES, as: 'second' })];
    const bridge = attached(p, made.vm, container, first);
    attach(p, bridge, container.group, second);
    put(p, made, 1n, RAM | BOTH);
    put(p, made, 16n, 0n, { liobn: LIOBN + 1n, pageShift: 12n });
    get(p, made, 1n);
    get(p, made, 16n, { liobn: LIOBN + 1n, pageShift: 12n });
  },
);

/** One table and several windows, one window and several tables, and what is left when a group is taken away. */
export const scenarios: readonly Scenario[] = [twice, removedBefore, twoWindows, largePages, sharedWindow, twoContainers, twoTables];
