import { defineCall, type Expected, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { VEVENT_WORDS } from '../uapi/iommufd-records.js';
import type { EventFile } from '../vfio/host.js';
import { iommufdClause } from './checks.js';
import type { Transfer, TransferInput } from './reading.js';
import { EEH_EVENT_CLAUSES, openWords } from './ppc64/eeh-records.js';
import { fittingRecords, HEADER_BYTES, LOST_EVENTS, type EventQueue, type EventRecord } from './state/event-queue.js';

const clause = iommufdClause('eventq.c iommufd_veventq_fops_read');

interface Reading extends Transfer {
  readonly queue: EventQueue;
}

const noHeader: Guard<Reading> = {
  ...clause('read-events/count', `A count below the ${HEADER_BYTES} bytes of a header is refused with EINVAL, even where no event waits.`),
  when: ({ count }) => count < HEADER_BYTES,
  refuse: [-E.EINVAL],
};

const eventTooLarge: Guard<Reading> = {
  ...clause('read-events/event', 'Where the first event does not fit whole, EINVAL.'),
  when: ({ queue, count }) => queue.records.length > 0 && fittingRecords(queue, count).length === 0,
  refuse: [-E.EINVAL],
};

const unwritable: Guard<Reading> = {
  ...clause('read-events/pointer', 'Where the first event cannot be written to memory whole, EFAULT, and it stays in the queue.'),
  when: ({ queue, room }) => queue.records.length > 0 && fittingRecords(queue, room).length === 0,
  refuse: [-E.EFAULT],
};

/** read of an event queue: whole events, each after its header. */
export const readEvents = defineCall<Reading, TransferInput>({
  name: 'read-events',
  parameters: [],
  read: (_host, transfer) => ({ ...transfer, queue: (transfer.file as EventFile).queue }),
  guards: [noHeader, eventTooLarge, unwritable],
  effect: {
    clauses: [
      clause('read-events/delivered', 'As many whole events as fit, in the order in which they came; none where none waits: a read never blocks.'),
      clause('read-events/sequence', 'Every report takes the next number, whether there was room for it or not: numbers go from 0 to 2^31 - 1 and round.', 'Linux 7.2 drivers/iommu/iommufd/iommufd_private.h iommufd_vevent_handler'),
      clause('read-events/lost', 'Of events lost for want of room a header alone tells, with the number of the latest; an event that comes after takes its place.', 'Linux 7.2 drivers/iommu/iommufd/driver.c iommufd_viommu_report_event'),
      clause('read-events/data', 'After its header an event has the data of its type.'),
      ...EEH_EVENT_CLAUSES,
    ],
    statuses: 'count',
    apply({ queue, count, room }, chooser) {
      const records = fittingRecords(queue, Math.min(count, room));
      queue.records = queue.records.slice(records.length);
      const outputs: Expected[] = [];
      for (const record of records) outputs.push(...openWords(record, wordsOf(record, outputs.length), chooser));
      const clauseId = records.some(({ error }) => error !== undefined) ? 'read-events/ppc64-eeh' : 'read-events/delivered';
      return { clause: clauseId, status: 4 * outputs.length, outputs };
    },
  },
  sample: { args: {} },
});

const wordsOf = ({ lost, sequence, words }: EventRecord, first: number): Expected[] => [
  { index: first, name: VEVENT_WORDS[0], value: lost ? LOST_EVENTS : 0n, clause: 'read-events/lost' },
  { index: first + 1, name: VEVENT_WORDS[1], value: sequence, clause: 'read-events/sequence' },
  ...words.map((value, i) => ({ index: first + 2 + i, name: `data[${i}]`, value, clause: 'read-events/data' })),
];
