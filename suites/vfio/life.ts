import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { Term } from '../../reference/doors/term.js';
import { info, inUse, IO_PAGE, PAGE, setIommu, status, TWO_WINDOWS, TYPE_V1, TYPE_V2, V2, worksAgain } from './steps.js';

const opening: readonly Scenario[] = [
  vfioScenario(
    { id: 'vfio/open/group-twice', title: 'A group that is open is refused with EBUSY, in a container or not, and can be opened once it is closed', clauses: ['open-group/once', 'open-group/opened'] },
    (p) => {
      const first = p.open('pe0', 'first');
      p.open('pe0', 'second');
      p.ioctl(first, 'VFIO_GROUP_SET_CONTAINER', { fd: p.open('container', 'container') });
      p.open('pe0', 'third');
      p.close(first);
      status(p, p.open('pe0', 'fourth'));
    },
  ),
  vfioScenario(
    { id: 'vfio/open/group-twice-by-child', title: 'A child that has its parent\'s descriptor of a group cannot open the group again, nor can the parent while the child has it', clauses: ['open-group/once'] },
    (p) => {
      const group = p.open('pe0', 'group');
      const by = p.fork();
      p.open('pe0', 'again', by);
      p.close(group);
      p.open('pe0', 'still');
      status(p, group, by);
      p.close(group, by);
      status(p, p.open('pe0', 'free'));
    },
  ),
  vfioScenario(
    { id: 'vfio/open/containers', title: 'Every open of /dev/vfio/vfio gives another container', clauses: ['open-container/opened', 'container/no-iommu'], requires: V2 },
    (p) => {
      const [first, ...others] = ['a', 'b', 'c', 'd'].map((name) => p.open('container', name));
      p.ioctl(p.open('pe0', 'group'), 'VFIO_GROUP_SET_CONTAINER', { fd: first! });
      setIommu(p, first!, TYPE_V2);
      for (const fd of others) info(p, { fd });
      info(p, { fd: first! });
    },
  ),
];

/** The descriptors of a container with everything in it. */
type Held = 'container' | 'group' | 'device';

const ORDERS: Readonly<Record<'before' | 'after', readonly (readonly [Held, Held, Held])[]>> = {
  before: [
    ['device', 'container', 'group'],
    ['device', 'group', 'container'],
    ['container', 'device', 'group'],
  ],
  after: [
    ['group', 'container', 'device'],
    ['group', 'device', 'container'],
    ['container', 'group', 'device'],
  ],
};

const closing = (['before', 'after'] as const).map((when) =>
  vfioScenario(
    {
      id: `vfio/close/device-${when}-group`,
      title: `Closed in any order in which the device goes ${when} its group, a container in use gives everything back with the last of the two`,
      clauses: ['close/closed', 'VFIO_IOMMU_MAP_DMA/mapped', 'ledger/locked'],
      requires: TWO_WINDOWS,
    },
    (p) => {
      for (const order of ORDERS[when]) {
        const { container, buffer } = inUse(p);
        p.map(container, buffer.address, p.create(container).start, PAGE);
        const fds: Record<Held, Term> = { container: container.fd, group: container.group, device: p.device(container).fd };
        for (const held of order) p.close(fds[held]);
      }
      worksAgain(p);
    },
  ),
);

const keeping: readonly Scenario[] = [
  vfioScenario(
    { id: 'vfio/close/container-first', title: 'A container whose descriptor was closed lives on with its group: devices open, and the group comes back', clauses: ['close/closed', 'VFIO_GROUP_GET_DEVICE_FD/opened', 'VFIO_GROUP_UNSET_CONTAINER/given-back'], requires: V2 },
    (p) => {
      const { container } = inUse(p);
      p.close(container.fd);
      status(p, container.group);
      p.close(p.device(container).fd);
      p.ioctl(container.group, 'VFIO_GROUP_UNSET_CONTAINER');
      status(p, container.group);
    },
  ),
  vfioScenario(
    { id: 'vfio/close/device-keeps-group', title: 'An open device keeps its group in the container and not to be opened, until it is closed too', clauses: ['open-group/once', 'close/closed', 'VFIO_IOMMU_MAP_DMA/mapped'], requires: V2 },
    (p) => {
      const { container, buffer } = inUse(p);
      const { fd } = p.device(container);
      p.close(container.group);
      p.open('pe0', 'refused');
      p.map(container, buffer.at(PAGE), p.defaultWindow().at(IO_PAGE), IO_PAGE).ioctl(fd, 'VFIO_DEVICE_GET_INFO');
      p.close(fd);
      info(p, container);
      status(p, p.open('pe0', 'granted'));
    },
  ),
  vfioScenario(
    { id: 'vfio/close/two-device-descriptors', title: 'Two descriptors of one device must both be closed before the group can leave its container', clauses: ['VFIO_GROUP_UNSET_CONTAINER/devices', 'VFIO_GROUP_UNSET_CONTAINER/given-back'], requires: V2 },
    (p) => {
      const { container } = inUse(p);
      const [first, second] = [p.device(container), p.device(container)];
      for (const { fd } of [first, second]) p.ioctl(container.group, 'VFIO_GROUP_UNSET_CONTAINER').close(fd);
      p.ioctl(container.group, 'VFIO_GROUP_UNSET_CONTAINER');
    },
  ),
];

/** Opens and closes a group so many times. */
function cycles(p: VfioProgramBuilder, count: number, cycle: (round: number) => void): void {
  for (let round = 0; round < count; round++) cycle(round);
}

const reuse: readonly Scenario[] = [
  vfioScenario({ id: 'vfio/reuse/same-container', title: 'Ten times a group leaves a container and comes back to it', clauses: ['VFIO_GROUP_UNSET_CONTAINER/given-back', 'VFIO_GROUP_SET_CONTAINER/blocked'], requires: V2 }, (p) => {
    const container = p.v2();
    cycles(p, 10, () => {
      p.ioctl(container.group, 'VFIO_GROUP_UNSET_CONTAINER').ioctl(container.group, 'VFIO_GROUP_SET_CONTAINER', { fd: container.fd });
      setIommu(p, container.fd, TYPE_V2);
    });
    p.registered(container);
  }),
  vfioScenario({ id: 'vfio/reuse/versions', title: 'Six times a group is used by v1 and by v2 in turn, mapped each time and closed', clauses: ['VFIO_IOMMU_ENABLE/enabled', 'VFIO_IOMMU_MAP_DMA/mapped'], requires: V2 }, (p) => {
    const buffer = p.memory(PAGE);
    cycles(p, 6, (round) => {
      const container = round % 2 === 0 ? p.v1() : p.v2();
      if (round % 2 === 1) p.register(container, buffer);
      p.map(container, buffer.address, p.defaultWindow().start, IO_PAGE).close(container.group).close(container.fd);
    });
  }),
  vfioScenario({ id: 'vfio/reuse/windows', title: 'Five times the same memory is registered and mapped in both windows of a new container, which is closed as it is', clauses: ['VFIO_IOMMU_SPAPR_TCE_CREATE/created', 'VFIO_IOMMU_MAP_DMA/mapped', 'close/closed'], requires: TWO_WINDOWS }, (p) => {
    const buffer = p.memory();
    cycles(p, 5, () => {
      const container = p.v2();
      p.register(container, buffer).map(container, buffer.address, p.defaultWindow().start, buffer.length).map(container, buffer.address, p.create(container).start, buffer.length).close(container.group).close(container.fd);
    });
  }),
  vfioScenario({ id: 'vfio/reuse/after-failures', title: 'A group that was put into a container and out of it again without ever being used works as any other', clauses: ['VFIO_SET_IOMMU/type', 'VFIO_IOMMU_MAP_DMA/mapped'], requires: V2 }, (p) => {
    const container = p.attached();
    cycles(p, 4, (round) => {
      setIommu(p, container.fd, 1n);
      if (round % 2 === 1) setIommu(p, container.fd, TYPE_V1);
      p.ioctl(container.group, 'VFIO_GROUP_UNSET_CONTAINER').ioctl(container.group, 'VFIO_GROUP_SET_CONTAINER', { fd: container.fd });
    });
    p.close(container.group).close(container.fd);
    worksAgain(p);
  }),
];

/** How descriptors live: opened, closed in any order, opened again. */
export const scenarios: readonly Scenario[] = [...opening, ...closing, ...keeping, ...reuse];
