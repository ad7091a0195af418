import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { ContainerHandle, VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { IO_PAGE, PAGE, setIommu, TYPE_V2, V2 } from '../vfio/steps.js';
import { onPart } from './regions.js';

const REGISTER = 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY';
const UNREGISTER = 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY';
const MAP = 'VFIO_IOMMU_MAP_DMA';
const TWO_GROUPS = [...V2, 'pe:pe1'] as const;

/** Two containers of one process, each with a group. */
const two = (p: VfioProgramBuilder): readonly [ContainerHandle, ContainerHandle] => [p.v2(), p.v2('pe1')];

const within: readonly Scenario[] = [
  vfioScenario(
    { id: 'memory/shared/charged-once', title: 'A region that two containers of a process registered is charged once, and given back with the second', clauses: [`${REGISTER}/registered`, `${REGISTER}/already`, `${UNREGISTER}/unregistered`, 'ledger/locked'], requires: TWO_GROUPS },
    (p) => {
      const [a, b] = two(p);
      const buffer = p.registered(a);
      p.register(b, buffer).register(b, buffer).unregister(a, buffer).unregister(a, buffer).unregister(b, buffer);
    },
  ),
  vfioScenario(
    { id: 'memory/shared/one-closed', title: 'A region that two containers registered stays for the second when the first one is closed', clauses: ['close/closed', `${MAP}/mapped`, 'ledger/locked'], requires: TWO_GROUPS },
    (p) => {
      const [a, b] = two(p);
      const buffer = p.registered(a);
      p.register(b, buffer).map(a, buffer.address, p.defaultWindow().start, PAGE).close(a.group).close(a.fd);
      p.map(b, buffer.address, p.defaultWindow('pe1').start, PAGE).unmap(b, p.defaultWindow('pe1').start, PAGE).unregister(b, buffer);
    },
  ),
  vfioScenario(
    { id: 'memory/shared/registered-by-other', title: 'A container maps memory that another container of the process registered, once it has registered any itself', clauses: [`${MAP}/enabled`, `${MAP}/mapped`, `${UNREGISTER}/unknown`], requires: TWO_GROUPS },
    (p) => {
      const [a, b] = two(p);
      const buffer = p.registered(a);
      const map = (): VfioProgramBuilder => p.map(b, buffer.address, p.defaultWindow('pe1').start, PAGE);
      map();
      p.registered(b, PAGE);
      map().unregister(b, buffer);
    },
  ),
  vfioScenario(
    { id: 'memory/shared/mapped-by-other', title: 'A region that its container gives back while another maps it stays pinned for the mapping', clauses: [`${UNREGISTER}/mapped`, 'ledger/locked'], requires: TWO_GROUPS },
    (p) => {
      const [a, b] = two(p);
      const buffer = p.registered(a);
      p.registered(b, PAGE);
      p.map(b, buffer.address, p.defaultWindow('pe1').start, PAGE).unregister(a, buffer).do({ door: 'host', op: 'ledger' });
      p.unmap(b, p.defaultWindow('pe1').start, PAGE).unregister(a, buffer);
    },
  ),
  vfioScenario(
    { id: 'memory/shared/closed-while-mapped-by-other', title: 'A region whose container is closed while another maps it stays pinned for the mapping, and is given back after it', clauses: ['close/closed', 'ledger/locked', 'log/quiet'], requires: TWO_GROUPS },
    (p) => {
      const [a, b] = two(p);
      const buffer = p.registered(a);
      p.registered(b, PAGE);
      p.map(b, buffer.address, p.defaultWindow('pe1').start, PAGE).close(a.group).close(a.fd);
      p.unmap(b, p.defaultWindow('pe1').start, PAGE);
    },
  ),
  vfioScenario(
    { id: 'memory/shared/overlap', title: "A region that overlaps another container's is refused with EINVAL, as one's own is", clauses: [`${REGISTER}/overlap`, 'ledger/locked'], requires: TWO_GROUPS },
    (p) => {
      const [a, b] = two(p);
      const buffer = p.registered(a, 4n * PAGE);
      for (const [from, length] of [[0n, 2n], [2n, 2n], [1n, 2n]] as const) onPart(p, b, REGISTER, buffer.at(from * PAGE), length * PAGE);
      p.unregister(a, buffer);
      onPart(p, b, REGISTER, buffer.address, 2n * PAGE);
    },
  ),
];

/** A child with a container of its own. */
function ofChild(p: VfioProgramBuilder, by: string): ContainerHandle {
  const fd = p.open('container', `container-${by}`, by);
  const group = p.open('pe1', `group-${by}`, by);
  p.ioctl(group, 'VFIO_GROUP_SET_CONTAINER', { fd }, { by });
  setIommu(p, fd, TYPE_V2, by);
  return { fd, group };
}

const between: readonly Scenario[] = [
  vfioScenario(
    { id: 'memory/processes/same-address', title: 'Parent and child each register memory at the same address: two regions, each charged to its own process', clauses: [`${REGISTER}/registered`, `${UNREGISTER}/unregistered`, 'ledger/locked'], requires: TWO_GROUPS },
    (p) => {
      const container = p.v2();
      const buffer = p.memory();
      const by = p.fork();
      const theirs = ofChild(p, by);
      p.register(container, buffer).register(theirs, buffer, by).do({ door: 'host', op: 'ledger' });
      p.unregister(container, buffer).do({ door: 'host', op: 'ledger', by });
      p.unregister(theirs, buffer, by);
    },
  ),
  vfioScenario(
    { id: 'memory/processes/forked-registered', title: 'A child inherits neither the registration nor the charge of the memory that it has a copy of', clauses: [`${MAP}/registered`, `${UNREGISTER}/unknown`, 'ledger/locked'], requires: TWO_GROUPS },
    (p) => {
      const container = p.v2();
      const buffer = p.registered(container);
      const by = p.fork();
      p.do({ door: 'host', op: 'ledger', by });
      const theirs = ofChild(p, by);
      p.register(theirs, p.memory(PAGE, { by }), by).ioctl(theirs.fd, MAP, { flags: 3n, vaddr: buffer.address, iova: p.defaultWindow('pe1').start, size: IO_PAGE }, { by });
      p.unregister(theirs, buffer, by).register(theirs, buffer, by);
    },
  ),
  vfioScenario(
    { id: 'memory/processes/killed', title: 'Three children in turn open the same group, register and map memory and are killed: the group opens at once, and the parent is charged for its own regions alone', clauses: ['close/closed', 'open-group/opened', 'ledger/locked'], requires: TWO_GROUPS },
    (p) => {
      const container = p.v2();
      const buffer = p.registered(container);
      for (let round = 0; round < 3; round++) {
        const by = p.fork();
        const theirs = ofChild(p, by);
        const memory = p.memory(64n * PAGE, { by });
        p.register(theirs, memory, by).ioctl(theirs.fd, MAP, { flags: 3n, vaddr: memory.address, iova: p.defaultWindow('pe1').start, size: 16n * PAGE }, { by });
        p.kill(by).do({ door: 'host', op: 'ledger' });
      }
      const again = p.v2('pe1');
      p.register(again, buffer).map(again, buffer.address, p.defaultWindow('pe1').start, PAGE);
    },
  ),
  vfioScenario(
    { id: 'memory/processes/owner-ends', title: 'Memory of a child that ends stays registered while its parent keeps the container open, and goes with the container', clauses: [`${REGISTER}/process`, 'VFIO_GROUP_UNSET_CONTAINER/given-back', 'ledger/locked'], requires: V2 },
    (p) => {
      const container = p.v2();
      const by = p.fork();
      const memory = p.memory(PAGE, { by });
      p.register(container, memory, by).ioctl(container.fd, MAP, { flags: 3n, vaddr: memory.address, iova: p.defaultWindow().start, size: IO_PAGE }, { by }).exit(by);
      const buffer = p.memory(PAGE);
      p.register(container, buffer).ioctl(container.group, 'VFIO_GROUP_UNSET_CONTAINER').ioctl(container.group, 'VFIO_GROUP_SET_CONTAINER', { fd: container.fd });
      setIommu(p, container.fd, TYPE_V2);
      p.register(container, buffer);
    },
  ),
];

/** One memory, several containers and processes. */
export const scenarios: readonly Scenario[] = [...within, ...between];
