import type { Window } from '../machine.js';
import type { Guard } from '../rules.js';
import { covers } from '../tce/entries.js';
import { H } from '../uapi/hcall.js';
import { isMulti, NAME, type PutTceIndirect } from './indirect-context.js';
import { clause } from './tce-checks.js';

/*
 * The multi-TCE-table form of H_PUT_TCE_INDIRECT. Its tables are checked one after the other, each wholly: what is
 * wrong with the first bad one decides. Source: LoPAR 2.9, H_PUT_TCE_INDIRECT, Multi-TCE-Table option.
 */

/** Tables one call of the multi-TCE-table form may name. Source: LoPAR, H_PUT_TCE_INDIRECT, Multi-TCE-Table option. */
const TABLE_LIMIT = 128n;

/** Nobody asked for the option. */
export const multiOff: Guard<PutTceIndirect> = {
  ...clause(`${NAME}/multi-table-off`, 'A negative LIOBN without the multi-TCE-table option is refused with H_FUNCTION.'),
  when: (c) => isMulti(c) && !c.machine.description.functions.includes('mtt'),
  refuse: [H.H_FUNCTION],
  violation: { requires: ['no-mtt'], args: { liobn: BigInt.asUintN(64, -1n) } },
};

export const tooManyTables: Guard<PutTceIndirect> = {
  ...clause(`${NAME}/multi-table-count`, 'More than 128 tables are refused with H_PARAMETER.'),
  when: (c) => c.tableCount > TABLE_LIMIT,
  refuse: [H.H_PARAMETER],
  violation: { requires: ['mtt'], args: { liobn: BigInt.asUintN(64, -129n) } },
};

export const multiUnknown: Guard<PutTceIndirect> = {
  ...clause(`${NAME}/multi-table-liobn`, 'In the multi-table form every LIOBN must name a table of the partition, or H_PARAMETER.'),
  when: (c) => firstBadTable(c) === 'unknown',
  refuse: [H.H_PARAMETER],
  violation: {
    requires: ['mtt'],
    setup: [{ door: 'memory', op: 'store', address: 0x110_0000n, doublewords: [0x7fff_fff0n, 0x100_0003n] }],
    args: { liobn: BigInt.asUintN(64, -1n), count: 1n },
  },
};

export const multiRescinded: Guard<PutTceIndirect> = {
  ...clause(`${NAME}/multi-table-rescinded`, 'In the multi-table form a table that its owner has rescinded is refused with H_RESCINDED.'),
  when: (c) => firstBadTable(c) === 'rescinded',
  refuse: [H.H_RESCINDED],
  violation: {
    requires: ['mtt', 'slr'],
    setup: [
      { door: 'memory', op: 'store', address: 0x110_0000n, doublewords: [{ from: 'pe0.liobn' }, 0x100_0003n] },
      { door: 'platform', op: 'rescind-table', liobn: { from: 'pe0.liobn' } },
    ],
    args: { liobn: BigInt.asUintN(64, -1n), count: 1n },
  },
};

export const multiOutside: Guard<PutTceIndirect> = {
  ...clause(`${NAME}/multi-table-ioba`, 'In the multi-table form the range must lie in every window named, or H_PARAMETER.'),
  when: (c) => firstBadTable(c) === 'outside',
  refuse: [H.H_PARAMETER],
  violation: {
    requires: ['mtt'],
    setup: [{ door: 'memory', op: 'store', address: 0x110_0000n, doublewords: [{ from: 'pe0.liobn' }, 0x100_0003n] }],
    args: { liobn: BigInt.asUintN(64, -1n), count: 1n, ioba: { from: 'pe0.end' } },
  },
};

type BadTable = 'rescinded' | 'unknown' | 'outside';

/** What is wrong with the first table of the list that cannot be filled. */
function firstBadTable(c: PutTceIndirect): BadTable | undefined {
  if (!isMulti(c)) return undefined;
  for (const window of c.windows) {
    const bad = badTable(c, window);
    if (bad !== undefined) return bad;
  }
  return undefined;
}

function badTable(c: PutTceIndirect, window: Window | undefined): BadTable | undefined {
  if (window === undefined || window.pane === 'second') return 'unknown';
  if (window.rescinded) return 'rescinded';
  return c.count > 0n && !covers(window, c.ioba, c.count) ? 'outside' : undefined;
}
