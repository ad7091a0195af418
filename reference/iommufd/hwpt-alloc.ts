import { SELFTEST_DATA } from '../iommu-drivers.js';
import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { HWPT } from '../uapi/iommufd.js';
import { arg, type Ioctl, type IoctlInput } from '../vfio/checks.js';
import type { Host } from '../vfio/host.js';
import { misfit } from './attach-checks.js';
import { BEYOND_LIMIT, BOUND_AND_IOAS, boundWithIoas, DEVICE_ID, mappedAt, UNBACKED } from './bound-device.js';
import { answerChecks, IOAS, IOMMU, iommufdClause, objectOf, sizeChecks } from './checks.js';
import { noDevice, notSupported, readDevice, type OfDevice } from './device-calls.js';
import { fillChecks } from './fill-checks.js';
import { besideOthers, windowsChecks, WINDOWS_CLAUSES } from './ppc64/hwpt-checks.js';
import { planned } from './ppc64/plan.js';
import { isWindowsDomain } from './ppc64/paging-domain.js';
import { makeGuestDomain, type GuestDomain } from './ppc64/guest-domain.js';
import { isParentDomain } from './ppc64/parent-domain.js';
import { readWindows, type WindowsData } from './ppc64/windows-data.js';
import { readTableData, type TableData } from './table-data.js';
import { freeId, type Ioas, type IommufdObject, type NestedTable, type PagingTable, type Viommu } from './state/context.js';
import type { FaultQueue } from './state/fault-queue.js';
import { addTable, makeNested, makeTable } from './tables.js';

const NAME = 'IOMMU_HWPT_ALLOC';
const clause = iommufdClause('hw_pagetable.c iommufd_hwpt_alloc');
const pagingClause = iommufdClause('hw_pagetable.c iommufd_hwpt_paging_alloc');
const nestedClause = iommufdClause('hw_pagetable.c iommufd_hwpt_nested_alloc');
const driverClause = iommufdClause('selftest.c mock_domain_alloc_paging_flags, mock_domain_alloc_nested');

interface Alloc extends OfDevice {
  /** What it is to rest on. */
  readonly object: IommufdObject | undefined;
  readonly data: TableData;
  readonly windows: WindowsData;
  /** The IOAS, where it is to rest on one. */
  readonly onto: Ioas | undefined;
  /** Where its faults are to go. */
  readonly queue: FaultQueue | undefined;
}

const flags = (c: Alloc): bigint => arg(c, 'flags');
const has = (c: Alloc, flag: bigint): boolean => (flags(c) & flag) !== 0n;
const withData = (c: Alloc): boolean => arg(c, 'data_len') !== 0n;
const onIoas = (c: Alloc): boolean => c.object?.kind === 'ioas';
const onTable = (c: Alloc): boolean => c.object?.kind === 'hwpt-paging';
const onViommu = (c: Alloc): boolean => c.object?.kind === 'viommu';
const isNested = (c: Alloc): boolean => onTable(c) || onViommu(c);

const KNOWN = HWPT.NEST_PARENT | HWPT.DIRTY_TRACKING | HWPT.FAULT_ID_VALID | HWPT.PASID;
const NESTED = HWPT.FAULT_ID_VALID | HWPT.PASID;

/** Flags that the device's driver takes; the queue for faults is none of its business. */
const driverFlags = (c: Alloc): bigint => BigInt((isNested(c) ? c.bound!.driver.nested?.flags : c.bound!.driver.paging?.flags) ?? 0);

/** The type of data that the driver takes. */
const driverData = (c: Alloc): number | undefined => (isNested(c) ? c.bound!.driver.nested?.data : c.bound!.driver.paging?.data);

/** The table as it would be. */
function wanted(c: Alloc, id = 0): PagingTable | undefined {
  if (c.object?.kind !== 'ioas' || c.bound?.driver.paging === undefined) return undefined;
  const request = { nestParent: has(c, HWPT.NEST_PARENT), dirtyTracking: has(c, HWPT.DIRTY_TRACKING), pasids: has(c, HWPT.PASID) };
  return makeTable(id, c.object, c.bound.driver, { ...request, ...(c.data.paging && { paging: c.data.paging }), ...(c.windows.windows && { windows: c.windows.windows }) });
}

/** A guest's table as it would be. */
const nested = (c: Alloc, id: number): NestedTable => makeNested(id, c.object as PagingTable | Viommu, has(c, HWPT.PASID), c.data.kept ?? 0n, guestDomain(c));

const misfits = (c: Alloc, kind: ReturnType<typeof misfit>): boolean => {
  const table = wanted(c);
  return table !== undefined && misfit(c.host, table.ioas, table.domain) === kind;
};

const invalid = (rule: string, text: string, when: (c: Alloc) => boolean, violation?: Guard<Alloc>['violation'], of = clause, status: number = -E.EINVAL): Guard<Alloc> => ({
  ...of(`${NAME}/${rule}`, text),
  when,
  refuse: [status],
  ...(violation && { violation }),
});

const SELFTEST = { data_type: BigInt(SELFTEST_DATA), data_len: 4n, data_uptr: { from: 'data.address' } };
const DATA = [{ door: 'user', op: 'map', length: 0x1_0000n, protection: 'rw', as: 'data' }] as const;

/** A page table of the device that another can rest on, and one that cannot. */
const MOCK = [...boundWithIoas('mock0.dev0'), ...DATA];
const alloc = (as: string, value: bigint) => ({ door: 'iommufd', op: 'ioctl', fd: IOMMU, call: NAME, args: { dev_id: DEVICE_ID, pt_id: IOAS, flags: value }, as }) as const;
const WITH_PARENT = [...MOCK, alloc('parent', HWPT.NEST_PARENT)];
const PARENT = { from: 'parent.out_hwpt_id' };

/** A PE without a default window: a virtual function. */
const NO_DEFAULT: Guard<Alloc> = {
  ...planned('open', 'our suggestion: nobody has said what the table of such a PE is by default')(`${NAME}/ppc64-no-default`, 'Without a description a PE that has no default window is refused with EOPNOTSUPP, unless others are to rest on the table.'),
  when: (c) => onIoas(c) && c.bound!.driver.paging?.apertures.length === 0 && !withData(c) && !has(c, HWPT.NEST_PARENT),
  refuse: [-E.EOPNOTSUPP],
};

const ofIoas: readonly Guard<Alloc>[] = [
  notSupported(`${NAME}/plain-driver`, pagingClause, 'A driver that takes neither flags nor data refuses both with EOPNOTSUPP.', (c) => onIoas(c) && (flags(c) !== 0n || withData(c)) && c.bound!.driver.paging?.flags === undefined, { instead: boundWithIoas('simple0.dev0'), args: { flags: HWPT.PASID } }),
  notSupported(`${NAME}/flags`, pagingClause, 'An unknown flag is refused with EOPNOTSUPP.', (c) => onIoas(c) && (flags(c) & ~KNOWN) !== 0n, { args: { flags: 16n } }),
  notSupported(`${NAME}/dirty-tracking`, pagingClause, 'DIRTY_TRACKING is refused with EOPNOTSUPP where the device cannot tell what it wrote.', (c) => onIoas(c) && has(c, HWPT.DIRTY_TRACKING) && !c.bound!.driver.dirtyTracking, { instead: boundWithIoas('mock0.dev1'), args: { flags: HWPT.DIRTY_TRACKING } }),
  notSupported(`${NAME}/faults-of-parent`, pagingClause, 'A queue for faults on a table that others are to rest on is refused with EOPNOTSUPP.', (c) => onIoas(c) && has(c, HWPT.FAULT_ID_VALID) && has(c, HWPT.NEST_PARENT), { args: { flags: HWPT.FAULT_ID_VALID | HWPT.NEST_PARENT } }),
  notSupported(`${NAME}/paging`, iommufdClause('../iommu.c __iommu_paging_domain_alloc_flags'), 'An IOMMU that has no page tables of its own refuses with EOPNOTSUPP.', (c) => onIoas(c) && c.bound!.driver.paging === undefined, { instead: boundWithIoas('power0.dev0') }),
  NO_DEFAULT,
];

const ofTable: readonly Guard<Alloc>[] = [
  invalid('viommu', 'A virtual IOMMU of another physical one than that of the device is refused with EINVAL.', ({ object, bound }) => object?.kind === 'viommu' && object.driver.name !== bound!.driver.name),
  notSupported(`${NAME}/nested`, nestedClause, 'On a page table or a virtual IOMMU, flags other than FAULT_ID_VALID and PASID, no data, or a driver without such tables is refused with EOPNOTSUPP.', (c) => isNested(c) && ((flags(c) & ~NESTED) !== 0n || !withData(c) || c.bound!.driver.nested === undefined), { instead: WITH_PARENT, args: { pt_id: PARENT } }),
  invalid('parent', 'A page table that was made by attaching, without NEST_PARENT, or by another driver is refused with EINVAL.', (c) => {
    const { object, bound } = c;
    return object?.kind === 'hwpt-paging' && (object.automatic || !object.nestParent || object.domain.driver !== bound!.driver.name);
  }, { instead: [...MOCK, alloc('parent', 0n)], args: { ...SELFTEST, pt_id: PARENT } }, nestedClause),
];

/** What drivers refuse. */
const ofDriver: readonly Guard<Alloc>[] = [
  notSupported(`${NAME}/driver-flags`, driverClause, 'Flags that the driver does not take are refused with EOPNOTSUPP.', (c) => (flags(c) & ~HWPT.FAULT_ID_VALID & ~driverFlags(c)) !== 0n, { args: { flags: HWPT.NEST_PARENT } }),
  notSupported(`${NAME}/data-type`, driverClause, 'Data of a type that the driver does not take are refused with EOPNOTSUPP.', (c) => withData(c) && arg(c, 'data_type') !== BigInt(driverData(c) ?? -1), { instead: MOCK, args: { ...SELFTEST, data_type: 1n } }),
  invalid('data-length', 'Data shorter than they were at first, or longer than the driver knows, are refused with EINVAL.', (c) => c.data.wrong === 'length', { instead: MOCK, args: { ...SELFTEST, data_len: 3n } }, driverClause),
  invalid('data-pointer', 'Data that cannot be read are refused with EFAULT.', (c) => c.data.wrong === 'pointer', { instead: MOCK, args: { ...SELFTEST, data_uptr: 0n } }, driverClause, -E.EFAULT),
  notSupported(`${NAME}/data-kind`, driverClause, 'A kind of page table that the test driver does not have is refused with EOPNOTSUPP.', (c) => c.data.wrong === 'kind', {
    instead: MOCK,
    setup: [{ door: 'user', op: 'store', address: { from: 'data.address' }, wordBytes: 4, words: [0n, 2n] }],
    args: { ...SELFTEST, data_len: 8n },
  }),
];

const ofFit: readonly Guard<Alloc>[] = [
  invalid('page-size', "An IOMMU whose smallest page is larger than the system's is refused with EINVAL.", (c) => misfits(c, 'page-size'), { instead: boundWithIoas('large0.dev0') }, iommufdClause('io_pagetable.c iopt_table_add_domain')),
  invalid('alignment', "Areas that the IOMMU's pages are too large for are refused with EADDRINUSE.", (c) => misfits(c, 'alignment'), undefined, iommufdClause('io_pagetable.c iopt_table_add_domain'), -E.EADDRINUSE),
  invalid('aperture', 'An area, or a range promised to the user, outside what the IOMMU translates is refused with EADDRINUSE.', (c) => misfits(c, 'aperture') && !besideOthers(c), { setup: mappedAt(1n << 62n) }, iommufdClause('io_pagetable.c iopt_table_add_domain'), -E.EADDRINUSE),
  ...fillChecks<Alloc>(NAME, (c) => {
    const table = wanted(c);
    return table && { host: c.host, table };
  }, { memory: { setup: UNBACKED }, limit: { setup: BEYOND_LIMIT } }),
];

const noQueue = invalid('fault_id', 'A number of no queue for faults is refused with ENOENT; without FAULT_ID_VALID it is not looked at.', (c) => has(c, HWPT.FAULT_ID_VALID) && c.queue === undefined, { args: { flags: HWPT.FAULT_ID_VALID } }, clause, -E.ENOENT);

/** Where a table is made beside others, each has windows of its own from now on (choice I30). */
function separate(ioas: Ioas, table: PagingTable): void {
  ioas.separate = true;
  for (const domain of [...ioas.domains, table.domain]) if (isWindowsDomain(domain)) domain.tables.separate = true;
}

/** What the guest of a PE as planned goes by. */
function guestDomain({ object, windows: { windows } }: Alloc): GuestDomain | undefined {
  const domain = object?.kind === 'hwpt-paging' ? object.domain : object?.kind === 'viommu' ? object.parent.domain : undefined;
  return windows !== undefined && domain !== undefined && isParentDomain(domain) ? makeGuestDomain(domain, windows) : undefined;
}

/** IOMMU_HWPT_ALLOC: a page table for a device: one that has what an IOAS has, or one of a guest on top of such a one. */
export const hwptAlloc = defineCall<Alloc, IoctlInput>({
  name: NAME,
  parameters: ['size', 'flags', 'dev_id', 'pt_id', 'out_hwpt_id', '__reserved', 'data_type', 'data_len', 'data_uptr', 'fault_id', '__reserved2'],
  read(host: Host, ioctl: Ioctl) {
    const c = readDevice(host, ioctl);
    const object = c.context.objects.get(Number(arg(c, 'pt_id')));
    return { ...c, object, onto: object?.kind === 'ioas' ? object : undefined, data: readTableData(c), windows: readWindows(c), queue: objectOf(c.context, arg(c, 'fault_id'), 'fault') };
  },
  guards: [
    ...sizeChecks<Alloc>(NAME),
    notSupported(`${NAME}/__reserved`, clause, 'A __reserved other than 0 is refused with EOPNOTSUPP; __reserved2 is not looked at.', (c) => arg(c, '__reserved') !== 0n, { args: { __reserved: 1n } }),
    invalid('data', 'Data without a type, or a type without data, are refused with EINVAL.', (c) => (arg(c, 'data_type') === 0n) === withData(c), { args: { data_len: 8n } }),
    noDevice(NAME, clause),
    invalid('pt_id', 'A number of no object is refused with EINVAL.', ({ object }) => object === undefined || object.kind === 'tombstone', { args: { pt_id: 0n } }),
    invalid('kind', 'An object that no page table can rest on is refused with EINVAL.', (c) => !onIoas(c) && !isNested(c), { args: { pt_id: DEVICE_ID } }),
    ...ofIoas,
    ...ofTable,
    ...ofDriver,
    ...windowsChecks<Alloc>(),
    ...ofFit,
    noQueue,
    answerChecks(NAME),
  ],
  effect: {
    clauses: [
      clause(`${NAME}/made`, 'The page table has the lowest free number and at once all that its IOAS has; what it does not translate cannot be mapped any more.'),
      nestedClause(`${NAME}/nested-made`, 'The page table of a guest rests on the one, or on the virtual IOMMU, that was named, which cannot be destroyed before it.'),
      ...WINDOWS_CLAUSES,
    ],
    apply(c) {
      const id = freeId(c.context);
      const table = wanted(c, id);
      const made = table ?? nested(c, id);
      if (has(c, HWPT.FAULT_ID_VALID)) made.fault = c.queue;
      if (besideOthers(c)) separate(c.onto!, table!);
      if (table !== undefined) addTable(c.host, c.context, table);
      else c.context.objects.set(id, made);
      const rule = `${NAME}/${table === undefined ? 'nested-made' : isWindowsDomain(table.domain) ? 'ppc64-made' : 'made'}`;
      return { clause: rule, status: 0, outputs: [{ index: 4, name: 'out_hwpt_id', value: BigInt(id), clause: rule }] };
    },
  },
  sample: { fd: IOMMU, setup: BOUND_AND_IOAS, args: { dev_id: DEVICE_ID, pt_id: IOAS } },
});
