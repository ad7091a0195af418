import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { H } from '../../reference/uapi/hcall.js';
import { ample, clientMaps, copy, remove, SERVER } from '../rtce/steps.js';

const PAGE = 0x100_0000n;

const CMO = ['cmo'] as const;

/** What counts as I/O mapped, case by case. */
export const caseScenarios: readonly Scenario[] = [
  scenario(
    {
      id: 'cmo/put-tce/replaced-page',
      title: 'A mapping replaced by one of another page changes nothing in sum',
      clauses: ['H_PUT_TCE/cmo-r4'],
      requires: CMO,
    },
    (p) => {
      const window = p.defaultWindow();
      p.put(window, 0x5000n, PAGE + 3n).put(window, 0x5000n, PAGE + 0x1003n).put(window, 0x5000n, PAGE + 0x1001n).put(window, 0x5000n, PAGE + 0x1000n);
    },
  ),
  scenario(
    {
      id: 'cmo/put-tce/refused-changes-nothing',
      title: 'A refused mapping is not counted',
      clauses: ['H_PUT_TCE/page', 'H_PUT_TCE/cmo-r4'],
      requires: CMO,
    },
    (p) => {
      const window = p.defaultWindow();
      p.put(window, 0x5000n, { from: 'memory.end', plus: 3n }).put(window, 0x5000n, PAGE + 3n).put(window, 0x5000n, 0n);
    },
  ),
  scenario(
    {
      id: 'cmo/stuff-tce/one-page',
      title: 'The same page in 512 entries counts as one page',
      clauses: ['H_STUFF_TCE/cmo-r4'],
      requires: CMO,
    },
    (p) => { p.stuff(p.defaultWindow(), 0x10_0000n, PAGE + 3n, 512n).stuff(p.defaultWindow(), 0x10_0000n, 0n, 512n); },
  ),
  scenario(
    {
      id: 'cmo/put-tce-indirect/mixed-list',
      title: 'A list that maps, unmaps and repeats pages: R4 is the sum',
      clauses: ['H_PUT_TCE_INDIRECT/cmo-r4'],
      requires: CMO,
    },
    (p) => {
      const window = p.defaultWindow();
      p.putList(window, 0x5000n, [PAGE + 3n, PAGE + 0x1003n, PAGE + 3n, 0n]);
      p.putList(window, 0x5000n, [0n, 0n, PAGE + 3n, PAGE + 0x2003n]);
    },
  ),
  scenario(
    {
      id: 'cmo/put-tce-indirect/several-tables',
      title: 'A list that fills two tables counts each page once',
      clauses: ['H_PUT_TCE_INDIRECT/multi-table-store', 'H_PUT_TCE_INDIRECT/cmo-r4'],
      requires: [...CMO, 'mtt', 'pe:pe1'],
    },
    (p) => {
      const [a, b] = [p.defaultWindow('pe0'), p.defaultWindow('pe1')];
      for (const entries of [[PAGE + 3n, PAGE + 0x1003n], [0n, 0n]]) {
        p.list([a.liobn, b.liobn, ...entries]).hcall('H_PUT_TCE_INDIRECT', BigInt.asUintN(64, -2n), a.at(0x5000n), 0x110_0000n, 2n);
      }
      p.get(a, 0x5000n).get(b, 0x6000n);
    },
  ),
  scenario(
    {
      id: 'cmo/put-tce/larger-io-pages',
      title: 'A page of 64 KiB counts as such, less what of it is mapped already',
      clauses: ['H_PUT_TCE/cmo-r4'],
      requires: [...CMO, 'ddw'],
    },
    (p) => {
      const [small, large] = [p.defaultWindow(), p.create(16, 28)];
      p.put(small, 0x5000n, PAGE + 0x3003n).put(large, 0n, PAGE + 3n).put(small, 0x5000n, 0n);
      p.put(small, 0x5000n, PAGE + 3n).put(large, 0n, 0n).put(small, 0x5000n, 0n);
    },
  ),
  scenario(
    {
      id: 'cmo/put-rtce/changes-nothing',
      title: 'Copies of mappings do not count, neither when they are made nor when they go',
      clauses: ['H_PUT_RTCE/copy', 'H_REMOVE_RTCE/unlinked', 'H_PUT_TCE/cmo-r4'],
      requires: [...CMO, ...SERVER],
    },
    (p) => {
      const [pair, pe] = [ample(p), p.defaultWindow()];
      clientMaps(p, pair, 0x3000n, 2);
      p.platform({ op: 'entitlement', bytes: 0n });
      copy(p, pair, 0x3000n, pe, 0x5000n, 2n);
      remove(p, pair, 0x3000n, pe, 0x5000n, 2n);
      for (const offset of [0x3000n, 0x4000n]) p.put(pair.client, offset, 0n);
    },
  ),
  scenario(
    {
      id: 'cmo/put-tce/copy-goes-with-original',
      title: 'A client unmaps a page that a server has copied: copy and original count once, and go together',
      clauses: ['H_PUT_TCE/cmo-r4'],
      requires: [...CMO, ...SERVER],
    },
    (p) => {
      const pair = ample(p);
      clientMaps(p, pair, 0x3000n);
      copy(p, pair, 0x3000n, p.defaultWindow(), 0x5000n);
      p.put(pair.client, 0x3000n, 0n).put(pair.client, 0x3000n, PAGE + 0x3003n);
    },
  ),
  scenario(
    {
      id: 'cmo/get-tce/disowned-page',
      title: 'An entry whose page left the partition is read back as H_PARTIAL, its page number all ones',
      clauses: ['H_GET_TCE/foreign'],
      requires: CMO,
    },
    (p) => {
      const window = p.defaultWindow();
      p.put(window, 0x5000n, PAGE + 3n).platform({ op: 'disown-page', address: PAGE }).get(window, 0x5000n);
    },
  ),
  scenario(
    {
      id: 'cmo/life-cycle',
      title: 'From the first mapping to the last: changes add up to nothing, busy and refused calls included',
      clauses: ['H_PUT_TCE/cmo-r4', 'H_STUFF_TCE/cmo-r4', 'H_PUT_TCE_INDIRECT/cmo-r4', 'H_PUT_TCE/busy', 'H_STUFF_TCE/entitlement'],
      requires: [...CMO, 'pe:pe1'],
    },
    (p) => {
      const [a, b] = [p.defaultWindow('pe0'), p.defaultWindow('pe1')];
      p.platform({ op: 'entitlement', bytes: 0x3000n });
      p.putList(a, 0x5000n, [PAGE + 3n, PAGE + 0x1003n]).stuff(b, 0x5000n, PAGE + 3n, 4n);
      p.platform({ op: 'busy', calls: 1, status: H.H_LONG_BUSY_1_MSEC });
      for (let i = 0; i < 2; i++) p.put(b, 0x9000n, PAGE + 0x2003n);
      p.stuff(a, 0x10000n, 0x200_0003n, 2n).putList(a, 0x5000n, [0n, 0n]);
      p.stuff(a, 0x10000n, 0x200_0003n, 2n).stuff(b, 0x5000n, 0n, 5n).stuff(a, 0x10000n, 0n, 2n);
    },
  ),
];
