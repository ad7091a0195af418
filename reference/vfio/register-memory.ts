import { findRegion, mayLock, pinRange, trailingZeros, type Pinned, type Region } from '../memory/process.js';
import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import {
  arg,
  badPointer,
  BUFFER,
  BUFFER_BYTES,
  byChild,
  CONTAINER,
  foreignProcess,
  limitedTo,
  otherVersion,
  READY_V2,
  readContainer,
  spaprClause,
  tooShort,
  unknownFlags,
  UNREGISTERED_V2,
  type ContainerContext,
  type Ioctl,
  type IoctlInput,
} from './checks.js';
import type { Host } from './host.js';
import { systemPages } from './host.js';

const NAME = 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY';

/** The last 64 KiB of all addresses. */
const LAST_PAGES = 0xffff_ffff_ffff_0000n;

export interface MemoryContext extends ContainerContext {
  readonly vaddr: bigint;
  readonly size: bigint;
}

export function readMemory(host: Host, ioctl: Ioctl): MemoryContext {
  const c = readContainer(host, ioctl);
  return { ...c, vaddr: arg(c, 'vaddr'), size: arg(c, 'size') };
}

/** Address and size are whole system pages. */
export const unalignedMemory = (call: string): Guard<MemoryContext> => ({
  ...spaprClause(`${call}/alignment`, 'An address or size that is not a multiple of the system page is refused with EINVAL.'),
  when: (c) => ((c.vaddr | c.size) & ((1n << BigInt(c.host.linux.pageShift)) - 1n)) !== 0n,
  refuse: [-E.EINVAL],
  violation: { args: { vaddr: { from: 'buffer.address', plus: 0x800n } } },
});

const wrapped: Guard<MemoryContext> = {
  ...spaprClause(`${NAME}/range`, 'A range past the end of all addresses is refused with EINVAL.'),
  when: (c) => BigInt.asUintN(64, c.vaddr + c.size) < c.vaddr,
  refuse: [-E.EINVAL],
  violation: { args: { vaddr: LAST_PAGES, size: 0x1_0000n } },
};

const nothing: Guard<MemoryContext> = {
  ...spaprClause(`${NAME}/nothing`, 'A region of no bytes is refused with EINVAL or ENOMEM.'),
  when: (c) => c.size === 0n,
  refuse: [-E.EINVAL, -E.ENOMEM],
  violation: { args: { size: 0n } },
};

const already: Guard<MemoryContext> = {
  ...spaprClause(`${NAME}/already`, 'A region that the container has registered is refused with EBUSY.'),
  when: (c) => c.container.registered.some((region) => region === findRegion(c.space, c.vaddr, c.size)),
  refuse: [-E.EBUSY],
  violation: { instead: READY_V2 },
};

const overLimit: Guard<MemoryContext> = {
  ...spaprClause(`${NAME}/limit`, 'A new region that would exceed the limit of locked memory is refused with ENOMEM.'),
  when: (c) => isNew(c) && !mayLock(c.space, systemPages(c.host, c.size), c.host.linux.pageShift),
  refuse: [-E.ENOMEM],
  violation: { setup: [limitedTo(0n)] },
};

/** How many pages were pinned before the bad one: Linux may answer with that number (choice V3). */
const PARTIAL = Array.from({ length: 512 }, (_, i) => i + 1);

const unpinnable: Guard<MemoryContext> = {
  ...spaprClause(`${NAME}/memory`, 'A region with a page that is not there or must not be written is refused (EFAULT, ENOMEM; Linux may say how many pages it could pin).'),
  when: (c) => isNew(c) && pinRange(c.process.space, c.vaddr, c.size) === undefined,
  refuse: [-E.EFAULT, -E.ENOMEM, ...PARTIAL],
  violation: { args: { vaddr: 0n } },
};

const overlapping: Guard<MemoryContext> = {
  ...spaprClause(`${NAME}/overlap`, 'A region that overlaps another one of the process without being the same is refused with EINVAL.'),
  when: (c) => isNew(c) && c.space.regions.some((region) => c.vaddr < region.address + region.length && region.address < c.vaddr + c.size),
  refuse: [-E.EINVAL],
  violation: { instead: READY_V2, args: { size: BUFFER_BYTES / 2n } },
};

const isNew = (c: MemoryContext): boolean => findRegion(c.space, c.vaddr, c.size) === undefined;

/** VFIO_IOMMU_SPAPR_REGISTER_MEMORY: pins memory that mappings may then refer to, and charges the process for it. */
export const registerMemory = defineCall<MemoryContext, IoctlInput>({
  name: NAME,
  parameters: ['argsz', 'flags', 'vaddr', 'size'],
  read: readMemory,
  guards: [
    foreignProcess(NAME, { ...byChild, instead: READY_V2 }),
    otherVersion(NAME, 2),
    badPointer(NAME),
    tooShort(NAME, 24n),
    unknownFlags(NAME),
    unalignedMemory(NAME),
    wrapped,
    already,
    nothing,
    overLimit,
    unpinnable,
    overlapping,
  ],
  effect: {
    clauses: [
      spaprClause(`${NAME}/registered`, 'The region is pinned and charged once to the process, however many containers register it; the container is enabled.'),
    ],
    apply(c) {
      const region = findRegion(c.space, c.vaddr, c.size) ?? addRegion(c);
      region.users += 1;
      c.container.registered.push(region);
      c.container.enabled = true;
      return { clause: `${NAME}/registered`, status: 0 };
    },
  },
  sample: { fd: CONTAINER, setup: UNREGISTERED_V2, args: { argsz: 24n, flags: 0n, vaddr: BUFFER, size: BUFFER_BYTES } },
});

function addRegion(c: MemoryContext): Region {
  const pinned = pinRange(c.process.space, c.vaddr, c.size) ?? [];
  const region: Region = {
    address: c.vaddr,
    length: c.size,
    pageShift: servedPageShift(c, pinned),
    users: 0,
    mapped: 1,
    pinned,
  };
  c.space.regions.push(region);
  c.space.lockedPages += systemPages(c.host, c.size);
  return region;
}

/** The largest I/O page: no larger than the smallest page behind the region, nor than its alignment. */
const servedPageShift = (c: MemoryContext, pinned: readonly Pinned[]): number =>
  Math.min(trailingZeros(c.vaddr | c.size), ...pinned.map(({ pageShift }) => pageShift));
