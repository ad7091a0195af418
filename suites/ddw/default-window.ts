import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { DATA, mapping, POISON } from '../tce/entries.js';
import { readEdges, useEdges } from './states.js';

const REMOVE = 'ibm,remove-pe-dma-window';
const RESTORED = `${REMOVE}/default-restored`;
const NOT_RESTORED = `${REMOVE}/default-not-restored`;
const REMOVED = `${REMOVE}/removed`;
const CREATED = 'ibm,create-pe-dma-window/created';

/** When the default window goes, when it comes back, and as what. The orders are in `every-order.ts`. */
export const scenarios: readonly Scenario[] = [
  scenario(
    {
      id: 'ddw/default/removed-alone',
      title: 'The default window can be removed although it is the only one, and does not come back by itself',
      clauses: [NOT_RESTORED, 'ibm,query-pe-dma-window/windows'],
    },
    (p) => {
      p.remove(p.defaultWindow()).query().query();
      readEdges(p, p.defaultWindow());
    },
  ),
  scenario(
    {
      id: 'ddw/default/removed-created-removed',
      title: 'With the default removed, a window created and removed brings the default back: same LIOBN, place and size',
      clauses: [NOT_RESTORED, CREATED, RESTORED],
    },
    (p) => {
      p.remove(p.defaultWindow());
      const window = p.create(16, 28);
      p.remove(window).query();
      readEdges(p, p.defaultWindow());
      useEdges(p, p.defaultWindow(), DATA + 3n);
    },
  ),
  scenario(
    {
      id: 'ddw/default/created-removed-removed',
      title: 'With a window created before the default was removed, its removal brings the default back',
      clauses: [REMOVED, RESTORED],
    },
    (p) => {
      const window = p.create(16, 28);
      p.remove(p.defaultWindow()).remove(window).query();
      readEdges(p, p.defaultWindow());
      useEdges(p, p.defaultWindow(), DATA + 3n);
    },
  ),
  scenario(
    {
      id: 'ddw/default/two-created-removed-in-order',
      title: 'Of two windows in place of the default only the removal of the last one brings it back',
      clauses: [NOT_RESTORED, REMOVED, RESTORED],
    },
    (p) => {
      p.remove(p.defaultWindow());
      const [first, second] = [p.create(16, 28), p.create(12, 28)];
      p.remove(first).query();
      readEdges(p, p.defaultWindow());
      p.remove(second).query();
      readEdges(p, p.defaultWindow());
    },
  ),
  scenario(
    {
      id: 'ddw/default/two-created-removed-in-reverse',
      title: 'The same with the second window removed first',
      clauses: [NOT_RESTORED, REMOVED, RESTORED],
    },
    (p) => {
      p.remove(p.defaultWindow());
      const [first, second] = [p.create(16, 28), p.create(12, 28)];
      p.remove(second).query();
      readEdges(p, p.defaultWindow());
      p.remove(first).query();
      readEdges(p, p.defaultWindow());
    },
  ),
  scenario(
    {
      id: 'ddw/default/removed-last',
      title: 'The default removed after every other window does not come back',
      clauses: [REMOVED, NOT_RESTORED],
    },
    (p) => {
      const window = p.create(16, 28);
      p.remove(window).remove(p.defaultWindow()).query();
      readEdges(p, p.defaultWindow());
    },
  ),
  scenario(
    {
      id: 'ddw/default/restored-removed-restored',
      title: 'The default window comes back each of three times that the last other window goes',
      clauses: [NOT_RESTORED, RESTORED],
    },
    (p) => {
      for (let i = 0; i < 3; i++) {
        p.remove(p.defaultWindow());
        p.remove(p.create(16, 28)).query();
        readEdges(p, p.defaultWindow());
      }
    },
  ),
  scenario(
    {
      id: 'ddw/default/created-is-no-default',
      title: 'A window of the size, pages and perhaps LIOBN of the default is not the default: its removal brings that back',
      clauses: [NOT_RESTORED, CREATED, RESTORED],
    },
    (p) => {
      p.remove(p.defaultWindow());
      const window = p.create(12, 30);
      p.put(window, 0n, POISON).remove(window).query();
      readEdges(p, p.defaultWindow());
      useEdges(p, p.defaultWindow(), DATA + 3n);
    },
  ),
  scenario(
    {
      id: 'ddw/default/entries-after-restoration',
      title: 'What the entries of the restored default hold is 0 or what they held; a new entry replaces either',
      clauses: [RESTORED, 'H_GET_TCE/value'],
    },
    (p) => {
      const window = p.defaultWindow();
      p.put(window, 0n, POISON).put(window, 0x5000n, POISON);
      const other = p.create(16, 28);
      p.put(other, 0n, POISON + 0x10_0000n)
        .remove(window)
        .remove(other);
      p.get(window, 0n).get(window, 0x5000n).get(window, 0n);
      p.put(window, 0x5000n, mapping(DATA)).put(window, 0x5000n, 0n).put(window, 0n, 0n);
    },
  ),
  scenario(
    {
      id: 'ddw/default/created-after-removal-is-empty',
      title: 'A window created in the place of the default has none of its entries',
      clauses: [NOT_RESTORED, CREATED, 'H_GET_TCE/value'],
    },
    (p) => {
      const first = p.defaultWindow();
      p.stuff(first, 0n, POISON, 512n).remove(first);
      const window = p.create(12, 28);
      for (const offset of [0n, 0x1000n, 0x1f_f000n, 0xfff_f000n]) p.get(window, offset);
    },
  ),
  scenario(
    {
      id: 'ddw/default/refused-creation-in-between',
      title: 'A refused creation does not bring the removed default back',
      clauses: [NOT_RESTORED, 'ibm,create-pe-dma-window/page-size'],
    },
    (p) => {
      p.remove(p.defaultWindow());
      p.create(11, 28);
      p.query();
      readEdges(p, p.defaultWindow());
    },
  ),
  scenario(
    {
      id: 'ddw/default/refused-removal-in-between',
      title: 'A refused removal does not bring the removed default back',
      clauses: [NOT_RESTORED, `${REMOVE}/liobn`],
    },
    (p) => {
      p.remove(p.defaultWindow()).remove(p.defaultWindow()).query();
      readEdges(p, p.defaultWindow());
    },
  ),
];
