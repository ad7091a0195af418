import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { Term } from '../../reference/doors/term.js';
import type { VfioCallName } from '../../reference/uapi/vfio.js';
import { CONTAINER_CALLS } from '../../reference/vfio/calls.js';
import { DATA, fillDevice, openRig, PAGE, reached, TARGET, V2, writes } from '../isolation/vfio/device.js';

/*
 * The numbers 12 to 20 mean one thing on a container and another on a device; 18 to 20 became those of BIND, ATTACH and
 * DETACH when devices got nodes of their own. On POWER what kind of descriptor it is decides.
 */

/** The device's calls of the numbers 18 to 20. */
const DEVICE_CALLS: readonly VfioCallName[] = ['VFIO_DEVICE_BIND_IOMMUFD', 'VFIO_DEVICE_ATTACH_IOMMUFD_PT', 'VFIO_DEVICE_DETACH_IOMMUFD_PT'];

/** Arguments with which the call would do something, were it served. */
const argumentsOf = (call: VfioCallName, memory: Term): Readonly<Record<string, Term>> => {
  switch (call) {
    case 'VFIO_IOMMU_MAP_DMA':
      return { flags: 3n, vaddr: memory, iova: { from: 'pe0.dma32.start' }, size: PAGE };
    case 'VFIO_IOMMU_UNMAP_DMA':
      return { iova: { from: 'pe0.dma32.start', plus: TARGET }, size: PAGE };
    case 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY':
    case 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY':
      return { vaddr: memory, size: 0x1_0000n };
    case 'VFIO_IOMMU_SPAPR_TCE_CREATE':
      return { page_shift: 12n, window_size: 1n << 26n, levels: 1n };
    case 'VFIO_IOMMU_SPAPR_TCE_REMOVE':
      return { start_addr: { from: 'pe0.dma32.start' } };
    case 'VFIO_DEVICE_BIND_IOMMUFD':
      // As it was when it was new: without a token.
      return { argsz: 16n };
    default:
      return {};
  }
};

const send = (p: VfioProgramBuilder, fd: Term, calls: readonly VfioCallName[], memory: Term): void => {
  for (const call of calls) p.ioctl(fd, call, argumentsOf(call, memory));
};

const numbers = (first: number): readonly VfioCallName[] => CONTAINER_CALLS.slice(first - 12);

/** Numbers that vfio-pci has no use for; of the others, what 12 answers is written over what was asked. */
const NOT_A_DEVICES: readonly VfioCallName[] = ['VFIO_IOMMU_UNMAP_DMA', 'VFIO_IOMMU_ENABLE', ...numbers(18), ...DEVICE_CALLS];

/** Numbers that mean different things to different descriptors. */
export const scenarios: readonly Scenario[] = [
  vfioScenario(
    {
      id: 'compat/clash/container-without-iommu',
      title: 'Numbers 12 to 20: a container without an IOMMU refuses them all, those of a device too',
      clauses: ['container/no-iommu', 'ledger/locked'],
      requires: V2,
    },
    (p) => {
      const container = p.attached();
      send(p, container.fd, [...CONTAINER_CALLS, ...DEVICE_CALLS], p.memory().address);
      p.ioctl(container.fd, 'VFIO_SET_IOMMU', { value: 7n }).ioctl(container.fd, 'VFIO_IOMMU_SPAPR_TCE_GET_INFO');
    },
  ),
  vfioScenario(
    {
      id: 'compat/clash/first-version',
      title: 'Numbers 17 to 20: a container of v1 knows none of them, and what is mapped in it stays',
      clauses: ['VFIO_IOMMU_SPAPR_REGISTER_MEMORY/version', 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY/version', 'ledger/locked'],
    },
    (p) => {
      const container = p.v1();
      const memory = p.memory();
      p.map(container, memory.address, p.defaultWindow().at(TARGET), PAGE);
      send(p, container.fd, [...numbers(17), ...DEVICE_CALLS], memory.address);
      p.unmap(container, p.defaultWindow().at(TARGET), PAGE);
    },
  ),
  vfioScenario(
    {
      id: 'compat/clash/second-version',
      title: 'Numbers 15 and 16, and 18 to 20 in the words of a device: a container of v2 takes none for the call of another',
      clauses: ['VFIO_IOMMU_ENABLE/version', 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY/argsz', 'VFIO_IOMMU_SPAPR_TCE_CREATE/argsz', 'VFIO_IOMMU_SPAPR_TCE_REMOVE/argsz'],
      requires: V2,
    },
    (p) => {
      const container = p.v2();
      const memory = p.registered(container);
      p.map(container, memory.address, p.defaultWindow().at(TARGET), PAGE);
      send(p, container.fd, ['VFIO_IOMMU_ENABLE', 'VFIO_IOMMU_DISABLE', ...DEVICE_CALLS], memory.address);
      p.unmap(container, p.defaultWindow().at(TARGET), PAGE).unregister(container, memory);
    },
  ),
  vfioScenario(
    {
      id: 'compat/clash/group',
      title: 'Numbers 12 to 20: a group knows none of them, in a container or not',
      clauses: ['group-unknown/number', 'ledger/locked'],
      requires: V2,
    },
    (p) => {
      const group = p.open('pe0', 'group');
      const memory = p.memory();
      send(p, group, [...CONTAINER_CALLS, ...DEVICE_CALLS], memory.address);
      const container = { fd: p.open('container', 'container'), group };
      p.ioctl(group, 'VFIO_GROUP_SET_CONTAINER', { fd: container.fd }).ioctl(container.fd, 'VFIO_SET_IOMMU', { value: 7n });
      p.register(container, memory).map(container, memory.address, p.defaultWindow().at(TARGET), PAGE);
      send(p, group, [...CONTAINER_CALLS, ...DEVICE_CALLS], memory.address);
      p.unmap(container, p.defaultWindow().at(TARGET), PAGE).unregister(container, memory);
    },
  ),
  vfioScenario(
    {
      id: 'compat/clash/device',
      title: 'Numbers 14, 15 and 18 to 20: a device that was got from a group knows none of them, and they touch no window',
      clauses: ['device-unknown/number', 'dma/translated', 'ledger/locked'],
      requires: V2,
      claims: [reached('write', 'write', 'the page is mapped as before')],
    },
    (p) => {
      const rig = openRig(p);
      const [iova, memory] = [rig.window.at(TARGET), rig.buffer.at(DATA)];
      p.map(rig.container, memory, iova, PAGE);
      fillDevice(p, rig);
      send(p, rig.device.fd, NOT_A_DEVICES, rig.buffer.address);
      writes(p, rig, { as: 'write', iova, memory });
    },
  ),
  vfioScenario(
    {
      id: 'compat/clash/device-own',
      title: 'Numbers 13, 16 and 17: a device takes them for its own calls, and neither maps nor registers memory',
      clauses: ['device-own/number', 'VFIO_IOMMU_MAP_DMA/enabled', 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY/nobodys', 'ledger/locked'],
      requires: V2,
    },
    (p) => {
      const container = p.v2();
      const memory = p.memory();
      send(p, p.device(container).fd, ['VFIO_IOMMU_MAP_DMA', 'VFIO_IOMMU_DISABLE', 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY'], memory.address);
      p.unregister(container, memory).map(container, memory.address, p.defaultWindow().start, PAGE);
    },
  ),
];
