import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { IOAS_MAP } from '../uapi/iommufd.js';
import { arg, BUFFER_BYTES, type Ioctl, type IoctlInput } from '../vfio/checks.js';
import type { Host } from '../vfio/host.js';
import { answerChecks, IOAS, IOMMU, IOVA, iommufdClause, LARGEST, noIoas, objectOf, readIoas, sizeChecks, WITH_AREA } from './checks.js';
import { directions, noDirection, unknownFlags } from './ioas-map.js';
import { place, placeChecks, type Part, type Placing } from './placing.js';
import type { Ioas } from './state/context.js';

const NAME = 'IOMMU_IOAS_COPY';
const clause = iommufdClause('ioas.c iommufd_ioas_copy');
const pagesClause = iommufdClause('io_pagetable.c iopt_get_pages');

/** `ioas` is where the areas go. */
interface Copy extends Placing {
  readonly source: Ioas | undefined;
  readonly from: bigint;
}

const overflow: Guard<Copy> = {
  ...clause(`${NAME}/largest`, 'An IOVA or a length of 2^64-1 is refused with EOVERFLOW.'),
  when: (c) => [c.length, c.from, c.iova].includes(LARGEST),
  refuse: [-E.EOVERFLOW],
  violation: { args: { dst_iova: LARGEST } },
};

const noSource: Guard<Copy> = {
  ...clause(`${NAME}/src_ioas_id`, 'A source that is no IOAS is refused with ENOENT.'),
  when: (c) => c.source === undefined,
  refuse: [-E.ENOENT],
  violation: { args: { src_ioas_id: 0n } },
};

const nothing: Guard<Copy> = {
  ...pagesClause(`${NAME}/nothing`, 'A length of 0 is refused with EINVAL.'),
  when: (c) => c.length === 0n,
  refuse: [-E.EINVAL],
  violation: { args: { length: 0n } },
};

const sourceEnd: Guard<Copy> = {
  ...pagesClause(`${NAME}/source-end`, 'A source that ends beyond 64 bits is refused with EOVERFLOW.'),
  when: (c) => c.from + c.length - 1n > LARGEST,
  refuse: [-E.EOVERFLOW],
  violation: { args: { src_iova: LARGEST - 0xffffn } },
};

const hole: Guard<Copy> = {
  ...pagesClause(`${NAME}/hole`, 'A source of which some IOVA is not mapped is refused with ENOENT.'),
  when: (c) => c.parts.reduce((sum, part) => sum + part.length, 0n) !== c.length,
  refuse: [-E.ENOENT],
  violation: { args: { src_iova: IOVA + 0x1_0000n } },
};

/** The pieces of areas from an IOVA on, as far as they follow each other without a hole. */
function partsFrom(source: Ioas | undefined, from: bigint, length: bigint): Part[] {
  const parts: Part[] = [];
  let next = from;
  for (const { first, last, pages, offset } of source?.areas.within({ first: from, last: from + length - 1n }) ?? []) {
    if (first > next) break;
    const end = last < from + length - 1n ? last : from + length - 1n;
    parts.push({ pages, offset: offset + (next - first), length: end - next + 1n });
    next = end + 1n;
  }
  return parts;
}

function readCopy(host: Host, ioctl: Ioctl): Copy {
  const c = readIoas(host, ioctl, 'dst_ioas_id');
  const source = objectOf(c.context, arg(c, 'src_ioas_id'), 'ioas');
  const [from, length] = [arg(c, 'src_iova'), arg(c, 'length')];
  return { ...c, ...directions(c), source, from, iova: arg(c, 'dst_iova'), length, parts: length === 0n ? [] : partsFrom(source, from, length) };
}

const IOVA_FIELD = 5;

/** IOMMU_IOAS_COPY: what is mapped at one place is mapped at another too; the memory is the same, and stays its first mapper's. */
export const ioasCopy = defineCall<Copy, IoctlInput>({
  name: NAME,
  parameters: ['size', 'flags', 'dst_ioas_id', 'src_ioas_id', 'length', 'dst_iova', 'src_iova'],
  read: readCopy,
  guards: [
    ...sizeChecks<Copy>(NAME),
    unknownFlags(NAME, clause),
    overflow,
    noDirection(NAME, clause),
    noSource,
    nothing,
    sourceEnd,
    hole,
    noIoas(NAME, clause, 'dst_ioas_id'),
    ...placeChecks<Copy>(NAME, { copy: true }),
    { ...answerChecks<Copy>(NAME, 'An answer that cannot be written is refused with EFAULT; what was copied stays.'), damage: (c) => void place(c, IOVA_FIELD, 'dst_iova', `${NAME}/copied`) },
  ],
  effect: {
    clauses: [clause(`${NAME}/copied`, 'The memory of the source, of one area or of several that follow each other, is mapped at the new place too.')],
    apply(c, chooser) {
      const iova = place(c, IOVA_FIELD, 'dst_iova', `${NAME}/copied`, chooser);
      return { clause: `${NAME}/copied`, status: 0, outputs: [{ index: IOVA_FIELD, name: 'dst_iova', value: iova, clause: `${NAME}/copied` }] };
    },
  },
  sample: {
    fd: IOMMU,
    setup: WITH_AREA,
    args: {
      flags: IOAS_MAP.FIXED_IOVA | IOAS_MAP.READABLE | IOAS_MAP.WRITEABLE,
      dst_ioas_id: IOAS,
      src_ioas_id: IOAS,
      length: BUFFER_BYTES,
      dst_iova: 2n * IOVA,
      src_iova: IOVA,
    },
  },
});
