import { defineCall } from '../rules.js';
import { PROCESSOR, SAMPLE_TABLE, tceClause, WITH_GUEST } from './checks.js';
import { indexOf, readEntry } from './entries.js';
import { notEnabled, outsideTable, readTceCall, unknownTable, type HcallInput, type TceCall } from './tce-checks.js';

const CALL = 'H_GET_TCE';
const NAME = `kvm/${CALL}`;

/** H_GET_TCE as KVM answers it: what the guest stored, whatever a window that follows the table has. */
export const kvmGetTce = defineCall<TceCall, HcallInput>({
  name: NAME,
  parameters: ['liobn', 'ioba'],
  read: (host, vm, [liobn = 0n, ioba = 0n]) => readTceCall(host, vm, liobn, ioba),
  guards: [notEnabled(CALL), unknownTable(CALL), ...outsideTable(CALL)],
  effect: {
    clauses: [tceClause(`${NAME}/entry`, 'R4 is the entry as the guest, or a mapping of the table, stored it last; 0 where nobody did.')],
    apply: ({ host, table, ioba }) => ({
      clause: `${NAME}/entry`,
      status: 0,
      outputs: [{ index: 0, name: 'R4', value: readEntry(host, table!, indexOf(table!, ioba)), clause: `${NAME}/entry` }],
    }),
  },
  sample: { fd: PROCESSOR, setup: WITH_GUEST, args: { liobn: SAMPLE_TABLE.liobn, ioba: 0n } },
});
