import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { BufferHandle, ContainerHandle, VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { inUse, IO_PAGE, ofType, PAGE, setIommu, TWO_WINDOWS, TYPE_V1, TYPE_V2, V2 } from '../vfio/steps.js';

const MAPPED = 'witness/mapped';
const LOST = 'witness/lost';

/** A container with a window beside the default one, and mappings in both: 16 entries and 64. */
function full(p: VfioProgramBuilder): { readonly container: ContainerHandle; readonly buffer: BufferHandle; readonly start: ReturnType<VfioProgramBuilder['create']> } {
  const container = p.v2();
  const buffer = p.registered(container);
  const start = p.create(container);
  p.map(container, buffer.address, p.defaultWindow().start, PAGE).map(container, buffer.address, start.start, buffer.length);
  return { container, buffer, start };
}

const entries: readonly Scenario[] = [
  vfioScenario(
    { id: 'windows/witness/maps', title: 'The hypervisor sees an entry for every I/O page that is mapped, and none for the rest', clauses: [MAPPED], requires: [...TWO_WINDOWS, 'witness'] },
    (p) => {
      const { container, buffer, start } = full(p);
      p.witness().map(container, buffer.address, p.defaultWindow().at(PAGE), IO_PAGE, 1n).map(container, buffer.address, p.defaultWindow().at(2n * PAGE), IO_PAGE, 2n);
      p.witness().unmap(container, start.at(PAGE), 2n * PAGE).witness().unmap(container, p.defaultWindow().start, 4n * PAGE).witness();
      // A mapping over a live one leaves one entry for each page.
      for (let round = 0; round < 3; round++) p.map(container, buffer.at(PAGE), start.start, PAGE).witness();
    },
  ),
  vfioScenario(
    { id: 'windows/witness/rolled-back', title: 'A mapping that was refused half-way leaves no entry of its own, and no refused call changes those before and behind it', clauses: [MAPPED, 'VFIO_IOMMU_MAP_DMA/registered', 'VFIO_IOMMU_UNMAP_DMA/iova-alignment'], requires: [...V2, 'witness'] },
    (p) => {
      const container = p.v2();
      const memory = p.memory(8n * PAGE);
      const [first, second] = [0n, 4n * PAGE].map((from): BufferHandle => ({ address: memory.at(from), length: 2n * PAGE, at: (offset) => memory.at(from + offset) }));
      p.register(container, first!).register(container, second!);
      const { start, at } = p.defaultWindow();
      p.map(container, second!.address, start, PAGE).map(container, second!.address, at(8n * PAGE), PAGE).witness();
      p.map(container, memory.address, at(PAGE), 3n * PAGE).witness();
      p.map(container, first!.address, at(8n), IO_PAGE).map(container, first!.address, start, 0x800n).map(container, first!.address, start, IO_PAGE, 0n).map(container, first!.at(8n), start, IO_PAGE);
      p.unmap(container, start, 0x800n).unmap(container, at(8n), IO_PAGE).ioctl(container.fd, 'VFIO_IOMMU_UNMAP_DMA', { flags: 1n, iova: start, size: IO_PAGE });
      p.witness().unmap(container, start, PAGE).witness();
    },
  ),
  vfioScenario(
    { id: 'windows/witness/v1', title: 'The hypervisor sees the entries of v1, also while it is disabled, and none when it is closed', clauses: [MAPPED, LOST], requires: ['witness'] },
    (p) => {
      const container = ofType(p, TYPE_V1);
      const { address, length } = p.memory();
      p.ioctl(container.fd, 'VFIO_IOMMU_ENABLE').map(container, address, p.defaultWindow().start, length).witness().ioctl(container.fd, 'VFIO_IOMMU_DISABLE').witness();
      p.close(container.group).close(container.fd).witness();
    },
  ),
];

const endings: readonly Scenario[] = [
  vfioScenario(
    { id: 'windows/witness/removed', title: 'When windows are removed every entry is cleared before its window goes', clauses: [MAPPED, LOST], requires: [...TWO_WINDOWS, 'witness'] },
    (p) => {
      const { container, start } = full(p);
      p.witness().remove(container, start.start).witness().remove(container, p.defaultWindow().start).witness();
    },
  ),
  vfioScenario(
    { id: 'windows/witness/given-back', title: 'When a group leaves its container, or all is closed, every entry is cleared before its window goes', clauses: [MAPPED, LOST], requires: [...TWO_WINDOWS, 'witness'] },
    (p) => {
      const left = full(p);
      p.witness().ioctl(left.container.group, 'VFIO_GROUP_UNSET_CONTAINER').witness().close(left.container.group).close(left.container.fd);
      const closed = full(p);
      p.witness().close(closed.container.fd).witness().close(closed.container.group).witness();
    },
  ),
  vfioScenario(
    { id: 'windows/witness/ended', title: 'When a process ends, by itself or killed, every entry of its windows is cleared before they go', clauses: [MAPPED, LOST], requires: [...V2, 'witness'] },
    (p) => {
      for (const end of ['exit', 'kill'] as const) {
        const by = p.fork();
        const fd = p.open('container', `container-${end}`, by);
        const group = p.open('pe0', `group-${end}`, by);
        p.ioctl(group, 'VFIO_GROUP_SET_CONTAINER', { fd }, { by });
        setIommu(p, fd, TYPE_V2, by);
        const memory = p.memory(4n * PAGE, { by });
        p.register({ fd, group }, memory, by).ioctl(fd, 'VFIO_IOMMU_MAP_DMA', { flags: 3n, vaddr: memory.address, iova: p.defaultWindow().start, size: memory.length }, { by });
        p.witness().do({ door: 'host', op: end, by }).witness();
      }
      inUse(p);
      p.witness();
    },
  ),
];

const others: readonly Scenario[] = [
  vfioScenario(
    { id: 'windows/witness/created-again', title: 'A window that is created again is empty for the hypervisor too, at its ends as in its middle', clauses: [MAPPED, LOST], requires: [...TWO_WINDOWS, 'witness'] },
    (p) => {
      const container = p.v2();
      const buffer = p.registered(container);
      const size = 1n << 30n;
      for (let round = 0; round < 3; round++) {
        const window = p.create(container, size);
        p.witness();
        for (const offset of [0n, size / 2n, size - buffer.length]) p.map(container, buffer.address, window.at(offset), buffer.length);
        p.witness().remove(container, window.start).witness();
      }
    },
  ),
  vfioScenario(
    { id: 'windows/witness/many', title: 'A thousand entries and more are all seen, and all cleared with the window', clauses: [MAPPED, LOST], requires: [...V2, 'witness'] },
    (p) => {
      const container = p.v2();
      const buffer = p.registered(container, 128n * PAGE);
      p.map(container, buffer.address, p.defaultWindow().start, buffer.length).witness().unmap(container, p.defaultWindow().at(PAGE), buffer.length - 2n * PAGE).witness().remove(container, p.defaultWindow().start).witness();
    },
  ),
  vfioScenario(
    { id: 'windows/witness/neighbour', title: "What happens in one PE's windows changes no entry of another's", clauses: [MAPPED, LOST], requires: [...TWO_WINDOWS, 'pe:pe1', 'witness'] },
    (p) => {
      const [first, second] = [inUse(p), inUse(p, 'pe1')];
      p.witness('pe0').witness('pe1').map(first.container, first.buffer.address, p.defaultWindow().start, first.buffer.length).witness('pe1');
      p.remove(first.container, p.defaultWindow().start).witness('pe0').witness('pe1').close(second.container.group).witness('pe0').witness('pe1');
    },
  ),
];

/** What the hypervisor sees of the windows of a partition. */
export const scenarios: readonly Scenario[] = [...entries, ...endings, ...others];
