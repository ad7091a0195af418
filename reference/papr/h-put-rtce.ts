import { findWindow, type Machine } from '../machine.js';
import type { Operation } from '../doors/operations.js';
import { defineCall } from '../rules.js';
import { entryIndex } from '../tce/entries.js';
import { notOffered } from './function-set.js';
import {
  nothing,
  notSecondPane,
  rangeOutside,
  rangeOutsidePane,
  rescindedTable,
  secondPane,
  unaligned,
  unknownTable,
  unusualTable,
  type RtceRangeContext,
} from './rtce-checks.js';
import { copyClauses, copyEntries, COPY_STATUSES } from './rtce-entries.js';

const NAME = 'H_PUT_RTCE';

/** The arguments that H_PUT_RTCE and H_REMOVE_RTCE share. */
export function readRange(machine: Machine, args: readonly bigint[]): RtceRangeContext {
  const [rLiobn = 0n, rIoba = 0n, liobn = 0n, ioba = 0n, count = 0n] = args;
  return { machine, pane: secondPane(machine, rLiobn), rIoba, window: findWindow(machine, liobn), ioba, count };
}

/** The checks that H_PUT_RTCE and H_REMOVE_RTCE share, in order. None has changed a mapping yet. */
export const rangeGuards = (call: 'H_PUT_RTCE' | 'H_REMOVE_RTCE') =>
  [
    notOffered(call, 'hcall-rdma'),
    notSecondPane(call),
    rangeOutsidePane(call),
    unknownTable(call),
    rescindedTable(call),
    rangeOutside(call),
    unusualTable(call),
    unaligned(call, (c: RtceRangeContext) => c.rIoba),
    nothing(call),
  ] as const;

/** The client's entries that the samples of the redirected mapping calls rest on: three mappings from 0x3000 on. */
export const CLIENT_MAPPINGS: readonly Operation[] = [0x3000n, 0x4000n, 0x5000n].map((offset, i) => ({
  door: 'papr',
  op: 'hcall',
  call: 'H_PUT_TCE',
  args: [{ from: 'vio0.liobn' }, { from: 'vio0.start', plus: offset }, 0x100_0003n + BigInt(i) * 0x1000n],
}));

/** H_PUT_RTCE(r-liobn, r-ioba, liobn, ioba, count): copies a range of the partner's mappings into an I/O adapter's table. */
export const hPutRtce = defineCall<RtceRangeContext>({
  name: NAME,
  parameters: ['r_liobn', 'r_ioba', 'liobn', 'ioba', 'count'],
  read: readRange,
  guards: rangeGuards(NAME),
  effect: {
    clauses: copyClauses(NAME),
    statuses: COPY_STATUSES,
    apply: (c, chooser) => copyEntries(NAME, c, range(entryIndex(c.pane!, c.rIoba), c.count), chooser),
  },
  sample: {
    requires: ['hcall-rdma', 'vio-server'],
    setup: CLIENT_MAPPINGS,
    args: {
      r_liobn: { from: 'server0.partner.liobn' },
      r_ioba: { from: 'server0.partner.start', plus: 0x3000n },
      liobn: { from: 'pe0.liobn' },
      ioba: { from: 'pe0.start', plus: 0x5000n },
      count: 3n,
    },
  },
});

function* range(first: number, count: bigint): Generator<number> {
  for (let i = 0; i < count; i++) yield first + i;
}
