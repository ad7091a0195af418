import { LIST_PAGE } from '../../harness/build/program-builder.js';
import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { BOTH, consecutive, DATA, FOREIGN, mapping, OTHER, PAGE, PERMISSIONS, POISON } from './entries.js';

const NAME = 'H_PUT_TCE_INDIRECT';
const STORE = [`${NAME}/store`];

/** What H_PUT_TCE_INDIRECT takes from a list, and what it leaves of it. */
export const scenarios: readonly Scenario[] = [
  scenario(
    {
      id: 'tce/lists/part-of-a-list',
      title: 'Only the first `count` entries of a list count, bad ones after them do not',
      clauses: STORE,
    },
    (p) => {
      const window = p.defaultWindow();
      for (let i = 5n; i < 10n; i++) p.put(window, i * PAGE, POISON);
      p.putList(window, 5n * PAGE, [...consecutive(DATA, 3), FOREIGN, mapping(OTHER)], 3n);
      for (let i = 5n; i < 10n; i++) p.get(window, i * PAGE);
    },
  ),
  scenario({ id: 'tce/lists/mixed-permissions', title: 'Each entry of a list keeps its own permission', clauses: STORE }, (p) => {
    const window = p.defaultWindow();
    p.putList(window, 5n * PAGE, [...PERMISSIONS.map(({ bits }) => mapping(DATA, bits)), POISON, 0n, mapping(OTHER)]);
    for (let i = 5n; i < 12n; i++) p.get(window, i * PAGE);
  }),
  scenario(
    {
      id: 'tce/lists/poison-outside-memory',
      title: 'An entry of a list without permission bits may hold an address outside memory',
      clauses: STORE,
    },
    (p) => {
      const window = p.defaultWindow();
      p.putList(window, 5n * PAGE, [mapping(DATA), { from: 'memory.end' }, mapping(OTHER)]);
      for (let i = 5n; i < 8n; i++) p.get(window, i * PAGE);
    },
  ),
  scenario({ id: 'tce/lists/same-page-twice', title: 'A list may map one page several times', clauses: STORE }, (p) => {
    const window = p.defaultWindow();
    p.putList(window, 5n * PAGE, [mapping(DATA), mapping(DATA), mapping(DATA, 1n)]);
    for (let i = 5n; i < 8n; i++) p.get(window, i * PAGE);
  }),
  scenario({ id: 'tce/lists/maps-its-own-page', title: 'A list may map the page it is on', clauses: STORE }, (p) => {
    const window = p.defaultWindow();
    p.putList(window, 5n * PAGE, [mapping(LIST_PAGE), mapping(DATA)])
      .get(window, 5n * PAGE)
      .get(window, 6n * PAGE);
  }),
  scenario(
    {
      id: 'tce/lists/unchanged',
      title: 'The list is as before after the call',
      clauses: [...STORE, 'memory/contents'],
      claims: [{ says: 'the call only reads its list', clause: 'memory/contents', holds: 'equal', loads: ['before', 'after'] }],
    },
    (p) => {
      const window = p.defaultWindow();
      p.list(consecutive(DATA, 512)).load(LIST_PAGE, 4096, 'before');
      p.hcall(NAME, window.liobn, window.at(0n), LIST_PAGE, 512n).load(LIST_PAGE, 4096, 'after');
    },
  ),
  scenario(
    {
      id: 'tce/lists/changed-afterwards',
      title: 'Changing the list after the call changes no entry',
      clauses: [...STORE, 'H_GET_TCE/value'],
    },
    (p) => {
      const window = p.defaultWindow();
      p.putList(window, 5n * PAGE, consecutive(DATA, 3)).list(consecutive(OTHER, 3));
      for (let i = 5n; i < 8n; i++) p.get(window, i * PAGE);
    },
  ),
  scenario(
    { id: 'tce/lists/one-list-two-windows', title: 'One list may fill the entries of two windows, one after the other', clauses: STORE },
    (p) => {
      const [first, second] = [p.defaultWindow(), p.create(16, 28)];
      const tces = [mapping(DATA), mapping(OTHER), mapping(DATA, 1n)];
      p.putList(first, 0n, tces).hcall(NAME, second.liobn, second.start, LIST_PAGE, 3n);
      for (let i = 0n; i < 4n; i++) p.get(first, i << 12n).get(second, i << 16n);
    },
  ),
  scenario(
    { id: 'tce/lists/replaces-a-list', title: 'A list replaces the part of an earlier one that it overlaps', clauses: STORE },
    (p) => {
      const window = p.defaultWindow();
      p.putList(window, 5n * PAGE, consecutive(DATA, 6)).putList(window, 8n * PAGE, consecutive(OTHER, 6));
      for (let i = 4n; i < 15n; i++) p.get(window, i * PAGE);
    },
  ),
  scenario(
    {
      id: 'tce/lists/across-table-pages',
      title: 'A list over the end of a 4 KiB page of the table is stored on both sides',
      clauses: STORE,
    },
    (p) => {
      const window = p.defaultWindow();
      p.putList(window, 300n * PAGE, consecutive(DATA, 512));
      for (const i of [299n, 300n, 511n, 512n, 513n, 811n, 812n]) p.get(window, i * PAGE);
    },
  ),
  scenario({ id: 'tce/lists/whole-window', title: 'A created window can be filled entirely by lists of 512', clauses: STORE }, (p) => {
    const window = p.create(16, 28);
    p.list(consecutive(DATA & ~0xffffn, 512).map((tce) => tce & ~0xf000n));
    for (let i = 0n; i < 8n; i++) p.hcall(NAME, window.liobn, window.at((i * 512n) << 16n), LIST_PAGE, 512n);
    for (let i = 0n; i < 8n; i++) p.get(window, (i * 512n) << 16n).get(window, (i * 512n + 511n) << 16n);
  }),
  scenario(
    {
      id: 'tce/lists/last-page-of-memory',
      title: 'A list on the last page of memory is a list',
      clauses: STORE,
    },
    (p) => {
      const window = p.defaultWindow();
      p.put(window, 5n * PAGE, POISON).put(window, 6n * PAGE, POISON);
      p.hcall(NAME, window.liobn, window.at(5n * PAGE), { from: 'memory.end', plus: -PAGE }, 1n);
      p.get(window, 6n * PAGE);
    },
  ),
  ...[16, 21, 24].map((shift) =>
    scenario(
      {
        id: `tce/lists/page-2^${shift}`,
        title: `In a window with pages of 2^${shift} bytes a list fills one page after another`,
        clauses: STORE,
      },
      (p) => {
        const window = p.create(shift, 28);
        const at = (i: bigint): bigint => i << BigInt(shift);
        for (let i = 1n; i < 6n; i++) p.put(window, at(i), POISON & ~0xf_ffffn);
        p.putList(window, at(2n), [DATA + BOTH, OTHER + BOTH, DATA + 1n]);
        for (let i = 1n; i < 6n; i++) p.get(window, at(i));
      },
    ),
  ),
];
