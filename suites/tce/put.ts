import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { plus } from '../../reference/doors/term.js';
import { DATA, FOREIGN, mapping, OTHER, PAGE, PERMISSIONS, POISON } from './entries.js';

const STORE = ['H_PUT_TCE/store'];

/** The states an entry can be in before it is replaced. */
const STATES = [
  { name: 'empty', entry: 0n },
  ...PERMISSIONS.slice(1).map(({ bits, name }) => ({ name, entry: mapping(DATA, bits) })),
  { name: 'poison', entry: POISON },
];

/** H_PUT_TCE beyond single arguments. */
export const scenarios: readonly Scenario[] = [
  scenario(
    {
      id: 'tce/put/first-and-last-entry',
      title: 'The first and the last entry of a window are two entries',
      clauses: [...STORE, 'H_GET_TCE/value'],
    },
    (p) => {
      const window = p.defaultWindow();
      const last = plus(window.end, -PAGE);
      p.put(window, 0n, mapping(DATA)).hcall('H_PUT_TCE', window.liobn, last, mapping(OTHER));
      p.get(window, 0n).hcall('H_GET_TCE', window.liobn, last);
      p.put(window, 0n, 0n).hcall('H_GET_TCE', window.liobn, last);
    },
  ),
  ...STATES.map(({ name, entry }) =>
    scenario(
      {
        id: `tce/put/replaces/${name}`,
        title: `Any entry replaces one that is ${name}`,
        clauses: [...STORE, 'H_GET_TCE/value'],
      },
      (p) => {
        const window = p.defaultWindow();
        for (const next of STATES) p.put(window, 0x5000n, entry).put(window, 0x5000n, next.entry);
      },
    ),
  ),
  scenario({ id: 'tce/put/same-twice', title: 'The same entry may be put again', clauses: STORE }, (p) => {
    const window = p.defaultWindow();
    p.put(window, 0x5000n, mapping(DATA)).put(window, 0x5000n, mapping(DATA));
  }),
  scenario({ id: 'tce/put/one-page-many-entries', title: 'One page of memory may be mapped by many entries', clauses: STORE }, (p) => {
    const window = p.defaultWindow();
    for (let i = 0n; i < 16n; i++) p.put(window, i * PAGE, mapping(DATA));
    p.put(window, 3n * PAGE, 0n);
    for (let i = 0n; i < 16n; i++) p.get(window, i * PAGE);
  }),
  scenario(
    {
      id: 'tce/put/every-entry-of-a-table-page',
      title: 'The entries around each 4 KiB of the table itself (512 entries) are kept apart',
      clauses: STORE,
    },
    (p) => {
      const window = p.defaultWindow();
      const indexes = [511n, 512n, 513n, 1023n, 1024n, 0x7fffn, 0x8000n];
      for (const [i, index] of indexes.entries()) p.put(window, index * PAGE, mapping(DATA + BigInt(i) * PAGE));
      for (const index of indexes) p.get(window, index * PAGE);
    },
  ),
  scenario(
    {
      id: 'tce/put/every-address-bit',
      title: 'Every bit of a bus address within the window names another entry',
      clauses: STORE,
    },
    (p) => {
      const window = p.defaultWindow();
      const offsets = [0n, ...Array.from({ length: 16 }, (_, i) => PAGE << BigInt(i))];
      for (const [i, offset] of offsets.entries()) p.put(window, offset, mapping(DATA + BigInt(i) * PAGE));
      for (const offset of offsets) p.get(window, offset);
    },
  ),
  scenario(
    {
      id: 'tce/put/every-page-number-bit',
      title: 'Every bit of a page number within memory is kept',
      clauses: STORE,
    },
    (p) => {
      const window = p.defaultWindow();
      for (let bit = 12n; bit < 26n; bit++) p.put(window, 0x5000n, mapping(1n << bit));
    },
  ),
  scenario(
    {
      id: 'tce/put/refused-then-taken',
      title: 'After a refused entry the old one is there, and a good one is taken',
      clauses: ['H_PUT_TCE/page', ...STORE],
    },
    (p) => {
      const window = p.defaultWindow();
      p.put(window, 0x5000n, mapping(DATA)).put(window, 0x5000n, FOREIGN).put(window, 0x5000n, mapping(OTHER));
    },
  ),
  scenario(
    {
      id: 'tce/put/two-windows',
      title: 'Two windows of one PE have tables of their own',
      clauses: [...STORE, 'H_GET_TCE/value'],
    },
    (p) => {
      const [first, second] = [p.defaultWindow(), p.create(16, 28)];
      p.put(first, 0n, mapping(DATA)).put(second, 0n, mapping(OTHER));
      p.get(first, 0n).put(first, 0n, 0n).get(second, 0n);
    },
  ),
  scenario(
    {
      id: 'tce/put/address-of-the-other-window',
      title: 'An address of one window is refused with the LIOBN of the other',
      clauses: ['H_PUT_TCE/ioba'],
    },
    (p) => {
      const [first, second] = [p.defaultWindow(), p.create(16, 28)];
      p.hcall('H_PUT_TCE', first.liobn, second.start, mapping(DATA)).hcall('H_PUT_TCE', second.liobn, first.start, mapping(DATA));
      p.get(first, 0n).get(second, 0n);
    },
  ),
];
