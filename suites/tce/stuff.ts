import type { ProgramBuilder, WindowHandle } from '../../harness/build/program-builder.js';
import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { plus, type Term } from '../../reference/doors/term.js';
import { DATA, FOREIGN, mapping, OTHER, overTheEnd, PAGE, PERMISSIONS, POISON, type EndCase } from './entries.js';

const NAME = 'H_STUFF_TCE';

interface CountCase {
  readonly count: bigint;
  readonly clause: 'store' | 'count' | 'count-zero';
}

const COUNTS: readonly CountCase[] = [
  { count: 0n, clause: 'count-zero' },
  ...[1n, 2n, 3n, 256n, 511n, 512n].map((count) => ({ count, clause: 'store' as const })),
  ...[
    513n,
    514n,
    1024n,
    0x1_0000n,
    0x7fff_ffffn,
    0x8000_0000n,
    (1n << 32n) - 1n,
    1n << 32n,
    (1n << 32n) + 1n,
    1n << 63n,
    (1n << 64n) - 1n,
  ].map((count) => ({ count, clause: 'count' as const })),
];

const countText: Record<CountCase['clause'], string> = {
  store: 'stores',
  count: 'refuses with H_P4, and changes nothing for,',
  'count-zero': 'changes nothing for',
};

/** Around the entries that a call names, others hold a poison that must stay. */
function surround(p: ProgramBuilder, window: WindowHandle, indexes: readonly bigint[]): void {
  for (const index of indexes) p.put(window, index * PAGE, POISON + index * PAGE);
}

const counts = COUNTS.map(({ count, clause }) =>
  scenario(
    {
      id: `tce/stuff/count/${count}`,
      title: `${NAME} ${countText[clause]} a count of ${count}`,
      clauses: [`${NAME}/${clause}`],
    },
    (p) => {
      const window = p.defaultWindow();
      const watched = [15n, 16n, 17n, 18n, 19n, 527n, 528n, 529n];
      surround(p, window, watched);
      p.stuff(window, 16n * PAGE, mapping(DATA), count);
      for (const index of watched) p.get(window, index * PAGE);
    },
  ),
);

const ENDS: readonly EndCase<'store' | 'range' | 'count' | 'ioba' | 'count-zero'>[] = [
  { name: 'last-entry', title: 'takes the last entry alone', before: 1n, count: 1n, clause: 'store' },
  { name: 'last-two-entries', title: 'takes the last two entries', before: 2n, count: 2n, clause: 'store' },
  { name: 'last-512-entries', title: 'takes the last 512 entries', before: 512n, count: 512n, clause: 'store' },
  { name: 'last-entry-and-one-more', title: 'refuses the last entry and one past it', before: 1n, count: 2n, clause: 'range' },
  { name: 'last-two-and-one-more', title: 'refuses the last two entries and one past them', before: 2n, count: 3n, clause: 'range' },
  {
    name: 'last-511-and-one-more',
    title: 'refuses 512 entries of which the last is past the end',
    before: 511n,
    count: 512n,
    clause: 'range',
  },
  {
    name: 'last-entry-and-511-more',
    title: 'refuses 512 entries of which only the first is inside',
    before: 1n,
    count: 512n,
    clause: 'range',
  },
  { name: 'too-many-over-the-end', title: 'refuses 513 entries over the end with H_P4', before: 1n, count: 513n, clause: 'count' },
  {
    name: 'none-at-the-last-entry',
    title: 'changes nothing for a count of 0 at the last entry',
    before: 1n,
    count: 0n,
    clause: 'count-zero',
  },
  { name: 'none-at-the-end', title: 'with a count of 0 past the end changes nothing', before: 0n, count: 0n, clause: 'count-zero' },
  {
    name: 'too-many-at-the-end',
    title: 'refuses 513 entries that begin past the end with H_PARAMETER',
    before: 0n,
    count: 513n,
    clause: 'ioba',
  },
];

const atTheEnd = ({ name, title, before, count, clause }: (typeof ENDS)[number], entry: Term): Scenario =>
  scenario({ id: `tce/stuff/end/${name}`, title: `${NAME} ${title}`, clauses: [`${NAME}/${clause}`], ...overTheEnd({ before, count }) }, (p) => {
    const window = p.defaultWindow();
    const watched = [-513n, -512n, -511n, -3n, -2n, -1n].map((index) => plus(window.end, index * PAGE));
    for (const at of watched) p.hcall('H_PUT_TCE', window.liobn, at, POISON);
    p.hcall('H_STUFF_TCE', window.liobn, plus(window.end, -before * PAGE), entry, count);
    for (const at of watched) p.hcall('H_GET_TCE', window.liobn, at);
    p.get(window, 0n).get(window, PAGE);
  });

const ends = ENDS.map((end) => atTheEnd(end, mapping(DATA)));

/** Systems that refuse anything but clears refuse the others for that. */
const clearedOverTheEnd = ENDS.filter(({ clause }) => clause === 'range').map((end) =>
  atTheEnd({ ...end, name: `${end.name}/cleared`, title: `${end.title}, where they are cleared` }, 0n),
);

const replaced = PERMISSIONS.map(({ bits, name, text }) =>
  scenario(
    {
      id: `tce/stuff/over-mixed-entries/permission-${name}`,
      title: `${NAME} gives entries of every kind the one value, with ${text}`,
      clauses: [`${NAME}/store`],
    },
    (p) => {
      const window = p.defaultWindow();
      for (const entry of PERMISSIONS) p.put(window, entry.bits * PAGE, mapping(OTHER, entry.bits));
      p.put(window, 4n * PAGE, POISON).put(window, 5n * PAGE, POISON);
      p.stuff(window, 0n, mapping(DATA, bits), 5n);
      for (let i = 0n; i < 6n; i++) p.get(window, i * PAGE);
    },
  ),
);

const others: readonly Scenario[] = [
  scenario(
    {
      id: 'tce/stuff/refused-value-changes-nothing',
      title: `${NAME} with a page outside memory changes none of its entries`,
      clauses: [`${NAME}/page`],
    },
    (p) => {
      const window = p.defaultWindow();
      surround(p, window, [4n, 5n, 6n, 7n, 8n]);
      p.stuff(window, 5n * PAGE, FOREIGN, 3n);
      for (let i = 4n; i < 9n; i++) p.get(window, i * PAGE);
    },
  ),
  scenario(
    {
      id: 'tce/stuff/whole-window',
      title: 'A created window can be mapped and cleared entirely, 512 entries at a time',
      clauses: [`${NAME}/store`, 'H_GET_TCE/value'],
    },
    (p) => {
      const window = p.create(16, 28);
      const chunk = 512n * 0x1_0000n;
      for (const entry of [mapping(DATA), 0n]) {
        for (let i = 0n; i < 8n; i++) p.stuff(window, i * chunk, entry, 512n);
        for (let i = 0n; i < 8n; i++) p.get(window, i * chunk).get(window, (i + 1n) * chunk - 0x1_0000n);
      }
    },
  ),
  scenario(
    {
      id: 'tce/stuff/large-pages',
      title: 'In a window of 64 KiB pages a range counts pages of 64 KiB',
      clauses: [`${NAME}/store`],
    },
    (p) => {
      const window = p.create(16, 28);
      for (let i = 0n; i < 6n; i++) p.put(window, i << 16n, POISON);
      p.stuff(window, 1n << 16n, mapping(DATA), 4n);
      for (let i = 0n; i < 6n; i++) p.get(window, i << 16n);
    },
  ),
  scenario(
    {
      id: 'tce/stuff/large-pages-over-the-end',
      title: 'In a window of 16 MiB pages a range over the end is refused and changes nothing',
      clauses: [`${NAME}/range`],
    },
    (p) => {
      const window = p.create(24, 28);
      p.put(window, 14n << 24n, POISON).put(window, 15n << 24n, POISON);
      p.stuff(window, 14n << 24n, mapping(DATA), 3n);
      p.get(window, 14n << 24n).get(window, 15n << 24n);
    },
  ),
  scenario(
    {
      id: 'tce/stuff/across-table-pages',
      title: 'A range over the end of a 4 KiB page of the table is stored on both sides',
      clauses: [`${NAME}/store`],
    },
    (p) => {
      const window = p.defaultWindow();
      p.stuff(window, 510n * PAGE, mapping(DATA), 4n);
      for (let i = 509n; i < 515n; i++) p.get(window, i * PAGE);
    },
  ),
];

/** H_STUFF_TCE: its count, the end of the window, and what it replaces. */
export const scenarios: readonly Scenario[] = [...counts, ...ends, ...clearedOverTheEnd, ...replaced, ...others];
