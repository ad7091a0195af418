import { peArgs } from '../../harness/build/program-builder.js';
import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { DATA, mapping, POISON } from '../tce/entries.js';
import { listed, readEdges, useEdges, WINDOW_STATES } from './states.js';

const NAME = 'ibm,reset-pe-dma-window';
const RESTORED = [`${NAME}/default-restored`];

const states = WINDOW_STATES.flatMap(({ name, text, reach }) => [
  scenario(
    {
      id: `ddw/reset/state/${name}`,
      title: `With ${text} the reset leaves the default window alone, of its old LIOBN, place and size`,
      clauses: RESTORED,
    },
    (p) => {
      const before = listed(reach(p));
      p.reset().query();
      readEdges(p, p.defaultWindow());
      for (const window of before) p.get(window, 0n);
      useEdges(p, p.defaultWindow(), DATA + 3n);
    },
  ),
  scenario(
    {
      id: `ddw/reset/then-create/${name}`,
      title: `With ${text} the reset gives everything back: a window can be created, and it is empty`,
      clauses: [...RESTORED, 'ibm,create-pe-dma-window/created', 'H_GET_TCE/value'],
    },
    (p) => {
      for (const window of listed(reach(p))) p.put(window, 0n, POISON);
      p.reset();
      const window = p.create(16, 28);
      p.get(window, 0n).query();
      useEdges(p, window, DATA + 3n);
    },
  ),
]);

const others: readonly Scenario[] = [
  scenario({ id: 'ddw/reset/twice', title: 'A second reset changes nothing more', clauses: RESTORED }, (p) => {
    p.create(16, 28);
    p.reset().reset().query();
    readEdges(p, p.defaultWindow());
  }),
  scenario(
    { id: 'ddw/reset/twenty-times', title: 'Twenty times the default removed, a window created and the PE reset', clauses: RESTORED },
    (p) => {
      for (let i = 0; i < 20; i++) {
        p.remove(p.defaultWindow());
        p.create(16, 28);
        p.reset();
      }
      p.query();
      useEdges(p, p.defaultWindow(), DATA + 3n);
    },
  ),
  scenario(
    {
      id: 'ddw/reset/entries-of-the-default',
      title: "What the default window's entries hold after a reset is 0 or what they held; a new entry replaces either",
      clauses: [...RESTORED, 'H_GET_TCE/value'],
    },
    (p) => {
      const window = p.defaultWindow();
      p.put(window, 0n, POISON).put(window, 0x5000n, POISON).reset();
      p.get(window, 0n).get(window, 0x5000n).get(window, 0n);
      p.put(window, 0n, mapping(DATA)).put(window, 0n, 0n);
    },
  ),
  scenario(
    {
      id: 'ddw/reset/live-mappings',
      title: 'Windows with mappings are reset away like any other',
      clauses: RESTORED,
    },
    (p) => {
      const [first, second] = [p.defaultWindow(), p.create(16, 28)];
      p.put(first, 0n, mapping(DATA)).put(second, 0n, mapping(DATA)).reset().query();
      p.get(second, 0n).get(first, 0n).put(first, 0n, 0n);
    },
  ),
  scenario(
    {
      id: 'ddw/reset/four-arguments',
      title: 'The form with 4 arguments is refused where limited addressing is not offered, and changes nothing',
      clauses: [`${NAME}/limited-addressing`],
      requires: ['no-limited'],
    },
    (p) => {
      const window = p.create(16, 28);
      for (const limited of [0n, 1n, 2n, 0xffff_ffffn]) p.rtas(NAME, [...peArgs('pe0'), limited], 1);
      p.get(window, 0n);
    },
  ),
  scenario(
    {
      id: 'ddw/reset/not-offered',
      title: 'A PE whose extensions do not name the call keeps its windows when it is called',
      clauses: [`${NAME}/not-offered`],
    },
    (p) => {
      const window = p.create(16, 28, 'old0');
      p.put(window, 0n, POISON).reset('old0').query('old0', 5).get(window, 0n);
    },
  ),
  scenario(
    {
      id: 'ddw/reset/no-ddw',
      title: 'A PE without DDW keeps its default window when the call is made for it',
      clauses: [`${NAME}/not-applicable`],
    },
    (p) => {
      const window = p.defaultWindow('plain0');
      p.put(window, 0n, mapping(DATA)).rtas(NAME, peArgs('plain0'), 1).get(window, 0n);
    },
  ),
  ...[-2, 9900, 9905].map((status) =>
    scenario(
      {
        id: `ddw/reset/busy/${status}`,
        title: `While the call answers ${status} the windows are as before; called again it resets them`,
        clauses: [`${NAME}/busy`, ...RESTORED],
        requires: ['platform'],
      },
      (p) => {
        const window = p.create(16, 28);
        p.put(window, 0n, POISON).platform({ op: 'busy', calls: 2, status });
        p.reset().get(window, 0n).reset().get(window, 0n).reset().get(window, 0n).query();
        readEdges(p, p.defaultWindow());
      },
    ),
  ),
];

/** ibm,reset-pe-dma-window: from every state, and where it is not to be had. */
export const scenarios: readonly Scenario[] = [...states, ...others];
