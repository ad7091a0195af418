import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { plus } from '../../reference/doors/term.js';
import { DATA, mapping, OTHER, PAGE, PERMISSIONS, POISON } from './entries.js';

const VALUE = 'H_GET_TCE/value';
const FOREIGN = 'H_GET_TCE/foreign';

/** H_GET_TCE beyond single arguments. */
export const scenarios: readonly Scenario[] = [
  scenario(
    {
      id: 'tce/get/never-written',
      title: 'The entries of a created window are 0 before anything is put: first, last and between',
      clauses: [VALUE],
    },
    (p) => {
      const window = p.create(16, 28);
      p.get(window, 0n).get(window, 0x800_0000n).get(window, 0xfff_0000n);
    },
  ),
  scenario({ id: 'tce/get/twice', title: 'Reading an entry does not change it', clauses: [VALUE] }, (p) => {
    const window = p.defaultWindow();
    p.put(window, 0x5000n, mapping(DATA)).get(window, 0x5000n).get(window, 0x5000n).get(window, 0x4000n).get(window, 0x5000n);
  }),
  scenario({ id: 'tce/get/after-each-writer', title: 'An entry reads the same whichever call stored it', clauses: [VALUE] }, (p) => {
    const window = p.defaultWindow();
    p.put(window, 0x5000n, mapping(DATA))
      .stuff(window, 0x6000n, mapping(DATA), 1n)
      .putList(window, 0x7000n, [mapping(DATA)]);
    for (const offset of [0x5000n, 0x6000n, 0x7000n]) p.get(window, offset);
  }),
  scenario({ id: 'tce/get/last-write-wins', title: 'Of several writes an entry shows the last', clauses: [VALUE] }, (p) => {
    const window = p.defaultWindow();
    p.putList(window, 0x5000n, [mapping(DATA)])
      .stuff(window, 0x5000n, mapping(OTHER), 1n)
      .put(window, 0x5000n, POISON);
    p.get(window, 0x5000n).stuff(window, 0x5000n, 0n, 1n).get(window, 0x5000n);
  }),
  scenario(
    {
      id: 'tce/get/large-page',
      title: 'In a window of 64 KiB pages each address of a page reads its one entry, or is refused',
      clauses: [VALUE, 'H_GET_TCE/ioba-alignment'],
    },
    (p) => {
      const window = p.create(16, 28);
      p.put(window, 0x1_0000n, mapping(DATA)).put(window, 0x2_0000n, mapping(OTHER));
      for (const offset of [0x1_0000n, 0x1_1000n, 0x1_8000n, 0x1_f000n, 0x1_ffffn, 0x2_0000n]) p.get(window, offset);
    },
  ),
  ...PERMISSIONS.map(({ bits, name, text }) =>
    scenario(
      {
        id: `tce/get/page-left-the-partition/${name}`,
        title: `After its page left the partition an entry with ${text} ${bits === 0n ? 'reads as given' : 'reads H_PARTIAL'}`,
        clauses: bits === 0n ? [VALUE] : [FOREIGN],
      },
      (p) => {
        const window = p.defaultWindow();
        p.put(window, 0x5000n, mapping(DATA, bits)).put(window, 0x6000n, mapping(DATA + PAGE));
        p.platform({ op: 'disown-page', address: DATA });
        p.get(window, 0x5000n).get(window, 0x6000n);
      },
    ),
  ),
  scenario(
    {
      id: 'tce/get/page-left-the-partition/unmapped',
      title: 'An entry whose page left the partition can be cleared, and then reads 0',
      clauses: [FOREIGN, VALUE],
    },
    (p) => {
      const window = p.defaultWindow();
      p.put(window, 0x5000n, mapping(DATA)).platform({ op: 'disown-page', address: DATA }).get(window, 0x5000n);
      p.put(window, 0x5000n, 0n).get(window, 0x5000n).put(window, 0x5000n, mapping(DATA));
    },
  ),
  scenario(
    {
      id: 'tce/get/removed-window',
      title: 'The LIOBN of a removed window names no table',
      clauses: ['H_GET_TCE/liobn'],
    },
    (p) => {
      const window = p.create(16, 28);
      p.put(window, 0n, POISON).remove(window);
      p.get(window, 0n).hcall('H_GET_TCE', window.liobn, plus(window.end, -0x1_0000n));
    },
  ),
];
