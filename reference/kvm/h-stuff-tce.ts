import { defineCall, type Guard } from '../rules.js';
import { H, HCALLS } from '../uapi/hcall.js';
import { enabling, PROCESSOR, SAMPLE_TABLE, tceClause, WITH_GUEST } from './checks.js';
import { indexOf, permissionOf, putEntry } from './entries.js';
import { notEnabled, nothingAtEnd, outsideTable, readTceCall, unknownTable, type HcallInput, type TceCall } from './tce-checks.js';

const CALL = 'H_STUFF_TCE';
const NAME = `kvm/${CALL}`;

export interface Stuff extends TceCall {
  readonly value: bigint;
}

const mapping: Guard<Stuff> = {
  ...tceClause(`${NAME}/value`, 'A value with a permission is refused with H_PARAMETER: KVM stuffs entries that map nothing.'),
  when: ({ value }) => permissionOf(value) !== 0n,
  refuse: [H.H_PARAMETER],
  violation: { args: { tce: 1n } },
};

/** H_STUFF_TCE as KVM answers it, once it is enabled: as many entries as the table has. */
export const kvmStuffTce = defineCall<Stuff, HcallInput>({
  name: NAME,
  parameters: ['liobn', 'ioba', 'tce', 'count'],
  read: (host, vm, [liobn = 0n, ioba = 0n, value = 0n, count = 0n]) => ({ ...readTceCall(host, vm, liobn, ioba, count), value }),
  guards: [notEnabled(CALL), unknownTable(CALL), ...outsideTable(CALL), nothingAtEnd(CALL), mapping],
  effect: {
    clauses: [tceClause(`${NAME}/cleared`, 'All entries of the range have the value, and map nothing in any window that follows the table; there may be more than 512, or none.')],
    apply({ host, table, ioba, value, count }) {
      const first = indexOf(table!, ioba);
      for (let i = 0n; i < count; i++) putEntry(host, table!, first + i, value);
      return { clause: `${NAME}/cleared`, status: 0 };
    },
  },
  sample: { fd: PROCESSOR, setup: [...WITH_GUEST, enabling(HCALLS[CALL])], args: { liobn: SAMPLE_TABLE.liobn, ioba: 0n, tce: 0n, count: 16n } },
});
