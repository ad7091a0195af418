import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { arg, type Ioctl, type IoctlInput } from '../vfio/checks.js';
import type { Host } from '../vfio/host.js';
import { answerChecks, IOMMU, iommufdClause, objectOf, readIommufd, sizeChecks, type IommufdContext } from './checks.js';
import { areasAligned, pageBytes } from './ranges.js';
import { MAPPED, NO_SUCH_OBJECT, SELFTEST, VIOMMU, WITH_VIOMMU } from './samples.js';
import { freeId, type Access, type Area, type HwQueue, type Viommu } from './state/context.js';

const NAME = 'IOMMU_HW_QUEUE_ALLOC';
const clause = iommufdClause('viommu.c iommufd_hw_queue_alloc_ioctl');
const phys = iommufdClause('viommu.c iommufd_hw_queue_alloc_phys, device.c iommufd_access_pin_pages');
const mock = iommufdClause('selftest.c mock_hw_queue_init_phys');

interface HwQueueAlloc extends IommufdContext {
  readonly viommu: Viommu | undefined;
  /** The system pages that hold the queue, as IOVAs. */
  readonly first: bigint;
  readonly last: bigint;
  /** The areas from the first of them on, as far as they follow each other. */
  readonly areas: readonly Area[];
  /** Queues that the virtual IOMMU has. */
  readonly queues: readonly HwQueue[];
}

const HIGHEST = (1n << 64n) - 1n;

/** Bytes of the largest list that the kernel makes of a queue's pages (INT_MAX), and of one of its entries. */
const LONGEST_LIST = 0x7fff_ffffn;
const ENTRY_BYTES = 8n;

const flagsOrType: Guard<HwQueueAlloc> = {
  ...clause(`${NAME}/flags`, 'Any flag is refused with EOPNOTSUPP, and so is type 0.'),
  when: (c) => arg(c, 'flags') !== 0n || arg(c, 'type') === 0n,
  refuse: [-E.EOPNOTSUPP],
  violation: { args: { flags: 1n } },
};

const nothing: Guard<HwQueueAlloc> = {
  ...clause(`${NAME}/length`, 'A queue of no bytes is refused with EINVAL.'),
  when: (c) => arg(c, 'length') === 0n,
  refuse: [-E.EINVAL],
  violation: { args: { length: 0n } },
};

const wraps: Guard<HwQueueAlloc> = {
  ...clause(`${NAME}/overflow`, 'A queue that goes beyond the last IOVA is refused with EOVERFLOW.'),
  when: (c) => arg(c, 'nesting_parent_iova') + arg(c, 'length') - 1n > HIGHEST,
  refuse: [-E.EOVERFLOW],
  violation: { args: { nesting_parent_iova: HIGHEST } },
};

const noViommu: Guard<HwQueueAlloc> = {
  ...clause(`${NAME}/viommu`, 'A number of no virtual IOMMU is refused with ENOENT.'),
  when: ({ viommu }) => viommu === undefined,
  refuse: [-E.ENOENT],
  violation: { args: { viommu_id: NO_SUCH_OBJECT } },
};

const unknownType: Guard<HwQueueAlloc> = {
  ...clause(`${NAME}/type`, 'A type that the driver does not have is refused with EOPNOTSUPP.'),
  when: (c) => BigInt(c.viommu!.driver.viommu?.hwQueues?.type ?? 0) !== arg(c, 'type'),
  refuse: [-E.EOPNOTSUPP],
  violation: { args: { type: 1n } },
};

const outOfRange: Guard<HwQueueAlloc> = {
  ...phys(`${NAME}/pages`, 'A queue whose bytes cannot be rounded to whole pages within 64 bits is refused with ERANGE.'),
  when: (c) => (arg(c, 'nesting_parent_iova') % pageBytes(c.host)) + arg(c, 'length') + pageBytes(c.host) - 1n > HIGHEST,
  refuse: [-E.ERANGE],
  violation: { args: { nesting_parent_iova: 0n, length: HIGHEST } },
};

const tooMany: Guard<HwQueueAlloc> = {
  ...phys(`${NAME}/memory`, 'A queue of more pages than the kernel can list is refused with ENOMEM, mapped or not.'),
  when: ({ host, first, last }) => ((last - first + 1n) / pageBytes(host)) * ENTRY_BYTES > LONGEST_LIST,
  refuse: [-E.ENOMEM],
  violation: { args: { nesting_parent_iova: 0n, length: 1n << 62n } },
};

/** Minus the error of the first area that does not do; where all do but end too early, ENOENT. */
function unfit(c: HwQueueAlloc): number {
  if (c.areas.some(({ readable }) => !readable)) return -E.EPERM;
  return c.areas.length === 0 || c.areas.at(-1)!.last < c.last ? -E.ENOENT : 0;
}

const misplaced: Guard<HwQueueAlloc> = {
  ...phys(`${NAME}/alignment`, 'While an area of the IOAS, any one, shares a system page of its memory or of its IOVAs with others, a queue is refused with EADDRINUSE.', 'Linux 7.2 drivers/iommu/iommufd/io_pagetable.c iopt_add_access, iopt_check_iova_alignment'),
  when: ({ host, viommu }) => !areasAligned(host, viommu!.parent.ioas, pageBytes(host)),
  refuse: [-E.EADDRINUSE],
};

const notReadable: Guard<HwQueueAlloc> = {
  ...phys(`${NAME}/readable`, 'Memory that is not mapped for reading is refused with EPERM.'),
  when: (c) => unfit(c) === -E.EPERM,
  refuse: [-E.EPERM],
};

const notMapped: Guard<HwQueueAlloc> = {
  ...phys(`${NAME}/mapped`, 'IOVAs that are not mapped, from the first to the last, are refused with ENOENT.'),
  when: (c) => unfit(c) === -E.ENOENT,
  refuse: [-E.ENOENT],
  violation: { args: { nesting_parent_iova: 0x4000_0000n } },
};

const scattered: Guard<HwQueueAlloc> = {
  ...phys(`${NAME}/contiguous`, 'Memory of several pages that do not follow each other is refused with EFAULT.'),
  level: 'may',
  choice: { id: 'I22', canonical: false },
  when: ({ host, first, last }) => last - first + 1n > pageBytes(host),
  refuse: [-E.EFAULT],
};

const beyondLast: Guard<HwQueueAlloc> = {
  ...mock(`${NAME}/index`, 'An index that the hardware does not have is refused with EINVAL.'),
  when: (c) => arg(c, 'index') >= c.viommu!.driver.viommu!.hwQueues!.most,
  refuse: [-E.EINVAL],
  violation: { args: { index: 2n } },
};

const taken: Guard<HwQueueAlloc> = {
  ...mock(`${NAME}/index-taken`, 'An index that a queue has is refused with EEXIST.'),
  when: (c) => c.queues.some(({ index }) => index === arg(c, 'index')),
  refuse: [-E.EEXIST],
  violation: { setup: [{ door: 'iommufd', op: 'ioctl', fd: IOMMU, call: NAME, args: { viommu_id: VIOMMU, type: SELFTEST, nesting_parent_iova: 0x100_0000n, length: 0x1000n } }] },
};

const outOfOrder: Guard<HwQueueAlloc> = {
  ...mock(`${NAME}/order`, 'An index whose predecessor has no queue is refused with EIO.'),
  when: (c) => arg(c, 'index') > 0n && !c.queues.some(({ index }) => index === arg(c, 'index') - 1n),
  refuse: [-E.EIO],
  violation: { args: { index: 1n } },
};

/** IOMMU_HW_QUEUE_ALLOC: a queue in the guest's memory that hardware reads; it cannot be unmapped while the queue lives. */
export const hwQueueAlloc = defineCall<HwQueueAlloc, IoctlInput>({
  name: NAME,
  parameters: ['size', 'flags', 'viommu_id', 'type', 'index', 'out_hw_queue_id', 'nesting_parent_iova', 'length'],
  read: readHwQueue,
  guards: [
    ...sizeChecks<HwQueueAlloc>(NAME),
    flagsOrType,
    nothing,
    wraps,
    noViommu,
    unknownType,
    outOfRange,
    tooMany,
    misplaced,
    notReadable,
    notMapped,
    scattered,
    beyondLast,
    taken,
    outOfOrder,
    answerChecks<HwQueueAlloc>(NAME),
  ],
  effect: {
    clauses: [
      clause(`${NAME}/made`, 'The areas that hold the queue stay while it lives. Two numbers are taken: its own, and the next for what holds them.'),
      phys(`${NAME}/pages-only`, 'While a queue lives its IOAS takes IOVAs, lengths and memory of whole system pages only.', 'Linux 7.2 drivers/iommu/iommufd/device.c iommufd_access_create_internal, io_pagetable.c iopt_calculate_iova_alignment'),
    ],
    apply(c) {
      const id = freeId(c.context);
      const queue: HwQueue = { kind: 'hw-queue', id, viommu: c.viommu!, index: arg(c, 'index'), areas: c.areas, access: { kind: 'access', id: 0, ioas: c.viommu!.parent.ioas } };
      c.context.objects.set(id, queue);
      const access: Access = { ...queue.access, id: freeId(c.context) };
      c.context.objects.set(access.id, access).set(id, { ...queue, access });
      for (const area of c.areas) area.locks += 1;
      access.ioas.accesses += 1;
      return { clause: `${NAME}/made`, status: 0, outputs: [{ index: 5, name: 'out_hw_queue_id', value: BigInt(id), clause: `${NAME}/made` }] };
    },
  },
  sample: { requires: ['mock'], fd: IOMMU, setup: [...WITH_VIOMMU, ...MAPPED], args: { viommu_id: VIOMMU, type: SELFTEST, nesting_parent_iova: 0x100_0000n, length: 0x1000n } },
});

function readHwQueue(host: Host, ioctl: Ioctl): HwQueueAlloc {
  const c = readIommufd(host, ioctl);
  const viommu = objectOf(c.context, arg(c, 'viommu_id'), 'viommu');
  const [iova, page] = [arg(c, 'nesting_parent_iova'), pageBytes(host)];
  const first = iova - (iova % page);
  const end = iova + arg(c, 'length') + page - 1n;
  const last = end - (end % page) - 1n;
  const queues = [...c.context.objects.values()].filter((object): object is HwQueue => object.kind === 'hw-queue' && object.viommu === viommu);
  return { ...c, viommu, first, last, queues, areas: viommu === undefined ? [] : areasFrom(viommu, first, last) };
}

function areasFrom({ parent }: Viommu, first: bigint, last: bigint): Area[] {
  const areas: Area[] = [];
  let next = first;
  for (const area of parent.ioas.areas.within({ first, last })) {
    if (area.first > next) break;
    areas.push(area);
    next = area.last + 1n;
  }
  return areas;
}
