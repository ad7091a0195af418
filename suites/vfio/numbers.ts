import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { Term } from '../../reference/doors/term.js';
import type { VfioCallName } from '../../reference/uapi/vfio.js';
import { containerCalls, IO_PAGE, info, inUse, makeAll, PAGE, TWO_WINDOWS, TYPE_V2, V2, type SampleCall } from './steps.js';

const GROUP_CALLS: readonly SampleCall[] = [
  { call: 'VFIO_GROUP_GET_STATUS', args: {} },
  { call: 'VFIO_GROUP_SET_CONTAINER', args: {} },
  { call: 'VFIO_GROUP_UNSET_CONTAINER', args: {} },
  { call: 'VFIO_GROUP_GET_DEVICE_FD', args: {} },
];

const DEVICE_CALLS: readonly SampleCall[] = [
  { call: 'VFIO_DEVICE_GET_INFO', args: {} },
  { call: 'VFIO_DEVICE_GET_REGION_INFO', args: { index: 7n } },
  { call: 'VFIO_DEVICE_RESET', args: {} },
];

const OWN_CALLS: readonly SampleCall[] = [
  { call: 'VFIO_GET_API_VERSION', args: {} },
  { call: 'VFIO_CHECK_EXTENSION', args: { value: 7n } },
  { call: 'VFIO_SET_IOMMU', args: { value: 7n } },
];

const UNKNOWN: SampleCall = { call: 'VFIO_UNKNOWN', args: {} };

/** Numbers of a container's calls that mean something else to a device: what comes of them is its own business. */
const DEVICES_TOO: readonly VfioCallName[] = [
  'VFIO_IOMMU_SPAPR_TCE_GET_INFO',
  'VFIO_IOMMU_MAP_DMA',
  'VFIO_IOMMU_DISABLE',
  'VFIO_IOMMU_SPAPR_REGISTER_MEMORY',
];

/** So that a device refuses them: it must not be reset by a program that means to map. */
const harmless = ({ call, args }: SampleCall): SampleCall => (DEVICES_TOO.includes(call) && call !== 'VFIO_IOMMU_DISABLE' ? { call, args: { argsz: 0n } } : { call, args });

/** Shows that the windows are there as before: the one at the bus address, and with it the memory it maps. */
const untouched = (p: VfioProgramBuilder, { container, buffer }: ReturnType<typeof inUse>, iova: Term): VfioProgramBuilder =>
  p.map(container, buffer.at(PAGE), iova, IO_PAGE).register(container, buffer);

const wrongKind: readonly Scenario[] = [
  vfioScenario(
    {
      id: 'vfio/number/on-group',
      title: "A container's calls and a device's made on a group are refused with ENOTTY, unknown ones too, and change nothing in its container",
      clauses: ['group-unknown/number', 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY/already'],
      requires: V2,
    },
    (p) => {
      const used = inUse(p);
      const iova = p.defaultWindow().start;
      makeAll(p, used.container.group, [...OWN_CALLS, ...containerCalls(used.buffer, iova), ...DEVICE_CALLS, UNKNOWN]);
      untouched(p, used, iova);
    },
  ),
  vfioScenario(
    {
      id: 'vfio/number/on-device',
      title: "A container's calls and a group's made on a device come to what their numbers mean there, if anything, and touch no window",
      clauses: ['device-unknown/number', 'device-own/number', 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY/already'],
      requires: V2,
    },
    (p) => {
      const used = inUse(p);
      const iova = p.defaultWindow().start;
      const { fd } = p.device(used.container);
      makeAll(p, fd, [...OWN_CALLS, ...containerCalls(used.buffer, iova).map(harmless), ...GROUP_CALLS, UNKNOWN]);
      untouched(p, used, iova);
    },
  ),
  vfioScenario(
    {
      id: 'vfio/number/on-container',
      title: "A group's calls, a device's and unknown ones made on a container are refused: EINVAL before it has an IOMMU, ENOTTY after",
      clauses: ['container/no-iommu', 'container-unknown/number'],
      requires: V2,
    },
    (p) => {
      const container = p.attached();
      const calls = [...GROUP_CALLS, ...DEVICE_CALLS, UNKNOWN];
      makeAll(p, container.fd, calls);
      p.ioctl(container.fd, 'VFIO_SET_IOMMU', { value: TYPE_V2 });
      makeAll(p, container.fd, calls);
      info(p, container);
    },
  ),
];

/** Numbers 18 to 20: a container's calls, and those with which a device's own node would bind, attach and detach it. */
const CLASHES: readonly { readonly number: number; readonly spapr: VfioCallName; readonly device: VfioCallName; readonly verb: string }[] = [
  { number: 18, spapr: 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY', device: 'VFIO_DEVICE_BIND_IOMMUFD', verb: 'bind' },
  { number: 19, spapr: 'VFIO_IOMMU_SPAPR_TCE_CREATE', device: 'VFIO_DEVICE_ATTACH_IOMMUFD_PT', verb: 'attach' },
  { number: 20, spapr: 'VFIO_IOMMU_SPAPR_TCE_REMOVE', device: 'VFIO_DEVICE_DETACH_IOMMUFD_PT', verb: 'detach' },
];

const clashes = CLASHES.flatMap(({ number, spapr, device, verb }) => [
  vfioScenario(
    {
      id: `vfio/number/${number}-on-device`,
      title: `Number ${number} on a device is refused with ENOTTY as either structure, and no window, mapping or region is touched`,
      clauses: ['device-unknown/number', 'VFIO_IOMMU_MAP_DMA/mapped', 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY/already'],
      requires: TWO_WINDOWS,
    },
    (p) => {
      const used = inUse(p);
      const window = p.create(used.container);
      p.map(used.container, used.buffer.address, window.start, PAGE);
      const { fd } = p.device(used.container);
      const args = containerCalls(used.buffer, window.start).find(({ call }) => call === spapr)!.args;
      p.ioctl(fd, spapr, args).ioctl(fd, device).ioctl(fd, device, { argsz: 64n }).ioctl(fd, device, { argsz: 0n });
      untouched(p, used, p.defaultWindow().start);
      p.map(used.container, used.buffer.address, window.start, PAGE);
    },
  ),
  vfioScenario(
    {
      id: `vfio/number/${number}-on-container`,
      title: `On a container number ${number} is ${spapr}, whatever structure the caller has in mind, and does not ${verb} a device`,
      clauses: [`${spapr}/argsz`],
      requires: V2,
    },
    (p) => {
      const { container, buffer } = inUse(p);
      const { fd } = p.device(container);
      p.ioctl(container.fd, device, { argsz: 12n }).ioctl(container.fd, device, { argsz: 16n }).ioctl(container.fd, device, { argsz: 64n }).ioctl(container.fd, device, { argsz: 64n, flags: 1n });
      p.map(container, buffer.address, p.defaultWindow().start, IO_PAGE);
      p.ioctl(fd, 'VFIO_DEVICE_GET_INFO');
    },
  ),
]);

const states: readonly Scenario[] = [
  vfioScenario(
    { id: 'vfio/number/before-set-iommu', title: 'Before VFIO_SET_IOMMU a container refuses every call of a driver with EINVAL, with a group or without', clauses: ['container/no-iommu'] },
    (p) => {
      const buffer = p.memory();
      const empty = p.open('container', 'empty');
      const calls = containerCalls(buffer, 0n);
      makeAll(p, empty, calls);
      makeAll(p, p.attached().fd, calls);
    },
  ),
  vfioScenario(
    { id: 'vfio/number/after-unset', title: 'When its last group left, a container refuses every call of a driver with EINVAL again', clauses: ['VFIO_GROUP_UNSET_CONTAINER/given-back', 'container/no-iommu'], requires: V2 },
    (p) => {
      const { container, buffer } = inUse(p);
      p.ioctl(container.group, 'VFIO_GROUP_UNSET_CONTAINER');
      makeAll(p, container.fd, containerCalls(buffer, p.defaultWindow().start));
    },
  ),
  vfioScenario(
    { id: 'vfio/number/v2-calls-on-v1', title: 'A container of v1 that is enabled and mapped refuses every call of v2 with ENOTTY and stays as it is', clauses: ['VFIO_IOMMU_SPAPR_REGISTER_MEMORY/version', 'VFIO_IOMMU_SPAPR_TCE_CREATE/version'] },
    (p) => {
      const container = p.v1();
      const buffer = p.memory();
      const iova = p.defaultWindow().start;
      p.map(container, buffer.address, iova, IO_PAGE);
      makeAll(p, container.fd, containerCalls(buffer, iova).slice(3, 7));
      p.map(container, buffer.address, iova, IO_PAGE).unmap(container, iova, IO_PAGE);
    },
  ),
  vfioScenario(
    { id: 'vfio/number/v1-calls-on-v2', title: 'A container of v2 refuses VFIO_IOMMU_ENABLE and VFIO_IOMMU_DISABLE with ENOTTY, before and after memory was registered', clauses: ['VFIO_IOMMU_ENABLE/version', 'VFIO_IOMMU_DISABLE/version'], requires: V2 },
    (p) => {
      const container = p.v2();
      const toggle = (): VfioProgramBuilder => p.ioctl(container.fd, 'VFIO_IOMMU_ENABLE').ioctl(container.fd, 'VFIO_IOMMU_DISABLE');
      toggle();
      const buffer = p.registered(container);
      toggle().map(container, buffer.address, p.defaultWindow().start, IO_PAGE);
    },
  ),
  vfioScenario(
    { id: 'vfio/number/closed', title: 'Every call on a descriptor that was closed is refused with EBADF', clauses: ['ioctl/descriptor', 'close/descriptor'], requires: V2 },
    (p) => {
      const { container, buffer } = inUse(p);
      const { fd } = p.device(container);
      p.close(fd).close(container.group).close(container.fd);
      makeAll(p, container.fd, [...OWN_CALLS, ...containerCalls(buffer, 0n), UNKNOWN]);
      makeAll(p, container.group, GROUP_CALLS);
      makeAll(p, fd, DEVICE_CALLS);
      for (const closed of [fd, container.group, container.fd]) p.close(closed);
    },
  ),
];

/** Numbers: what a call is, the kind of descriptor and the state of the container decide. */
export const scenarios: readonly Scenario[] = [...wrongKind, ...clashes, ...states];
