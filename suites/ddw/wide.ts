import { peArgs } from '../../harness/build/program-builder.js';
import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { mapping, POISON } from '../tce/entries.js';
import { readEdges, useEdges } from './states.js';

const CREATE = 'ibm,create-pe-dma-window';
const PE = 'wide0';

/** Every page size that the query's mask can name. */
const PAGE_SHIFTS = [12, 16, 21, 24, 25, 26, 27, 28, 34];

/** A page whose address is a multiple of any of them, mapped. The device never uses it. */
const FIRST_PAGE = mapping(0n);

const sizes = PAGE_SHIFTS.map((shift) =>
  scenario(
    {
      id: `ddw/wide/page-size/2^${shift}`,
      title: `Where all page sizes are offered, a window of pages of 2^${shift} bytes is created, and its entries are that far apart`,
      clauses: [`${CREATE}/created`, `${CREATE}/start`],
    },
    (p) => {
      const window = p.create(shift, shift + 4, PE);
      readEdges(p, window);
      if (shift < 29) useEdges(p, window, 3n);
      for (let i = 0n; i < 4n; i++) p.put(window, i << BigInt(shift), POISON * (i + 1n));
      for (let i = 0n; i < 4n; i++) p.get(window, i << BigInt(shift)).get(window, (i << BigInt(shift)) + 0x1000n);
    },
  ),
);

/** A PE that offers every page size. */
export const scenarios: readonly Scenario[] = [
  ...sizes,
  scenario(
    {
      id: 'ddw/wide/largest-page-outside-memory',
      title: 'A 16 GiB page that begins in memory and ends outside is mapped as far as there is memory, or refused',
      clauses: ['H_PUT_TCE/stray-bits'],
    },
    (p) => {
      const window = p.create(34, 38, PE);
      p.put(window, 1n << 34n, FIRST_PAGE)
        .get(window, 1n << 34n)
        .get(window, 0n)
        .get(window, 2n << 34n);
    },
  ),
  scenario(
    {
      id: 'ddw/wide/page-shifts-between',
      title: 'Page shifts between the nine are refused even where all nine are offered',
      clauses: [`${CREATE}/page-size`],
    },
    (p) => {
      for (const shift of [11n, 13n, 15n, 17n, 20n, 22n, 23n, 29n, 30n, 33n, 35n]) p.rtas(CREATE, [...peArgs(PE), shift, 40n], 4);
      p.query(PE);
    },
  ),
  ...[
    [28, 63],
    [34, 63],
  ].map(([pageShift = 0, windowShift = 0]) =>
    scenario(
      {
        id: `ddw/wide/half-of-the-bus/2^${pageShift}-pages`,
        title: `A window of 2^63 bytes with pages of 2^${pageShift} bytes is created, clear of the default one, since the query reports as many TCEs`,
        clauses: [`${CREATE}/created`, `${CREATE}/start`],
        destructive: true,
      },
      (p) => {
        readEdges(p, p.create(pageShift, windowShift, PE));
      },
    ),
  ),
  scenario(
    {
      id: 'ddw/wide/all-of-the-bus',
      title:
        'A window of 2^64 bytes is refused although the query reports as many pages of 2^34 bytes: the default window has part of that',
      clauses: [`${CREATE}/window-size`],
      destructive: true,
    },
    (p) => {
      p.rtas(CREATE, [...peArgs(PE), 34n, 64n], 4).query(PE);
      readEdges(p, p.defaultWindow(PE));
    },
  ),
  scenario(
    {
      id: 'ddw/wide/beside-a-large-one',
      title: 'Beside a window of 2^60 bytes in place of the default another one is created clear of it',
      clauses: [`${CREATE}/created`, `${CREATE}/start`],
    },
    (p) => {
      p.remove(p.defaultWindow(PE));
      const [large, small] = [p.create(34, 60, PE), p.create(16, 28, PE)];
      p.put(large, 0n, POISON)
        .put(small, 0n, POISON + 0x10_0000n)
        .get(large, 0n)
        .get(small, 0n);
      p.hcall('H_GET_TCE', large.liobn, small.start).hcall('H_GET_TCE', small.liobn, large.start);
    },
  ),
];
