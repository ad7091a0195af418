import { defineCall } from '../rules.js';
import { entryIndex, putEntry } from '../tce/entries.js';
import { TCE_PERMISSION } from '../tce/tce.js';
import { H } from '../uapi/hcall.js';
import { bookChanges } from './cmo.js';
import { CLIENT_MAPPINGS, hPutRtce, rangeGuards, readRange } from './h-put-rtce.js';
import { dropPointer } from './redirections.js';
import { clause, type RtceRangeContext } from './rtce-checks.js';

const NAME = 'H_REMOVE_RTCE';

interface RemoveRtce extends RtceRangeContext {
  readonly entry: bigint;
}

/**
 * H_REMOVE_RTCE(r-liobn, r-ioba, liobn, ioba, count, tce-value): takes copies out of an I/O adapter's table. No check
 * of single entries: what is there is replaced, a copy or not.
 */
export const hRemoveRtce = defineCall<RemoveRtce>({
  name: NAME,
  parameters: ['r_liobn', 'r_ioba', 'liobn', 'ioba', 'count', 'tce_value'],
  read: (machine, args) => ({ ...readRange(machine, args), entry: args[5] ?? 0n }),
  guards: rangeGuards(NAME),
  effect: {
    clauses: [
      clause(`${NAME}/fault-entry`, 'Each entry of the I/O adapter\'s table becomes tce-value with permission bits 00, whatever it was.'),
      clause(`${NAME}/unlinked`, 'So do copies, and the redirected entry forgets them: they can be made again, and no longer count.'),
    ],
    apply(c) {
      const { machine } = c;
      const [pane, window] = [c.pane!, c.window!];
      const [original, copy] = [entryIndex(pane, c.rIoba), entryIndex(window, c.ioba)];
      const entry = c.entry & ~TCE_PERMISSION;
      let unlinked = false;
      for (let i = 0; i < Number(c.count); i++) {
        unlinked = dropPointer(pane, original + i, { liobn: Number(window.liobn), index: copy + i }) || unlinked;
        bookChanges(machine, [{ window, index: copy + i, entry }]);
        putEntry(window, copy + i, entry);
      }
      return { clause: `${NAME}/${unlinked ? 'unlinked' : 'fault-entry'}`, status: H.H_SUCCESS };
    },
  },
  sample: {
    requires: ['hcall-rdma', 'vio-server'],
    setup: [
      ...CLIENT_MAPPINGS,
      { door: 'papr', op: 'hcall', call: 'H_PUT_RTCE', args: Object.values(hPutRtce.sample.args) },
    ],
    args: { ...hPutRtce.sample.args, tce_value: 0xdead_b003n },
  },
});
