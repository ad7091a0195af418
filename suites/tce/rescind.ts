import { LIST_PAGE } from '../../harness/build/program-builder.js';
import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { Term } from '../../reference/doors/term.js';
import { consecutive, DATA, FOREIGN, mapping, OTHER, PAGE, POISON } from './entries.js';

const INDIRECT = 'H_PUT_TCE_INDIRECT';

const IOBA: Term = { from: 'pe0.start', plus: 5n * PAGE };
const END: Term = { from: 'vio0.end' };
const RESCINDED: Term = { from: 'pe1.liobn' };

/** The multi-table form looks at one table after another: the first that is wrong decides. */
const TABLE_ORDERS: readonly { readonly name: string; readonly title: string; readonly list: readonly Term[]; readonly ioba: Term }[] = [
  {
    name: 'rescinded-before-unknown',
    title: 'Of a rescinded table and an LIOBN that names none after it, the first decides',
    list: [RESCINDED, 0x7fff_fff0n, mapping(DATA)],
    ioba: IOBA,
  },
  {
    name: 'unknown-before-rescinded',
    title: 'Of an LIOBN that names no table and a rescinded table after it, the first decides',
    list: [0x7fff_fff0n, RESCINDED, mapping(DATA)],
    ioba: IOBA,
  },
  {
    name: 'outside-before-rescinded',
    title: 'Of a table that does not have the address and a rescinded table after it, the first decides',
    list: [{ from: 'vio0.liobn' }, RESCINDED, mapping(DATA)],
    ioba: END,
  },
  {
    name: 'rescinded-before-outside',
    title: 'Of a rescinded table and one after it that does not have the address, the first decides',
    list: [RESCINDED, { from: 'vio0.liobn' }, mapping(DATA)],
    ioba: END,
  },
];

/** Shared logical resources that their owner took back. */
export const scenarios: readonly Scenario[] = [
  scenario(
    {
      id: 'tce/rescind/page-not-mapped',
      title: 'Entries without permission may hold the address of a rescinded page',
      clauses: ['H_PUT_TCE/store', 'H_STUFF_TCE/store', `${INDIRECT}/store`],
    },
    (p) => {
      const window = p.defaultWindow();
      p.platform({ op: 'rescind-page', address: DATA });
      p.put(window, 0x5000n, mapping(DATA, 0n))
        .stuff(window, 0x6000n, mapping(DATA, 0n), 2n)
        .putList(window, 0x8000n, [mapping(DATA, 0n)]);
    },
  ),
  scenario(
    {
      id: 'tce/rescind/neighbour-page',
      title: 'The pages before and after a rescinded one can be mapped',
      clauses: ['H_PUT_TCE/store', 'H_STUFF_TCE/store'],
    },
    (p) => {
      const window = p.defaultWindow();
      p.platform({ op: 'rescind-page', address: DATA });
      p.put(window, 0x5000n, mapping(DATA - PAGE)).stuff(window, 0x6000n, mapping(DATA + PAGE), 2n);
    },
  ),
  ...[0, 1, 2].map((position) =>
    scenario(
      {
        id: `tce/rescind/page-in-list/${position}`,
        title: `A list whose entry ${position} of 3 maps a rescinded page changes nothing`,
        clauses: [`${INDIRECT}/page-rescinded`],
      },
      (p) => {
        const window = p.defaultWindow();
        for (let i = 4n; i < 9n; i++) p.put(window, i * PAGE, POISON);
        p.platform({ op: 'rescind-page', address: DATA + BigInt(position) * PAGE });
        p.putList(window, 5n * PAGE, consecutive(DATA, 3));
        for (let i = 4n; i < 9n; i++) p.get(window, i * PAGE);
      },
    ),
  ),
  scenario(
    {
      id: 'tce/rescind/page-before-foreign-in-list',
      title: 'Of a list with a rescinded page first and a page outside memory later, the first decides',
      clauses: [`${INDIRECT}/page-rescinded`],
    },
    (p) => {
      p.platform({ op: 'rescind-page', address: DATA });
      p.putList(p.defaultWindow(), 5n * PAGE, [mapping(DATA), FOREIGN]);
    },
  ),
  scenario(
    {
      id: 'tce/rescind/foreign-before-page-in-list',
      title: 'Of a list with a page outside memory first and a rescinded one later, the first decides',
      clauses: [],
    },
    (p) => {
      p.platform({ op: 'rescind-page', address: DATA });
      p.putList(p.defaultWindow(), 5n * PAGE, [FOREIGN, mapping(DATA)]);
    },
  ),
  ...TABLE_ORDERS.map(({ name, title, list, ioba }) =>
    scenario({ id: `tce/rescind/tables/${name}`, title, clauses: [], requires: ['mtt'] }, (p) => {
      const window = p.defaultWindow();
      p.put(window, 5n * PAGE, POISON).platform({ op: 'rescind-table', liobn: { from: 'pe1.liobn' } });
      p.list(list)
        .hcall(INDIRECT, BigInt.asUintN(64, -2n), ioba, LIST_PAGE, 1n)
        .get(window, 5n * PAGE);
    }),
  ),
  scenario(
    {
      id: 'tce/rescind/tables/outside-before-rescinded-page',
      title: 'Of a table that does not have the address and an entry that maps a rescinded page, the table decides',
      clauses: [`${INDIRECT}/multi-table-ioba`],
      requires: ['mtt'],
    },
    (p) => {
      p.platform({ op: 'rescind-page', address: DATA }).list([{ from: 'pe0.liobn' }, { from: 'vio0.liobn' }, mapping(DATA)]);
      p.hcall(INDIRECT, BigInt.asUintN(64, -2n), END, LIST_PAGE, 1n).hcall('H_GET_TCE', { from: 'pe0.liobn' }, END);
    },
  ),
  ...(['put', 'stuff'] as const).map((place) =>
    scenario(
      {
        id: `tce/rescind/foreign-and-rescinded/${place}`,
        title: `H_${place.toUpperCase()}_TCE of a page that was rescinded and left the partition is refused as outside the partition`,
        clauses: [`H_${place.toUpperCase()}_TCE/page`],
      },
      (p) => {
        const window = p.defaultWindow();
        p.platform({ op: 'rescind-page', address: DATA }).platform({ op: 'disown-page', address: DATA });
        p.put(window, 5n * PAGE, POISON);
        if (place === 'put') p.put(window, 5n * PAGE, mapping(DATA));
        else p.stuff(window, 5n * PAGE, mapping(DATA), 1n);
      },
    ),
  ),
  scenario(
    {
      id: 'tce/rescind/foreign-and-rescinded/indirect',
      title: 'H_PUT_TCE_INDIRECT of a page that was rescinded and left the partition is refused as rescinded',
      clauses: [`${INDIRECT}/page-rescinded`],
    },
    (p) => {
      const window = p.defaultWindow();
      p.platform({ op: 'rescind-page', address: DATA }).platform({ op: 'disown-page', address: DATA });
      p.put(window, 5n * PAGE, POISON).putList(window, 5n * PAGE, [mapping(DATA)]);
    },
  ),
  scenario(
    {
      id: 'tce/rescind/page-stuffed',
      title: 'H_STUFF_TCE with a rescinded page changes none of its entries',
      clauses: ['H_STUFF_TCE/page-rescinded'],
    },
    (p) => {
      const window = p.defaultWindow();
      for (let i = 4n; i < 9n; i++) p.put(window, i * PAGE, POISON);
      p.platform({ op: 'rescind-page', address: DATA }).stuff(window, 5n * PAGE, mapping(DATA), 3n);
      for (let i = 4n; i < 9n; i++) p.get(window, i * PAGE);
    },
  ),
  scenario(
    {
      id: 'tce/rescind/list-page',
      title: 'A list on a rescinded page is not read, and changes nothing',
      clauses: [`${INDIRECT}/list-rescinded`],
    },
    (p) => {
      const window = p.defaultWindow();
      p.put(window, 0x5000n, POISON).list(consecutive(DATA, 1)).platform({ op: 'rescind-page', address: LIST_PAGE });
      p.hcall(INDIRECT, window.liobn, window.at(0x5000n), LIST_PAGE, 1n).get(window, 0x5000n);
    },
  ),
  scenario(
    {
      id: 'tce/rescind/table-of-other-pe',
      title: 'A rescinded table is refused by every call, and the table of another PE is not',
      clauses: ['H_PUT_TCE/rescinded', 'H_GET_TCE/rescinded', 'H_STUFF_TCE/rescinded', `${INDIRECT}/rescinded`, 'H_PUT_TCE/store'],
    },
    (p) => {
      const [gone, other] = [p.defaultWindow('pe0'), p.defaultWindow('pe1')];
      p.put(gone, 0x5000n, mapping(OTHER)).platform({ op: 'rescind-table', liobn: gone.liobn });
      p.put(gone, 0x5000n, 0n).stuff(gone, 0x5000n, 0n, 1n).putList(gone, 0x5000n, [0n]);
      p.put(other, 0x5000n, mapping(DATA)).get(other, 0x5000n);
    },
  ),
];
