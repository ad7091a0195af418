import { MOCK_DRIVER } from '../iommu-drivers.js';
import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { arg, type Ioctl, type IoctlInput } from '../vfio/checks.js';
import type { Host } from '../vfio/host.js';
import { answerChecks, IOMMU, iommufdClause, objectOf, readIommufd, sizeChecks, type IommufdContext } from './checks.js';
import { pageBytes } from './ranges.js';
import { DEVICE, NO_SUCH_OBJECT, PARENT, TABLE, WITH_PARENT } from './samples.js';
import { freeId, type BoundDevice, type PagingTable } from './state/context.js';
import { canWrite, openAt, structureAt, writeWords } from './user-data.js';

const NAME = 'IOMMU_VIOMMU_ALLOC';
const clause = iommufdClause('viommu.c iommufd_viommu_alloc_ioctl');
const mock = iommufdClause('selftest.c mock_viommu_init');

interface ViommuAlloc extends IommufdContext {
  readonly bound: BoundDevice | undefined;
  readonly parent: PagingTable | undefined;
}

/** struct iommu_viommu_selftest: in_data, out_data, then offset and length for mmap. */
const DATA = { least: 8, known: 24 } as const;

/** The test driver takes data; that of POWER looks at none. */
const takesData = (c: ViommuAlloc): boolean => arg(c, 'data_len') > 0n && c.bound?.driver.name === MOCK_DRIVER.name;

const dataOf = (c: ViommuAlloc): bigint[] | number => (takesData(c) ? structureAt(c.host, c.process, arg(c, 'data_uptr'), Number(arg(c, 'data_len')), DATA) : []);

const flagsOrType: Guard<ViommuAlloc> = {
  ...clause(`${NAME}/flags`, 'Any flag is refused with EOPNOTSUPP, and so is type 0.'),
  when: (c) => arg(c, 'flags') !== 0n || arg(c, 'type') === 0n,
  refuse: [-E.EOPNOTSUPP],
  violation: { args: { flags: 1n } },
};

const noDevice: Guard<ViommuAlloc> = {
  ...clause(`${NAME}/device`, 'A number of no device is refused with ENOENT.'),
  when: ({ bound }) => bound === undefined,
  refuse: [-E.ENOENT],
  violation: { args: { dev_id: NO_SUCH_OBJECT } },
};

const unknownType: Guard<ViommuAlloc> = {
  ...clause(`${NAME}/type`, 'A type that the driver does not have is refused with EOPNOTSUPP.'),
  when: (c) => BigInt(c.bound!.driver.viommu?.type ?? 0) !== arg(c, 'type'),
  refuse: [-E.EOPNOTSUPP],
  violation: { args: { type: 1n } },
};

const noTable: Guard<ViommuAlloc> = {
  ...clause(`${NAME}/table`, 'A number of no page table of an IOAS is refused with ENOENT.'),
  when: ({ parent }) => parent === undefined,
  refuse: [-E.ENOENT],
  violation: { args: { hwpt_id: NO_SUCH_OBJECT } },
};

const noParent: Guard<ViommuAlloc> = {
  ...clause(`${NAME}/parent`, 'A page table that was not made as a parent of nested ones is refused with EINVAL.'),
  when: ({ parent }) => !parent!.nestParent,
  refuse: [-E.EINVAL],
  violation: { args: { hwpt_id: TABLE } },
};

const badDataSize: Guard<ViommuAlloc> = {
  ...mock(`${NAME}/data-length`, "Data of another size than the driver's are refused with EINVAL.", 'Linux 7.2 include/linux/iommu.h __iommu_copy_struct_from_user'),
  when: (c) => dataOf(c) === -E.EINVAL,
  refuse: [-E.EINVAL],
  violation: { args: { data_len: 4n } },
};

const unreadableData: Guard<ViommuAlloc> = {
  ...mock(`${NAME}/data`, 'Data that cannot be read are refused with EFAULT, and so are those that cannot be written.'),
  when: (c) => dataOf(c) === -E.EFAULT || (takesData(c) && !canWrite(c.process, arg(c, 'data_uptr'), Number(arg(c, 'data_len')))),
  refuse: [-E.EFAULT],
  violation: { args: { data_len: BigInt(DATA.known), data_uptr: 0n } },
};

/** Writes what the test driver answers, as far as the program's structure goes. */
function answerData(c: ViommuAlloc): void {
  const data = dataOf(c);
  if (typeof data === 'number' || data.length === 0) return;
  const [address, given] = [arg(c, 'data_uptr'), Number(arg(c, 'data_len'))];
  const length = 2n * pageBytes(c.host);
  writeWords(c.host, c.process, address, [data[0]!, data[0]!, 0n, 0n, length & 0xffff_ffffn, length >> 32n], given);
  openAt(c.host, c.process, address + 8n, Math.max(0, Math.min(given, 16) - 8));
}

/** Data are answered before the structure is. */
const unanswerable: Guard<ViommuAlloc> = { ...answerChecks<ViommuAlloc>(NAME, 'An answer that cannot be written is refused with EFAULT, and no virtual IOMMU is left.'), damage: answerData };

/** IOMMU_VIOMMU_ALLOC: a part of a physical IOMMU for a guest, on a page table that holds the guest's memory. */
export const viommuAlloc = defineCall<ViommuAlloc, IoctlInput>({
  name: NAME,
  parameters: ['size', 'flags', 'type', 'dev_id', 'hwpt_id', 'out_viommu_id', 'data_len', '__reserved', 'data_uptr'],
  read(host: Host, ioctl: Ioctl) {
    const c = readIommufd(host, ioctl);
    return { ...c, bound: objectOf(c.context, arg(c, 'dev_id'), 'device'), parent: objectOf(c.context, arg(c, 'hwpt_id'), 'hwpt-paging') };
  },
  guards: [...sizeChecks<ViommuAlloc>(NAME), flagsOrType, noDevice, unknownType, noTable, noParent, badDataSize, unreadableData, unanswerable],
  effect: {
    clauses: [
      clause(`${NAME}/made`, 'The new virtual IOMMU rests on its page table, which is in use from then on; whatever is reserved in the structure counts for nothing.'),
      mock(`${NAME}/data-answer`, 'The test driver gives back what it got, and says where its page can be mapped: two pages, anywhere.'),
    ],
    apply(c) {
      answerData(c);
      const id = freeId(c.context);
      c.context.objects.set(id, { kind: 'viommu', id, type: arg(c, 'type'), parent: c.parent!, driver: c.bound!.driver, group: c.bound!.group });
      return { clause: takesData(c) ? `${NAME}/data-answer` : `${NAME}/made`, status: 0, outputs: [{ index: 5, name: 'out_viommu_id', value: BigInt(id), clause: `${NAME}/made` }] };
    },
  },
  sample: { requires: ['mock'], fd: IOMMU, setup: WITH_PARENT, args: { type: 0xdead_beefn, dev_id: DEVICE, hwpt_id: PARENT } },
});
