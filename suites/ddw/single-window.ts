import { peArgs } from '../../harness/build/program-builder.js';
import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { DATA, mapping, POISON } from '../tce/entries.js';
import { readEdges, useEdges } from './states.js';

const QUERY = 'ibm,query-pe-dma-window/windows';
const CREATE = 'ibm,create-pe-dma-window';
const REMOVE = 'ibm,remove-pe-dma-window';
const PE = 'vf0';

/** A PE that can have one window: a virtual function. The default window has the room until it is removed. */
export const scenarios: readonly Scenario[] = [
  scenario(
    {
      id: 'ddw/single-window/create-beside-default',
      title: 'A PE with room for one window refuses one beside the default, which stays',
      clauses: [QUERY, `${CREATE}/no-window-left`],
    },
    (p) => {
      p.query(PE).rtas(CREATE, [...peArgs(PE), 16n, 28n], 4);
      readEdges(p, p.defaultWindow(PE));
    },
  ),
  scenario(
    {
      id: 'ddw/single-window/create-instead-of-default',
      title: 'With the default removed the query reports one window, and it can be created and used',
      clauses: [QUERY, `${REMOVE}/default-not-restored`, `${CREATE}/created`],
    },
    (p) => {
      p.query(PE).remove(p.defaultWindow(PE)).query(PE);
      useEdges(p, p.create(16, 28, PE), DATA + 3n);
      p.query(PE);
    },
  ),
  scenario(
    {
      id: 'ddw/single-window/no-second',
      title: 'With the one window created another is refused, and the first keeps its entries',
      clauses: [`${CREATE}/created`, `${CREATE}/no-window-left`, 'H_GET_TCE/value'],
    },
    (p) => {
      p.remove(p.defaultWindow(PE));
      const window = p.create(16, 28, PE);
      p.put(window, 0n, mapping(DATA))
        .rtas(CREATE, [...peArgs(PE), 12n, 28n], 4)
        .get(window, 0n);
    },
  ),
  scenario(
    {
      id: 'ddw/single-window/default-restored',
      title: 'Removing the one created window brings the default back, and no room is left',
      clauses: [`${REMOVE}/default-restored`, QUERY, `${CREATE}/no-window-left`],
    },
    (p) => {
      p.remove(p.defaultWindow(PE));
      p.remove(p.create(16, 28, PE)).query(PE);
      readEdges(p, p.defaultWindow(PE));
      p.rtas(CREATE, [...peArgs(PE), 16n, 28n], 4);
    },
  ),
  scenario(
    {
      id: 'ddw/single-window/recreated-is-empty',
      title: 'The window created after the default, with its entries, was removed is empty',
      clauses: [`${CREATE}/created`, 'H_GET_TCE/value'],
    },
    (p) => {
      const first = p.defaultWindow(PE);
      p.stuff(first, 0n, POISON, 512n).remove(first);
      const window = p.create(12, 28, PE);
      p.get(window, 0n).get(window, 0x1f_f000n);
    },
  ),
  scenario(
    {
      id: 'ddw/single-window/failure-then-reset',
      title: 'The procedure of a guest whose creation fails: remove the default, query, create in vain, reset',
      clauses: [`${REMOVE}/default-not-restored`, `${CREATE}/page-size`, 'ibm,reset-pe-dma-window/default-restored'],
    },
    (p) => {
      p.query(PE).remove(p.defaultWindow(PE)).query(PE);
      p.rtas(CREATE, [...peArgs(PE), 11n, 28n], 4);
      p.reset(PE).query(PE);
      useEdges(p, p.defaultWindow(PE), DATA + 3n);
    },
  ),
  scenario(
    {
      id: 'ddw/single-window/reset-with-created',
      title: 'The reset takes the one created window and brings the default back',
      clauses: ['ibm,reset-pe-dma-window/default-restored', QUERY],
    },
    (p) => {
      p.remove(p.defaultWindow(PE));
      const window = p.create(16, 28, PE);
      p.reset(PE).query(PE).get(window, 0n);
      readEdges(p, p.defaultWindow(PE));
    },
  ),
  scenario(
    {
      id: 'ddw/single-window/ten-times',
      title: 'Ten times the default removed, a window created and removed, the default is there and no other room',
      clauses: [`${REMOVE}/default-restored`, QUERY],
    },
    (p) => {
      for (let i = 0; i < 10; i++) {
        p.remove(p.defaultWindow(PE));
        p.remove(p.create(16, 28, PE));
      }
      p.query(PE);
      readEdges(p, p.defaultWindow(PE));
    },
  ),
  scenario(
    {
      id: 'ddw/single-window/refused-sizes-keep-the-room',
      title: 'Creations refused for their arguments leave the one window to be created',
      clauses: [`${CREATE}/page-size`, `${CREATE}/window-size`, `${CREATE}/created`],
    },
    (p) => {
      p.remove(p.defaultWindow(PE));
      p.rtas(CREATE, [...peArgs(PE), 13n, 28n], 4).rtas(CREATE, [...peArgs(PE), 16n, 12n], 4);
      readEdges(p, p.create(16, 28, PE));
    },
  ),
];
