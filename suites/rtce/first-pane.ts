import type { ProgramBuilder } from '../../harness/build/program-builder.js';
import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { HcallName } from '../../reference/uapi/hcall.js';
import { ample, clientMaps, copy, SERVER, single, type Pair } from './steps.js';

interface Change {
  readonly call: HcallName;
  readonly name: string;
  readonly make: (p: ProgramBuilder, pair: Pair, tce: bigint) => void;
}

/** The three calls with which a client changes its entry at 0x3000. */
const CHANGES: readonly Change[] = [
  { call: 'H_PUT_TCE', name: 'put', make: (p, { client }, tce) => p.put(client, 0x3000n, tce) },
  { call: 'H_STUFF_TCE', name: 'stuff', make: (p, { client }, tce) => p.stuff(client, 0x2000n, tce, 3n) },
  { call: 'H_PUT_TCE_INDIRECT', name: 'put-indirect', make: (p, { client }, tce) => p.putList(client, 0x2000n, [0n, tce]) },
];

const forEach = (write: (change: Change) => Scenario): Scenario[] => CHANGES.map(write);

/** A client changes mappings that a server has copied. */
export const firstPaneScenarios: readonly Scenario[] = [
  ...forEach(({ call, name, make }) =>
    scenario(
      {
        id: `rtce/first-pane/${name}/invalidates-copy`,
        title: `${call} of an entry with a live copy, bit bucket allowed: the copy is invalid, and no device reads through it`,
        clauses: [`${call}/store`, 'dma/read-permission'],
        requires: SERVER,
        claims: [{ says: 'the device wrote nothing to the client\'s page', clause: 'dma/write-permission', holds: 'equal', loads: ['before', 'after'] }],
      },
      (p) => {
        const [pair, pe] = [ample(p), p.defaultWindow()];
        clientMaps(p, pair, 0x3000n);
        copy(p, pair, 0x3000n, pe, 0x5000n);
        make(p, pair, 0n);
        p.fill(0x200_0000n, 64, 0x5a).put(pe, 0x8000n, 0x200_0003n).deviceReads(pe.at(0x8000n), 64);
        p.load(0x100_3000n, 64, 'before').deviceWrites(pe.at(0x5000n), 64).deviceReads(pe.at(0x5000n), 64);
        p.load(0x100_3000n, 64, 'after').get(pe, 0x5000n);
      },
    ),
  ),
  ...forEach(({ call, name, make }) =>
    scenario(
      {
        id: `rtce/first-pane/${name}/copy-in-use`,
        title: `${call} of an entry with a live copy, no bit bucket: H_RESOURCE and nothing changes, until the server removes it`,
        clauses: [`${call}/live-copy`, `${call}/store`],
        requires: SERVER,
      },
      (p) => {
        const [pair, pe] = [single(p), p.defaultWindow()];
        clientMaps(p, pair, 0x3000n);
        copy(p, pair, 0x3000n, pe, 0x5000n);
        make(p, pair, 0x200_0003n);
        p.hcall('H_REMOVE_RTCE', pair.pane.liobn, pair.pane.at(0x3000n), pe.liobn, pe.at(0x5000n), 1n, 0n);
        make(p, pair, 0x200_0003n);
      },
    ),
  ),
  ...forEach(({ call, name, make }) =>
    scenario(
      {
        id: `rtce/first-pane/${name}/stale-copy`,
        title: `${call} of an entry whose copy the server has overwritten: done, and the server's entry is left alone`,
        clauses: [`${call}/store`],
        requires: SERVER,
      },
      (p) => {
        const [pair, pe] = [single(p), p.defaultWindow()];
        clientMaps(p, pair, 0x3000n);
        copy(p, pair, 0x3000n, pe, 0x5000n);
        p.put(pe, 0x5000n, 0x200_0003n);
        make(p, pair, 0n);
        p.get(pe, 0x5000n);
      },
    ),
  ),
  ...forEach(({ call, name, make }) =>
    scenario(
      {
        id: `rtce/first-pane/${name}/second-pane`,
        title: `${call} with the LIOBN of a second pane: H_PARAMETER, and the client's entry stays`,
        clauses: [`${call}/pane`],
        requires: SERVER,
      },
      (p) => {
        const pair = ample(p);
        clientMaps(p, pair, 0x3000n);
        make(p, { ...pair, client: pair.pane }, 0n);
        p.get(pair.client, 0x3000n);
      },
    ),
  ),
  scenario(
    {
      id: 'rtce/first-pane/get/second-pane',
      title: 'H_GET_TCE with the LIOBN of a second pane: H_PARAMETER, or the client\'s entry',
      clauses: ['H_GET_TCE/pane'],
      requires: SERVER,
    },
    (p) => {
      clientMaps(p, ample(p), 0x3000n);
      p.get(ample(p).pane, 0x3000n);
    },
  ),
  scenario(
    {
      id: 'rtce/first-pane/own-pane-of-server',
      title: 'A server\'s own first pane takes mappings as any window',
      clauses: ['H_PUT_TCE/store', 'H_GET_TCE/value'],
      requires: SERVER,
    },
    (p) => { p.put(p.defaultWindow('server0'), 0x3000n, 0x100_3003n).stuff(p.defaultWindow('server0'), 0x4000n, 0x100_4001n, 2n); },
  ),
  scenario(
    {
      id: 'rtce/first-pane/mapped-again',
      title: 'After an invalidation the entry is mapped and copied again: the new page, not the old',
      clauses: ['H_PUT_TCE/store', 'H_PUT_RTCE/copy'],
      requires: SERVER,
    },
    (p) => {
      const [pair, pe] = [ample(p), p.defaultWindow()];
      clientMaps(p, pair, 0x3000n);
      for (const at of [0x5000n, 0x6000n]) copy(p, pair, 0x3000n, pe, at);
      p.put(pair.client, 0x3000n, 0x200_0003n);
      copy(p, pair, 0x3000n, pe, 0x5000n);
      p.get(pe, 0x6000n);
    },
  ),
  scenario(
    {
      id: 'rtce/first-pane/reboot',
      title: 'A reboot ends the connections: no copy of a client\'s mapping survives it',
      clauses: ['H_GET_TCE/value'],
      requires: SERVER,
    },
    (p) => {
      const [pair, pe] = [ample(p), p.defaultWindow()];
      clientMaps(p, pair, 0x3000n);
      copy(p, pair, 0x3000n, pe, 0x5000n);
      p.reboot().get(pe, 0x5000n);
    },
  ),
];
