import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { DATA, mapping, POISON } from '../tce/entries.js';
import { listed, readEdges, useEdges, WINDOW_STATES } from './states.js';

const QUERY = 'ibm,query-pe-dma-window/windows';
const RESTORED = 'reboot/default-restored';
const CREATED = 'ibm,create-pe-dma-window/created';

const states = WINDOW_STATES.flatMap(({ name, text, reach }) => [
  scenario(
    {
      id: `ddw/reboot/state/${name}`,
      title: `Rebooted with ${text}, the partition has the default window alone, of its old LIOBN, place and size`,
      clauses: [RESTORED, QUERY, 'H_PUT_TCE/store', 'H_PUT_TCE/ioba'],
    },
    (p) => {
      const before = listed(reach(p));
      p.reboot().query();
      readEdges(p, p.defaultWindow());
      for (const window of before) p.get(window, 0n);
      useEdges(p, p.defaultWindow(), DATA + 3n);
    },
  ),
  scenario(
    {
      id: `ddw/reboot/then-create/${name}`,
      title: `Rebooted with ${text}, the partition can create a window, and it is empty`,
      clauses: [RESTORED, CREATED, 'H_GET_TCE/value'],
    },
    (p) => {
      for (const window of listed(reach(p))) p.put(window, 0n, POISON);
      p.reboot();
      const window = p.create(16, 28);
      p.get(window, 0n).query();
    },
  ),
]);

/** What a reboot of the partition leaves of its windows. */
export const scenarios: readonly Scenario[] = [
  ...states,
  scenario(
    {
      id: 'ddw/reboot/entries-of-the-default',
      title: "What the default window's entries hold after a reboot is 0 or what they held; a new entry replaces either",
      clauses: [RESTORED, 'H_GET_TCE/value', 'H_PUT_TCE/store'],
    },
    (p) => {
      const window = p.defaultWindow();
      p.put(window, 0n, POISON).put(window, 0x5000n, mapping(DATA)).reboot();
      p.get(window, 0n).get(window, 0x5000n).get(window, 0n);
      p.put(window, 0x5000n, POISON).put(window, 0x5000n, 0n);
    },
  ),
  scenario({ id: 'ddw/reboot/twice', title: 'Two reboots are as one', clauses: [RESTORED, QUERY, CREATED] }, (p) => {
    p.remove(p.defaultWindow());
    p.create(16, 28);
    p.reboot().reboot().query();
    readEdges(p, p.defaultWindow());
    readEdges(p, p.create(16, 28));
  }),
  scenario(
    {
      id: 'ddw/reboot/every-pe',
      title: 'A reboot restores the windows of every PE',
      clauses: [RESTORED, QUERY],
    },
    (p) => {
      p.remove(p.defaultWindow('pe0')).remove(p.defaultWindow('pe1'));
      p.create(16, 28, 'pe1');
      p.reboot().query('pe0').query('pe1');
      for (const pe of ['pe0', 'pe1']) readEdges(p, p.defaultWindow(pe));
    },
  ),
  scenario(
    {
      id: 'ddw/reboot/single-window',
      title: 'Rebooted with its one window created, a PE with room for one has the default and no room',
      clauses: [RESTORED, QUERY],
    },
    (p) => {
      p.remove(p.defaultWindow('vf0'));
      p.create(16, 28, 'vf0');
      p.reboot().query('vf0');
      readEdges(p, p.defaultWindow('vf0'));
    },
  ),
  scenario(
    {
      id: 'ddw/reboot/no-ddw',
      title: 'A reboot leaves a PE without DDW its default window',
      clauses: [RESTORED, 'H_PUT_TCE/store'],
    },
    (p) => {
      p.put(p.defaultWindow('plain0'), 0n, POISON).reboot();
      readEdges(p, p.defaultWindow('plain0'));
      useEdges(p, p.defaultWindow('plain0'), DATA + 3n);
    },
  ),
];
