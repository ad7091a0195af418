import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { arg, type IoctlInput } from '../vfio/checks.js';
import { answerChecks, IOMMU, iommufdClause, OPENED, readIommufd, sizeChecks, type IommufdContext } from './checks.js';
import { NO_DESCRIPTOR, openQueue } from './new-queue.js';
import { freeId } from './state/context.js';
import { makeFaultQueue } from './state/fault-queue.js';

const NAME = 'IOMMU_FAULT_QUEUE_ALLOC';
const clause = iommufdClause('eventq.c iommufd_fault_alloc');

const unknownFlags: Guard<IommufdContext> = {
  ...clause(`${NAME}/flags`, 'Any flag is refused with EOPNOTSUPP.'),
  when: (c) => arg(c, 'flags') !== 0n,
  refuse: [-E.EOPNOTSUPP],
  violation: { args: { flags: 1n } },
};

/** IOMMU_FAULT_QUEUE_ALLOC: a queue for the page faults of devices, and the descriptor to read and answer them. */
export const faultQueueAlloc = defineCall<IommufdContext, IoctlInput>({
  name: NAME,
  parameters: ['size', 'flags', 'out_fault_id', 'out_fault_fd'],
  read: readIommufd,
  guards: [...sizeChecks(NAME), unknownFlags, answerChecks(NAME)],
  effect: {
    clauses: [
      clause(`${NAME}/made`, 'The new queue is empty, and in use while its file is open.'),
      clause(`${NAME}/descriptor`, 'The queue comes with a descriptor that was free; the context lives at least as long as its file.'),
    ],
    apply(c, chooser) {
      const queue = makeFaultQueue(freeId(c.context));
      c.context.objects.set(queue.id, queue);
      const descriptor = openQueue(c, { kind: 'faults', queue }, { index: 3, name: 'out_fault_fd', clause: `${NAME}/descriptor` }, chooser);
      return { clause: `${NAME}/made`, status: 0, outputs: [{ index: 2, name: 'out_fault_id', value: BigInt(queue.id), clause: `${NAME}/made` }, descriptor] };
    },
  },
  sample: { fd: IOMMU, setup: OPENED, args: { out_fault_fd: NO_DESCRIPTOR } },
});
