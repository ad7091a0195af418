import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { ContainerHandle, VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { Term } from '../../reference/doors/term.js';
import { containerCalls, info, inUse, IO_PAGE, makeAll, ofType, PAGE, setIommu, status, TYPE_V1, TYPE_V2, V2, worksAgain } from './steps.js';

const REGISTER = 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY';
const FOREIGN = `${REGISTER}/process`;

/** A container that a child opens for itself. */
function opened(p: VfioProgramBuilder, by: string, { group = 'pe0', type = TYPE_V2 } = {}): ContainerHandle {
  const fd = p.open('container', `container-${by}`, by);
  const handle = { fd, group: p.open(group, `group-${by}`, by) };
  p.ioctl(handle.group, 'VFIO_GROUP_SET_CONTAINER', { fd }, { by });
  setIommu(p, fd, type, by);
  return handle;
}

/** A child registers memory of its own and maps it. */
function uses(p: VfioProgramBuilder, container: ContainerHandle, by: string, iova: Term): void {
  const buffer = p.memory(PAGE, { by });
  p.register(container, buffer, by).ioctl(container.fd, 'VFIO_IOMMU_MAP_DMA', { flags: 3n, vaddr: buffer.address, iova, size: IO_PAGE }, { by });
}

const inherited: readonly Scenario[] = [
  vfioScenario(
    { id: 'vfio/process/before-latch', title: 'A container that belongs to nobody yet is described to a child and its parent alike, and to the child when it is its own', clauses: ['VFIO_IOMMU_SPAPR_TCE_GET_INFO/answer', FOREIGN], requires: V2 },
    (p) => {
      const container = p.v2();
      const by = p.fork();
      info(p, container);
      info(p, container, by);
      uses(p, container, by, p.defaultWindow().start);
      info(p, container, by);
      p.registered(container);
    },
  ),
  vfioScenario(
    { id: 'vfio/process/after-latch', title: 'Of a container that belongs to its parent a child is refused every call of the driver with EPERM, whatever else is wrong with it, and so is a child of the child', clauses: [FOREIGN, 'VFIO_IOMMU_ENABLE/process', 'container-unknown/process', 'VFIO_CHECK_EXTENSION/answer'], requires: V2 },
    (p) => {
      const { container, buffer } = inUse(p);
      const iova = p.defaultWindow().start;
      const by = p.fork();
      makeAll(p, container.fd, [...containerCalls(buffer, iova), { call: 'VFIO_UNKNOWN', args: {} }], by);
      // What a container is, and what it could be, it tells everybody.
      p.ioctl(container.fd, 'VFIO_CHECK_EXTENSION', { value: 7n }, { by }).ioctl(container.fd, 'VFIO_GET_API_VERSION', {}, { by });
      for (const call of [REGISTER, 'VFIO_IOMMU_SPAPR_TCE_CREATE', 'VFIO_IOMMU_SPAPR_TCE_REMOVE', 'VFIO_IOMMU_MAP_DMA'] as const) {
        p.ioctl(container.fd, call, {}, { by, pointer: 'unmapped' }).ioctl(container.fd, call, { argsz: 0n }, { by });
      }
      const grandchild = p.fork(by);
      p.exit(by).register(container, buffer, grandchild);
      p.map(container, buffer.address, iova, PAGE);
    },
  ),
  vfioScenario(
    { id: 'vfio/process/after-latch-v1', title: 'Of an enabled container of v1 a child is refused every call of the driver with EPERM', clauses: [FOREIGN, 'VFIO_IOMMU_DISABLE/process'] },
    (p) => {
      const container = p.v1();
      const buffer = p.memory();
      const by = p.fork();
      makeAll(p, container.fd, [...containerCalls(buffer, p.defaultWindow().start), { call: 'VFIO_UNKNOWN', args: {} }], by);
      p.map(container, buffer.address, p.defaultWindow().start, PAGE);
    },
  ),
  vfioScenario(
    { id: 'vfio/process/group-calls', title: "A child may make every call of its parent's group and device, and take the group out of the container", clauses: ['VFIO_GROUP_GET_STATUS/answer', 'VFIO_GROUP_UNSET_CONTAINER/given-back', 'ledger/locked'], requires: V2 },
    (p) => {
      const { container } = inUse(p);
      const device = p.device(container);
      const by = p.fork();
      status(p, container.group, by);
      p.ioctl(device.fd, 'VFIO_DEVICE_GET_INFO', {}, { by }).ioctl(container.group, 'VFIO_GROUP_UNSET_CONTAINER', {}, { by });
      p.close(device.fd, by).close(device.fd).ioctl(container.group, 'VFIO_GROUP_UNSET_CONTAINER', {}, { by });
      p.do({ door: 'host', op: 'ledger' });
      info(p, container);
    },
  ),
];

/** A call that a child makes on its parent's container. */
type ChildCall = (p: VfioProgramBuilder, container: ContainerHandle, by: string) => VfioProgramBuilder;

/** Calls of a child, and whether they make the container its own. */
interface Claiming {
  readonly name: string;
  readonly title: string;
  readonly type: bigint;
  readonly latches: boolean;
  readonly calls: readonly ChildCall[];
}

const WITHOUT_RIGHT = ['VFIO_IOMMU_SPAPR_TCE_GET_INFO', 'VFIO_IOMMU_MAP_DMA', 'VFIO_IOMMU_UNMAP_DMA', 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY', 'VFIO_IOMMU_DISABLE'];

const asksInVain =
  (withoutRight: (call: string) => boolean): ChildCall =>
  (p, { fd }, by) => {
    const calls = containerCalls(p.memory(PAGE, { by }), p.defaultWindow().start);
    makeAll(p, fd, calls.filter(({ call }) => withoutRight(call)), by);
    return p;
  };

const CLAIMS: readonly Claiming[] = [
  {
    name: 'by-use',
    title: 'A child that registers memory, creates a window or removes one makes the container its own, until the group leaves it',
    type: TYPE_V2,
    latches: true,
    calls: [
      (p, container, by) => p.register(container, p.memory(PAGE, { by }), by),
      (p, { fd }, by) => p.ioctl(fd, 'VFIO_IOMMU_SPAPR_TCE_CREATE', { page_shift: 16n, window_size: 1n << 26n, levels: 1n }, { by }),
      (p, { fd }, by) => p.ioctl(fd, 'VFIO_IOMMU_SPAPR_TCE_REMOVE', {}, { by }),
    ],
  },
  {
    name: 'by-attempt',
    title: 'A child that is refused a registration, a window or its removal makes the container its own all the same',
    type: TYPE_V2,
    latches: true,
    calls: [
      (p, { fd }, by) => p.ioctl(fd, REGISTER, {}, { by, pointer: 'unmapped' }),
      (p, { fd }, by) => p.ioctl(fd, 'VFIO_IOMMU_SPAPR_TCE_CREATE', { argsz: 8n }, { by }),
      (p, { fd }, by) => p.ioctl(fd, 'VFIO_IOMMU_SPAPR_TCE_REMOVE', { start_addr: 1n << 50n }, { by }),
    ],
  },
  {
    name: 'v1',
    title: 'A child that enables a container of v1, or is refused that for what it may lock, makes it its own',
    type: TYPE_V1,
    latches: true,
    calls: [(p, { fd }, by) => p.ioctl(fd, 'VFIO_IOMMU_ENABLE', {}, { by }), (p, { fd }, by) => p.limit(0n, by).ioctl(fd, 'VFIO_IOMMU_ENABLE', {}, { by })],
  },
  {
    name: 'not-v2',
    title: 'A child that asks of a container of v2 what it has no right to leaves it to whoever comes',
    type: TYPE_V2,
    latches: false,
    calls: [asksInVain((call) => WITHOUT_RIGHT.includes(call))],
  },
  {
    name: 'not-v1',
    title: 'A child that asks of a container of v1 what it has no right to, or disables it, leaves it to whoever comes',
    type: TYPE_V1,
    latches: false,
    calls: [asksInVain((call) => call !== 'VFIO_IOMMU_ENABLE')],
  },
];

/** The parent uses the container, or is refused; then it takes the group out and in, and the container is anybody's again. */
const claims = CLAIMS.map(({ name, title, type, latches, calls }) => {
  const own = type === TYPE_V1 ? 'VFIO_IOMMU_ENABLE' : REGISTER;
  const done = type === TYPE_V1 ? 'enabled' : 'registered';
  return vfioScenario({ id: `vfio/process/claim-${name}`, title, clauses: [`${own}/${latches ? 'process' : done}`], ...(type === TYPE_V1 ? {} : { requires: V2 }) }, (p) => {
    const container = ofType(p, type);
    const buffer = p.memory(PAGE);
    const use = (): VfioProgramBuilder => (type === TYPE_V1 ? p.ioctl(container.fd, own) : p.register(container, buffer));
    for (const call of calls) {
      const by = p.fork();
      call(p, container, by);
      use();
      p.exit(by);
      use().ioctl(container.group, 'VFIO_GROUP_UNSET_CONTAINER').ioctl(container.group, 'VFIO_GROUP_SET_CONTAINER', { fd: container.fd });
      setIommu(p, container.fd, type);
    }
    use().map(container, buffer.address, p.defaultWindow().start, IO_PAGE);
  });
});

const apart: readonly Scenario[] = [
  vfioScenario(
    { id: 'vfio/process/own-container', title: 'Parent and child each use a container of their own with another group, and neither sees the other in its locked memory', clauses: ['ledger/locked', 'VFIO_IOMMU_MAP_DMA/mapped'], requires: [...V2, 'pe:pe1'] },
    (p) => {
      inUse(p);
      const by = p.fork();
      const theirs = opened(p, by, { group: 'pe1' });
      uses(p, theirs, by, p.defaultWindow('pe1').start);
      p.do({ door: 'host', op: 'ledger' }).exit(by);
      p.do({ door: 'host', op: 'ledger' });
    },
  ),
  vfioScenario(
    { id: 'vfio/process/child-closes', title: "A child that closes its parent's descriptors, or ends with them, leaves them open for the parent", clauses: ['close/closed', 'VFIO_IOMMU_MAP_DMA/mapped'], requires: V2 },
    (p) => {
      const { container, buffer } = inUse(p);
      const first = p.fork();
      for (const fd of [container.group, container.fd]) p.do({ door: 'vfio', op: 'close', fd, by: first });
      p.exit(first).kill(p.fork());
      p.map(container, buffer.address, p.defaultWindow().start, PAGE);
      p.close(container.group).close(container.fd);
    },
  ),
  vfioScenario(
    { id: 'vfio/process/parent-closes', title: "What a parent closes lives on in its child, and with the child's end it is given back, the parent's locked memory too", clauses: ['open-group/once', 'ledger/locked', 'open-group/opened'], requires: V2 },
    (p) => {
      const { container, buffer } = inUse(p);
      const by = p.fork();
      p.close(container.group).close(container.fd);
      p.open('pe0', 'refused');
      status(p, container.group, by);
      p.exit(by).do({ door: 'host', op: 'ledger' });
      worksAgain(p, buffer);
    },
  ),
  vfioScenario(
    { id: 'vfio/process/inherited-address', title: 'The address at which a parent registered memory means nothing to a child: it registers and maps its own copy', clauses: [`${REGISTER}/registered`, 'ledger/locked'], requires: [...V2, 'pe:pe1'] },
    (p) => {
      const { buffer } = inUse(p);
      const by = p.fork();
      const theirs = opened(p, by, { group: 'pe1' });
      p.ioctl(theirs.fd, 'VFIO_IOMMU_MAP_DMA', { flags: 3n, vaddr: buffer.address, iova: p.defaultWindow('pe1').start, size: IO_PAGE }, { by });
      p.register(theirs, p.memory(PAGE, { by }), by);
      const mapped = { flags: 3n, vaddr: buffer.address, iova: p.defaultWindow('pe1').start, size: IO_PAGE };
      p.ioctl(theirs.fd, 'VFIO_IOMMU_MAP_DMA', mapped, { by }).register(theirs, buffer, by).ioctl(theirs.fd, 'VFIO_IOMMU_MAP_DMA', mapped, { by });
    },
  ),
  ...(['exit', 'kill'] as const).map((end) =>
    vfioScenario(
      { id: `vfio/process/${end}`, title: `A child that ends by ${end} with a container in use leaves its group free at once, and its parent's locked memory as it was`, clauses: ['close/closed', 'open-group/opened', 'ledger/locked'], requires: V2 },
      (p) => {
        const buffer = p.memory(PAGE);
        const by = p.fork();
        const theirs = opened(p, by);
        uses(p, theirs, by, p.defaultWindow().start);
        p.ioctl(theirs.group, 'VFIO_GROUP_GET_DEVICE_FD', {}, { by, device: 'pe0.dev0', as: 'theirs' });
        p.open('pe0', 'refused');
        p.do({ door: 'host', op: end, by }).do({ door: 'host', op: 'ledger' });
        worksAgain(p, buffer);
      },
    ),
  ),
];

/** Processes: who a container belongs to, and what ends with whom. */
export const scenarios: readonly Scenario[] = [...inherited, ...claims, ...apart];
