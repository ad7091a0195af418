import type { ProgramBuilder, WindowHandle } from '../../harness/build/program-builder.js';
import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { HcallName } from '../../reference/uapi/hcall.js';
import { ample, clientMaps, copy, copyList, remove, SERVER, single, type Pair } from './steps.js';

/** A call that copies entries: a range of them, or a list. */
interface Way {
  readonly call: HcallName;
  readonly place: string;
  /** Copies consecutive entries, one after another. */
  readonly copy: (p: ProgramBuilder, pair: Pair, from: bigint, to: WindowHandle, at: bigint, count?: number) => void;
}

const WAYS: readonly Way[] = [
  {
    call: 'H_PUT_RTCE',
    place: 'rtce/put-rtce',
    copy: (p, pair, from, to, at, count = 1) => { copy(p, pair, from, to, at, BigInt(count)); },
  },
  {
    call: 'H_PUT_RTCE_INDIRECT',
    place: 'rtce/put-rtce-indirect',
    copy: (p, pair, from, to, at, count = 1) => {
      copyList(p, pair, Array.from({ length: count }, (_, i) => from + BigInt(i) * 0x1000n), to, at);
    },
  },
];

/** What ends a call at an entry, by range and by list. */
export const limitScenarios: readonly Scenario[] = WAYS.flatMap((way) => [
  scenario(
    {
      id: `${way.place}/stops-at-unmapped-entry`,
      title: `${way.call}: entries before an unmapped one are copied, those after it are not; R4 is the loop count`,
      clauses: [`${way.call}/invalid-mapping`, `${way.call}/loop-count`],
      requires: SERVER,
    },
    (p) => {
      const [pair, pe] = [ample(p), p.defaultWindow()];
      clientMaps(p, pair, 0x3000n, 2);
      clientMaps(p, pair, 0x6000n, 1);
      way.copy(p, pair, 0x3000n, pe, 0x8000n, 4);
      for (const offset of [0x8000n, 0x9000n, 0xa000n, 0xb000n]) p.get(pe, offset);
    },
  ),
  scenario(
    {
      id: `${way.place}/in-use`,
      title: `${way.call}: the same entry at the same place a second time is H_IN_USE; what came before it stays`,
      clauses: [`${way.call}/in-use`, `${way.call}/loop-count`],
      requires: SERVER,
    },
    (p) => {
      const [pair, pe] = [ample(p), p.defaultWindow()];
      clientMaps(p, pair, 0x3000n, 3);
      way.copy(p, pair, 0x4000n, pe, 0x6000n);
      way.copy(p, pair, 0x3000n, pe, 0x5000n, 3);
      for (const offset of [0x5000n, 0x6000n, 0x7000n]) p.get(pe, offset);
    },
  ),
  scenario(
    {
      id: `${way.place}/single-mapping`,
      title: `${way.call}: where an entry has one mapping at most, a second is H_RESOURCE, elsewhere or at the same place`,
      clauses: [`${way.call}/single-mapping`],
      requires: SERVER,
    },
    (p) => {
      const [pair, pe] = [single(p), p.defaultWindow()];
      clientMaps(p, pair, 0x3000n, 2);
      way.copy(p, pair, 0x4000n, pe, 0x6000n);
      for (const at of [0x5000n, 0x9000n]) way.copy(p, pair, 0x3000n, pe, at, 2);
    },
  ),
  scenario(
    {
      id: `${way.place}/entry-limit`,
      title: `${way.call}: no more mappings of an entry than GET_MAX_REDIRECTED_MAPPINGS gives; a removal makes room`,
      clauses: [`${way.call}/entry-limit`, `${way.call}/copy`],
      requires: SERVER,
    },
    (p) => {
      const [pair, pe] = [ample(p), p.defaultWindow()];
      clientMaps(p, pair, 0x3000n);
      for (const at of [0x5000n, 0x6000n, 0x7000n, 0x8000n]) way.copy(p, pair, 0x3000n, pe, at);
      remove(p, pair, 0x3000n, pe, 0x6000n);
      way.copy(p, pair, 0x3000n, pe, 0x8000n);
    },
  ),
  scenario(
    {
      id: `${way.place}/table-limit`,
      title: `${way.call}: no more additional mappings of a table than GET_MAX_REDIRECTED_MAPPINGS gives; first ones always`,
      clauses: [`${way.call}/table-limit`, `${way.call}/copy`],
      requires: SERVER,
    },
    (p) => {
      const [pair, pe] = [ample(p), p.defaultWindow()];
      clientMaps(p, pair, 0x3000n, 3);
      for (const at of [0x10000n, 0x11000n, 0x12000n]) way.copy(p, pair, 0x3000n, pe, at);
      for (const at of [0x20000n, 0x21000n, 0x22000n]) way.copy(p, pair, 0x4000n, pe, at);
      way.copy(p, pair, 0x5000n, pe, 0x30000n);
    },
  ),
  scenario(
    {
      id: `${way.place}/adapter-limit`,
      title: `${way.call}: no more mappings of an entry than ibm,max-rtce-mappings of any adapter that maps it`,
      clauses: [`${way.call}/adapter-limit`],
      requires: [...SERVER, 'pe:pe1'],
    },
    (p) => {
      const pair = ample(p);
      clientMaps(p, pair, 0x3000n);
      way.copy(p, pair, 0x3000n, p.defaultWindow('pe1'), 0x5000n);
      way.copy(p, pair, 0x3000n, p.defaultWindow('pe0'), 0x5000n);
      way.copy(p, pair, 0x3000n, p.defaultWindow('pe0'), 0x6000n);
    },
  ),
  scenario(
    {
      id: `${way.place}/stale-copy-does-not-count`,
      title: `${way.call}: a copy that the server has overwritten no longer counts; the entry can be mapped again, there too`,
      clauses: [`${way.call}/copy`],
      requires: SERVER,
    },
    (p) => {
      const [pair, pe] = [single(p), p.defaultWindow()];
      clientMaps(p, pair, 0x3000n);
      way.copy(p, pair, 0x3000n, pe, 0x5000n);
      p.put(pe, 0x5000n, 0n);
      way.copy(p, pair, 0x3000n, pe, 0x5000n);
      p.put(pe, 0x5000n, 0x200_0003n);
      way.copy(p, pair, 0x3000n, pe, 0x9000n);
    },
  ),
  scenario(
    {
      id: `${way.place}/same-page-of-two-entries`,
      title: `${way.call}: two entries that map the same page are both copied, where one entry has one copy at most`,
      clauses: [`${way.call}/copy`],
      requires: SERVER,
    },
    (p) => {
      const pair = single(p);
      p.put(pair.client, 0x3000n, 0x100_3003n).put(pair.client, 0x4000n, 0x100_3003n);
      way.copy(p, pair, 0x3000n, p.defaultWindow(), 0x5000n, 2);
    },
  ),
]);
