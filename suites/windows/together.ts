import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { BufferHandle, ContainerHandle, VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { Operation } from '../../reference/doors/operations.js';
import type { Term } from '../../reference/doors/term.js';
import type { VfioCallName } from '../../reference/uapi/vfio.js';
import { IO_PAGE, ofType, PAGE, TWO_WINDOWS, TYPE_V1, V2 } from '../vfio/steps.js';

/*
 * Two calls at the same time, in two threads of one process. Whatever happens, it must come to the same as one after the other,
 * in some order. A race shows rarely: each is tried a few times in a program.
 */

const CREATE = 'VFIO_IOMMU_SPAPR_TCE_CREATE';
const REMOVE = 'VFIO_IOMMU_SPAPR_TCE_REMOVE';
const MAP = 'VFIO_IOMMU_MAP_DMA';
const UNMAP = 'VFIO_IOMMU_UNMAP_DMA';
const REGISTER = 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY';
const UNREGISTER = 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY';

const call = (fd: Term, name: VfioCallName, args: Readonly<Record<string, Term>> = {}): Operation => ({ door: 'vfio', op: 'ioctl', fd, call: name, args });

const mapping = ({ fd }: ContainerHandle, vaddr: Term, iova: Term, size = PAGE): Operation => call(fd, MAP, { flags: 3n, vaddr, iova, size });
const unmapping = ({ fd }: ContainerHandle, iova: Term, size = PAGE): Operation => call(fd, UNMAP, { iova, size });
const creating = ({ fd }: ContainerHandle, size = 1n << 26n): Operation => call(fd, CREATE, { page_shift: 12n, window_size: size, levels: 1n });
const removing = ({ fd }: ContainerHandle, start_addr: Term): Operation => call(fd, REMOVE, { start_addr });
const registering = ({ fd }: ContainerHandle, { address, length }: BufferHandle): Operation => call(fd, REGISTER, { vaddr: address, size: length });
const unregistering = ({ fd }: ContainerHandle, { address, length }: BufferHandle): Operation => call(fd, UNREGISTER, { vaddr: address, size: length });

/** Two operations together, and what that has locked. */
const both = (p: VfioProgramBuilder, left: Operation, right: Operation): VfioProgramBuilder => p.together(left, right).do({ door: 'host', op: 'ledger' });

const rounds = (count: number, round: (i: number) => unknown): void => {
  for (let i = 0; i < count; i++) round(i);
};

/** The same race some times in one container with memory registered. */
const inOne = (p: VfioProgramBuilder, count: number, race: (container: ContainerHandle, buffer: BufferHandle) => unknown): void => {
  const container = p.v2();
  const buffer = p.registered(container);
  // The default window is there before the first race: how it is made is a race of its own.
  p.unmap(container, p.defaultWindow().start, IO_PAGE);
  rounds(count, () => race(container, buffer));
};

/** The same race some times, each in a container of its own. */
const inNew = (p: VfioProgramBuilder, count: number, race: (container: ContainerHandle, buffer: BufferHandle) => unknown): void => {
  const buffer = p.memory();
  rounds(count, () => {
    const container = p.v2();
    p.register(container, buffer);
    race(container, buffer);
    p.close(container.group).close(container.fd);
  });
};

const mappings: readonly Scenario[] = [
  vfioScenario({ id: 'windows/together/map-map', title: 'Two mappings at the same time are both made: of one page one of them is left, side by side both', clauses: [`${MAP}/mapped`, `${UNREGISTER}/unregistered`, 'ledger/locked'], requires: V2 }, (p) => {
    const { start, at } = p.defaultWindow();
    inOne(p, 4, (c, b) => {
      for (const beside of [start, at(PAGE)]) both(p, mapping(c, b.address, start), mapping(c, b.at(PAGE), beside)).unmap(c, start, 2n * PAGE).unregister(c, b).register(c, b);
    });
  }),
  vfioScenario({ id: 'windows/together/map-unmap', title: 'A mapping and an unmapping of the same pages at the same time leave them mapped or not, and the memory can be given back', clauses: [`${MAP}/mapped`, `${UNMAP}/unmapped`, `${UNREGISTER}/unregistered`, 'ledger/locked'], requires: V2 }, (p) => {
    const { start } = p.defaultWindow();
    inOne(p, 8, (c, b) => both(p, mapping(c, b.address, start, b.length), unmapping(c, start, b.length)).unmap(c, start, b.length).unregister(c, b).register(c, b));
  }),
  vfioScenario(
    { id: 'windows/together/first-maps', title: 'Two mappings at the same time, both the first, make the default window once', clauses: [`${MAP}/mapped`, `${REMOVE}/removed`, 'ledger/locked', 'log/quiet'], requires: V2, destructive: true },
    (p) => {
      const { start, at } = p.defaultWindow();
      inNew(p, 5, (c, b) => both(p, mapping(c, b.address, start), mapping(c, b.at(PAGE), at(PAGE))).remove(c, start).do({ door: 'host', op: 'ledger' }));
    },
  ),
  vfioScenario(
    { id: 'windows/together/first-map-create', title: 'A mapping and a creation at the same time, both the first, make the default window once', clauses: [`${MAP}/mapped`, `${CREATE}/created`, 'ledger/locked', 'log/quiet'], requires: TWO_WINDOWS, destructive: true },
    (p) => inNew(p, 5, (c, b) => both(p, mapping(c, b.address, p.defaultWindow().start), creating(c))),
  ),
  vfioScenario(
    { id: 'windows/together/first-map-remove', title: 'A mapping and a removal of the promised default window at the same time: mapped and removed, or not there', clauses: [`${MAP}/mapped`, 'ledger/locked', 'log/quiet'], requires: V2, destructive: true },
    (p) => inNew(p, 5, (c, b) => both(p, mapping(c, b.address, p.defaultWindow().start), removing(c, p.defaultWindow().start))),
  ),
  vfioScenario(
    { id: 'windows/together/map-remove', title: 'A mapping in a window that is removed at the same time is made before or refused after, and nothing is left of it', clauses: [`${MAP}/mapped`, `${REMOVE}/removed`, `${UNREGISTER}/unregistered`, 'ledger/locked', 'log/quiet'], requires: TWO_WINDOWS, destructive: true },
    (p) =>
      inOne(p, 6, (c, b) => {
        const window = p.create(c, 1n << 26n);
        both(p, mapping(c, b.address, window.start, b.length), removing(c, window.start)).unregister(c, b).register(c, b);
      }),
  ),
  vfioScenario(
    { id: 'windows/together/map-close', title: 'A mapping while the group leaves its container is made before or refused after, and nothing is left of it', clauses: [`${MAP}/mapped`, 'VFIO_GROUP_UNSET_CONTAINER/given-back', 'ledger/locked', 'log/quiet'], requires: V2, destructive: true },
    (p) => inNew(p, 5, (c, b) => both(p.map(c, b.address, p.defaultWindow().start, PAGE), mapping(c, b.address, p.defaultWindow().start, b.length), call(c.group, 'VFIO_GROUP_UNSET_CONTAINER'))),
  ),
];

const windows: readonly Scenario[] = [
  vfioScenario({ id: 'windows/together/create-create', title: 'Of two windows asked for at the same time, both the first calls, one is created beside the default one, and one refused', clauses: [`${CREATE}/created`, `${CREATE}/slots`, 'ledger/locked'], requires: TWO_WINDOWS }, (p) =>
    inNew(p, 5, (c) => both(p, creating(c), creating(c, 1n << 28n))),
  ),
  vfioScenario({ id: 'windows/together/create-remove', title: 'A creation while a window is removed finds its place or does not; of two removals of one window one is done', clauses: [`${CREATE}/slots`, `${REMOVE}/removed`, `${REMOVE}/unknown`, 'ledger/locked'], requires: TWO_WINDOWS }, (p) =>
    inNew(p, 4, (c) => {
      const window = p.create(c, 1n << 26n);
      both(p, creating(c, 1n << 28n), removing(c, window.start));
      both(p, removing(c, p.defaultWindow().start), removing(c, p.defaultWindow().start));
    }),
  ),
];

const memory: readonly Scenario[] = [
  vfioScenario({ id: 'memory/together/register-unregister', title: 'A registration and its end at the same time leave the region there or not, charged or not', clauses: [`${REGISTER}/already`, `${UNREGISTER}/unregistered`, 'ledger/locked'], requires: V2 }, (p) =>
    inOne(p, 8, (c, b) => both(p, registering(c, b), unregistering(c, b)).register(c, b)),
  ),
  vfioScenario({ id: 'memory/together/register-register', title: 'Two registrations of one region in one container at the same time: one is done, and one refused with EBUSY', clauses: [`${REGISTER}/registered`, `${REGISTER}/already`, 'ledger/locked'], requires: V2 }, (p) =>
    inOne(p, 6, (c, b) => both(p.unregister(c, b), registering(c, b), registering(c, b))),
  ),
  vfioScenario({ id: 'memory/together/two-containers', title: 'Two containers that register one region at the same time both have it, charged once', clauses: [`${REGISTER}/registered`, `${UNREGISTER}/unregistered`, 'ledger/locked'], requires: [...V2, 'pe:pe1'] }, (p) => {
    const [a, b] = [p.v2(), p.v2('pe1')];
    const buffer = p.memory();
    rounds(6, () => both(p, registering(a, buffer), registering(b, buffer)).unregister(a, buffer).unregister(b, buffer));
  }),
  vfioScenario({ id: 'memory/together/overlapping', title: 'Of two overlapping regions registered at the same time one is refused', clauses: [`${REGISTER}/registered`, `${REGISTER}/overlap`, 'ledger/locked'], requires: V2 }, (p) => {
    const container = p.v2();
    const all = p.memory();
    const part = (from: bigint, length: bigint): BufferHandle => ({ address: all.at(from), length, at: (offset) => all.at(from + offset) });
    const [left, right] = [part(0n, 3n * PAGE), part(2n * PAGE, 2n * PAGE)];
    rounds(5, () => both(p, registering(container, left), registering(container, right)).unregister(container, left).unregister(container, right));
  }),
  vfioScenario({ id: 'memory/together/map-unregister', title: 'A mapping of a region that is unregistered at the same time is made or refused, and in the end the memory is given back', clauses: [`${MAP}/mapped`, 'ledger/locked', 'log/quiet'], requires: V2 }, (p) =>
    inNew(p, 4, (c, b) => both(p.unmap(c, p.defaultWindow().start, IO_PAGE), mapping(c, b.address, p.defaultWindow().start, b.length), unregistering(c, b)).unmap(c, p.defaultWindow().start, b.length)),
  ),
  vfioScenario({ id: 'memory/together/enable-enable', title: 'Of two VFIO_IOMMU_ENABLE at the same time one is done and charged, and one refused with EBUSY', clauses: ['VFIO_IOMMU_ENABLE/enabled', 'VFIO_IOMMU_ENABLE/already', 'ledger/locked'] }, (p) => {
    const { fd } = ofType(p, TYPE_V1);
    rounds(6, () => both(p, call(fd, 'VFIO_IOMMU_ENABLE'), call(fd, 'VFIO_IOMMU_ENABLE')).ioctl(fd, 'VFIO_IOMMU_DISABLE'));
  }),
  vfioScenario({ id: 'memory/together/enable-disable', title: 'VFIO_IOMMU_ENABLE and VFIO_IOMMU_DISABLE at the same time leave the container enabled or not, charged or not', clauses: ['VFIO_IOMMU_DISABLE/disabled', 'VFIO_IOMMU_ENABLE/already', 'ledger/locked'] }, (p) => {
    const { fd } = ofType(p, TYPE_V1);
    // Enabled before: so the answers tell which of the two came first.
    rounds(6, () => both(p.ioctl(fd, 'VFIO_IOMMU_ENABLE'), call(fd, 'VFIO_IOMMU_ENABLE'), call(fd, 'VFIO_IOMMU_DISABLE')));
  }),
];

const doors: readonly Scenario[] = [
  vfioScenario({ id: 'vfio/together/set-iommu', title: 'Of two VFIO_SET_IOMMU at the same time one decides what the container is, and one is refused', clauses: ['VFIO_SET_IOMMU/set', 'VFIO_SET_IOMMU/once'], requires: V2 }, (p) =>
    rounds(4, () => {
      const container = p.attached();
      both(p, call(container.fd, 'VFIO_SET_IOMMU', { value: 7n }), call(container.fd, 'VFIO_SET_IOMMU', { value: 2n })).ioctl(container.fd, 'VFIO_IOMMU_SPAPR_TCE_GET_INFO').close(container.group).close(container.fd);
    }),
  ),
  vfioScenario({ id: 'vfio/together/set-container', title: 'A group that is put into two containers at the same time is in one of them', clauses: ['VFIO_GROUP_SET_CONTAINER/blocked', 'VFIO_GROUP_SET_CONTAINER/once'] }, (p) => {
    const [a, b] = [p.open('container', 'a'), p.open('container', 'b')];
    const group = p.open('pe0', 'group');
    rounds(4, () => both(p, call(group, 'VFIO_GROUP_SET_CONTAINER', { fd: a }), call(group, 'VFIO_GROUP_SET_CONTAINER', { fd: b })).ioctl(group, 'VFIO_GROUP_UNSET_CONTAINER'));
  }),
  vfioScenario({ id: 'vfio/together/open-group', title: 'Of two opens of one group at the same time one is refused with EBUSY', clauses: ['open-group/opened', 'open-group/once'] }, (p) =>
    rounds(5, (i) => {
      const names = [`left${i}`, `right${i}`] as const;
      const [left, right] = names.map((as): Operation => ({ door: 'vfio', op: 'open', what: 'pe0', as }));
      p.together(left!, right!);
      for (const name of names) p.close({ from: `${name}.fd` });
    }),
  ),
];

/** Races for windows, for memory, for a container: kept together, each in the suite of what it is about. */
export const windowRaces: readonly Scenario[] = [...mappings, ...windows];
export const memoryRaces: readonly Scenario[] = memory;
export const doorRaces: readonly Scenario[] = doors;
