import { LIST_PAGE } from '../../harness/build/program-builder.js';
import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { plus, type Term } from '../../reference/doors/term.js';
import { consecutive, DATA, FOREIGN, mapping, OTHER, overTheEnd, PAGE, POISON, type EndCase } from './entries.js';

const NAME = 'H_PUT_TCE_INDIRECT';

const COUNTS: readonly { readonly count: bigint; readonly clause: 'store' | 'count' | 'count-zero' }[] = [
  { count: 0n, clause: 'count-zero' },
  ...[1n, 2n, 255n, 256n, 511n, 512n].map((count) => ({ count, clause: 'store' as const })),
  ...[513n, 514n, 1024n, 0x7fff_ffffn, 0x8000_0000n, 1n << 32n, (1n << 32n) + 1n, 1n << 63n, (1n << 64n) - 1n].map((count) => ({
    count,
    clause: 'count' as const,
  })),
];

const countText = { store: 'stores', count: 'refuses, and changes nothing for,', 'count-zero': 'changes nothing for' } as const;

/** A full list of different entries; the entries around those named hold a poison. */
const counts = COUNTS.map(({ count, clause }) =>
  scenario(
    { id: `tce/indirect/count/${count}`, title: `${NAME} ${countText[clause]} a count of ${count}`, clauses: [`${NAME}/${clause}`] },
    (p) => {
      const window = p.defaultWindow();
      const watched = [15n, 16n, 17n, 18n, 270n, 271n, 272n, 526n, 527n, 528n];
      for (const index of watched) p.put(window, index * PAGE, POISON);
      p.putList(window, 16n * PAGE, consecutive(DATA, 512), count);
      for (const index of watched) p.get(window, index * PAGE);
    },
  ),
);

const ENDS: readonly EndCase<'store' | 'ioba' | 'count-zero'>[] = [
  { name: 'last-entry', title: 'takes the last entry alone', before: 1n, count: 1n, clause: 'store' },
  { name: 'last-512-entries', title: 'takes the last 512 entries', before: 512n, count: 512n, clause: 'store' },
  { name: 'last-entry-and-one-more', title: 'refuses the last entry and one past it', before: 1n, count: 2n, clause: 'ioba' },
  {
    name: 'last-511-and-one-more',
    title: 'refuses 512 entries of which the last is past the end',
    before: 511n,
    count: 512n,
    clause: 'ioba',
  },
  {
    name: 'last-entry-and-511-more',
    title: 'refuses 512 entries of which only the first is inside',
    before: 1n,
    count: 512n,
    clause: 'ioba',
  },
  { name: 'none-at-the-end', title: 'with a count of 0 past the end changes nothing', before: 0n, count: 0n, clause: 'count-zero' },
];

const ends = ENDS.map(({ name, title, before, count, clause }) =>
  scenario({ id: `tce/indirect/end/${name}`, title: `${NAME} ${title}`, clauses: [`${NAME}/${clause}`], ...overTheEnd({ before, count }) }, (p) => {
    const window = p.defaultWindow();
    const watched = [-513n, -512n, -511n, -2n, -1n].map((index) => plus(window.end, index * PAGE));
    for (const at of watched) p.hcall('H_PUT_TCE', window.liobn, at, POISON);
    p.list(consecutive(DATA, Number(count)));
    p.hcall(NAME, window.liobn, plus(window.end, -before * PAGE), LIST_PAGE, count);
    for (const at of watched) p.hcall('H_GET_TCE', window.liobn, at);
  }),
);

interface ListCase {
  readonly name: string;
  readonly title: string;
  readonly list: Term;
  readonly clause: 'store' | 'list' | 'list-alignment';
}

const LISTS: readonly ListCase[] = [
  { name: 'last-page-of-program-memory', title: 'reads a list anywhere in memory', list: 0x6ff_f000n, clause: 'store' },
  ...[1n, 8n, 0x800n, 0xff8n, 0xfffn].map((offset): ListCase => ({
    name: `unaligned+${offset}`,
    title: `refuses a list ${offset} bytes into its page, or ignores the offset`,
    list: LIST_PAGE + offset,
    clause: 'list-alignment',
  })),
  {
    name: 'unaligned-8',
    title: 'refuses a list 8 bytes before a page, or ignores the offset',
    list: LIST_PAGE - 8n,
    clause: 'list-alignment',
  },
  { name: 'first-page-outside', title: 'refuses a list on the first page outside memory', list: { from: 'memory.end' }, clause: 'list' },
  {
    name: 'second-page-outside',
    title: 'refuses a list on the second page outside memory',
    list: { from: 'memory.end', plus: PAGE },
    clause: 'list',
  },
  ...[60n, 62n, 63n].map((bit): ListCase => ({
    name: `address-bit-2^${bit}`,
    title: `refuses a list whose address has bit 2^${bit} set`,
    list: LIST_PAGE + (1n << bit),
    clause: 'list',
  })),
  { name: 'last-address', title: 'refuses a list on the last page of 64-bit addresses', list: (1n << 64n) - PAGE, clause: 'list' },
];

const lists = LISTS.map(({ name, title, list, clause }) =>
  scenario({ id: `tce/indirect/list/${name}`, title: `${NAME} ${title}`, clauses: [`${NAME}/${clause}`] }, (p) => {
    const window = p.defaultWindow();
    const tces = consecutive(DATA, 3);
    p.list(tces);
    if (typeof list === 'bigint' && list < 0x700_0000n && list % PAGE === 0n) p.list(tces, list);
    for (let i = 4n; i < 9n; i++) p.put(window, i * PAGE, POISON);
    p.hcall(NAME, window.liobn, window.at(5n * PAGE), list, 3n);
    for (let i = 4n; i < 9n; i++) p.get(window, i * PAGE);
  }),
);

interface BadEntries {
  readonly name: string;
  readonly title: string;
  readonly length: number;
  readonly bad: readonly number[];
}

const BAD: readonly BadEntries[] = [
  { name: 'only', title: 'the only entry', length: 1, bad: [0] },
  { name: 'first', title: 'the first of 5 entries', length: 5, bad: [0] },
  { name: 'second', title: 'the second of 5 entries', length: 5, bad: [1] },
  { name: 'middle', title: 'the middle one of 5 entries', length: 5, bad: [2] },
  { name: 'last', title: 'the last of 5 entries', length: 5, bad: [4] },
  { name: 'first-and-last', title: 'the first and the last of 5 entries', length: 5, bad: [0, 4] },
  { name: 'all', title: 'every one of 5 entries', length: 5, bad: [0, 1, 2, 3, 4] },
  { name: 'first-of-512', title: 'the first of 512 entries', length: 512, bad: [0] },
  { name: 'middle-of-512', title: 'the 256th of 512 entries', length: 512, bad: [255] },
  { name: 'last-of-512', title: 'the last of 512 entries', length: 512, bad: [511] },
];

/** All or nothing: every entry named held something before, and all of it is there afterwards. */
const bad = BAD.map(({ name, title, length, bad: positions }) =>
  scenario(
    {
      id: `tce/indirect/bad-entry/${name}`,
      title: `${NAME} changes nothing where ${title} maps no page of the partition`,
      clauses: [`${NAME}/page`],
    },
    (p) => {
      const window = p.defaultWindow();
      const watched = [...new Set([0, 1, 2, 3, 4, 254, 255, 256, 511].filter((i) => i < length))];
      p.stuff(window, 15n * PAGE, mapping(OTHER), 2n);
      for (const i of watched) p.put(window, BigInt(16 + i) * PAGE, POISON + BigInt(i) * PAGE);
      const tces: Term[] = consecutive(DATA, length);
      for (const i of positions) tces[i] = FOREIGN;
      p.putList(window, 16n * PAGE, tces);
      for (const i of watched) p.get(window, BigInt(16 + i) * PAGE);
    },
  ),
);

/** H_PUT_TCE_INDIRECT: its count, the end of the window, its list page, and bad entries in the list. */
export const scenarios: readonly Scenario[] = [...counts, ...ends, ...lists, ...bad];
