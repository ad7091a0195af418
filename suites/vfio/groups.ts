import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { ContainerHandle, VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { Term } from '../../reference/doors/term.js';
import { info, inUse, IO_PAGE, ofType, PAGE, setIommu, status, TWO_WINDOWS, TYPE_V1, TYPE_V2, V2, worksAgain } from './steps.js';

const SECOND = [...V2, 'pe:pe1'] as const;

/** Puts a further group into a container. */
function join(p: VfioProgramBuilder, container: ContainerHandle, group = 'pe1'): Term {
  const fd = p.open(group, `joined-${group}`);
  p.ioctl(fd, 'VFIO_GROUP_SET_CONTAINER', { fd: container.fd });
  return fd;
}

const leave = (p: VfioProgramBuilder, group: Term): VfioProgramBuilder => p.ioctl(group, 'VFIO_GROUP_UNSET_CONTAINER');

const containers: readonly Scenario[] = [
  vfioScenario(
    { id: 'vfio/group/two-containers', title: 'Two containers with a group each have windows of their own: what one maps, removes and closes the other does not see', clauses: ['VFIO_IOMMU_MAP_DMA/mapped', 'VFIO_IOMMU_SPAPR_TCE_REMOVE/removed', 'ledger/locked'], requires: [...TWO_WINDOWS, 'pe:pe1'] },
    (p) => {
      const first = inUse(p);
      const second = inUse(p, 'pe1');
      const [a, b] = [p.create(first.container), p.create(second.container)];
      p.map(first.container, first.buffer.address, a.start, PAGE).map(second.container, second.buffer.address, b.start, PAGE);
      p.remove(first.container, a.start).map(second.container, second.buffer.address, b.at(PAGE), PAGE);
      p.close(first.container.group).close(first.container.fd);
      p.map(second.container, second.buffer.address, p.defaultWindow('pe1').start, PAGE);
    },
  ),
  vfioScenario(
    { id: 'vfio/group/other-container', title: 'A group that is in a container is refused by every other, and can change once it left', clauses: ['VFIO_GROUP_SET_CONTAINER/once', 'VFIO_GROUP_SET_CONTAINER/blocked'], requires: V2 },
    (p) => {
      const { container, buffer } = inUse(p);
      const fd = p.open('container', 'other');
      const move = (): VfioProgramBuilder => p.ioctl(container.group, 'VFIO_GROUP_SET_CONTAINER', { fd });
      move();
      leave(p, container.group);
      move();
      info(p, container);
      setIommu(p, fd, TYPE_V2);
      p.register({ ...container, fd }, buffer).map({ ...container, fd }, buffer.address, p.defaultWindow().start, PAGE);
    },
  ),
  vfioScenario(
    { id: 'vfio/group/no-container', title: 'VFIO_GROUP_SET_CONTAINER takes no descriptor but a container: not a group, a device or one that was closed', clauses: ['VFIO_GROUP_SET_CONTAINER/kind', 'VFIO_GROUP_SET_CONTAINER/descriptor'], requires: SECOND },
    (p) => {
      const container = p.v2();
      const device = p.device(container);
      const group = p.open('pe1', 'group');
      const closed = p.open('container', 'closed');
      p.close(closed);
      for (const fd of [container.group, group, device.fd, closed, 0xffff_ffffn, 0x7fff_ffffn]) p.ioctl(group, 'VFIO_GROUP_SET_CONTAINER', { fd });
      status(p, group);
    },
  ),
];

const several: readonly Scenario[] = [
  vfioScenario(
    { id: 'vfio/group/v1-takes-one', title: 'A container with two groups is refused v1 with EBUSY, both groups stay in it, and v2 is taken', clauses: ['VFIO_SET_IOMMU/one-group', 'VFIO_SET_IOMMU/set'], requires: SECOND },
    (p) => {
      const container = p.attached();
      const group = join(p, container);
      setIommu(p, container.fd, TYPE_V1);
      status(p, group);
      status(p, container.group);
      setIommu(p, container.fd, TYPE_V2);
      info(p, container);
    },
  ),
  vfioScenario(
    { id: 'vfio/group/v1-second-refused', title: 'A group that a container of v1 refused goes into another', clauses: ['VFIO_GROUP_SET_CONTAINER/one-group'], requires: SECOND },
    (p) => {
      const container = p.v1();
      const group = join(p, container);
      status(p, group);
      const fd = p.open('container', 'other');
      p.ioctl(group, 'VFIO_GROUP_SET_CONTAINER', { fd });
      setIommu(p, fd, TYPE_V1);
      p.map(container, p.memory(PAGE).address, p.defaultWindow().start, IO_PAGE);
    },
  ),
  ...[true, false].map((early) =>
    vfioScenario(
      {
        id: `vfio/group/second-${early ? 'before' : 'after'}-iommu`,
        title: `A second group that joined ${early ? 'before' : 'after'} VFIO_SET_IOMMU shares the windows where the platform can, and keeps any from being made where it cannot`,
        clauses: ['VFIO_SET_IOMMU/set', 'VFIO_GROUP_UNSET_CONTAINER/given-back', 'VFIO_IOMMU_MAP_DMA/mapped'],
        requires: [...TWO_WINDOWS, 'pe:pe1'],
      },
      (p) => {
        const container = early ? p.attached() : p.v2();
        const group = join(p, container);
        if (early) setIommu(p, container.fd, TYPE_V2);
        const buffer = p.registered(container);
        const use = (): VfioProgramBuilder => p.map(container, buffer.address, p.defaultWindow().start, PAGE);
        use();
        p.create(container);
        leave(p, group);
        use();
      },
    ),
  ),
  vfioScenario(
    { id: 'vfio/group/second-with-windows', title: 'A second group joins a container with windows where the platform shares them, and is refused with EPERM where it does not; the first one is unaffected', clauses: ['VFIO_IOMMU_MAP_DMA/mapped'], requires: SECOND },
    (p) => {
      const { container, buffer } = inUse(p);
      const group = join(p, container);
      status(p, group);
      p.map(container, buffer.address, p.defaultWindow().at(PAGE), PAGE);
      leave(p, group).map(container, buffer.address, p.defaultWindow().at(PAGE), PAGE);
      p.close(container.group).close(container.fd);
      worksAgain(p, buffer);
    },
  ),
  vfioScenario(
    { id: 'vfio/group/not-shared', title: 'Where a partition gives every group windows of its own, a container with windows refuses a second group, and one with two groups makes none', clauses: ['VFIO_GROUP_SET_CONTAINER/shared-windows', 'VFIO_IOMMU_MAP_DMA/default-shared', 'VFIO_IOMMU_UNMAP_DMA/default-shared', 'VFIO_IOMMU_SPAPR_TCE_CREATE/default-shared', 'VFIO_IOMMU_SPAPR_TCE_CREATE/shared'], requires: [...TWO_WINDOWS, 'pe:pe1', 'platform:pseries'] },
    (p) => {
      const { container, buffer } = inUse(p);
      const group = join(p, container);
      p.remove(container, p.defaultWindow().start).ioctl(group, 'VFIO_GROUP_SET_CONTAINER', { fd: container.fd });
      p.create(container);
      leave(p, container.group).ioctl(container.group, 'VFIO_GROUP_SET_CONTAINER', { fd: container.fd });
      p.close(container.group).close(group);
      const again = p.v2();
      p.register(again, buffer);
      const other = p.open('pe1', 'other');
      p.ioctl(other, 'VFIO_GROUP_SET_CONTAINER', { fd: again.fd });
      p.map(again, buffer.address, p.defaultWindow().start, PAGE).unmap(again, p.defaultWindow().start, PAGE);
      p.create(again);
      p.remove(again, 0n);
      p.create(again);
    },
  ),
  vfioScenario(
    { id: 'vfio/group/one-leaves', title: 'When the first or the second of two groups leaves a shared container its mappings are cleared, and the other group maps on', clauses: ['VFIO_GROUP_UNSET_CONTAINER/given-back', 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY/unregistered', 'VFIO_IOMMU_MAP_DMA/mapped'], requires: [...SECOND, 'platform:powernv'] },
    (p) => {
      const { container, buffer } = inUse(p);
      const second = join(p, container);
      for (const leaving of [second, container.group]) {
        p.map(container, buffer.address, p.defaultWindow().at(PAGE), PAGE);
        leave(p, leaving);
        // Nothing maps the region any more: it is given back at once.
        p.unregister(container, buffer).register(container, buffer).map(container, buffer.address, p.defaultWindow().start, PAGE);
        p.ioctl(leaving, 'VFIO_GROUP_SET_CONTAINER', { fd: container.fd });
      }
      leave(p, container.group);
      leave(p, second);
      info(p, container);
    },
  ),
  vfioScenario(
    { id: 'vfio/group/three', title: 'Three groups join and leave one container in turn; with the last one everything is given back', clauses: ['VFIO_GROUP_UNSET_CONTAINER/given-back', 'VFIO_IOMMU_SPAPR_TCE_GET_INFO/answer'], requires: [...V2, 'pe:pe1', 'pe:pe2'] },
    (p) => {
      const container = p.v2();
      const others = ['pe1', 'pe2'].map((name) => join(p, container, name));
      p.registered(container);
      for (const group of [container.group, ...others]) {
        info(p, container);
        leave(p, group);
      }
      info(p, container);
    },
  ),
];

/** A container of v1 does not care which group it has. */
const reassigned = vfioScenario(
  { id: 'vfio/group/exchanged', title: 'Two groups exchange their containers, of v1 and of v2, and both work as before', clauses: ['VFIO_GROUP_SET_CONTAINER/blocked', 'VFIO_IOMMU_MAP_DMA/mapped'], requires: SECOND },
  (p) => {
    const [a, b] = [ofType(p, TYPE_V1), ofType(p, TYPE_V2, 'pe1')];
    leave(p, a.group);
    leave(p, b.group).ioctl(a.group, 'VFIO_GROUP_SET_CONTAINER', { fd: b.fd }).ioctl(b.group, 'VFIO_GROUP_SET_CONTAINER', { fd: a.fd });
    setIommu(p, a.fd, TYPE_V1);
    setIommu(p, b.fd, TYPE_V2);
    const buffer = p.registered({ ...b, group: a.group });
    p.ioctl(a.fd, 'VFIO_IOMMU_ENABLE').map(a, buffer.address, p.defaultWindow('pe1').start, IO_PAGE).map(b, buffer.address, p.defaultWindow().start, IO_PAGE);
  },
);

/** Containers and groups: one each, two each, several groups in one. */
export const scenarios: readonly Scenario[] = [...containers, ...several, reassigned];
