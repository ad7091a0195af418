import { defineCall, type Guard } from '../rules.js';
import { PROCESSOR, SAMPLE_SLOT, SAMPLE_TABLE, tceClause, WITH_GUEST } from './checks.js';
import { failEntry, faultOf, indexOf, permissionOf, putEntry } from './entries.js';
import { faultChecks, HANDED, notEnabled, outsideTable, readTceCall, releasedMemory, unknownTable, type HcallInput, type TceCall } from './tce-checks.js';

const CALL = 'H_PUT_TCE';
const NAME = `kvm/${CALL}`;

export interface Put extends TceCall {
  readonly tce: bigint;
}

const partly: Guard<Put> = {
  ...tceClause(`${NAME}/partly-registered`, 'In an attached table: an entry of which a later hardware page is not registered is left to the monitor; in that window it maps nothing any more.'),
  when: ({ table, tce }) => faultOf(table!, tce) === 'partly',
  refuse: [HANDED],
  damage: ({ host, table, ioba, tce }) => failEntry(host, table!, indexOf(table!, ioba), tce),
};

const entryOf = ({ tce }: Put): readonly bigint[] => [tce];

/** H_PUT_TCE as KVM answers it: the entry in the guest's table, and in every window that follows it. */
export const kvmPutTce = defineCall<Put, HcallInput>({
  name: NAME,
  parameters: ['liobn', 'ioba', 'tce'],
  read: (host, vm, [liobn = 0n, ioba = 0n, tce = 0n]) => ({ ...readTceCall(host, vm, liobn, ioba), tce }),
  guards: [notEnabled(CALL), unknownTable(CALL), ...outsideTable(CALL), ...faultChecks(CALL, entryOf), partly, releasedMemory(CALL, entryOf)],
  effect: {
    clauses: [
      tceClause(`${NAME}/mapped`, "The entry is stored; in every window that follows the table the hardware pages of the guest's page are mapped, whatever was there."),
      tceClause(`${NAME}/cleared`, 'An entry without permissions is stored as it is, its address is not looked at; in every window that follows the table its hardware entries map nothing.'),
    ],
    apply({ host, table, ioba, tce }) {
      putEntry(host, table!, indexOf(table!, ioba), tce);
      return { clause: permissionOf(tce) === 0n ? `${NAME}/cleared` : `${NAME}/mapped`, status: 0 };
    },
  },
  sample: { fd: PROCESSOR, setup: WITH_GUEST, args: { liobn: SAMPLE_TABLE.liobn, ioba: 0n, tce: SAMPLE_SLOT.start | 3n } },
});
