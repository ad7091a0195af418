import { peArgs } from '../../harness/build/program-builder.js';
import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { DATA, POISON } from '../tce/entries.js';
import { readEdges, useEdges } from './states.js';

const NAME = 'ibm,create-pe-dma-window';
const CREATED = [`${NAME}/created`, `${NAME}/liobn`, `${NAME}/start`];

const tces = (log2: number): string => (log2 === 0 ? 'one TCE' : `2^${log2} TCEs`);

/**
 * QEMU counts TCEs in 32 bits and takes shifts modulo 64: such a window is refused, but leaves a table behind whose next
 * use ends QEMU.
 */
const endangersQemu = (pageShift: bigint, windowShift: bigint): boolean =>
  windowShift >= pageShift && (windowShift - pageShift) % 64n >= 27n;

/** Windows of every page size that ordinary PEs offer: the smallest, the next ones, and large ones. */
const sizes = [12, 16, 21, 24].flatMap((pageShift) =>
  [0, 1, 2, 9, 16, 26].map((log2) =>
    scenario(
      {
        id: `ddw/create/size/2^${pageShift}-pages/2^${log2}-tces`,
        title: `A window of ${tces(log2)} with pages of 2^${pageShift} bytes is created, and its first and last entry can be used`,
        clauses: CREATED,
      },
      (p) => {
        const window = p.create(pageShift, pageShift + log2);
        readEdges(p, window);
        useEdges(p, window, DATA + 3n);
        p.remove(window);
      },
    ),
  ),
);

/** Page shifts that nobody offers, with a window of one page so that only the page size is wrong. */
const SHIFTS_REFUSED = [
  ...Array.from({ length: 12 }, (_, i) => BigInt(i)),
  ...[13n, 14n, 15n, 17n, 18n, 20n, 22n, 23n, 29n, 33n, 35n, 36n, 48n, 52n, 62n, 63n, 64n, 65n, 76n, 80n, 127n, 128n, 140n, 268n],
  ...[0x1_000cn, 0x7fff_ffffn, 0x8000_0000n, 0x8000_000cn, 0xffff_fffen, 0xffff_ffffn],
];

const pageShifts = SHIFTS_REFUSED.map((shift) => {
  const windowShift = shift < 28n ? 28n : shift;
  return scenario(
    {
      id: `ddw/create/page-shift/${shift}`,
      title: `A page shift of ${shift} is refused: no PE offers it`,
      clauses: [`${NAME}/page-size`],
    },
    (p) => {
      p.rtas(NAME, [...peArgs('pe0'), shift, windowShift], 4).query();
    },
  );
});

const SMALLER = [0n, 1n, 4n, 10n, 11n];
const TOO_LARGE = [64n, 65n, 75n, 76n, 77n, 88n, 128n, 140n, 0x7fff_ffffn, 0x8000_0000n, 0x8000_000cn, 0xffff_ffffn];

const windowShifts = [...SMALLER, ...TOO_LARGE].map((shift) =>
  scenario(
    {
      id: `ddw/create/window-shift/${shift}`,
      title: `A window shift of ${shift} with 4 KiB pages is refused: it is ${shift < 12n ? 'less than a page' : 'no 64-bit address range'}`,
      clauses: [`${NAME}/window-size`],
      ...(endangersQemu(12n, shift) ? { destructive: true as const } : {}),
    },
    (p) => {
      p.rtas(NAME, [...peArgs('pe0'), 12n, shift], 4).query();
    },
  ),
);

/** Windows smaller than one of their pages. */
const belowPage = [
  [16, 15],
  [16, 12],
  [16, 0],
  [21, 20],
  [21, 16],
  [24, 23],
  [24, 21],
].map(([pageShift = 0, windowShift = 0]) =>
  scenario(
    {
      id: `ddw/create/below-page/2^${pageShift}-pages/2^${windowShift}-bytes`,
      title: `A window of 2^${windowShift} bytes with pages of 2^${pageShift} bytes is refused`,
      clauses: [`${NAME}/window-size`],
    },
    (p) => {
      p.rtas(NAME, [...peArgs('pe0'), BigInt(pageShift), BigInt(windowShift)], 4).query();
    },
  ),
);

const others: readonly Scenario[] = [
  scenario(
    {
      id: 'ddw/create/refused-then-created',
      title: 'Refused creations leave nothing behind: a good one succeeds after them',
      clauses: [`${NAME}/page-size`, `${NAME}/window-size`, ...CREATED],
    },
    (p) => {
      p.rtas(NAME, [...peArgs('pe0'), 11n, 28n], 4).rtas(NAME, [...peArgs('pe0'), 16n, 15n], 4);
      readEdges(p, p.create(16, 28));
      p.query();
    },
  ),
  scenario(
    {
      id: 'ddw/create/beside-default',
      title: 'A created window changes neither the entries nor the edges of the default one',
      clauses: [...CREATED, 'H_GET_TCE/value'],
    },
    (p) => {
      const first = p.defaultWindow();
      p.put(first, 0n, POISON).put(first, 0x800_0000n, DATA + 3n);
      const second = p.create(16, 28);
      p.get(first, 0n).get(first, 0x800_0000n).get(second, 0n).get(second, 0x800_0000n);
      readEdges(p, first);
    },
  ),
  scenario(
    {
      id: 'ddw/create/recreated-is-empty',
      title: 'A window created after one was removed is empty, whatever the first one held',
      clauses: [...CREATED, 'H_GET_TCE/value'],
    },
    (p) => {
      const first = p.create(16, 28);
      p.stuff(first, 0n, POISON, 512n).put(first, 0xfff_0000n, POISON).remove(first);
      const second = p.create(16, 28);
      for (const offset of [0n, 0x1_0000n, 0x1ff_0000n, 0xfff_0000n]) p.get(second, offset);
    },
  ),
  scenario(
    {
      id: 'ddw/create/recreated-with-other-pages',
      title: 'A window created with other pages after one was removed is empty and has pages of its own size',
      clauses: [...CREATED, 'H_GET_TCE/value'],
    },
    (p) => {
      const first = p.create(12, 28);
      p.stuff(first, 0n, POISON, 512n).remove(first);
      const second = p.create(24, 28);
      p.get(second, 0n)
        .get(second, 1n << 24n)
        .put(second, 1n << 24n, DATA + 3n)
        .get(second, 0n)
        .get(second, 2n << 24n);
      readEdges(p, second);
    },
  ),
  scenario(
    {
      id: 'ddw/create/recreated-larger',
      title: 'A larger window created after a smaller one was removed has all of its entries',
      clauses: CREATED,
    },
    (p) => {
      p.remove(p.create(16, 20));
      const large = p.create(16, 30);
      useEdges(p, large, DATA + 3n);
    },
  ),
  ...[-2n, 9900n, 9901n, 9902n, 9903n, 9904n, 9905n].map((status) =>
    scenario(
      {
        id: `ddw/create/busy/${status}`,
        title: `While the call answers ${status} no window exists; called again it creates one`,
        clauses: [`${NAME}/busy`, ...CREATED],
        requires: ['platform'],
      },
      (p) => {
        p.platform({ op: 'busy', calls: 2, status: Number(status) });
        for (let i = 0; i < 2; i++) p.rtas(NAME, [...peArgs('pe0'), 16n, 28n], 4);
        readEdges(p, p.create(16, 28));
      },
    ),
  ),
];

/** ibm,create-pe-dma-window: sizes, page sizes, and what a created window is like. */
export const scenarios: readonly Scenario[] = [...sizes, ...pageShifts, ...windowShifts, ...belowPage, ...others];
