import type { WindowHandle } from '../../harness/build/program-builder.js';
import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { plus, type Term } from '../../reference/doors/term.js';
import { ample, clientMaps, copy, copyList, remove, SERVER, single } from './steps.js';

const [P, I] = ['H_PUT_RTCE', 'H_PUT_RTCE_INDIRECT'] as const;

/** Making redirected mappings. */
export const copyScenarios: readonly Scenario[] = [
  scenario(
    {
      id: 'rtce/put-rtce/copies-range',
      title: 'A range of the client\'s mappings appears in the server\'s table',
      clauses: [`${P}/copy`],
      requires: SERVER,
    },
    (p) => {
      clientMaps(p, ample(p), 0x3000n, 4);
      copy(p, ample(p), 0x3000n, p.defaultWindow(), 0x5000n, 4n);
      for (const offset of [0x5000n, 0x6000n, 0x7000n, 0x8000n]) p.get(p.defaultWindow(), offset);
    },
  ),
  scenario(
    {
      id: 'rtce/put-rtce/device-reaches-client',
      title: 'Through a copy the server\'s device moves data of the client, and nothing after the copy is removed',
      clauses: [`${P}/copy`, 'dma/translated', 'dma/read-permission', 'H_REMOVE_RTCE/unlinked'],
      requires: SERVER,
      claims: [
        { says: 'the device moved the client\'s bytes', clause: 'dma/translated', holds: 'equal', loads: ['source', 'arrived'] },
        { says: 'after the removal it moves nothing', clause: 'dma/write-permission', holds: 'equal', loads: ['before', 'after'] },
      ],
    },
    (p) => {
      const [pair, pe] = [ample(p), p.defaultWindow()];
      p.fill(0x100_3000n, 64, 0xa5);
      clientMaps(p, pair, 0x3000n, 2);
      copy(p, pair, 0x3000n, pe, 0x5000n, 2n);
      p.deviceReads(pe.at(0x5000n), 64).deviceWrites(pe.at(0x6000n), 64);
      p.load(0x100_3000n, 64, 'source').load(0x100_4000n, 64, 'arrived');
      remove(p, pair, 0x3000n, pe, 0x5000n, 2n);
      p.fill(0x100_3000n, 64, 0x11).load(0x100_4000n, 64, 'before');
      p.deviceReads(pe.at(0x5000n), 64).deviceWrites(pe.at(0x6000n), 64).load(0x100_4000n, 64, 'after');
    },
  ),
  scenario(
    {
      id: 'rtce/put-rtce/copy-is-a-snapshot',
      title: 'A copy has the permissions of the original, and replaces what was in the server\'s entry',
      clauses: [`${P}/copy`],
      requires: SERVER,
    },
    (p) => {
      const [pair, pe] = [ample(p), p.defaultWindow()];
      p.put(pe, 0x5000n, 0x200_0003n).put(pair.client, 0x3000n, 0x100_3001n).put(pair.client, 0x4000n, 0x100_4002n);
      copy(p, pair, 0x3000n, pe, 0x5000n, 2n);
    },
  ),
  scenario(
    {
      id: 'rtce/put-rtce/first-entry-unmapped',
      title: 'An unmapped first entry: no mapping changes',
      clauses: [`${P}/invalid-mapping`],
      requires: SERVER,
    },
    (p) => {
      p.put(p.defaultWindow(), 0x5000n, 0x200_0003n);
      copy(p, ample(p), 0x3000n, p.defaultWindow(), 0x5000n, 2n);
    },
  ),
  scenario(
    {
      id: 'rtce/put-rtce/fault-entry-with-page',
      title: 'A redirected entry with a page but no permission maps nothing',
      clauses: [`${P}/invalid-mapping`],
      requires: SERVER,
    },
    (p) => {
      p.put(ample(p).client, 0x3000n, 0x100_3000n);
      copy(p, ample(p), 0x3000n, p.defaultWindow(), 0x5000n);
    },
  ),
  scenario(
    {
      id: 'rtce/put-rtce-indirect/copies-list',
      title: 'The entries of the list, in its order, appear one after another in the server\'s table',
      clauses: [`${I}/copy`],
      requires: SERVER,
    },
    (p) => {
      clientMaps(p, ample(p), 0x3000n, 4);
      copyList(p, ample(p), [0x6000n, 0x3000n, 0x5000n], p.defaultWindow(), 0x8000n);
      for (const offset of [0x8000n, 0x9000n, 0xa000n]) p.get(p.defaultWindow(), offset);
    },
  ),
  scenario(
    {
      id: 'rtce/put-rtce-indirect/r-ioba-outside',
      title: 'A bad r-ioba anywhere in the list: H_R_PARM with its count in R4, and no entry before it is copied',
      clauses: [`${I}/r-ioba`, `${I}/loop-count`],
      requires: SERVER,
    },
    (p) => {
      const pair = ample(p);
      clientMaps(p, pair, 0x3000n, 2);
      p.put(p.defaultWindow(), 0x5000n, 0x200_0003n);
      copyList(p, pair, [0x3000n, 0x4000n, pair.pane.end, 0x3000n], p.defaultWindow(), 0x5000n);
      for (const offset of [0x5000n, 0x6000n, 0x7000n]) p.get(p.defaultWindow(), offset);
    },
  ),
  scenario(
    {
      id: 'rtce/put-rtce-indirect/r-ioba-before-mapping',
      title: 'A bad r-ioba late in the list is found before an unmapped entry early in it',
      clauses: [`${I}/r-ioba`],
      requires: SERVER,
    },
    (p) => { copyList(p, ample(p), [0x3000n, ample(p).pane.end], p.defaultWindow(), 0x5000n); },
  ),
  scenario(
    {
      id: 'rtce/put-rtce-indirect/r-ioba-inside-page',
      title: 'An r-ioba inside a page is taken as its page, or ends the call with H_R_PARM',
      clauses: [`${I}/r-ioba-alignment`],
      requires: SERVER,
    },
    (p) => {
      clientMaps(p, ample(p), 0x3000n);
      copyList(p, ample(p), [0x3008n], p.defaultWindow(), 0x5000n);
    },
  ),
  scenario(
    {
      id: 'rtce/put-rtce-indirect/same-entry-twice',
      title: 'One entry named twice in a list gets two mappings where that is supported, else the second is H_RESOURCE',
      clauses: [`${I}/copy`, `${I}/single-mapping`],
      requires: SERVER,
    },
    (p) => {
      for (const [i, pair] of [ample(p), single(p)].entries()) {
        clientMaps(p, pair, 0x3000n);
        copyList(p, pair, [0x3000n, 0x3000n], p.defaultWindow(), 0x8000n + BigInt(i) * 0x8000n);
      }
    },
  ),
  scenario(
    {
      id: 'rtce/put-rtce-indirect/full-list',
      title: 'A list of 512 entries is copied whole; of 513, nothing is',
      clauses: [`${I}/copy`, `${I}/count`],
      requires: SERVER,
    },
    (p) => {
      const [pair, pe] = [ample(p), p.defaultWindow()];
      p.stuff(pair.client, 0n, 0x100_0003n, 512n);
      copyList(p, pair, Array.from({ length: 512 }, (_, i) => BigInt(i) * 0x1000n), pe, 0x10_0000n);
      p.hcall('H_PUT_RTCE_INDIRECT', 0x110_0000n, pair.pane.liobn, pe.liobn, pe.at(0x40_0000n), 513n);
    },
  ),
  scenario(
    {
      id: 'rtce/put-rtce/large-count',
      title: 'H_PUT_RTCE has no bound of 512: a count of 1024 is copied; a count that no table holds is H_PARAMETER',
      clauses: [`${P}/copy`, `${P}/r-ioba`],
      requires: SERVER,
    },
    (p) => {
      const pair = ample(p);
      p.stuff(pair.client, 0n, 0x100_0003n, 512n).stuff(pair.client, 0x20_0000n, 0x100_0003n, 512n);
      copy(p, pair, 0n, p.defaultWindow(), 0x10_0000n, 1024n);
      copy(p, pair, 0n, p.defaultWindow(), 0x10_0000n, 1n << 52n);
      copy(p, pair, 0n, p.defaultWindow(), 0x10_0000n, (1n << 64n) - 1n);
    },
  ),
  scenario(
    {
      id: 'rtce/put-rtce/last-entries',
      title: 'The last entries of both windows can be copied; one more is H_PARAMETER and changes nothing',
      clauses: [`${P}/copy`, `${P}/r-ioba`, `${P}/ioba`],
      requires: SERVER,
    },
    (p) => {
      const [pair, pe] = [ample(p), p.defaultWindow()];
      const last = ({ end }: WindowHandle): Term => plus(end, -0x1000n);
      p.hcall('H_PUT_TCE', pair.client.liobn, last(pair.client), 0x100_3003n);
      p.hcall(P, pair.pane.liobn, last(pair.pane), pe.liobn, last(pe), 1n);
      p.hcall(P, pair.pane.liobn, last(pair.pane), pe.liobn, pe.at(0x5000n), 2n);
      clientMaps(p, pair, 0x3000n, 2);
      p.hcall(P, pair.pane.liobn, pair.pane.at(0x3000n), pe.liobn, last(pe), 2n);
    },
  ),
  scenario(
    {
      id: 'rtce/put-rtce/first-pane-as-r-liobn',
      title: 'Only a second pane is an r-liobn: not the server\'s own first pane, the client\'s, nor a PE\'s window',
      clauses: [`${P}/r-liobn`, `${I}/r-liobn`, 'H_REMOVE_RTCE/r-liobn'],
      requires: SERVER,
    },
    (p) => {
      const pe = p.defaultWindow();
      for (const name of ['server0', 'vio0', 'pe1']) {
        const pair = { ...ample(p), pane: p.defaultWindow(name) };
        copy(p, pair, 0x3000n, pe, 0x5000n);
        copyList(p, pair, [0x3000n], pe, 0x5000n);
        remove(p, pair, 0x3000n, pe, 0x5000n);
      }
    },
  ),
];
