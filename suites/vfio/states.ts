import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { info, IO_PAGE, ofType, PAGE, setIommu, status, TWO_WINDOWS, TYPE_V1, TYPE_V2, V2 } from './steps.js';

const MAP = 'VFIO_IOMMU_MAP_DMA';
const UNMAP = 'VFIO_IOMMU_UNMAP_DMA';
const CREATE = 'VFIO_IOMMU_SPAPR_TCE_CREATE';
const REMOVE = 'VFIO_IOMMU_SPAPR_TCE_REMOVE';

/** A container of v1: not enabled, enabled, disabled, enabled again, gone. */
const version1 = [
  vfioScenario(
    { id: 'vfio/states/v1', title: 'A container of v1 maps while it is enabled and at no other time; what is mapped outlives VFIO_IOMMU_DISABLE', clauses: [`${MAP}/enabled`, 'VFIO_IOMMU_ENABLE/already', 'VFIO_IOMMU_DISABLE/disabled', `${UNMAP}/unmapped`] },
    (p) => {
      const container = ofType(p, TYPE_V1);
      const buffer = p.memory();
      const iova = p.defaultWindow().start;
      const mapping = (): void => {
        p.map(container, buffer.address, iova, IO_PAGE).unmap(container, iova, IO_PAGE);
      };
      mapping();
      p.ioctl(container.fd, 'VFIO_IOMMU_DISABLE').ioctl(container.fd, 'VFIO_IOMMU_ENABLE').ioctl(container.fd, 'VFIO_IOMMU_ENABLE');
      mapping();
      p.map(container, buffer.address, iova, IO_PAGE).ioctl(container.fd, 'VFIO_IOMMU_DISABLE').ioctl(container.fd, 'VFIO_IOMMU_DISABLE');
      mapping();
      info(p, container).ioctl(container.fd, 'VFIO_IOMMU_ENABLE');
      mapping();
    },
  ),
  vfioScenario(
    { id: 'vfio/states/v1-closed-disabled', title: 'A container of v1 that was disabled with mappings in it gives them back when it is closed', clauses: ['VFIO_IOMMU_DISABLE/disabled', 'close/closed'] },
    (p) => {
      const container = p.v1();
      const buffer = p.memory();
      p.map(container, buffer.address, p.defaultWindow().start, buffer.length).ioctl(container.fd, 'VFIO_IOMMU_DISABLE');
      p.close(container.group).close(container.fd);
      const again = p.v1();
      p.map(again, buffer.address, p.defaultWindow().start, buffer.length);
    },
  ),
];

/** A container of v2: without memory, with memory, without again; with no window, one, two. */
const version2 = [
  vfioScenario(
    { id: 'vfio/states/v2-enabled', title: 'A container of v2 maps from the first registered region on, even when all were given back', clauses: [`${MAP}/enabled`, `${MAP}/registered`, `${UNMAP}/enabled`, `${UNMAP}/unmapped`], requires: V2 },
    (p) => {
      const container = p.v2();
      const buffer = p.memory();
      const iova = p.defaultWindow().start;
      const mapping = (): void => {
        p.map(container, buffer.address, iova, IO_PAGE).unmap(container, iova, IO_PAGE);
      };
      mapping();
      p.ioctl(container.fd, 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY', { vaddr: buffer.address, size: 0x800n });
      mapping();
      p.register(container, buffer);
      mapping();
      p.unregister(container, buffer);
      mapping();
    },
  ),
  vfioScenario(
    { id: 'vfio/states/v2-windows', title: 'A container of v2 goes through its sets of windows: promised, both, a third refused, the default alone, none', clauses: [`${CREATE}/created`, `${CREATE}/slots`, `${REMOVE}/removed`, `${MAP}/iova`], requires: TWO_WINDOWS },
    (p) => {
      const container = p.v2();
      const buffer = p.registered(container);
      const base = p.defaultWindow().start;
      const second = p.create(container);
      const look = (): void => {
        p.map(container, buffer.address, base, IO_PAGE).map(container, buffer.address, second.start, PAGE);
      };
      look();
      p.create(container);
      p.remove(container, second.start);
      look();
      p.remove(container, base);
      look();
      p.remove(container, base).remove(container, second.start);
    },
  ),
  vfioScenario(
    { id: 'vfio/states/v2-create-first', title: 'Windows can be created and removed before any memory was registered, and are charged all the same', clauses: [`${CREATE}/created`, `${REMOVE}/removed`, `${MAP}/enabled`], requires: TWO_WINDOWS },
    (p) => {
      const container = p.v2();
      const window = p.create(container, 1n << 30n);
      const buffer = p.memory();
      p.map(container, buffer.address, window.start, PAGE).remove(container, window.start);
      p.register(container, buffer).map(container, buffer.address, p.defaultWindow().start, PAGE);
    },
  ),
  vfioScenario(
    { id: 'vfio/states/v2-promise-dropped', title: 'A default window that was removed before it was made is not made by the calls that would have made it', clauses: [`${REMOVE}/promise-dropped`, `${REMOVE}/unknown`, `${MAP}/iova`, `${UNMAP}/iova`], requires: V2 },
    (p) => {
      const container = p.v2();
      const buffer = p.registered(container);
      const base = p.defaultWindow().start;
      p.remove(container, base).remove(container, base).map(container, buffer.address, base, IO_PAGE).unmap(container, base, IO_PAGE).remove(container, base);
    },
  ),
];

/** A look at the group wherever it can be. */
const statusWalk = vfioScenario(
  { id: 'vfio/states/group-status', title: 'VFIO_GROUP_GET_STATUS says in every state whether the group is in a container, and that it can be used', clauses: ['VFIO_GROUP_GET_STATUS/answer'], requires: V2 },
  (p) => {
    const fd = p.open('container', 'container');
    const group = p.open('pe0', 'group');
    const container = { fd, group };
    status(p, group).ioctl(group, 'VFIO_GROUP_SET_CONTAINER', { fd });
    status(p, group);
    setIommu(p, fd, TYPE_V2);
    status(p, group);
    const device = p.device(container);
    status(p, group).ioctl(group, 'VFIO_GROUP_UNSET_CONTAINER');
    status(p, group).close(device.fd);
    status(p, group).ioctl(group, 'VFIO_GROUP_UNSET_CONTAINER');
    status(p, group).ioctl(group, 'VFIO_GROUP_SET_CONTAINER', { fd }).close(fd);
    status(p, group);
  },
);

/** The answer describes the platform, not the windows that there are. */
const infoWalk = vfioScenario(
  { id: 'vfio/states/info', title: 'VFIO_IOMMU_SPAPR_TCE_GET_INFO answers the same whatever was registered, mapped, created and removed', clauses: ['VFIO_IOMMU_SPAPR_TCE_GET_INFO/answer'], requires: TWO_WINDOWS },
  (p) => {
    const container = p.v2();
    info(p, container);
    const buffer = p.registered(container);
    info(p, container);
    p.map(container, buffer.address, p.defaultWindow().start, PAGE);
    info(p, container);
    const window = p.create(container);
    info(p, container);
    p.remove(container, p.defaultWindow().start);
    info(p, container);
    p.remove(container, window.start);
    info(p, container);
  },
);

/** The life of a container, as an automaton is walked. */
export const scenarios: readonly Scenario[] = [...version1, ...version2, statusWalk, infoWalk];
