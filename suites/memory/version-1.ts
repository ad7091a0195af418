import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { IO_PAGE, ofType, PAGE, TYPE_V1 } from '../vfio/steps.js';

const ENABLE = 'VFIO_IOMMU_ENABLE';
const DISABLE = 'VFIO_IOMMU_DISABLE';
const MAP = 'VFIO_IOMMU_MAP_DMA';

/** SPAPR TCE v1: the process is charged for a whole window at once, and its memory is pinned by mapping. */
export const scenarios: readonly Scenario[] = [
  vfioScenario(
    { id: 'memory/v1/ledger', title: 'v1 is charged for the default window when it is enabled, for its table at the first mapping, and for no mapping', clauses: [`${ENABLE}/enabled`, `${MAP}/mapped`, 'VFIO_IOMMU_UNMAP_DMA/unmapped', 'ledger/locked'] },
    (p) => {
      const container = p.v1();
      const buffer = p.memory(16n * PAGE);
      p.map(container, buffer.address, p.defaultWindow().start, IO_PAGE).map(container, buffer.address, p.defaultWindow().at(IO_PAGE), buffer.length).unmap(container, p.defaultWindow().start, 16n * PAGE);
    },
  ),
  vfioScenario(
    { id: 'memory/v1/enable-cycles', title: 'Enabled and disabled eight times, and twice in a row, v1 is charged and given back once each time', clauses: [`${ENABLE}/enabled`, `${ENABLE}/already`, `${DISABLE}/disabled`, 'ledger/locked'] },
    (p) => {
      const { fd } = ofType(p, TYPE_V1);
      for (const call of [DISABLE, ENABLE, ENABLE, DISABLE, DISABLE] as const) p.ioctl(fd, call);
      for (let round = 0; round < 8; round++) p.ioctl(fd, ENABLE).ioctl(fd, DISABLE);
    },
  ),
  vfioScenario(
    { id: 'memory/v1/two-groups', title: 'Two containers of v1 are each charged for a window of their own', clauses: [`${ENABLE}/enabled`, 'close/closed', 'ledger/locked'], requires: ['pe:pe1'] },
    (p) => {
      const [a, b] = [p.v1(), p.v1('pe1')];
      const { address } = p.memory(PAGE);
      p.map(a, address, p.defaultWindow().start, IO_PAGE).map(b, address, p.defaultWindow('pe1').start, IO_PAGE).close(a.group).ioctl(b.fd, DISABLE);
    },
  ),
  vfioScenario(
    { id: 'memory/v1/not-pinnable', title: 'v1 refuses with EFAULT what cannot be pinned for writing: holes, memory that is only to be read, addresses without memory', clauses: [`${MAP}/memory`] },
    (p) => {
      const container = p.v1();
      const { start } = p.defaultWindow();
      const buffer = p.memory();
      p.do({ door: 'user', op: 'map', address: buffer.at(PAGE), length: PAGE, protection: 'r' }).do({ door: 'user', op: 'map', address: buffer.at(2n * PAGE), length: PAGE, protection: 'none' });
      for (const flags of [1n, 2n, 3n]) p.map(container, buffer.at(PAGE), start, IO_PAGE, flags).map(container, buffer.at(2n * PAGE), start, IO_PAGE, flags);
      p.map(container, 0n, start, IO_PAGE).map(container, 0x1000_0000_0000_0000n, start, IO_PAGE).map(container, buffer.address, start, 2n * PAGE);
      p.map(container, buffer.address, start, PAGE).map(container, buffer.at(3n * PAGE), start, PAGE);
    },
  ),
  vfioScenario(
    { id: 'memory/v1/given-up', title: 'v1 maps memory without registration, and keeps what it mapped when the program gives it up', clauses: [`${MAP}/mapped`, `${MAP}/memory`, 'VFIO_IOMMU_UNMAP_DMA/unmapped'] },
    (p) => {
      const container = p.v1();
      const { start, at } = p.defaultWindow();
      const buffer = p.memory();
      p.map(container, buffer.address, start, buffer.length).munmap(buffer).map(container, buffer.address, at(4n * PAGE), PAGE).unmap(container, start, buffer.length).map(container, buffer.address, start, PAGE);
    },
  ),
  vfioScenario(
    { id: 'memory/v1/huge-pages', title: 'v1 maps memory of huge pages by the 4 KiB pages of the default window', clauses: [`${MAP}/mapped`] },
    (p) => {
      const container = p.v1();
      const buffer = p.memory(1n << 21n, { hugePages: 21 });
      p.map(container, buffer.address, p.defaultWindow().start, buffer.length).unmap(container, p.defaultWindow().start, buffer.length);
    },
  ),
];
