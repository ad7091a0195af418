import { defineCall, type Guard } from '../../rules.js';
import { E } from '../../uapi/errno.js';
import { MAP_READ, MAP_WRITE } from '../../uapi/vfio.js';
import { arg, BUFFER, BUFFER_BYTES, type Ioctl, type IoctlInput } from '../../vfio/checks.js';
import type { Host } from '../../vfio/host.js';
import { IOMMU, IOVA, iommufdClause, LARGEST } from '../checks.js';
import { userPages } from '../pages.js';
import { place, placeChecks, type Placing } from '../placing.js';
import { pageBytes } from '../ranges.js';
import { noCompatible, readType1, READY, structureChecks, type1Clause } from './checks.js';

const NAME = 'TYPE1_MAP_DMA';
const pagesClause = iommufdClause('pages.c iopt_alloc_user_pages');

const addressEnd: Guard<Placing> = {
  ...pagesClause(`${NAME}/address-end`, 'Memory that ends beyond 64 bits is refused with EOVERFLOW.'),
  when: (c) => arg(c, 'vaddr') + c.length > LARGEST,
  refuse: [-E.EOVERFLOW],
  violation: { args: { vaddr: LARGEST - 0xffffn } },
};

const badSize: Guard<Placing> = {
  ...pagesClause(`${NAME}/size`, 'A size of 0, or one that leaves less than a page of 64 bits, is refused with EINVAL.'),
  when: (c) => c.length === 0n || c.length > LARGEST - pageBytes(c.host),
  refuse: [-E.EINVAL],
  violation: { args: { size: 0n } },
};

function readMap(host: Host, ioctl: Ioctl): Placing {
  const c = readType1(host, ioctl);
  const [flags, vaddr, length] = [arg(c, 'flags'), arg(c, 'vaddr'), arg(c, 'size')];
  const writeable = (flags & MAP_WRITE) !== 0n;
  const pages = userPages(host, c.context, c.process.space, vaddr, writeable);
  return { ...c, fixed: true, iova: arg(c, 'iova'), length, readable: (flags & MAP_READ) !== 0n, writeable, parts: [{ pages, offset: vaddr - pages.source.start, length }] };
}

/** VFIO_IOMMU_MAP_DMA of type 1: IOMMU_IOAS_MAP at a place that the user says; directions may be none at all. */
export const type1MapDma = defineCall<Placing, IoctlInput>({
  name: NAME,
  parameters: ['argsz', 'flags', 'vaddr', 'iova', 'size'],
  read: readMap,
  guards: [...structureChecks<Placing>(NAME, 32n, MAP_READ | MAP_WRITE), noCompatible(NAME), addressEnd, badSize, ...placeChecks<Placing>(NAME, { fixed: true })],
  effect: {
    clauses: [type1Clause(`${NAME}/mapped`, 'The memory is an area of the IOAS, also where the device may neither read nor write it.')],
    apply(c) {
      place(c, 0, 'iova', `${NAME}/mapped`);
      return { clause: `${NAME}/mapped`, status: 0 };
    },
  },
  sample: { fd: IOMMU, call: 'VFIO_IOMMU_MAP_DMA', setup: READY, args: { flags: MAP_READ | MAP_WRITE, vaddr: BUFFER, iova: IOVA, size: BUFFER_BYTES } },
});
