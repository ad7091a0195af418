import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { ContainerHandle, VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { Term } from '../../reference/doors/term.js';
import { KVM_VFIO } from '../../reference/uapi/kvm.js';
import { add, attach, attached, IO_PAGE, machine, newBridge, newTable, newVm, takeAway, type TableShape } from './steps.js';

export const V2 = ['spapr-v2'] as const;
/** A window of 4 KiB pages beside the default one. */
export const TWO_WINDOWS = ['spapr-v2', 'second-window', 'page-size:12'] as const;

const ATTACHED = 'KVM_SET_DEVICE_ATTR/attached';
const WINDOW = 'KVM_SET_DEVICE_ATTR/window';
const TAKEN = 'KVM_SET_DEVICE_ATTR/taken-away';

/** A container of v2 of which the default window is made: it has registered memory. */
export function withWindow(p: VfioProgramBuilder, group = 'pe0'): ContainerHandle {
  const container = p.v2(group);
  p.registered(container);
  p.unmap(container, p.defaultWindow(group).start, IO_PAGE);
  return container;
}

/** Tables and whether the default window, 2 GiB of 4 KiB pages from bus address 0, fits them. */
const shapes: readonly { readonly what: string; readonly title: string; readonly shape: TableShape; readonly fits: boolean }[] = [
  { what: 'same-pages', title: 'A table of the pages of the window is attached', shape: { pageShift: 12n }, fits: true },
  { what: 'larger-pages', title: 'A table of larger pages than those of the window is attached', shape: {}, fits: true },
  { what: 'huge-pages', title: 'A table of pages of 16 MiB is attached to a window of 4 KiB pages', shape: { pageShift: 24n, size: 4n }, fits: true },
  { what: 'whole-window', title: 'A table as large as the window is attached', shape: { size: 1n << 15n }, fits: true },
  { what: 'larger-than-window', title: 'A table one page larger than the window is not attached', shape: { size: (1n << 15n) + 1n }, fits: false },
  { what: 'other-start', title: 'A table that begins a page after the window is not attached, although it lies within', shape: { offset: 1n }, fits: false },
];

const ofShape = ({ what, title, shape, fits }: (typeof shapes)[number]): Scenario =>
  vfioScenario({ id: `kvm/attachment/${what}`, title, clauses: [fits ? ATTACHED : WINDOW], requires: ['platform:powernv', ...V2] }, (p) => {
    const container = withWindow(p);
    const vm = newVm(p, 'vm');
    attached(p, vm, container, newTable(p, vm, shape));
  });

const smallerPages: Scenario = vfioScenario(
  {
    id: 'kvm/attachment/smaller-pages',
    title: 'A table of smaller pages than those of the window is not attached',
    clauses: [WINDOW],
    requires: ['platform:powernv', ...V2, 'page-size:16'],
  },
  (p) => {
    const container = p.v2();
    p.remove(container, 0n).create(container, 1n << 29n, 16);
    const vm = newVm(p, 'vm');
    attached(p, vm, container, newTable(p, vm, { pageShift: 12n }));
  },
);

/** What has no window of a program's. */
const windowless: readonly (readonly [what: string, title: string, open: (p: VfioProgramBuilder) => Term])[] = [
  ['no-container', "A group in no container has no window to attach: those of the host are not the program's", (p) => p.open('pe0', 'group')],
  ['no-iommu', 'A group in a container without an IOMMU has no window to attach', (p) => p.attached().group],
  ['promised', 'A default window that is promised and not made cannot be attached', (p) => p.v2().group],
];

/** Destructive: a kernel that finds a window all the same lets the guest at what is not its own. */
const ofWindowless = ([what, title, open]: (typeof windowless)[number]): Scenario =>
  vfioScenario({ id: `kvm/attachment/${what}`, title, clauses: [WINDOW], requires: V2, destructive: true }, (p) => {
    const group = open(p);
    const vm = newVm(p, 'vm');
    attached(p, vm, { group }, newTable(p, vm, { size: 16n }));
  });

const wrongFiles: Scenario = vfioScenario(
  {
    id: 'kvm/attachment/wrong-files',
    title: 'Only groups and devices of VFIO are added, each once',
    clauses: ['KVM_SET_DEVICE_ATTR/add-file', 'KVM_SET_DEVICE_ATTR/add-again', 'KVM_SET_DEVICE_ATTR/added'],
    requires: V2,
  },
  (p) => {
    const container = withWindow(p);
    const { vm } = machine(p);
    const table = newTable(p, vm);
    const bridge = newBridge(p, vm);
    for (const file of [container.fd, table, vm, bridge.fd, p.file()]) add(p, bridge, file);
    add(p, bridge, container.group);
    add(p, bridge, container.group);
    attach(p, bridge, container.group, table);
    takeAway(p, bridge, container.fd);
    takeAway(p, bridge, container.group);
    takeAway(p, bridge, container.group);
  },
);

const addedDevice: Scenario = vfioScenario(
  {
    id: 'kvm/attachment/device',
    title: 'A device can be added, but has no table group to attach a table to; the kernel says nothing about it',
    clauses: ['KVM_SET_DEVICE_ATTR/table-group', 'log/quiet'],
    requires: V2,
  },
  (p) => {
    const container = withWindow(p);
    const device = p.device(container);
    const { vm } = machine(p);
    const bridge = newBridge(p, vm);
    add(p, bridge, device.fd);
    attach(p, bridge, device.fd, newTable(p, vm));
    takeAway(p, bridge, device.fd);
  },
);

const neverAttached: Scenario = vfioScenario(
  {
    id: 'kvm/attachment/never-attached',
    title: 'A group that was added, and to which no table was ever attached, is taken away; the kernel says nothing about it',
    clauses: [TAKEN, 'log/quiet'],
    requires: V2,
  },
  (p) => {
    const container = withWindow(p);
    const bridge = newBridge(p, newVm(p, 'vm'));
    add(p, bridge, container.group);
    takeAway(p, bridge, container.group);
  },
);

const onlyOne: Scenario = vfioScenario(
  {
    id: 'kvm/attachment/one-bridge',
    title: "A machine has one VFIO device at a time; asking whether there is such a device makes none",
    clauses: ['KVM_CREATE_DEVICE/once', 'KVM_CREATE_DEVICE/tested', 'KVM_CREATE_DEVICE/made', 'KVM_HAS_DEVICE_ATTR/there'],
  },
  (p) => {
    const vm = newVm(p, 'vm');
    p.kvmIoctl(vm, 'KVM_CREATE_DEVICE', { type: 4n, flags: 1n });
    const bridge = newBridge(p, vm);
    p.kvmIoctl(vm, 'KVM_CREATE_DEVICE', { type: 4n, flags: 1n });
    newBridge(p, vm, 'second');
    for (const attr of [KVM_VFIO.add, KVM_VFIO.del, KVM_VFIO.setSpaprTce]) p.kvmIoctl(bridge.fd, 'KVM_HAS_DEVICE_ATTR', { group: BigInt(KVM_VFIO.file), attr: BigInt(attr) });
    p.close(bridge.fd);
    newBridge(p, vm, 'third');
  },
);

const keepsGroup: Scenario = vfioScenario(
  {
    id: 'kvm/attachment/keeps-group',
    title: 'A group that was added stays in its container when its descriptor is closed, and is free once the bridge is',
    clauses: ['KVM_SET_DEVICE_ATTR/added', 'close/closed', 'open-group/once'],
    requires: V2,
  },
  (p) => {
    const container = withWindow(p);
    const vm = newVm(p, 'vm');
    const bridge = attached(p, vm, container, newTable(p, vm));
    p.close(container.group);
    p.open('pe0', 'again');
    p.close(bridge.fd);
    p.open('pe0', 'anew');
  },
);

const foreignTables: Scenario = vfioScenario(
  {
    id: 'kvm/attachment/foreign-table',
    title: 'The table of another machine is not attached, nor one that is closed and only mapped any more',
    clauses: ['KVM_SET_DEVICE_ATTR/table', 'KVM_SET_DEVICE_ATTR/table-descriptor'],
    requires: V2,
  },
  (p) => {
    const container = withWindow(p);
    const [vm, other] = [newVm(p, 'vm'), newVm(p, 'vm2')];
    const [table, foreign] = [newTable(p, vm), newTable(p, other, { as: 'foreign' })];
    const bridge = attached(p, vm, container, foreign);
    p.mapTable(table, 0x1_0000n);
    p.close(table);
    attach(p, bridge, container.group, table);
  },
);

/** Which windows follow which tables. */
export const scenarios: readonly Scenario[] = [
  ...shapes.map(ofShape),
  smallerPages,
  ...windowless.map(ofWindowless),
  wrongFiles,
  addedDevice,
  neverAttached,
  onlyOne,
  keepsGroup,
  foreignTables,
];
