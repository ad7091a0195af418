import type { Chooser } from '../chooser.js';
import { defineCall, type Expected, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { PGFAULT_WORDS } from '../uapi/iommufd-records.js';
import type { FaultFile } from '../vfio/host.js';
import { iommufdClause } from './checks.js';
import type { Transfer, TransferInput } from './reading.js';
import { FAULT_BYTES, fittingGroups, freeCookie, type FaultGroup, type FaultQueue, type PageFault } from './state/fault-queue.js';

const clause = iommufdClause('eventq.c iommufd_fault_fops_read');

interface Reading extends Transfer {
  readonly queue: FaultQueue;
}

const partOfRecord: Guard<Reading> = {
  ...clause('read-faults/count', `A count that is no multiple of the ${FAULT_BYTES} bytes of a fault is refused with ESPIPE.`),
  when: ({ count }) => count % FAULT_BYTES !== 0,
  refuse: [-E.ESPIPE],
};

const groupTooLarge: Guard<Reading> = {
  ...clause('read-faults/group', 'Faults are delivered by the group: where the first one does not fit, EINVAL.'),
  when: ({ queue, count }) => queue.waiting.length > 0 && fittingGroups(queue, count).length === 0,
  refuse: [-E.EINVAL],
};

const unwritable: Guard<Reading> = {
  ...clause('read-faults/pointer', 'Where the first group cannot be written to memory whole, EFAULT, and it stays in the queue.'),
  when: ({ queue, room }) => queue.waiting.length > 0 && fittingGroups(queue, room).length === 0,
  refuse: [-E.EFAULT],
};

/** read of a fault queue: whole groups of faults, each with the cookie that its answer must name. */
export const readFaults = defineCall<Reading, TransferInput>({
  name: 'read-faults',
  parameters: [],
  read: (_host, transfer) => ({ ...transfer, queue: (transfer.file as FaultFile).queue }),
  guards: [partOfRecord, groupTooLarge, unwritable],
  effect: {
    clauses: [
      clause('read-faults/delivered', 'As many whole groups as fit, in the order in which they came; none where none waits: a read never blocks.'),
      clause('read-faults/record', 'A fault says its device, address and what was asked for; length and what is reserved are zero.', 'Linux 7.2 drivers/iommu/iommufd/eventq.c iommufd_compose_fault_message'),
      clause('read-faults/cookie', 'Every fault of a group has the same cookie: not 0, and of no other group without an answer.'),
    ],
    statuses: 'count',
    apply({ queue, count, room }, chooser) {
      const groups = fittingGroups(queue, Math.min(count, room));
      const outputs: Expected[] = [];
      for (const group of groups) deliver(queue, group, outputs, chooser);
      queue.waiting = queue.waiting.slice(groups.length);
      return { clause: 'read-faults/delivered', status: 4 * outputs.length, outputs };
    },
  },
  sample: { args: {} },
});

function deliver(queue: FaultQueue, group: FaultGroup, outputs: Expected[], chooser: Chooser): void {
  const cookie = chooser.adopt({
    choice: 'I21',
    clause: 'read-faults/cookie',
    name: 'cookie',
    canonical: freeCookie(queue),
    permitted: (value) => value !== 0n && !queue.unanswered.has(value),
    expects: 'one that no other group has, not 0',
    index: outputs.length + PGFAULT_WORDS.indexOf('cookie'),
  });
  queue.unanswered.set(cookie, group);
  for (const [i, fault] of group.faults.entries()) outputs.push(...record(group, fault, cookie, `fault ${i}`, outputs.length));
}

function record({ device }: FaultGroup, fault: PageFault, cookie: bigint, name: string, first: number): Expected[] {
  const { flags, pasid, grpid, perm, addr } = fault;
  const values: Record<(typeof PGFAULT_WORDS)[number], bigint> = {
    flags,
    dev_id: BigInt(device),
    pasid,
    grpid,
    perm,
    __reserved: 0n,
    addr_low: addr & 0xffff_ffffn,
    addr_high: addr >> 32n,
    length: 0n,
    cookie,
  };
  return PGFAULT_WORDS.map((word, i) => ({ index: first + i, name: `${word} of ${name}`, value: values[word], clause: word === 'cookie' ? 'read-faults/cookie' : 'read-faults/record' }));
}
