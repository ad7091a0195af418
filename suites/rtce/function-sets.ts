import { shortName } from '../../harness/build/negatives.js';
import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { HcallName } from '../../reference/uapi/hcall.js';

const SETS: readonly (readonly [call: HcallName, set: string])[] = [
  ['H_STUFF_TCE', 'hcall-multi-tce'],
  ['H_PUT_TCE_INDIRECT', 'hcall-multi-tce'],
  ['H_PUT_RTCE_INDIRECT', 'hcall-multi-tce'],
  ['H_PUT_RTCE', 'hcall-rdma'],
  ['H_REMOVE_RTCE', 'hcall-rdma'],
  ['H_MIGRATE_DMA', 'hcall-migrate'],
];

/** Calls of function sets that the partition is offered, or not. */
export const functionSetScenarios: readonly Scenario[] = [
  ...SETS.map(([call, set]) =>
    scenario(
      {
        id: `rtce/function-set/${shortName(call)}/not-offered`,
        title: `${call} where ibm,hypertas-functions does not name ${set}: H_FUNCTION, whatever the arguments`,
        clauses: [`${call}/function-set`],
        requires: [`no-${set}`],
      },
      (p) => {
        const window = p.defaultWindow();
        p.put(window, 0x5000n, 0x100_0003n);
        p.hcall(call, window.liobn, window.at(0x5000n), 0n, 1n).hcall(call, 0n, 0n, 0n, 1n << 32n);
        p.get(window, 0x5000n);
      },
    ),
  ),
  scenario(
    {
      id: 'rtce/function-set/put-rtce-indirect/set-is-whole',
      title: 'H_PUT_RTCE_INDIRECT belongs to hcall-multi-tce: without a server adapter it is H_PARAMETER, not H_FUNCTION',
      clauses: ['H_PUT_RTCE_INDIRECT/set-is-whole'],
      requires: ['hcall-multi-tce', 'no-vio-server'],
    },
    (p) => {
      const pe = p.defaultWindow();
      for (const rLiobn of [pe.liobn, 0x7fff_fff0n]) {
        p.hcall('H_PUT_RTCE_INDIRECT', 0x110_0000n, rLiobn, pe.liobn, pe.at(0x5000n), 1n);
      }
    },
  ),
];
