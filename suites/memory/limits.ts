import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { plus, type Term } from '../../reference/doors/term.js';
import { IO_PAGE, likeDefault, ofType, PAGE, TWO_WINDOWS, TYPE_V1, V2 } from '../vfio/steps.js';

const REGISTER = 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY';
const CREATE = 'VFIO_IOMMU_SPAPR_TCE_CREATE';
const MAP = 'VFIO_IOMMU_MAP_DMA';

const MIB = 1n << 20n;
const GIB = 1n << 30n;

/** Tries with a byte less than what it takes, which is a page less on any system, and then with just that. */
function aroundLimit(p: VfioProgramBuilder, cost: Term, attempt: () => unknown): void {
  for (const limit of [plus(cost, -1n), cost]) {
    p.limit(limit);
    attempt();
  }
}

/**
 * The same for a table, of which only the platform knows what it costs: some power of two. So every power is tried, from 64 KiB
 * to 16 MiB, beside what is locked otherwise.
 */
function aroundTable(p: VfioProgramBuilder, beside: Term, attempt: () => unknown): void {
  for (let shift = 16n; shift <= 24n; shift++) aroundLimit(p, plus(beside, 1n << shift), attempt);
}

const costs: readonly Scenario[] = [
  vfioScenario(
    { id: 'memory/limit/register', title: 'A region is refused with ENOMEM where the process may lock a byte less, and registered where it may lock just as much', clauses: [`${REGISTER}/limit`, `${REGISTER}/registered`, 'ledger/locked'], requires: V2 },
    (p) => {
      const container = p.v2();
      const buffer = p.memory();
      aroundLimit(p, buffer.length, () => p.register(container, buffer).register(container, buffer));
      p.unregister(container, buffer).register(container, buffer);
    },
  ),
  vfioScenario(
    { id: 'memory/limit/enable', title: 'VFIO_IOMMU_ENABLE is refused with ENOMEM where the process may lock a byte less than the default window, and done where it may lock just as much', clauses: ['VFIO_IOMMU_ENABLE/limit', 'VFIO_IOMMU_ENABLE/enabled', 'ledger/locked'] },
    (p) => {
      const { fd } = ofType(p, TYPE_V1);
      aroundLimit(p, { from: 'pe0.dma32.size' }, () => p.ioctl(fd, 'VFIO_IOMMU_ENABLE'));
      p.ioctl(fd, 'VFIO_IOMMU_DISABLE').ioctl(fd, 'VFIO_IOMMU_ENABLE');
    },
  ),
  vfioScenario(
    { id: 'memory/limit/v1-table', title: 'v1 maps nothing until the process may lock the table of the default window beside the window itself', clauses: ['VFIO_IOMMU_ENABLE/enabled', `${MAP}/default-window`, `${MAP}/mapped`, 'ledger/locked'] },
    (p) => {
      const container = ofType(p, TYPE_V1);
      const { address } = p.memory(PAGE);
      p.limit({ from: 'pe0.dma32.size' }).ioctl(container.fd, 'VFIO_IOMMU_ENABLE');
      aroundTable(p, { from: 'pe0.dma32.size' }, () => p.map(container, address, p.defaultWindow().start, IO_PAGE));
    },
  ),
  vfioScenario(
    { id: 'memory/limit/first-mapping', title: 'v2 maps nothing until the process may lock the table of the default window beside a region', clauses: [`${MAP}/default-window`, `${MAP}/mapped`, 'ledger/locked'], requires: V2 },
    (p) => {
      const container = p.v2();
      const buffer = p.registered(container, PAGE);
      aroundTable(p, PAGE, () => p.map(container, buffer.address, p.defaultWindow().start, IO_PAGE));
      p.limit(0n).remove(container, p.defaultWindow().start).map(container, buffer.address, p.defaultWindow().start, IO_PAGE);
    },
  ),
  vfioScenario(
    { id: 'memory/limit/first-unmapping', title: 'v2 unmaps nothing either until the process may lock the table of the default window beside a region', clauses: ['VFIO_IOMMU_UNMAP_DMA/default-window', 'VFIO_IOMMU_UNMAP_DMA/unmapped', 'ledger/locked'], requires: V2 },
    (p) => {
      const container = p.v2();
      p.registered(container, PAGE);
      aroundTable(p, PAGE, () => p.unmap(container, p.defaultWindow().start, IO_PAGE));
    },
  ),
  vfioScenario(
    { id: 'memory/limit/create', title: 'A window by itself is created as soon as the process may lock its table, and not before', clauses: [`${CREATE}/limit`, `${CREATE}/created`, 'ledger/locked'], requires: V2 },
    (p) => {
      const container = p.v2();
      const { start } = p.defaultWindow();
      p.remove(container, start);
      aroundTable(p, 0n, () => likeDefault(p, container).remove(container, start));
    },
  ),
  vfioScenario(
    { id: 'memory/limit/create-beside', title: 'A window beside the default one needs room for both tables; where there is room for one the default one is made all the same', clauses: [`${CREATE}/default-window`, `${CREATE}/limit`, `${CREATE}/slots`, 'ledger/locked'], requires: TWO_WINDOWS },
    (p) => {
      const container = p.v2();
      aroundTable(p, 0n, () => p.create(container, GIB, 16));
    },
  ),
];

const others: readonly Scenario[] = [
  vfioScenario(
    { id: 'memory/limit/second-region', title: 'A second region counts beside the first: refused while both are too much, registered when the first one is gone', clauses: [`${REGISTER}/limit`, `${REGISTER}/registered`, 'ledger/locked'], requires: V2 },
    (p) => {
      const container = p.v2();
      const [first, second] = [p.memory(4n * PAGE), p.memory(3n * PAGE)];
      p.limit(7n * PAGE - 1n).register(container, first).register(container, second).unregister(container, first).register(container, second).register(container, first);
    },
  ),
  vfioScenario(
    { id: 'memory/limit/shared-region', title: 'A region that the process has registered already is registered by another container with nothing left to lock', clauses: [`${REGISTER}/registered`, 'ledger/locked'], requires: [...V2, 'pe:pe1'] },
    (p) => {
      const [a, b] = [p.v2(), p.v2('pe1')];
      const buffer = p.memory();
      p.limit(buffer.length).register(a, buffer).register(b, buffer).register(b, p.memory(PAGE));
    },
  ),
  vfioScenario(
    { id: 'memory/limit/lowered', title: 'A limit below what is locked refuses everything further, and takes nothing away; what is given back stays given back', clauses: [`${REGISTER}/limit`, `${CREATE}/limit`, `${MAP}/mapped`, 'ledger/locked'], requires: TWO_WINDOWS },
    (p) => {
      const container = p.v2();
      const buffer = p.registered(container);
      p.map(container, buffer.address, p.defaultWindow().start, IO_PAGE).limit(0n).map(container, buffer.at(PAGE), p.defaultWindow().at(PAGE), PAGE);
      p.registered(container, PAGE);
      p.create(container, GIB);
      p.unmap(container, p.defaultWindow().start, 2n * PAGE).unregister(container, buffer).register(container, buffer);
    },
  ),
  vfioScenario(
    { id: 'memory/limit/less-than-a-page', title: 'A table smaller than a system page is charged as nothing, and so is created with nothing left to lock', clauses: [`${CREATE}/created`, 'ledger/locked'], requires: [...TWO_WINDOWS, 'platform:pseries'] },
    (p) => {
      const container = p.v2();
      p.unmap(container, p.defaultWindow().start, IO_PAGE).register(container, p.memory(PAGE)).unmap(container, p.defaultWindow().start, IO_PAGE).limit(0n);
      for (const shift of [16n, 18n, 20n]) {
        const window = p.create(container, 1n << shift, 16);
        p.remove(container, window.start);
      }
    },
  ),
  vfioScenario(
    { id: 'memory/limit/refused-often', title: 'What is refused for want of lockable memory charges nothing, however often it is asked for', clauses: [`${REGISTER}/limit`, `${MAP}/default-window`, `${CREATE}/default-window`, 'ledger/locked'], requires: TWO_WINDOWS },
    (p) => {
      const container = p.v2();
      const [small, large] = [p.registered(container, PAGE), p.memory(256n * PAGE)];
      p.limit(2n * PAGE);
      for (let round = 0; round < 5; round++) {
        p.register(container, large).map(container, small.address, p.defaultWindow().start, IO_PAGE);
        p.create(container, GIB);
      }
      p.limit(64n * MIB).register(container, large).map(container, small.address, p.defaultWindow().start, IO_PAGE);
    },
  ),
  vfioScenario(
    { id: 'memory/limit/of-child', title: "A child's limit is its own: it is refused where its parent is not", clauses: [`${REGISTER}/limit`, `${REGISTER}/registered`, 'ledger/locked'], requires: [...V2, 'pe:pe1'] },
    (p) => {
      const container = p.v2();
      const buffer = p.memory();
      const by = p.fork();
      p.limit(PAGE, by);
      const fd = p.open('container', 'theirs', by);
      const group = p.open('pe1', 'group', by);
      p.ioctl(group, 'VFIO_GROUP_SET_CONTAINER', { fd }, { by }).ioctl(fd, 'VFIO_SET_IOMMU', { value: 7n }, { by });
      p.register({ fd, group }, buffer, by).register(container, buffer);
    },
  ),
];

/** Limits of locked memory, to the page. */
export const scenarios: readonly Scenario[] = [...costs, ...others];
