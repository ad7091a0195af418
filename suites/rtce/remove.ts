import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { ample, clientMaps, copy, remove, SERVER, single } from './steps.js';

const R = 'H_REMOVE_RTCE';

/** Taking redirected mappings back. */
export const removeScenarios: readonly Scenario[] = [
  scenario(
    {
      id: 'rtce/remove-rtce/makes-room',
      title: 'After a removal the entry can be mapped again, although it may have one mapping only',
      clauses: [`${R}/unlinked`, 'H_PUT_RTCE/copy'],
      requires: SERVER,
    },
    (p) => {
      const [pair, pe] = [single(p), p.defaultWindow()];
      clientMaps(p, pair, 0x3000n, 2);
      copy(p, pair, 0x3000n, pe, 0x5000n, 2n);
      remove(p, pair, 0x3000n, pe, 0x5000n, 2n);
      copy(p, pair, 0x3000n, pe, 0x9000n, 2n);
    },
  ),
  scenario(
    {
      id: 'rtce/remove-rtce/value-without-permission',
      title: 'The entries become tce-value, its permission bits cleared and its other bits as given',
      clauses: [`${R}/unlinked`],
      requires: SERVER,
    },
    (p) => {
      const [pair, pe] = [ample(p), p.defaultWindow()];
      clientMaps(p, pair, 0x3000n, 3);
      copy(p, pair, 0x3000n, pe, 0x5000n, 3n);
      remove(p, pair, 0x3000n, pe, 0x5000n, 2n, 0xdead_b003n);
      for (const offset of [0x5000n, 0x6000n, 0x7000n]) p.get(pe, offset);
    },
  ),
  scenario(
    {
      id: 'rtce/remove-rtce/part-of-a-range',
      title: 'Of three copies the middle one is removed; the others stay, and stay known',
      clauses: [`${R}/unlinked`, 'H_PUT_RTCE/in-use'],
      requires: SERVER,
    },
    (p) => {
      const [pair, pe] = [ample(p), p.defaultWindow()];
      clientMaps(p, pair, 0x3000n, 3);
      copy(p, pair, 0x3000n, pe, 0x5000n, 3n);
      remove(p, pair, 0x4000n, pe, 0x6000n);
      p.get(pe, 0x5000n).get(pe, 0x7000n);
      copy(p, pair, 0x4000n, pe, 0x6000n);
      copy(p, pair, 0x5000n, pe, 0x7000n);
    },
  ),
  scenario(
    {
      id: 'rtce/remove-rtce/nothing-there',
      title: 'A removal where no copy is succeeds; an entry that the server itself made is replaced too',
      clauses: [`${R}/fault-entry`],
      requires: SERVER,
    },
    (p) => {
      const [pair, pe] = [ample(p), p.defaultWindow()];
      p.put(pe, 0x6000n, 0x200_0003n);
      remove(p, pair, 0x3000n, pe, 0x5000n, 2n);
      p.get(pe, 0x6000n);
    },
  ),
  scenario(
    {
      id: 'rtce/remove-rtce/twice',
      title: 'Removing twice is no error',
      clauses: [`${R}/unlinked`, `${R}/fault-entry`],
      requires: SERVER,
    },
    (p) => {
      const [pair, pe] = [ample(p), p.defaultWindow()];
      clientMaps(p, pair, 0x3000n);
      copy(p, pair, 0x3000n, pe, 0x5000n);
      for (let i = 0; i < 2; i++) remove(p, pair, 0x3000n, pe, 0x5000n);
    },
  ),
  scenario(
    {
      id: 'rtce/remove-rtce/original-untouched',
      title: 'A removal leaves the client\'s own mapping as it was',
      clauses: [`${R}/unlinked`],
      requires: SERVER,
    },
    (p) => {
      const [pair, pe] = [ample(p), p.defaultWindow()];
      clientMaps(p, pair, 0x3000n);
      copy(p, pair, 0x3000n, pe, 0x5000n);
      remove(p, pair, 0x3000n, pe, 0x5000n, 1n, 0xdead_b003n);
      p.get(pair.client, 0x3000n);
    },
  ),
  scenario(
    {
      id: 'rtce/remove-rtce/other-copy-stays',
      title: 'Of two copies of one entry, one is removed: the other stays, and can not be made a second time',
      clauses: [`${R}/unlinked`, 'H_PUT_RTCE/in-use'],
      requires: SERVER,
    },
    (p) => {
      const [pair, pe] = [ample(p), p.defaultWindow()];
      clientMaps(p, pair, 0x3000n);
      for (const at of [0x5000n, 0x9000n]) copy(p, pair, 0x3000n, pe, at);
      remove(p, pair, 0x3000n, pe, 0x5000n);
      p.get(pe, 0x9000n);
      copy(p, pair, 0x3000n, pe, 0x9000n);
    },
  ),
];
