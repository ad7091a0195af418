import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { IOAS_MAP } from '../uapi/iommufd.js';
import { MAP_RESERVE } from '../uapi/iommufd-ppc64.js';
import { arg, BUFFER, BUFFER_BYTES, type Ioctl, type IoctlInput } from '../vfio/checks.js';
import type { Host } from '../vfio/host.js';
import { answerChecks, IOAS, IOMMU, IOVA, iommufdClause, LARGEST, noIoas, padding, readIoas, sizeChecks, WITH_BUFFER, type IommufdContext } from './checks.js';
import { userPages } from './pages.js';
import { RESERVE_CHOICE, RESERVED_CLAUSE, reserves } from './ppc64/reserve.js';
import { place, placeChecks, type Placing } from './placing.js';
import { pageBytes } from './ranges.js';

const NAME = 'IOMMU_IOAS_MAP';
const clause = iommufdClause('ioas.c iommufd_ioas_map');
const pagesClause = iommufdClause('pages.c iopt_alloc_user_pages');

const ALL_FLAGS = IOAS_MAP.FIXED_IOVA | IOAS_MAP.WRITEABLE | IOAS_MAP.READABLE;

/** Flags that mean something to IOMMU_IOAS_MAP, and to the calls like it. */
export const unknownFlags = <C extends IommufdContext>(call: string, of: ReturnType<typeof iommufdClause>, meaningful: (c: C) => bigint = () => 0n): Guard<C> => ({
  ...of(`${call}/flags`, 'An unknown flag is refused with EOPNOTSUPP.'),
  when: (c) => (arg(c, 'flags') & ~(ALL_FLAGS | meaningful(c))) !== 0n,
  refuse: [-E.EOPNOTSUPP],
  violation: { args: { flags: ALL_FLAGS | 16n } },
});

/** A mapping that is of no use. */
export const noDirection = <C extends IommufdContext>(call: string, of: ReturnType<typeof iommufdClause>): Guard<C> => ({
  ...of(`${call}/direction`, 'A mapping that the device may neither read nor write is refused with EINVAL.'),
  when: (c) => (arg(c, 'flags') & (IOAS_MAP.READABLE | IOAS_MAP.WRITEABLE)) === 0n,
  refuse: [-E.EINVAL],
  violation: { args: { flags: IOAS_MAP.FIXED_IOVA } },
});

/** The directions, and whether the user says where, as the flags have them. */
export function directions(c: Ioctl): Pick<Placing, 'fixed' | 'readable' | 'writeable'> {
  const flags = arg(c, 'flags');
  return { fixed: (flags & IOAS_MAP.FIXED_IOVA) !== 0n, readable: (flags & IOAS_MAP.READABLE) !== 0n, writeable: (flags & IOAS_MAP.WRITEABLE) !== 0n };
}

const overflow: Guard<Placing> = {
  ...clause(`${NAME}/largest`, 'An IOVA or a length of 2^64-1 is refused with EOVERFLOW, even where the kernel chooses the place.'),
  when: (c) => c.iova === LARGEST || c.length === LARGEST,
  refuse: [-E.EOVERFLOW],
  violation: { args: { iova: LARGEST } },
};

const addressEnd: Guard<Placing> = {
  ...pagesClause(`${NAME}/address-end`, 'Memory that ends beyond 64 bits is refused with EOVERFLOW.'),
  when: (c) => arg(c, 'user_va') + c.length > LARGEST,
  refuse: [-E.EOVERFLOW],
  violation: { args: { user_va: LARGEST - 0xffffn } },
};

const badLength: Guard<Placing> = {
  ...pagesClause(`${NAME}/length`, 'A length of 0, or one that leaves less than a page of 64 bits, is refused with EINVAL.'),
  when: (c) => c.length === 0n || c.length > LARGEST - pageBytes(c.host),
  refuse: [-E.EINVAL],
  violation: { args: { length: 0n } },
};

function readMap(host: Host, ioctl: Ioctl): Placing {
  const c = readIoas(host, ioctl);
  const [address, length] = [arg(c, 'user_va'), arg(c, 'length')];
  const pages = userPages(host, c.context, c.process.space, address, directions(c).writeable);
  return { ...c, ...directions(c), reserve: reserves(c), iova: arg(c, 'iova'), length, parts: [{ pages, offset: address - pages.source.start, length }] };
}

/** IOMMU_IOAS_MAP: memory of the process becomes an area. Without a page table nobody looks at the memory. */
export const ioasMap = defineCall<Placing, IoctlInput>({
  name: NAME,
  parameters: ['size', 'flags', 'ioas_id', '__reserved', 'user_va', 'length', 'iova'],
  read: readMap,
  guards: [
    ...sizeChecks<Placing>(NAME),
    unknownFlags(NAME, clause, (c) => (reserves(c) ? MAP_RESERVE : 0n)),
    RESERVE_CHOICE,
    padding(NAME, clause),
    overflow,
    noDirection(NAME, clause),
    noIoas(NAME, clause),
    addressEnd,
    badLength,
    ...placeChecks<Placing>(NAME),
    { ...answerChecks<Placing>(NAME, 'An answer that cannot be written is refused with EFAULT; what was mapped stays.'), damage: (c) => void place(c, IOVA_FIELD, 'iova', `${NAME}/mapped`) },
  ],
  effect: {
    clauses: [clause(`${NAME}/mapped`, 'The IOVAs are an area of their own: where the user says, or in the first hole of the allowed IOVAs that is large enough, aligned as its memory is.'), RESERVED_CLAUSE],
    apply(c, chooser) {
      const iova = place(c, IOVA_FIELD, 'iova', `${NAME}/mapped`, chooser);
      return { clause: `${NAME}/${c.reserve === true ? 'ppc64-reserved' : 'mapped'}`, status: 0, outputs: [{ index: IOVA_FIELD, name: 'iova', value: iova, clause: `${NAME}/mapped` }] };
    },
  },
  sample: { fd: IOMMU, setup: WITH_BUFFER, args: { flags: ALL_FLAGS, ioas_id: IOAS, user_va: BUFFER, length: BUFFER_BYTES, iova: IOVA } },
});

const IOVA_FIELD = 6;
