import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { info, IO_PAGE, PAGE, TWO_WINDOWS, V2 } from '../vfio/steps.js';

const CREATE = 'VFIO_IOMMU_SPAPR_TCE_CREATE';
const REMOVE = 'VFIO_IOMMU_SPAPR_TCE_REMOVE';
const MAP = 'VFIO_IOMMU_MAP_DMA';

const withPages = (shift: number): string[] => [...V2, 'second-window', `page-size:${shift}`];

/** One window after another in a container of its own, because whether it is made only the platform knows. */
function eachAlone(p: VfioProgramBuilder, requests: readonly { readonly pageShift?: number; readonly size: bigint; readonly levels?: bigint }[]): void {
  for (const { pageShift = 16, size, levels = 1n } of requests) {
    const container = p.v2();
    p.create(container, size, pageShift, levels);
    p.close(container.group).close(container.fd);
  }
}

const shifts = (from: number, to: number, step = 1): number[] => Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step);

/** Sizes that every platform has memory for, by page size. */
const SIZES = [
  { pageShift: 12, from: 12, to: 30 },
  { pageShift: 16, from: 16, to: 34 },
  { pageShift: 21, from: 21, to: 39 },
] as const;

const sizes: readonly Scenario[] = [
  ...SIZES.map(({ pageShift, from, to }) =>
    vfioScenario(
      { id: `windows/size/of-pages-2^${pageShift}`, title: `Windows of pages of 2^${pageShift} bytes from one page to 2^${to} bytes are created, charged for their tables and removed`, clauses: [`${CREATE}/created`, `${CREATE}/start`, `${REMOVE}/removed`, 'ledger/locked'], requires: withPages(pageShift) },
      (p) => {
        const container = p.v2();
        for (const shift of shifts(from, to)) {
          const window = p.create(container, 1n << BigInt(shift), pageShift);
          p.remove(container, window.start);
        }
      },
    ),
  ),
  vfioScenario(
    { id: 'windows/size/no-power-of-two', title: 'A size that is no power of two, or nothing, is refused with EINVAL and charges nothing', clauses: [`${CREATE}/window-size`, 'ledger/locked'], requires: TWO_WINDOWS },
    (p) => {
      const container = p.v2();
      for (const size of [0n, 3n * PAGE, PAGE + 1n, PAGE - 1n, (1n << 30n) + PAGE, (1n << 30n) - PAGE, (1n << 40n) + 1n, (1n << 63n) + PAGE, 0xffff_ffff_ffff_ffffn]) p.create(container, size);
      p.create(container);
    },
  ),
  vfioScenario(
    { id: 'windows/size/below-a-page', title: 'A window smaller than one of its pages is refused and charges nothing, with one level or two', clauses: [`${CREATE}/below-page`, 'ledger/locked', 'log/quiet'], requires: TWO_WINDOWS, destructive: true },
    (p) => eachAlone(p, [1n, 0x1000n, 0x8000n].flatMap((size) => [{ size }, { size, levels: 2n }])),
  ),
  vfioScenario(
    // None in between: where a platform may make them, Linux in a partition clears every entry when the window goes, for minutes.
    { id: 'windows/size/large', title: 'Windows from 2^60 to 2^63 bytes are made or refused for want of resources, and what is refused charges nothing', clauses: [`${CREATE}/resources`, 'ledger/locked', 'log/quiet'], requires: TWO_WINDOWS, destructive: true },
    (p) => eachAlone(p, [60, 62, 63].map((shift) => ({ size: 1n << BigInt(shift) }))),
  ),
];

/** Pages that no platform translates by. */
const NEVER_OFFERED = [0n, 1n, 3n, 11n, 13n, 14n, 15n, 17n, 18n, 19n, 20n, 22n, 23n, 29n, 31n, 32n, 33n, 35n, 40n, 48n, 62n, 63n];

const pages: readonly Scenario[] = [
  vfioScenario(
    { id: 'windows/page-size/offered-or-not', title: 'A window of pages of each size is created where VFIO_IOMMU_SPAPR_TCE_GET_INFO offers them, and refused where it does not', clauses: ['VFIO_IOMMU_SPAPR_TCE_GET_INFO/answer', `${CREATE}/created`, `${CREATE}/page-size`], requires: [...V2, 'second-window'] },
    (p) => {
      const container = p.v2();
      info(p, container).close(container.group).close(container.fd);
      eachAlone(p, [12, 16, 21, 24, 25, 26, 27, 28, 30, 34].map((pageShift) => ({ pageShift, size: 1n << BigInt(Math.max(30, pageShift + 1)) })));
    },
  ),
  vfioScenario(
    { id: 'windows/page-size/never-offered', title: 'Page sizes that no platform has are refused with EINVAL and charge nothing', clauses: [`${CREATE}/page-size`, 'ledger/locked'], requires: [...V2, 'second-window'] },
    (p) => {
      const container = p.v2();
      for (const page_shift of NEVER_OFFERED) p.ioctl(container.fd, CREATE, { page_shift, window_size: 1n << 40n, levels: 1n });
      p.create(container);
    },
  ),
  vfioScenario(
    { id: 'windows/page-size/beyond-64-bits', title: 'Page sizes of 2^64 bytes and more are refused with EINVAL, also those whose low bits are those of a page size that is offered', clauses: [`${CREATE}/page-size`, 'platform/alive', 'log/quiet'], requires: [...V2, 'second-window'], destructive: true },
    (p) => {
      const container = p.v2();
      for (const page_shift of [64n, 76n, 80n, 127n, 128n, 140n, 144n, 192n, 268n, 0x8000_000cn, 0xffff_ff90n, 0xffff_ffffn]) p.ioctl(container.fd, CREATE, { page_shift, window_size: 1n << 30n, levels: 1n });
      p.create(container);
    },
  ),
];

const levels: readonly Scenario[] = [
  vfioScenario(
    { id: 'windows/levels/small', title: 'A small window is created with as many levels as its table can have, and refused with more than VFIO_IOMMU_SPAPR_TCE_GET_INFO reports', clauses: [`${CREATE}/levels`, 'ledger/locked'], requires: TWO_WINDOWS },
    (p) => eachAlone(p, [0n, 1n, 2n, 3n, 4n, 5n, 6n].map((count) => ({ size: 1n << 26n, levels: count }))),
  ),
  vfioScenario(
    { id: 'windows/levels/large', title: 'A window of 16 GiB is charged for every level of its table', clauses: [`${CREATE}/created`, 'ledger/locked'], requires: TWO_WINDOWS },
    (p) => eachAlone(p, [1n, 2n, 3n, 4n, 5n].map((count) => ({ size: 1n << 34n, levels: count }))),
  ),
  vfioScenario(
    { id: 'windows/levels/too-many', title: 'More levels than any table has are refused and charge nothing, however many', clauses: [`${CREATE}/levels`, 'ledger/locked'], requires: TWO_WINDOWS },
    (p) => {
      const container = p.v2();
      for (const count of [6n, 7n, 64n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn]) p.create(container, 1n << 30n, 16, count);
      p.create(container, 1n << 30n);
    },
  ),
  vfioScenario(
    { id: 'windows/levels/no-table', title: 'Five levels of a small window are more address bits than the hardware translates: refused with EINVAL, charged nothing', clauses: [`${CREATE}/table`, 'ledger/locked'], requires: [...TWO_WINDOWS, 'platform:powernv'] },
    (p) => {
      const container = p.v2();
      for (const size of [1n << 26n, 1n << 30n, 1n << 34n]) p.create(container, size, 16, 5n);
      p.create(container, 1n << 30n);
    },
  ),
  vfioScenario(
    { id: 'windows/levels/mapped', title: 'A window of two levels is mapped at its first page, its last and across the parts of its table', clauses: [`${CREATE}/created`, `${MAP}/mapped`, 'VFIO_IOMMU_UNMAP_DMA/unmapped'], requires: [...TWO_WINDOWS, 'platform:powernv'] },
    (p) => {
      const container = p.v2();
      const buffer = p.registered(container);
      const size = 1n << 30n;
      const window = p.create(container, size, 12, 2n);
      for (const offset of [0n, size - 4n * PAGE, (1n << 25n) - 2n * PAGE, 1n << 29n]) p.map(container, buffer.address, window.at(offset), buffer.length);
      p.unmap(container, window.start, size).unregister(container, buffer);
    },
  ),
];

const order: readonly Scenario[] = [
  vfioScenario(
    { id: 'windows/create/third', title: 'A container with two windows refuses a third of any kind with ENOSPC, and takes one when one of its own is gone', clauses: [`${CREATE}/slots`, `${CREATE}/created`, 'ledger/locked'], requires: TWO_WINDOWS },
    (p) => {
      const container = p.v2();
      const window = p.create(container);
      for (const [size, pageShift] of [[1n << 26n, 16], [1n << 20n, 12], [PAGE, 16], [0n, 0]] as const) p.create(container, size, pageShift);
      p.remove(container, window.start);
      p.create(container, 1n << 28n);
    },
  ),
  vfioScenario(
    { id: 'windows/create/again-and-again', title: 'Eight times a window is created, mapped and removed, at an address that the platform gives each time', clauses: [`${CREATE}/start`, `${REMOVE}/removed`, `${MAP}/mapped`, 'ledger/locked'], requires: TWO_WINDOWS },
    (p) => {
      const container = p.v2();
      const buffer = p.registered(container);
      for (let round = 0; round < 8; round++) {
        const window = p.create(container, 1n << BigInt(22 + round));
        p.map(container, buffer.address, window.start, buffer.length).remove(container, window.start);
      }
    },
  ),
  vfioScenario(
    { id: 'windows/create/refused-leave-nothing', title: 'Refused in every way that a caller can be wrong, VFIO_IOMMU_SPAPR_TCE_CREATE takes no window and no memory', clauses: [`${CREATE}/flags`, `${CREATE}/argsz`, `${CREATE}/pointer`, `${CREATE}/page-size`, `${CREATE}/window-size`, `${CREATE}/created`, 'ledger/locked'], requires: TWO_WINDOWS },
    (p) => {
      const container = p.v2();
      const good = { page_shift: 16n, window_size: 1n << 30n, levels: 1n };
      p.unmap(container, p.defaultWindow().start, IO_PAGE);
      for (const bad of [{ flags: 1n }, { argsz: 39n }, { page_shift: 13n }, { window_size: 3n << 20n }, { levels: 6n }]) p.ioctl(container.fd, CREATE, { ...good, ...bad });
      p.ioctl(container.fd, CREATE, good, { pointer: 'unmapped' });
      p.create(container, 1n << 30n);
      p.create(container, 1n << 30n);
    },
  ),
  vfioScenario(
    { id: 'windows/create/unwritable-answer', title: 'A window whose address cannot be told is not there: another can be created, and nothing is charged for it', clauses: [`${CREATE}/answer-pointer`, `${CREATE}/created`, 'ledger/locked'], requires: TWO_WINDOWS },
    (p) => {
      const container = p.v2();
      const good = { page_shift: 16n, window_size: 1n << 30n, levels: 1n };
      for (let round = 0; round < 3; round++) p.ioctl(container.fd, CREATE, good, { pointer: 'read-only' });
      const window = p.create(container, 1n << 30n);
      p.remove(container, window.start);
    },
  ),
  vfioScenario(
    { id: 'windows/create/apart', title: 'Two windows of one container lie apart: each is mapped at its ends, and a removal of one leaves the other', clauses: [`${CREATE}/start`, `${MAP}/mapped`, `${MAP}/iova`, `${REMOVE}/removed`], requires: TWO_WINDOWS },
    (p) => {
      const container = p.v2();
      const buffer = p.registered(container);
      const size = 1n << 30n;
      const window = p.create(container, size);
      const ends = (): void => {
        p.map(container, buffer.address, p.defaultWindow().start, PAGE).map(container, buffer.address, { from: 'pe0.dma32.end', plus: -PAGE }, PAGE);
        p.map(container, buffer.address, window.start, PAGE).map(container, buffer.address, window.at(size - PAGE), PAGE);
      };
      ends();
      p.remove(container, window.start);
      ends();
    },
  ),
  vfioScenario(
    { id: 'windows/create/with-device', title: 'Windows are created and removed while a device is open, and its reset touches none', clauses: [`${CREATE}/created`, `${REMOVE}/removed`, `${MAP}/mapped`], requires: TWO_WINDOWS },
    (p) => {
      const container = p.v2();
      const buffer = p.registered(container);
      const { fd } = p.device(container);
      const window = p.create(container);
      p.ioctl(fd, 'VFIO_DEVICE_RESET').map(container, buffer.address, window.start, PAGE).remove(container, window.start);
      p.ioctl(fd, 'VFIO_DEVICE_RESET').map(container, buffer.address, p.defaultWindow().start, PAGE);
    },
  ),
];

const removal: readonly Scenario[] = [
  vfioScenario(
    { id: 'windows/remove/interior', title: 'An address within a window removes it or is refused, and its start removes it if it is still there', clauses: [`${REMOVE}/interior`, `${REMOVE}/removed`, 'ledger/locked'], requires: TWO_WINDOWS },
    (p) => {
      const container = p.v2();
      for (const offset of [1n, PAGE, (1n << 30n) - PAGE, (1n << 30n) - 1n]) {
        const window = p.create(container, 1n << 30n);
        p.remove(container, window.at(offset)).remove(container, window.start);
      }
      p.remove(container, p.defaultWindow().at(IO_PAGE)).remove(container, p.defaultWindow().start);
    },
  ),
  vfioScenario(
    { id: 'windows/remove/outside', title: 'An address in no window removes none: beside a window, at the end of all addresses, twice', clauses: [`${REMOVE}/unknown`, `${MAP}/mapped`], requires: TWO_WINDOWS },
    (p) => {
      const container = p.v2();
      const buffer = p.registered(container);
      const window = p.create(container, 1n << 30n);
      for (const at of [window.at(-1n), window.at(-PAGE), window.at(1n << 30n), { from: 'pe0.dma32.end' }, 1n << 50n, 1n << 63n, 0xffff_ffff_ffff_ffffn]) p.remove(container, at);
      p.map(container, buffer.address, window.start, PAGE).map(container, buffer.address, p.defaultWindow().start, PAGE).remove(container, window.start).remove(container, window.start);
    },
  ),
  vfioScenario(
    { id: 'windows/remove/mapped', title: 'A window that is removed with mappings in it lets go of the memory: the regions can be given back at once', clauses: [`${REMOVE}/removed`, 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY/unregistered', 'ledger/locked'], requires: TWO_WINDOWS },
    (p) => {
      const container = p.v2();
      const [a, b] = [p.registered(container), p.registered(container)];
      const window = p.create(container, 1n << 30n);
      p.map(container, a.address, window.start, a.length).map(container, b.address, window.at((1n << 30n) - b.length), b.length).map(container, a.address, p.defaultWindow().start, PAGE);
      p.remove(container, window.start).unregister(container, b).remove(container, p.defaultWindow().start).unregister(container, a);
    },
  ),
  vfioScenario(
    { id: 'windows/remove/created-again-empty', title: 'A window created where one was removed has none of its mappings', clauses: [`${REMOVE}/removed`, `${CREATE}/created`, 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY/unregistered', 'ledger/locked'], requires: TWO_WINDOWS },
    (p) => {
      const container = p.v2();
      const buffer = p.registered(container);
      for (let round = 0; round < 3; round++) {
        const window = p.create(container, 1n << 30n);
        p.unregister(container, buffer).register(container, buffer).map(container, buffer.address, window.start, buffer.length).remove(container, window.start);
      }
    },
  ),
  vfioScenario(
    { id: 'windows/remove/both', title: 'With both windows removed, in either order, nothing can be mapped anywhere and nothing is charged', clauses: [`${REMOVE}/removed`, `${MAP}/iova`, 'ledger/locked'], requires: TWO_WINDOWS },
    (p) => {
      for (const first of ['default', 'created']) {
        const container = p.v2();
        const buffer = p.registered(container);
        const window = p.create(container);
        const starts = [p.defaultWindow().start, window.start];
        for (const start of first === 'default' ? starts : [...starts].reverse()) p.remove(container, start);
        for (const start of starts) p.map(container, buffer.address, start, PAGE);
        p.close(container.group).close(container.fd);
      }
    },
  ),
];

/** Windows that a program creates and removes: sizes, pages, levels, order. */
export const scenarios: readonly Scenario[] = [...sizes, ...pages, ...levels, ...order, ...removal];
