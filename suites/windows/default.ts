import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { BufferHandle, ContainerHandle, VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { info, IO_PAGE, likeDefault, PAGE, TWO_WINDOWS, V2 } from '../vfio/steps.js';

const CREATE = 'VFIO_IOMMU_SPAPR_TCE_CREATE';
const REMOVE = 'VFIO_IOMMU_SPAPR_TCE_REMOVE';
const MAP = 'VFIO_IOMMU_MAP_DMA';
const UNMAP = 'VFIO_IOMMU_UNMAP_DMA';

/** Bytes of a window that is larger than any default one. */
const LARGER = 1n << 32n;

const ready = (p: VfioProgramBuilder): { readonly container: ContainerHandle; readonly buffer: BufferHandle } => {
  const container = p.v2();
  return { container, buffer: p.registered(container) };
};

/** The calls that make it, each as the first one; the ledger shows that it is made, and made once. */
const MAKERS: readonly ((p: VfioProgramBuilder, c: ContainerHandle, b: BufferHandle) => unknown)[] = [
  (p, c, b) => p.map(c, b.address, p.defaultWindow().start, IO_PAGE),
  (p, c) => p.unmap(c, p.defaultWindow().start, IO_PAGE),
  (p, c) => p.create(c),
];

const making = vfioScenario(
  { id: 'windows/default/made', title: 'The default window is made by the first mapping, unmapping or creation, and by that one alone', clauses: [`${MAP}/mapped`, `${UNMAP}/unmapped`, `${CREATE}/created`, `${REMOVE}/removed`, 'ledger/locked'], requires: TWO_WINDOWS },
  (p) => {
    for (const make of MAKERS) {
      const { container, buffer } = ready(p);
      make(p, container, buffer);
      p.map(container, buffer.address, p.defaultWindow().start, buffer.length).unmap(container, p.defaultWindow().start, buffer.length).remove(container, p.defaultWindow().start);
      p.close(container.group).close(container.fd);
    }
  },
);

const promised: readonly Scenario[] = [
  vfioScenario(
    { id: 'windows/default/not-made', title: 'Calls that are refused before they look at a window make no default window, and neither do those that need none', clauses: [`${MAP}/flags`, `${UNMAP}/argsz`, `${CREATE}/flags`, 'VFIO_IOMMU_SPAPR_TCE_GET_INFO/answer', `${REMOVE}/promise-dropped`], requires: V2 },
    (p) => {
      const { container, buffer } = ready(p);
      const { fd } = container;
      const iova = p.defaultWindow().start;
      info(p, container).register(container, buffer).unregister(container, buffer).ioctl(fd, MAP, { flags: 4n, iova, size: IO_PAGE }).ioctl(fd, MAP, { argsz: 8n }).ioctl(fd, MAP, {}, { pointer: 'unmapped' });
      p.ioctl(fd, UNMAP, { argsz: 8n }).ioctl(fd, UNMAP, { flags: 1n }).ioctl(fd, CREATE, { flags: 1n }).ioctl(fd, CREATE, { argsz: 8n }).remove(container, p.defaultWindow().at(IO_PAGE));
      p.remove(container, iova);
    },
  ),
  vfioScenario(
    { id: 'windows/default/made-though-refused', title: 'Calls that are refused for what they ask of a window have made the default one all the same, once', clauses: [`${MAP}/iova`, `${UNMAP}/size`, `${CREATE}/page-size`, `${REMOVE}/removed`, 'ledger/locked'], requires: V2 },
    (p) => {
      const base = p.defaultWindow().start;
      const refused: readonly ((c: ContainerHandle) => VfioProgramBuilder)[] = [
        (c) => p.ioctl(c.fd, MAP, { flags: 3n, iova: 1n << 62n, size: IO_PAGE }),
        (c) => p.ioctl(c.fd, UNMAP, { iova: base, size: 0x800n }),
        (c) => p.ioctl(c.fd, CREATE, { page_shift: 13n, window_size: 1n << 30n, levels: 1n }),
      ];
      const { container, buffer } = ready(p);
      for (const call of refused) {
        call(container).remove(container, base).remove(container, base);
        p.ioctl(container.group, 'VFIO_GROUP_UNSET_CONTAINER').ioctl(container.group, 'VFIO_GROUP_SET_CONTAINER', { fd: container.fd }).ioctl(container.fd, 'VFIO_SET_IOMMU', { value: 7n }).register(container, buffer);
      }
    },
  ),
];

const returning: readonly Scenario[] = [
  vfioScenario(
    { id: 'windows/default/removed-and-created', title: 'A default window that was made and removed is there again only when a window is created, and then it is empty', clauses: [`${REMOVE}/removed`, `${MAP}/iova`, `${CREATE}/created`, `${MAP}/mapped`, 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY/unregistered'], requires: V2 },
    (p) => {
      const { container, buffer } = ready(p);
      const base = p.defaultWindow().start;
      p.map(container, buffer.address, base, buffer.length).remove(container, base).map(container, buffer.address, base, IO_PAGE).unmap(container, base, IO_PAGE);
      // Nothing maps the region any more.
      p.unregister(container, buffer).register(container, buffer);
      likeDefault(p, container).map(container, buffer.address, base, buffer.length);
    },
  ),
  vfioScenario(
    { id: 'windows/default/dropped-and-created', title: 'A default window that was removed before it was made can be created as any other', clauses: [`${REMOVE}/promise-dropped`, `${CREATE}/created`, `${MAP}/mapped`], requires: V2 },
    (p) => {
      const { container, buffer } = ready(p);
      const base = p.defaultWindow().start;
      p.remove(container, base);
      likeDefault(p, container).map(container, buffer.address, base, buffer.length).remove(container, base).map(container, buffer.address, base, IO_PAGE);
    },
  ),
  vfioScenario(
    { id: 'windows/default/again-and-again', title: 'Six times the default window is removed and created, mapped each time', clauses: [`${CREATE}/created`, `${REMOVE}/removed`, `${MAP}/mapped`, 'ledger/locked'], requires: V2 },
    (p) => {
      const { container, buffer } = ready(p);
      const base = p.defaultWindow().start;
      for (let round = 0; round < 6; round++) {
        p.remove(container, base);
        likeDefault(p, container).map(container, buffer.address, base, buffer.length);
      }
    },
  ),
  vfioScenario(
    { id: 'windows/default/smaller', title: 'A smaller window created in place of the default one ends where it was asked to', clauses: [`${CREATE}/created`, `${MAP}/mapped`, `${MAP}/iova`], requires: V2 },
    (p) => {
      const { container, buffer } = ready(p);
      p.remove(container, 0n).ioctl(container.fd, CREATE, { page_shift: 12n, window_size: 1n << 25n, levels: 1n }, { as: 'smaller' });
      const start = { from: 'smaller.start_addr' };
      for (const offset of [0n, (1n << 25n) - IO_PAGE, 1n << 25n, 1n << 26n]) p.map(container, buffer.address, { ...start, plus: offset }, IO_PAGE);
      info(p, container).remove(container, start);
    },
  ),
  vfioScenario(
    { id: 'windows/default/other-in-its-place', title: 'A larger window can take the place of the default one, and the default one its place again', clauses: [`${CREATE}/created`, `${MAP}/mapped`, `${REMOVE}/removed`], requires: V2 },
    (p) => {
      const { container, buffer } = ready(p);
      p.remove(container, 0n);
      const window = p.create(container, LARGER);
      p.map(container, buffer.address, window.start, buffer.length).unmap(container, window.start, PAGE).remove(container, window.start);
      likeDefault(p, container).map(container, buffer.address, p.defaultWindow().start, buffer.length);
    },
  ),
  vfioScenario(
    { id: 'windows/default/after-unset', title: 'A group that left and came back is promised its default window anew, whatever was removed before', clauses: [`${REMOVE}/promise-dropped`, 'VFIO_SET_IOMMU/set', `${MAP}/mapped`], requires: V2 },
    (p) => {
      const { container, buffer } = ready(p);
      p.remove(container, 0n).ioctl(container.group, 'VFIO_GROUP_UNSET_CONTAINER').ioctl(container.group, 'VFIO_GROUP_SET_CONTAINER', { fd: container.fd }).ioctl(container.fd, 'VFIO_SET_IOMMU', { value: 7n });
      p.register(container, buffer).map(container, buffer.address, p.defaultWindow().start, buffer.length);
    },
  ),
];

/** Windows beside a created one, with the default one gone: a partition's kernel keeps one created window for each PE. */
const beside: readonly Scenario[] = [
  vfioScenario(
    { id: 'windows/default/gone-beside-created', title: 'With a created window there and the default one removed another first window, like the default one or not, is made or refused, and the created one works on', clauses: [`${CREATE}/first-again`, `${MAP}/mapped`], requires: TWO_WINDOWS },
    (p) => {
      for (const like of [true, false]) {
        const { container, buffer } = ready(p);
        const window = p.create(container, 1n << 30n);
        p.map(container, buffer.address, window.start, PAGE).remove(container, p.defaultWindow().start);
        if (like) likeDefault(p, container);
        else p.create(container, 1n << 28n);
        p.map(container, buffer.address, window.at(PAGE), PAGE).remove(container, window.start).close(container.group).close(container.fd);
      }
    },
  ),
  vfioScenario(
    {
      id: 'windows/default/second-beside-created',
      title: 'With a created window in the place of the default one a second is made or refused; where it was refused the PE may get no window any more',
      clauses: [`${CREATE}/second-created`, `${CREATE}/refused-before`, `${MAP}/default-refused`, `${UNMAP}/default-refused`, `${CREATE}/default-refused`],
      requires: TWO_WINDOWS,
      // Linux in a partition remembers the refusal until it is booted again.
      destructive: true,
    },
    (p) => {
      const { container, buffer } = ready(p);
      p.remove(container, 0n);
      const window = p.create(container, LARGER);
      p.create(container, 1n << 28n);
      p.map(container, buffer.address, window.start, PAGE).remove(container, window.start);
      p.create(container, LARGER);
      p.close(container.group).close(container.fd);
      const calls: readonly ((c: ContainerHandle) => unknown)[] = [(c) => p.map(c, buffer.address, p.defaultWindow().start, PAGE), (c) => p.unmap(c, p.defaultWindow().start, PAGE), (c) => p.create(c)];
      for (const call of calls) {
        const again = p.v2();
        p.register(again, buffer);
        call(again);
        p.close(again.group).close(again.fd);
      }
    },
  ),
];

/** The default window: promised, made, removed, brought back. */
export const scenarios: readonly Scenario[] = [making, ...promised, ...returning, ...beside];
