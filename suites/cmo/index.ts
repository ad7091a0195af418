import type { ProgramBuilder, WindowHandle } from '../../harness/build/program-builder.js';
import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { H, type HcallName } from '../../reference/uapi/hcall.js';
import { caseScenarios } from './cases.js';

const PAGE = 0x100_0000n;

interface Mapping {
  readonly call: HcallName;
  readonly name: string;
  /** Maps `pages` pages of memory from PAGE on (H_STUFF_TCE: the same page over and over), or unmaps them. */
  readonly map: (p: ProgramBuilder, window: WindowHandle, offset: bigint, pages: number) => void;
  readonly unmap: (p: ProgramBuilder, window: WindowHandle, offset: bigint, pages: number) => void;
}

const each = (pages: number): bigint[] => Array.from({ length: pages }, (_, i) => BigInt(i) * 0x1000n);

const MAPPINGS: readonly Mapping[] = [
  {
    call: 'H_PUT_TCE',
    name: 'put-tce',
    map: (p, window, offset, pages) => { for (const i of each(pages)) p.put(window, offset + i, PAGE + i + 3n); },
    unmap: (p, window, offset, pages) => { for (const i of each(pages)) p.put(window, offset + i, 0n); },
  },
  {
    call: 'H_STUFF_TCE',
    name: 'stuff-tce',
    map: (p, window, offset, pages) => p.stuff(window, offset, PAGE + 3n, BigInt(pages)),
    unmap: (p, window, offset, pages) => p.stuff(window, offset, 0n, BigInt(pages)),
  },
  {
    call: 'H_PUT_TCE_INDIRECT',
    name: 'put-tce-indirect',
    map: (p, window, offset, pages) => p.putList(window, offset, each(pages).map((i) => PAGE + i + 3n)),
    unmap: (p, window, offset, pages) => p.putList(window, offset, each(pages).map(() => 0n)),
  },
];

const CMO = ['cmo'] as const;

const forEach = (write: (mapping: Mapping) => Scenario): Scenario[] => MAPPINGS.map(write);

/** Memory overcommitment: what the mapping calls add to the partition's I/O mapped memory. */
export const scenarios: readonly Scenario[] = [
  ...forEach(({ call, name, map, unmap }) =>
    scenario(
      {
        id: `cmo/${name}/change-in-r4`,
        title: `${call}: R4 is the change in bytes, 0 where nothing changes, negative where pages are unmapped`,
        clauses: [`${call}/cmo-r4`],
        requires: CMO,
      },
      (p) => {
        const window = p.defaultWindow();
        map(p, window, 0x5000n, 3);
        map(p, window, 0x5000n, 3);
        unmap(p, window, 0x5000n, 2);
        unmap(p, window, 0x5000n, 3);
        unmap(p, window, 0x5000n, 3);
      },
    ),
  ),
  ...forEach(({ call, name, map, unmap }) =>
    scenario(
      {
        id: `cmo/${name}/page-counts-once`,
        title: `${call}: a page mapped under two LIOBNs counts once; it goes with the last mapping`,
        clauses: [`${call}/cmo-r4`],
        requires: [...CMO, 'pe:pe1'],
      },
      (p) => {
        const [a, b] = [p.defaultWindow('pe0'), p.defaultWindow('pe1')];
        map(p, a, 0x5000n, 2);
        map(p, b, 0x9000n, 2);
        unmap(p, a, 0x5000n, 2);
        unmap(p, b, 0x9000n, 2);
      },
    ),
  ),
  ...forEach(({ call, name, map }) =>
    scenario(
      {
        id: `cmo/${name}/entitlement`,
        title: `${call}: beyond the entitlement H_NOT_ENOUGH_RESOURCES and nothing mapped, unless it can be honoured; what was unmapped counts again`,
        clauses: [`${call}/entitlement`, `${call}/cmo-r4`],
        requires: CMO,
      },
      (p) => {
        const window = p.defaultWindow();
        p.platform({ op: 'entitlement', bytes: 0x1000n }).put(window, 0x20000n, 0x200_0003n);
        map(p, window, 0x5000n, 2);
        p.get(window, 0x5000n).get(window, 0x6000n).put(window, 0x20000n, 0n);
        map(p, window, 0x5000n, 1);
      },
    ),
  ),
  ...forEach(({ call, name, map, unmap }) =>
    scenario(
      {
        id: `cmo/${name}/nothing-left`,
        title: `${call}: with no entitlement left, a page already mapped can be mapped again, and anything unmapped`,
        clauses: [`${call}/cmo-r4`],
        requires: CMO,
      },
      (p) => {
        const window = p.defaultWindow();
        map(p, window, 0x5000n, 2);
        p.platform({ op: 'entitlement', bytes: 0n });
        map(p, window, 0x9000n, 2);
        unmap(p, window, 0x9000n, 2);
        unmap(p, window, 0x5000n, 2);
      },
    ),
  ),
  ...forEach(({ call, name, map }) =>
    scenario(
      {
        id: `cmo/${name}/busy-then-done`,
        title: `${call}: busy while a page is brought back, with nothing mapped; the same call again maps and reports it`,
        clauses: [`${call}/busy`, `${call}/cmo-r4`],
        requires: CMO,
      },
      (p) => {
        const window = p.defaultWindow();
        for (const status of [H.H_LONG_BUSY_1_MSEC, H.H_LONG_BUSY_10_MSEC]) {
          p.platform({ op: 'busy', calls: 1, status });
          for (let i = 0; i < 2; i++) map(p, window, status === H.H_LONG_BUSY_1_MSEC ? 0x5000n : 0x9000n, 1);
        }
      },
    ),
  ),
  ...caseScenarios,
];
