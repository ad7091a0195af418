import { pinnedAt, pinRange, regionAround, trailingZeros, type Region } from '../memory/process.js';
import type { Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { BUFFER_BYTES, spaprClause } from './checks.js';
import { chargedSpace, type MappingContext } from './mapping-checks.js';
import { clearEntries, makePromisedDefault, windowAt } from './windows.js';

/*
 * What VFIO_IOMMU_MAP_DMA asks of every page of memory it is to map. Linux looks at one I/O page after the other: at the first
 * bad one it clears what the call has mapped (tce_iommu_build, tce_iommu_build_v2).
 */

const NAME = 'VFIO_IOMMU_MAP_DMA';

export interface Map extends MappingContext {
  readonly vaddr: bigint;
}

/** What can be wrong with a page of memory. */
type Fault = 'unregistered' | 'small' | 'mixed' | 'released' | 'unpinnable';

/** Bytes of an I/O page. */
export const pageBytes = (c: Map): bigint => 1n << BigInt(c.window!.pageShift);

/** The number of I/O pages of the call. */
export const pageCount = (c: Map): number => Number(c.size >> BigInt(c.window!.pageShift));

/** The table's entry for the first of them. */
export const firstEntry = (c: Map): number => Number((c.iova - c.window!.start) >> BigInt(c.window!.pageShift));

/** The region that an I/O page of memory lies in; none in v1. */
export const regionOf = (c: Map, address: bigint): Region | undefined =>
  c.container.version === 2 ? regionAround(chargedSpace(c), address, pageBytes(c)) : undefined;

function faultOf(c: Map, address: bigint): Fault | undefined {
  if (c.container.version === 1) return pinRange(c.process.space, address, pageBytes(c)) === undefined ? 'unpinnable' : undefined;
  const region = regionOf(c, address);
  const { pageShift } = c.window!;
  if (region === undefined || trailingZeros(region.address | region.length) < pageShift) return 'unregistered';
  if (pinnedAt(region, address).pageShift < pageShift) return 'small';
  if (region.pageShift < pageShift) return 'mixed';
  return region.users === 0 ? 'released' : undefined;
}

/** The number of the first page with one of these faults. */
function firstWith(c: Map, ...faults: readonly Fault[]): number | undefined {
  for (let i = 0; i < pageCount(c); i++) {
    const fault = faultOf(c, c.vaddr + BigInt(i) * pageBytes(c));
    if (fault !== undefined && faults.includes(fault)) return i;
    // Nothing is mapped past the first page that must be refused.
    if (fault !== undefined && FATAL.includes(fault)) return undefined;
  }
  return undefined;
}

const FATAL: readonly Fault[] = ['unregistered', 'small', 'unpinnable'];

/** The pages before the bad one were mapped; what the call has mapped is cleared, whatever was there before. */
const rollBack =
  (...faults: readonly Fault[]) =>
  (c: Map): void => {
    makePromisedDefault(c.host, c.container, chargedSpace(c));
    clearEntries(c.host, c.container, windowAt(c.container, c.iova)!, firstEntry(c), firstWith(c, ...faults) ?? 0);
  };

/** A guard on the first page that has this fault. */
const refusing = (fault: Fault): Pick<Guard<Map>, 'when' | 'damage'> => ({
  when: (c) => firstWith(c, fault) !== undefined,
  damage: rollBack(fault),
});

/** What the call does where some page can never be mapped: it ends there at the latest. */
export const rollBackFatal = rollBack(...FATAL);

const released: Guard<Map> = {
  ...spaprClause(`${NAME}/released`, 'Memory that was unregistered and is pinned only because entries map it may be refused with EINVAL.'),
  ...refusing('released'),
  level: 'may',
  choice: { id: 'V4', canonical: false },
  refuse: [-E.EINVAL],
};

const mixedPages: Guard<Map> = {
  ...spaprClause(`${NAME}/mixed-pages`, 'A large page of a region that has smaller ones too may be refused with EINVAL.', 'Linux 7.2 arch/powerpc/mm/book3s64/iommu_api.c mm_iommu_do_alloc'),
  ...refusing('mixed'),
  level: 'may',
  choice: { id: 'V11', canonical: true },
  refuse: [-E.EINVAL],
};

const notRegistered: Guard<Map> = {
  ...spaprClause(`${NAME}/registered`, 'In v2, an I/O page that does not lie within one registered region of the process, aligned as the I/O page is, is refused with EINVAL.'),
  ...refusing('unregistered'),
  refuse: [-E.EINVAL],
  violation: { args: { vaddr: { from: 'buffer.address', plus: BUFFER_BYTES } } },
};

const smallPages: Guard<Map> = {
  ...spaprClause(`${NAME}/page-size`, 'Registered memory of smaller pages than the I/O page is refused with EINVAL or EPERM.'),
  ...refusing('small'),
  refuse: [-E.EINVAL, -E.EPERM],
};

const notPinnable: Guard<Map> = {
  ...spaprClause(`${NAME}/memory`, 'In v1, a page that cannot be pinned for writing is refused with EFAULT, even where the device is only to read it.'),
  ...refusing('unpinnable'),
  refuse: [-E.EFAULT],
};

/** The checks of the pages, those that a system may pass over first. */
export const pageChecks: readonly Guard<Map>[] = [released, mixedPages, notRegistered, smallPages, notPinnable];
