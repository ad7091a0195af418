import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { BufferHandle, VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { plus, type Term } from '../../reference/doors/term.js';
import { IO_PAGE, PAGE, V2 } from '../vfio/steps.js';

const REGISTER = 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY';
const UNREGISTER = 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY';
const MAP = 'VFIO_IOMMU_MAP_DMA';

/** Bytes of a huge page, and what a target must have for I/O pages as large. */
const HUGE = 1n << 21n;
const HUGE_SHIFT = 21;
const HUGE_WINDOW = [...V2, 'second-window', 'page-size:21'] as const;

/** Puts new memory at an address, over what is there. */
const replace = (p: VfioProgramBuilder, address: Term, length: bigint, protection: 'rw' | 'r' | 'none'): VfioProgramBuilder => p.do({ door: 'user', op: 'map', address, length, protection });

const part = (buffer: BufferHandle, offset: bigint, length: bigint): BufferHandle => ({ address: buffer.at(offset), length, at: (more) => buffer.at(offset + more) });

/** What can be wrong with a page. */
const FAULTS = [
  { name: 'hole', text: 'without access', make: (p: VfioProgramBuilder, address: Term) => replace(p, address, PAGE, 'none') },
  { name: 'read-only', text: 'that must not be written', make: (p: VfioProgramBuilder, address: Term) => replace(p, address, PAGE, 'r') },
  { name: 'unmapped', text: 'that is not there', make: (p: VfioProgramBuilder, address: Term) => p.do({ door: 'user', op: 'unmap', address, length: PAGE }) },
] as const;

/** The bad page of four: the first, one in the middle, the last; and what is good beside it. */
const PLACES = [
  { bad: 0n, good: [1n, 4n] },
  { bad: 1n, good: [2n, 4n] },
  { bad: 3n, good: [0n, 3n] },
] as const;

const faults = FAULTS.map(({ name, text, make }) =>
  vfioScenario(
    { id: `memory/backing/${name}`, title: `A region with a page ${text}, its first, its last or one in the middle, is refused and charges nothing; what lies beside is registered`, clauses: [`${REGISTER}/memory`, `${REGISTER}/registered`, `${MAP}/registered`, 'ledger/locked'], requires: V2 },
    (p) => {
      const container = p.v2();
      for (const { bad, good } of PLACES) {
        const buffer = p.memory(4n * PAGE);
        make(p, buffer.at(bad * PAGE));
        const beside = part(buffer, good[0] * PAGE, (good[1] - good[0]) * PAGE);
        p.register(container, buffer).register(container, beside).map(container, buffer.at(bad * PAGE), p.defaultWindow().start, IO_PAGE).map(container, beside.address, p.defaultWindow().start, IO_PAGE);
      }
    },
  ),
);

const gone: readonly Scenario[] = [
  vfioScenario(
    { id: 'memory/backing/given-up', title: 'A region stays registered, charged and to be mapped when the program gives its memory up', clauses: [`${MAP}/mapped`, `${UNREGISTER}/unregistered`, 'ledger/locked'], requires: V2 },
    (p) => {
      const container = p.v2();
      const buffer = p.registered(container);
      p.munmap(buffer).map(container, buffer.address, p.defaultWindow().start, buffer.length).register(container, buffer);
      p.unmap(container, p.defaultWindow().start, buffer.length).unregister(container, buffer).register(container, buffer);
    },
  ),
  vfioScenario(
    { id: 'memory/backing/new-memory-same-address', title: 'New memory where a registered region was is refused with EBUSY while the old region is there, and registered when it is not', clauses: [`${REGISTER}/already`, `${REGISTER}/registered`, 'ledger/locked', 'user/memory'], requires: V2 },
    (p) => {
      const container = p.v2();
      const buffer = p.registered(container);
      p.map(container, buffer.address, p.defaultWindow().start, buffer.length);
      replace(p, buffer.address, buffer.length, 'rw');
      p.register(container, buffer).unmap(container, p.defaultWindow().start, buffer.length).unregister(container, buffer);
      p.register(container, buffer).map(container, buffer.address, p.defaultWindow().start, buffer.length);
    },
  ),
  vfioScenario(
    { id: 'memory/backing/given-up-while-mapped', title: 'Memory that is given up while mapped stays charged; unmapped and unregistered it is given back, though the program has it no more', clauses: [`${UNREGISTER}/unregistered`, 'ledger/locked'], requires: V2 },
    (p) => {
      const container = p.v2();
      const buffer = p.registered(container);
      p.map(container, buffer.address, p.defaultWindow().start, buffer.length).munmap(buffer).do({ door: 'host', op: 'ledger' });
      p.unmap(container, p.defaultWindow().start, buffer.length).unregister(container, buffer);
    },
  ),
  vfioScenario(
    { id: 'memory/backing/part-given-up', title: 'A region of which the program gave a part up is still the whole region', clauses: [`${MAP}/mapped`, `${UNREGISTER}/unknown`, `${UNREGISTER}/unregistered`], requires: V2 },
    (p) => {
      const container = p.v2();
      const buffer = p.registered(container);
      p.munmap(part(buffer, PAGE, PAGE)).map(container, buffer.address, p.defaultWindow().start, buffer.length);
      p.unregister(container, part(buffer, 0n, PAGE)).unmap(container, p.defaultWindow().start, buffer.length).unregister(container, buffer);
    },
  ),
  vfioScenario(
    { id: 'memory/backing/several-mappings', title: 'A region may lie on several mappings of the program that touch', clauses: [`${REGISTER}/registered`, `${MAP}/mapped`], requires: V2 },
    (p) => {
      const container = p.v2();
      const buffer = p.memory();
      replace(p, buffer.at(PAGE), PAGE, 'rw');
      replace(p, buffer.at(3n * PAGE), PAGE, 'rw');
      p.register(container, buffer).map(container, buffer.address, p.defaultWindow().start, buffer.length);
    },
  ),
  vfioScenario(
    { id: 'memory/backing/written-later', title: 'Memory that nobody has touched yet, and memory that is written after it was registered, is what the program sees', clauses: [`${REGISTER}/registered`, 'memory/contents'], requires: V2 },
    (p) => {
      const container = p.v2();
      const buffer = p.registered(container);
      p.load(buffer.at(PAGE), 64).fill(buffer.at(PAGE), 64, 0x5a).load(buffer.at(PAGE), 64);
      p.map(container, buffer.address, p.defaultWindow().start, buffer.length).load(buffer.at(PAGE), 64);
      p.unmap(container, p.defaultWindow().start, buffer.length).unregister(container, buffer).load(buffer.at(PAGE), 64);
    },
  ),
];

/** Memory of huge pages, and a window whose I/O pages are as large. */
function hugeWindow(p: VfioProgramBuilder, pages = 2n) {
  const container = p.v2();
  const buffer = p.memory(pages * HUGE, { hugePages: HUGE_SHIFT });
  return { container, buffer, window: p.create(container, 1n << 30n, HUGE_SHIFT) };
}

const huge: readonly Scenario[] = [
  vfioScenario(
    { id: 'memory/huge/charged', title: 'Memory of huge pages is charged by system pages, as any other', clauses: [`${REGISTER}/registered`, 'ledger/locked'], requires: V2 },
    (p) => {
      const container = p.v2();
      const buffer = p.memory(2n * HUGE, { hugePages: HUGE_SHIFT });
      p.register(container, buffer).map(container, buffer.at(HUGE - IO_PAGE), p.defaultWindow().start, 2n * IO_PAGE).unmap(container, p.defaultWindow().start, 2n * IO_PAGE).unregister(container, buffer);
    },
  ),
  vfioScenario(
    { id: 'memory/huge/mapped', title: 'Registered memory of huge pages is mapped by I/O pages as large, one and all at once', clauses: [`${MAP}/mapped`, 'VFIO_IOMMU_UNMAP_DMA/unmapped'], requires: HUGE_WINDOW },
    (p) => {
      const { container, buffer, window } = hugeWindow(p);
      p.register(container, buffer).map(container, buffer.at(HUGE), window.start, HUGE).map(container, buffer.address, window.at(HUGE), 2n * HUGE);
      p.unmap(container, window.start, HUGE).unmap(container, window.at(HUGE), 2n * HUGE).unregister(container, buffer);
    },
  ),
  vfioScenario(
    { id: 'memory/huge/ordinary-pages', title: 'Registered memory of ordinary pages cannot be mapped by an I/O page as large as a huge page, however it is aligned', clauses: [`${MAP}/page-size`, `${MAP}/mapped`], requires: HUGE_WINDOW },
    (p) => {
      const { container, buffer, window } = hugeWindow(p);
      replace(p, buffer.address, 2n * HUGE, 'rw');
      p.register(container, buffer).map(container, buffer.address, window.start, HUGE).map(container, buffer.address, p.defaultWindow().start, HUGE);
    },
  ),
  vfioScenario(
    { id: 'memory/huge/part-of-a-page', title: 'A region that is no whole number of huge pages serves ordinary I/O pages only', clauses: [`${MAP}/registered`, `${MAP}/mapped`], requires: HUGE_WINDOW },
    (p) => {
      const { container, buffer, window } = hugeWindow(p);
      p.register(container, part(buffer, 0n, HUGE + PAGE)).map(container, buffer.address, window.start, HUGE).map(container, buffer.address, p.defaultWindow().start, HUGE + PAGE);
      p.register(container, part(buffer, HUGE + PAGE, HUGE - PAGE)).map(container, buffer.at(HUGE), window.start, HUGE);
    },
  ),
  vfioScenario(
    { id: 'memory/huge/two-regions-one-page', title: 'An I/O page that would take two adjacent regions is refused with EINVAL', clauses: [`${MAP}/registered`], requires: HUGE_WINDOW },
    (p) => {
      const { container, buffer, window } = hugeWindow(p);
      p.register(container, part(buffer, 0n, HUGE / 2n)).register(container, part(buffer, HUGE / 2n, HUGE / 2n)).map(container, buffer.address, window.start, HUGE);
      p.map(container, buffer.address, p.defaultWindow().start, HUGE);
    },
  ),
  vfioScenario(
    { id: 'memory/huge/mixed', title: 'Of a region of huge and ordinary pages, in either order, no ordinary page is mapped by a large I/O page', clauses: [`${MAP}/mixed-pages`, `${MAP}/page-size`, `${MAP}/mapped`], requires: HUGE_WINDOW },
    (p) => {
      const { container, window } = hugeWindow(p);
      for (const [ordinary, large] of [[HUGE, 0n], [0n, HUGE]] as const) {
        const buffer = p.memory(2n * HUGE, { hugePages: HUGE_SHIFT });
        // A huge page goes as a whole. Then one page is touched before the rest is there, so that the system does not make one of them.
        replace(p, buffer.at(ordinary), HUGE, 'none');
        replace(p, buffer.at(ordinary), PAGE, 'rw').fill(buffer.at(ordinary), 1, 0);
        replace(p, buffer.at(ordinary + PAGE), HUGE - PAGE, 'rw');
        p.register(container, buffer).map(container, buffer.at(large), window.start, HUGE).map(container, buffer.at(ordinary), window.at(HUGE), HUGE).map(container, buffer.address, window.at(2n * HUGE), 2n * HUGE);
        p.map(container, buffer.address, p.defaultWindow().start, 2n * HUGE);
      }
    },
  ),
  vfioScenario(
    { id: 'memory/huge/unaligned', title: 'Between huge pages no I/O page as large begins: the address in memory, on the bus and the size are all whole pages', clauses: [`${MAP}/vaddr`, `${MAP}/size`, `${MAP}/iova-alignment`], requires: HUGE_WINDOW },
    (p) => {
      const { container, buffer, window } = hugeWindow(p);
      p.register(container, buffer).map(container, buffer.at(PAGE), window.start, HUGE).map(container, buffer.address, window.start, PAGE).map(container, buffer.address, window.at(PAGE), HUGE);
      p.map(container, plus(buffer.address, HUGE), window.start, HUGE);
    },
  ),
];

/** What lies behind a region: holes, memory that goes, huge pages. */
export const scenarios: readonly Scenario[] = [...faults, ...gone, ...huge];
