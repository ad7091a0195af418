import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { PAGE_RESPONSE } from '../uapi/iommufd-records.js';
import type { FaultFile } from '../vfio/host.js';
import { iommufdClause } from './checks.js';
import type { Transfer, TransferInput } from './reading.js';
import { RESPONSE_BYTES, type FaultQueue } from './state/fault-queue.js';

const clause = iommufdClause('eventq.c iommufd_fault_fops_write');

interface Writing extends Transfer {
  readonly queue: FaultQueue;
}

/** One response: words `cookie` and `code`. */
const responseAt = ({ words }: Transfer, i: number): { readonly cookie: bigint; readonly code: bigint } => ({ cookie: words[2 * i]!, code: words[2 * i + 1]! });

const goodCode = (code: bigint): boolean => code === PAGE_RESPONSE.SUCCESS || code === PAGE_RESPONSE.INVALID;

const partOfRecord: Guard<Writing> = {
  ...clause('write-responses/count', `A count that is no multiple of the ${RESPONSE_BYTES} bytes of a response is refused with ESPIPE.`),
  when: ({ count }) => count % RESPONSE_BYTES !== 0,
  refuse: [-E.ESPIPE],
};

const unreadable: Guard<Writing> = {
  ...clause('write-responses/pointer', 'Where the first response cannot be read from memory, EFAULT.'),
  when: ({ count, room }) => count > 0 && room < RESPONSE_BYTES,
  refuse: [-E.EFAULT],
};

const badCode: Guard<Writing> = {
  ...clause('write-responses/code', 'A code other than success and invalid in the first response is refused with EINVAL.'),
  when: (c) => c.count > 0 && !goodCode(responseAt(c, 0).code),
  refuse: [-E.EINVAL],
};

const badCookie: Guard<Writing> = {
  ...clause('write-responses/cookie', 'A cookie of no fault that waits for its answer, in the first response, is refused with EINVAL.'),
  when: (c) => c.count > 0 && !c.queue.unanswered.has(responseAt(c, 0).cookie),
  refuse: [-E.EINVAL],
};

/** write to a fault queue: answers groups of faults. */
export const writeResponses = defineCall<Writing, TransferInput>({
  name: 'write-responses',
  parameters: [],
  read: (_host, transfer) => ({ ...transfer, queue: (transfer.file as FaultFile).queue }),
  guards: [partOfRecord, unreadable, badCode, badCookie],
  effect: {
    clauses: [clause('write-responses/answered', 'Responses are taken in order to the first that is wrong; what was taken is told in bytes, and its cookies are free.')],
    statuses: 'count',
    apply(c) {
      const whole = Math.floor(Math.min(c.count, c.room) / RESPONSE_BYTES);
      let taken = 0;
      while (taken < whole && answer(c, taken)) taken += 1;
      return { clause: 'write-responses/answered', status: taken * RESPONSE_BYTES };
    },
  },
  sample: { args: {} },
});

/** Takes one response; false where it is wrong. */
function answer(c: Writing, i: number): boolean {
  const { cookie, code } = responseAt(c, i);
  return goodCode(code) && c.queue.unanswered.delete(cookie);
}
