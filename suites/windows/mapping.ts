import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { BufferHandle, ContainerHandle, IovaWindow, VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { plus, type Term } from '../../reference/doors/term.js';
import { IO_PAGE, PAGE, TWO_WINDOWS, V2 } from '../vfio/steps.js';

const MAP = 'VFIO_IOMMU_MAP_DMA';
const UNMAP = 'VFIO_IOMMU_UNMAP_DMA';
const UNREGISTER = 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY';

/** Bytes of the windows that are created here: no platform makes them larger. */
const SIZE = 1n << 30n;

/** Bytes that every default window has. */
const PART = 1n << 24n;

interface Rig {
  readonly container: ContainerHandle;
  readonly buffer: BufferHandle;
  readonly window: IovaWindow;
  /** The first bus address past the window. */
  readonly end: Term;
  /** Bytes of its I/O pages. */
  readonly page: bigint;
  /** Unmaps the whole of it. */
  readonly whole: (p: VfioProgramBuilder) => VfioProgramBuilder;
}

interface Kind {
  readonly kind: string;
  readonly text: string;
  readonly requires: readonly string[];
  readonly open: (p: VfioProgramBuilder) => Rig;
}

/** The kinds of window in which everything below is tried. */
const KINDS: readonly Kind[] = [
  {
    kind: 'default',
    text: 'the default window',
    requires: V2,
    open(p: VfioProgramBuilder): Rig {
      const container = p.v2();
      return { container, buffer: p.registered(container), window: p.defaultWindow(), end: { from: 'pe0.dma32.end' }, page: IO_PAGE, whole: (q) => q.ioctl(container.fd, UNMAP, { iova: { from: 'pe0.dma32.start' }, size: { from: 'pe0.dma32.size' } }) };
    },
  },
  {
    kind: 'created',
    text: 'a created window',
    requires: TWO_WINDOWS,
    open(p: VfioProgramBuilder): Rig {
      const container = p.v2();
      const window = p.create(container, SIZE);
      return { container, buffer: p.registered(container), window, end: window.at(SIZE), page: IO_PAGE, whole: (q) => q.unmap(container, window.start, SIZE) };
    },
  },
];

/** A part of a buffer. */
const part = (buffer: BufferHandle, from: bigint, length: bigint): BufferHandle => ({ address: buffer.at(from), length, at: (offset) => buffer.at(from + offset) });

interface Case {
  readonly name: string;
  readonly title: (window: string) => string;
  readonly clauses: readonly string[];
  readonly destructive?: true;
  readonly write: (p: VfioProgramBuilder, rig: Rig) => void;
}

const CASES: readonly Case[] = [
  {
    name: 'ends',
    title: (w) => `The first page and the last of ${w} are mapped, and no page before, behind or far away`,
    clauses: [`${MAP}/mapped`, `${MAP}/iova`, `${UNMAP}/unmapped`, `${UNMAP}/iova`],
    write(p, { container, buffer, window, end, page }) {
      const far = [40n, 50n, 62n, 63n].map((bit) => window.at(1n << bit));
      const places = [window.start, plus(end, -page), end, plus(end, page), window.at(-page), ...far, 0xffff_ffff_ffff_0000n];
      for (const iova of places) p.map(container, buffer.address, iova, page);
      for (const iova of places) p.unmap(container, iova, page);
    },
  },
  {
    name: 'nothing',
    title: (w) => `A mapping or unmapping of no bytes in ${w} changes nothing, and is checked as any other`,
    clauses: [`${MAP}/nothing`, `${UNMAP}/nothing`, `${MAP}/iova`, `${MAP}/direction`],
    write(p, { container, buffer, window, end, page }) {
      p.map(container, buffer.address, window.start, page);
      for (const iova of [window.start, plus(end, -page), end]) p.map(container, buffer.address, iova, 0n).unmap(container, iova, 0n);
      p.map(container, 0n, window.start, 0n).map(container, buffer.address, window.start, 0n, 0n).map(container, buffer.address, window.at(8n), 0n);
      p.unmap(container, window.start, page).unregister(container, buffer);
    },
  },
  {
    name: 'unaligned',
    title: (w) => `Sizes and addresses that are no multiples of the I/O page of ${w} are refused, and nothing is mapped`,
    clauses: [`${MAP}/size`, `${MAP}/vaddr`, `${MAP}/iova-alignment`, `${UNMAP}/size`, `${UNMAP}/iova-alignment`, `${UNREGISTER}/unregistered`],
    write(p, { container, buffer, window, page }) {
      for (const odd of [1n, 8n, page / 2n, page - 1n]) {
        p.map(container, buffer.address, window.start, odd).map(container, buffer.at(odd), window.start, page).map(container, buffer.address, window.at(odd), page);
        p.unmap(container, window.start, odd).unmap(container, window.at(odd), page).map(container, buffer.address, window.start, page + odd);
      }
      p.unregister(container, buffer);
    },
  },
  {
    name: 'replaced',
    title: (w) => `A mapping over a live one in ${w}, of whatever direction, takes its place, and the memory that was mapped before is let go`,
    clauses: [`${MAP}/mapped`, `${MAP}/direction`, `${UNREGISTER}/unregistered`, 'ledger/locked'],
    write(p, { container, buffer, window, page }) {
      const other = p.registered(container);
      for (const flags of [1n, 2n, 3n, 0n]) p.map(container, buffer.address, window.start, page, flags).map(container, buffer.address, window.at(page * flags), page, flags);
      p.map(container, other.address, window.start, other.length).unregister(container, buffer);
      for (let round = 0; round < 4; round++) p.map(container, other.address, window.start, page);
      p.unmap(container, window.start, other.length).unregister(container, other);
    },
  },
  {
    name: 'parts',
    title: (w) => `Any part of what was mapped in ${w} is unmapped with success, mapped or not, and the memory is let go with the last page`,
    clauses: [`${UNMAP}/unmapped`, `${UNREGISTER}/unregistered`, 'ledger/locked'],
    write(p, { container, buffer, window, end, page, whole }) {
      p.unmap(container, window.at(64n * page), 16n * page).map(container, buffer.address, window.start, 4n * page);
      p.unmap(container, window.at(page), page).unmap(container, window.at(page), page).unmap(container, window.at(2n * page), 8n * page).unmap(container, window.start, page).unregister(container, buffer);
      p.register(container, buffer);
      for (let i = 0n; i < 4n; i++) p.map(container, buffer.address, window.at(i * 16n * page), page);
      p.map(container, buffer.address, plus(end, -page), page).unmap(container, plus(end, -PART), PART).unmap(container, plus(end, -PART), PART).unmap(container, window.start, PART);
      whole(p).unregister(container, buffer);
    },
  },
  {
    name: 'memory-ends-first',
    title: (w) => `A mapping far longer than ${w}, whose memory ends before the window does, is refused and maps nothing`,
    clauses: [`${MAP}/beyond-window`, `${UNREGISTER}/unregistered`],
    write(p, { container, buffer, window }) {
      for (const size of [1n << 36n, 1n << 62n]) p.map(container, buffer.address, window.start, size).map(container, buffer.at(PAGE), window.at(PAGE), size);
      p.unregister(container, buffer);
    },
  },
  {
    name: 'unmap-across-the-end',
    title: (w) => `An unmapping that begins in ${w} and goes on behind it is refused`,
    clauses: [`${UNMAP}/beyond-window`, `${UNREGISTER}/unregistered`, 'platform/alive', 'log/quiet'],
    // Not by every kernel: then entries behind the table are cleared, whatever is there; so the range is short.
    destructive: true,
    write(p, { container, buffer, end, page }) {
      p.map(container, buffer.address, plus(end, -page), page);
      for (const size of [2n * page, 16n * page]) p.unmap(container, plus(end, -page), size);
      p.unmap(container, plus(end, -page), page).unregister(container, buffer);
    },
  },
  {
    name: 'map-across-the-end',
    title: (w) => `A mapping of registered memory that begins on the last page of ${w} and goes on behind it is refused, and maps nothing`,
    clauses: [`${MAP}/beyond-window`, `${UNREGISTER}/unregistered`, 'platform/alive', 'log/quiet'],
    destructive: true,
    write(p, { container, buffer, window, end, page }) {
      p.map(container, buffer.address, plus(end, -page), 2n * page).map(container, buffer.address, plus(end, -2n * page), 4n * page).unregister(container, buffer);
      p.register(container, buffer).map(container, buffer.address, window.start, page);
    },
  },
  {
    name: 'regions',
    title: (w) => `One mapping in ${w} may take memory of two regions that touch, but none beside a region and none that was given back`,
    clauses: [`${MAP}/mapped`, `${MAP}/registered`, `${UNREGISTER}/unregistered`],
    write(p, { container, window, page }) {
      const memory = p.memory(8n * PAGE);
      const halves = [2n, 4n].map((from) => part(memory, from * PAGE, 2n * PAGE));
      for (const half of halves) p.register(container, half);
      for (const vaddr of [memory.address, memory.at(6n * PAGE), memory.at(2n * PAGE - page), 0n, 0xffff_ffff_ffff_0000n]) p.map(container, vaddr, window.start, page);
      p.map(container, memory.at(2n * PAGE), window.start, 4n * PAGE).map(container, memory.at(3n * PAGE), window.at(8n * PAGE), 2n * PAGE).unmap(container, window.start, 16n * PAGE);
      for (const half of halves) p.unregister(container, half).map(container, half.address, window.start, page);
    },
  },
  {
    name: 'bad-page',
    title: (w) => `Of a mapping in ${w} with one page that is not registered nothing stays, and another one is made in its place`,
    clauses: [`${MAP}/registered`, `${MAP}/mapped`, `${UNREGISTER}/unregistered`, 'ledger/locked'],
    write(p, { container, window }) {
      const memory = p.memory(8n * PAGE);
      const sides = [0n, 5n].map((from) => part(memory, from * PAGE, 3n * PAGE));
      for (const side of sides) p.register(container, side);
      p.map(container, memory.address, window.start, memory.length).map(container, memory.at(2n * PAGE), window.start, 2n * PAGE);
      for (const side of sides) p.unregister(container, side).register(container, side);
      p.map(container, memory.address, window.start, 3n * PAGE).map(container, memory.at(PAGE), window.at(4n * PAGE), 3n * PAGE).unmap(container, window.start, 8n * PAGE);
      for (const side of sides) p.unregister(container, side);
    },
  },
];

/** Every case in every kind of window. */
const inWindows = KINDS.flatMap(({ kind, text, requires, open }) =>
  CASES.map(({ name, title, clauses, destructive, write }) =>
    vfioScenario({ id: `windows/map/${kind}/${name}`, title: title(text), clauses, requires, ...(destructive && { destructive }) }, (p) => write(p, open(p))),
  ),
);

/** A table is at least a page of the system: where the host keeps it the window is as large as that. */
const small = vfioScenario(
  { id: 'windows/map/created/small', title: 'A window of 16 pages is mapped at each of them, and behind them only where the platform makes windows larger than asked for', clauses: [`${MAP}/mapped`, 'VFIO_IOMMU_SPAPR_TCE_REMOVE/removed'], requires: TWO_WINDOWS },
  (p) => {
    const container = p.v2();
    const buffer = p.registered(container);
    const window = p.create(container, 16n * IO_PAGE);
    for (const page of [0n, 7n, 15n, 16n, 100n, 511n, 512n, 8191n, 8192n]) p.map(container, buffer.address, window.at(page * IO_PAGE), IO_PAGE);
    p.unmap(container, window.start, 16n * IO_PAGE).remove(container, window.start).unregister(container, buffer);
  },
);

/** MAP and UNMAP: arithmetic at edges, replacement, rollback. */
export const scenarios: readonly Scenario[] = [...inWindows, small];
