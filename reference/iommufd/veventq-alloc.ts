import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { arg, type Ioctl, type IoctlInput } from '../vfio/checks.js';
import type { Host } from '../vfio/host.js';
import { answerChecks, IOMMU, iommufdClause, objectOf, readIommufd, sizeChecks, type IommufdContext } from './checks.js';
import { NO_DESCRIPTOR, openQueue } from './new-queue.js';
import { NO_SUCH_OBJECT, VEVENTQ_ALLOC, VIOMMU, WITH_VIOMMU } from './samples.js';
import { freeId, type Viommu } from './state/context.js';
import { makeEventQueue } from './state/event-queue.js';

const NAME = 'IOMMU_VEVENTQ_ALLOC';
const clause = iommufdClause('eventq.c iommufd_veventq_alloc');

interface VeventqAlloc extends IommufdContext {
  readonly viommu: Viommu | undefined;
}

/** VEVENTQ_MAX_DEPTH. */
const DEEPEST = 1n << 19n;

const flagsOrType: Guard<VeventqAlloc> = {
  ...clause(`${NAME}/flags`, 'Any flag, anything in what is reserved, and type 0 are refused with EOPNOTSUPP.'),
  when: (c) => arg(c, 'flags') !== 0n || arg(c, '__reserved') !== 0n || arg(c, 'type') === 0n,
  refuse: [-E.EOPNOTSUPP],
  violation: { args: { flags: 1n } },
};

const badDepth: Guard<VeventqAlloc> = {
  ...clause(`${NAME}/depth`, `A depth of 0 or above ${DEEPEST} is refused with EINVAL.`),
  when: (c) => arg(c, 'veventq_depth') === 0n || arg(c, 'veventq_depth') > DEEPEST,
  refuse: [-E.EINVAL],
  violation: { args: { veventq_depth: 0n } },
};

const noViommu: Guard<VeventqAlloc> = {
  ...clause(`${NAME}/viommu`, 'A number of no virtual IOMMU is refused with ENOENT.'),
  when: ({ viommu }) => viommu === undefined,
  refuse: [-E.ENOENT],
  violation: { args: { viommu_id: NO_SUCH_OBJECT } },
};

const typeTaken: Guard<VeventqAlloc> = {
  ...clause(`${NAME}/type-taken`, 'A second queue of the same type for a virtual IOMMU is refused with EEXIST.'),
  when: (c) => [...c.context.objects.values()].some((object) => object.kind === 'veventq' && object.viommu === c.viommu!.id && object.type === arg(c, 'type')),
  refuse: [-E.EEXIST],
  violation: { setup: [VEVENTQ_ALLOC] },
};

/** IOMMU_VEVENTQ_ALLOC: a queue for the events of one type that the devices of a virtual IOMMU raise, and the descriptor to read them. */
export const veventqAlloc = defineCall<VeventqAlloc, IoctlInput>({
  name: NAME,
  parameters: ['size', 'flags', 'viommu_id', 'type', 'veventq_depth', 'out_veventq_id', 'out_veventq_fd', '__reserved'],
  read(host: Host, ioctl: Ioctl) {
    const c = readIommufd(host, ioctl);
    return { ...c, viommu: objectOf(c.context, arg(c, 'viommu_id'), 'viommu') };
  },
  guards: [...sizeChecks<VeventqAlloc>(NAME), flagsOrType, badDepth, noViommu, typeTaken, answerChecks<VeventqAlloc>(NAME)],
  effect: {
    clauses: [
      clause(`${NAME}/made`, 'The new queue is empty, its first event gets number 0; it is in use while its file is open, and its virtual IOMMU while it lives.'),
      clause(`${NAME}/descriptor`, 'The queue comes with a descriptor that was free; the context lives at least as long as its file.'),
    ],
    apply(c, chooser) {
      const queue = makeEventQueue(freeId(c.context), c.viommu!.id, arg(c, 'type'), arg(c, 'veventq_depth'));
      c.context.objects.set(queue.id, queue);
      const descriptor = openQueue(c, { kind: 'events', queue }, { index: 6, name: 'out_veventq_fd', clause: `${NAME}/descriptor` }, chooser);
      return { clause: `${NAME}/made`, status: 0, outputs: [{ index: 5, name: 'out_veventq_id', value: BigInt(queue.id), clause: `${NAME}/made` }, descriptor] };
    },
  },
  sample: { requires: ['mock'], fd: IOMMU, setup: WITH_VIOMMU, args: { viommu_id: VIOMMU, type: 0xbeef_beefn, veventq_depth: 2n, out_veventq_fd: NO_DESCRIPTOR } },
});
