import { LIST_PAGE, type ProgramBuilder } from '../../harness/build/program-builder.js';
import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { Term } from '../../reference/doors/term.js';
import { consecutive, DATA, FOREIGN, mapping, OTHER, PAGE, POISON } from './entries.js';

const NAME = 'H_PUT_TCE_INDIRECT';
const PE0: Term = { from: 'pe0.liobn' };
const PE1: Term = { from: 'pe1.liobn' };
const VIO: Term = { from: 'vio0.liobn' };
const UNKNOWN = 0x7fff_fff0n;
const IOBA: Term = { from: 'pe0.start', plus: 5n * PAGE };

/** The argument that says how many LIOBNs the list begins with. */
const tables = (count: bigint): bigint => BigInt.asUintN(64, -count);

/** What the entries at IOBA and around it are, in each of the tables. */
function look(p: ProgramBuilder, liobns: readonly Term[]): void {
  for (const liobn of liobns) for (const i of [4n, 5n, 6n, 7n, 8n]) p.hcall('H_GET_TCE', liobn, { from: 'pe0.start', plus: i * PAGE });
}

interface Case {
  readonly name: string;
  readonly title: string;
  readonly clause: string;
  /** The first argument. */
  readonly liobn: bigint;
  readonly list: readonly Term[];
  readonly count: bigint;
  readonly ioba?: Term;
  readonly address?: Term;
}

const CASES: readonly Case[] = [
  {
    name: 'one-table',
    title: 'fills one table',
    clause: 'multi-table-store',
    liobn: tables(1n),
    list: [PE0, ...consecutive(DATA, 3)],
    count: 3n,
  },
  {
    name: 'two-tables',
    title: 'fills two tables alike',
    clause: 'multi-table-store',
    liobn: tables(2n),
    list: [PE0, PE1, ...consecutive(DATA, 3)],
    count: 3n,
  },
  {
    name: 'three-tables',
    title: 'fills the tables of two PEs and of a virtual adapter alike',
    clause: 'multi-table-store',
    liobn: tables(3n),
    list: [VIO, PE1, PE0, ...consecutive(DATA, 3)],
    count: 3n,
  },
  {
    name: 'same-table-twice',
    title: 'fills a table that is named twice',
    clause: 'multi-table-store',
    liobn: tables(2n),
    list: [PE0, PE0, mapping(DATA)],
    count: 1n,
  },
  {
    name: 'poison-entries',
    title: 'stores entries without permission as given',
    clause: 'multi-table-store',
    liobn: tables(2n),
    list: [PE0, PE1, POISON, 0n, mapping(DATA)],
    count: 3n,
  },
  { name: 'count-zero', title: 'changes nothing for a count of 0', clause: 'count-zero', liobn: tables(2n), list: [PE0, PE1], count: 0n },
  {
    name: 'tables-128',
    title: 'takes 128 tables',
    clause: 'multi-table-store',
    liobn: tables(128n),
    list: [...Array<Term>(127).fill(PE0), PE1, ...consecutive(DATA, 3)],
    count: 3n,
  },
  {
    name: 'tables-128-one-too-many',
    title: 'refuses 128 tables and 385 entries, which no list page holds',
    clause: 'count',
    liobn: tables(128n),
    list: [...Array<Term>(128).fill(PE0), ...consecutive(DATA, 384)],
    count: 385n,
  },
  {
    name: 'tables-129',
    title: 'refuses 129 tables',
    clause: 'multi-table-count',
    liobn: tables(129n),
    list: [...Array<Term>(129).fill(PE0), mapping(DATA)],
    count: 1n,
  },
  {
    name: 'tables-2^63',
    title: 'refuses 2^63 tables',
    clause: 'multi-table-count',
    liobn: 1n << 63n,
    list: [PE0, mapping(DATA)],
    count: 1n,
  },
  {
    name: 'one-too-many',
    title: 'refuses 2 tables and 511 entries, which no list page holds',
    clause: 'count',
    liobn: tables(2n),
    list: [PE0, PE1, ...consecutive(DATA, 510)],
    count: 511n,
  },
  {
    name: 'page-full',
    title: 'takes 2 tables and 510 entries, a full list page',
    clause: 'multi-table-store',
    liobn: tables(2n),
    list: [PE0, PE1, ...consecutive(DATA, 510)],
    count: 510n,
  },
  {
    name: 'first-unknown',
    title: 'changes nothing where the first LIOBN names no table',
    clause: 'multi-table-liobn',
    liobn: tables(2n),
    list: [UNKNOWN, PE1, mapping(DATA)],
    count: 1n,
  },
  {
    name: 'last-unknown',
    title: 'changes nothing where the last LIOBN names no table',
    clause: 'multi-table-liobn',
    liobn: tables(3n),
    list: [PE0, PE1, UNKNOWN, mapping(DATA)],
    count: 1n,
  },
  {
    name: 'liobn-wide',
    title: 'refuses an LIOBN in the list with bit 2^32 set',
    clause: 'multi-table-liobn',
    liobn: tables(2n),
    list: [PE1, { from: 'pe0.liobn', plus: 1n << 32n }, mapping(DATA)],
    count: 1n,
  },
  {
    name: 'outside-one-table',
    title: 'changes nothing where the range is outside the last window named',
    clause: 'multi-table-ioba',
    liobn: tables(2n),
    list: [PE0, VIO, mapping(DATA)],
    count: 1n,
    ioba: { from: 'vio0.end' },
  },
  {
    name: 'over-the-end-of-one-table',
    title: 'changes nothing where the range leaves one window',
    clause: 'multi-table-ioba',
    liobn: tables(2n),
    list: [PE0, VIO, ...consecutive(DATA, 3)],
    count: 3n,
    ioba: { from: 'vio0.end', plus: -2n * PAGE },
  },
  {
    name: 'bad-entry',
    title: 'changes no table where one entry is bad',
    clause: 'page',
    liobn: tables(2n),
    list: [PE0, PE1, mapping(DATA), FOREIGN],
    count: 2n,
  },
  {
    name: 'list-outside',
    title: 'refuses a list outside memory',
    clause: 'list',
    liobn: tables(2n),
    list: [PE0, PE1, mapping(DATA)],
    count: 1n,
    address: { from: 'memory.end' },
  },
];

const enabled = CASES.map(({ name, title, clause, liobn, list, count, ioba = IOBA, address = LIST_PAGE }) =>
  scenario(
    { id: `tce/multi-table/${name}`, title: `The multi-table form of ${NAME} ${title}`, clauses: [`${NAME}/${clause}`], requires: ['mtt'] },
    (p) => {
      for (const table of [PE0, PE1, VIO]) {
        p.hcall('H_STUFF_TCE', table, { from: 'pe0.start', plus: 4n * PAGE }, mapping(OTHER), 5n);
      }
      const last: Term = { from: 'vio0.end', plus: -PAGE };
      p.hcall('H_PUT_TCE', VIO, last, POISON).list(list).hcall(NAME, liobn, ioba, address, count);
      look(p, [PE0, PE1, VIO]);
      for (const table of [PE0, VIO]) p.hcall('H_GET_TCE', table, last);
    },
  ),
);

const disabled = [1n, 2n, 128n, 129n, 512n, 1n << 31n, 1n << 32n, 1n << 63n].map((count) =>
  scenario(
    {
      id: `tce/multi-table/not-offered/${count}`,
      title: `Where the multi-table form is not offered, ${NAME} with ${count} tables is refused with H_FUNCTION`,
      clauses: [`${NAME}/multi-table-off`],
      requires: ['no-mtt'],
    },
    (p) => {
      p.hcall('H_PUT_TCE', PE0, IOBA, POISON)
        .list([PE0, PE0, mapping(DATA)])
        .hcall(NAME, tables(count), IOBA, LIST_PAGE, 1n);
      look(p, [PE0]);
    },
  ),
);

/** The multi-table form of H_PUT_TCE_INDIRECT: a negative LIOBN, and the list begins with LIOBNs. */
export const scenarios: readonly Scenario[] = [...enabled, ...disabled];
