import { peArgs, type ProgramBuilder } from '../../harness/build/program-builder.js';
import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { DATA, mapping, POISON } from '../tce/entries.js';
import { readEdges, useEdges } from './states.js';

const CREATE = 'ibm,create-pe-dma-window';
const NONE_LEFT = `${CREATE}/no-window-left`;
const CREATED = `${CREATE}/created`;

/** Asks for a window and keeps no name for it. */
const ask = (p: ProgramBuilder, pageShift = 16n, windowShift = 28n, pe = 'pe0'): ProgramBuilder =>
  p.rtas(CREATE, [...peArgs(pe), pageShift, windowShift], 4);

/** What happens when no window is left, and when one is again. */
export const scenarios: readonly Scenario[] = [
  ...[
    [12n, 12n],
    [12n, 28n],
    [16n, 28n],
    [24n, 30n],
  ].map(([pageShift = 0n, windowShift = 0n]) =>
    scenario(
      {
        id: `ddw/exhaustion/refused/2^${pageShift}-pages/2^${windowShift}-bytes`,
        title: `With no window left one of 2^${windowShift} bytes with pages of 2^${pageShift} bytes is refused, however small`,
        clauses: [NONE_LEFT],
      },
      (p) => {
        p.create(16, 28);
        ask(p, pageShift, windowShift).query();
      },
    ),
  ),
  scenario(
    {
      id: 'ddw/exhaustion/leaves-windows',
      title: 'The refused creation leaves the entries and edges of both windows',
      clauses: [NONE_LEFT, 'H_GET_TCE/value'],
    },
    (p) => {
      const [first, second] = [p.defaultWindow(), p.create(16, 28)];
      p.put(first, 0n, mapping(DATA)).put(second, 0n, POISON);
      ask(p).get(first, 0n).get(second, 0n);
      readEdges(p, first);
      readEdges(p, second);
    },
  ),
  scenario({ id: 'ddw/exhaustion/twenty-refusals', title: 'Twenty refused creations change nothing', clauses: [NONE_LEFT] }, (p) => {
    const window = p.create(16, 28);
    for (let i = 0; i < 20; i++) ask(p);
    p.query().remove(window).query();
    readEdges(p, p.defaultWindow());
  }),
  scenario(
    {
      id: 'ddw/exhaustion/without-default',
      title: 'Without the default two windows can be created, and not three',
      clauses: [CREATED, NONE_LEFT],
    },
    (p) => {
      p.remove(p.defaultWindow());
      const [first, second] = [p.create(16, 28), p.create(12, 28)];
      ask(p).query();
      readEdges(p, first);
      readEdges(p, second);
    },
  ),
  scenario(
    {
      id: 'ddw/exhaustion/two-windows-apart',
      title: 'Two windows created in place of the default have tables of their own and do not overlap',
      clauses: [CREATED, `${CREATE}/liobn`, `${CREATE}/start`, 'H_GET_TCE/value'],
    },
    (p) => {
      p.remove(p.defaultWindow());
      const [first, second] = [p.create(16, 28), p.create(16, 28)];
      p.put(first, 0n, mapping(DATA)).put(second, 0x1_0000n, POISON);
      p.get(first, 0x1_0000n).get(second, 0n);
      p.hcall('H_GET_TCE', first.liobn, second.start).hcall('H_GET_TCE', second.liobn, first.start);
    },
  ),
  scenario(
    {
      id: 'ddw/exhaustion/created-default-removed-created',
      title: 'A window created in place of the default lies clear of the one that was there before',
      clauses: [CREATED, `${CREATE}/liobn`, `${CREATE}/start`],
    },
    (p) => {
      const first = p.create(16, 28);
      p.remove(p.defaultWindow());
      const second = p.create(16, 28);
      p.put(first, 0n, POISON).get(second, 0n).put(second, 0n, mapping(DATA)).get(first, 0n);
      ask(p).query();
    },
  ),
  ...(['first', 'second'] as const).map((which) =>
    scenario(
      {
        id: `ddw/exhaustion/freed-by-removing/${which}`,
        title: `After the ${which} of two created windows was removed, one more can be created and is empty`,
        clauses: [NONE_LEFT, CREATED, 'H_GET_TCE/value'],
      },
      (p) => {
        p.remove(p.defaultWindow());
        const windows = { first: p.create(16, 28), second: p.create(12, 28) };
        p.put(windows.first, 0n, POISON).put(windows.second, 0n, POISON);
        ask(p).remove(windows[which]);
        const third = p.create(16, 28);
        p.get(third, 0n).get(which === 'first' ? windows.second : windows.first, 0n);
        ask(p).query();
      },
    ),
  ),
  scenario(
    {
      id: 'ddw/exhaustion/freed-by-removing/default',
      title: 'After the default window was removed, one more can be created',
      clauses: [NONE_LEFT, CREATED],
    },
    (p) => {
      p.create(16, 28);
      ask(p).remove(p.defaultWindow()).query();
      useEdges(p, p.create(12, 28), DATA + 3n);
    },
  ),
  scenario(
    {
      id: 'ddw/exhaustion/freed-by-reset',
      title: 'After a reset one more can be created',
      clauses: [NONE_LEFT, CREATED],
    },
    (p) => {
      p.create(16, 28);
      ask(p).reset().query();
      useEdges(p, p.create(12, 28), DATA + 3n);
    },
  ),
  scenario(
    {
      id: 'ddw/exhaustion/restored-default-takes-the-room',
      title: 'The restored default window counts: one window can be created beside it, and not two',
      clauses: [CREATED, NONE_LEFT],
    },
    (p) => {
      const window = p.create(16, 28);
      p.remove(p.defaultWindow()).remove(window).query().create(16, 28);
      ask(p).query();
    },
  ),
  scenario(
    {
      id: 'ddw/exhaustion/page-size-before-room',
      title: 'With no window left a page size that is not offered is refused as such',
      clauses: [`${CREATE}/page-size`],
    },
    (p) => {
      p.create(16, 28);
      ask(p, 11n).query();
    },
  ),
  scenario(
    {
      id: 'ddw/exhaustion/window-size-before-room',
      title: 'With no window left a window smaller than a page is refused as such',
      clauses: [`${CREATE}/window-size`],
    },
    (p) => {
      p.create(16, 28);
      ask(p, 16n, 15n).query();
    },
  ),
];
