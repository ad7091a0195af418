import { peArgs } from '../../harness/build/program-builder.js';
import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { DATA, mapping, OTHER, POISON } from '../tce/entries.js';
import { readEdges } from './states.js';

const CREATE = 'ibm,create-pe-dma-window';
const REMOVE = 'ibm,remove-pe-dma-window';
const RESET = 'ibm,reset-pe-dma-window';
const QUERY = 'ibm,query-pe-dma-window/windows';

/** Two host bridges, each with a PE: what one does never shows in the other. */
export const scenarios: readonly Scenario[] = [
  scenario(
    {
      id: 'ddw/two-phbs/same-address',
      title: 'One bus address has an entry of its own behind each host bridge',
      clauses: ['H_PUT_TCE/store', 'H_GET_TCE/value'],
    },
    (p) => {
      const [first, second] = [p.defaultWindow('pe0'), p.defaultWindow('pe1')];
      p.put(first, 0x5000n, mapping(DATA)).get(second, 0x5000n).put(second, 0x5000n, mapping(OTHER)).get(first, 0x5000n);
      p.put(second, 0x5000n, 0n).get(first, 0x5000n);
    },
  ),
  scenario(
    {
      id: 'ddw/two-phbs/created-in-both',
      title: 'A window created in each of two PEs has an LIOBN and entries of its own',
      clauses: [`${CREATE}/created`, `${CREATE}/liobn`, 'H_GET_TCE/value'],
    },
    (p) => {
      const [first, second] = [p.create(16, 28, 'pe0'), p.create(16, 28, 'pe1')];
      p.put(first, 0n, mapping(DATA)).get(second, 0n).put(second, 0n, mapping(OTHER)).get(first, 0n);
    },
  ),
  scenario(
    {
      id: 'ddw/two-phbs/exhausted-in-one',
      title: 'With no window left in one PE the other still has room',
      clauses: [`${CREATE}/no-window-left`, `${CREATE}/created`, QUERY],
    },
    (p) => {
      p.create(16, 28, 'pe0');
      p.rtas(CREATE, [...peArgs('pe0'), 16n, 28n], 4).query('pe1');
      readEdges(p, p.create(16, 28, 'pe1'));
    },
  ),
  scenario(
    {
      id: 'ddw/two-phbs/removed-in-one',
      title: 'Removing a created window of one PE leaves that of the other',
      clauses: [`${REMOVE}/removed`, 'H_GET_TCE/value', QUERY],
    },
    (p) => {
      const [first, second] = [p.create(16, 28, 'pe0'), p.create(16, 28, 'pe1')];
      p.put(second, 0n, mapping(DATA)).remove(first).query('pe0').query('pe1').get(second, 0n);
      readEdges(p, second);
    },
  ),
  scenario(
    {
      id: 'ddw/two-phbs/default-removed-in-one',
      title: 'Removing the default window of one PE leaves that of the other',
      clauses: [`${REMOVE}/default-not-restored`, 'H_GET_TCE/value', QUERY],
    },
    (p) => {
      const other = p.defaultWindow('pe1');
      p.put(other, 0n, mapping(DATA)).remove(p.defaultWindow('pe0')).query('pe0').query('pe1').get(other, 0n);
      readEdges(p, other);
    },
  ),
  scenario(
    {
      id: 'ddw/two-phbs/restored-in-one',
      title: 'The default window comes back in the PE whose last window went, though the other has windows',
      clauses: [`${REMOVE}/default-restored`, QUERY],
    },
    (p) => {
      const [first, second] = [p.create(16, 28, 'pe0'), p.create(16, 28, 'pe1')];
      p.remove(p.defaultWindow('pe0')).remove(first).query('pe0').query('pe1');
      readEdges(p, p.defaultWindow('pe0'));
      readEdges(p, second);
    },
  ),
  scenario(
    {
      id: 'ddw/two-phbs/not-restored-in-the-other',
      title: "The default window of a PE without any stays away when another PE's comes back",
      clauses: [`${REMOVE}/default-not-restored`, `${REMOVE}/default-restored`, QUERY],
    },
    (p) => {
      p.remove(p.defaultWindow('pe1'));
      const window = p.create(16, 28, 'pe0');
      p.remove(p.defaultWindow('pe0')).remove(window).query('pe0').query('pe1');
      readEdges(p, p.defaultWindow('pe0'));
      readEdges(p, p.defaultWindow('pe1'));
    },
  ),
  scenario(
    {
      id: 'ddw/two-phbs/reset-in-one',
      title: 'The reset of one PE leaves the windows and entries of the other',
      clauses: [`${RESET}/default-restored`, 'H_GET_TCE/value', QUERY],
    },
    (p) => {
      const [first, second] = [p.create(16, 28, 'pe0'), p.create(16, 28, 'pe1')];
      const other = p.defaultWindow('pe1');
      p.put(second, 0n, mapping(DATA)).put(other, 0n, POISON).reset('pe0').query('pe0').query('pe1');
      p.get(first, 0n).get(second, 0n).get(other, 0n);
    },
  ),
  scenario(
    {
      id: 'ddw/two-phbs/address-of-the-other',
      title: 'An LIOBN takes addresses of its own window only, whatever the other PE has there',
      clauses: ['H_PUT_TCE/ioba', 'H_GET_TCE/ioba'],
    },
    (p) => {
      const [own, other] = [p.defaultWindow('pe0'), p.create(16, 28, 'pe1')];
      p.hcall('H_PUT_TCE', own.liobn, other.start, mapping(DATA)).hcall('H_GET_TCE', own.liobn, other.start).get(other, 0n);
    },
  ),
  scenario(
    {
      id: 'ddw/two-phbs/taken-turns',
      title: 'Windows created and removed in turns in two PEs are each in their own',
      clauses: [`${CREATE}/created`, `${REMOVE}/removed`, QUERY],
    },
    (p) => {
      for (let i = 0; i < 5; i++) {
        const [first, second] = [p.create(16, 28, 'pe0'), p.create(12, 28, 'pe1')];
        p.put(first, 0n, POISON).get(second, 0n).remove(first).get(second, 0n).remove(second);
      }
      p.query('pe0').query('pe1');
    },
  ),
];
