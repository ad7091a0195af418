import { defineCall, type Expected } from '../../rules.js';
import { E } from '../../uapi/errno.js';
import { TYPE1_INFO } from '../../uapi/vfio.js';
import { fieldsOf } from '../../uapi/structure.js';
import { arg, type IoctlInput } from '../../vfio/checks.js';
import { IOMMU, type IoasContext } from '../checks.js';
import { iovaAlignment, pageBytes, usable } from '../ranges.js';
import { noCompatible, readType1, READY, structureChecks, type1Clause } from './checks.js';

const NAME = 'VFIO_IOMMU_GET_INFO';

/** Bytes of the structure, of what it tells of DMA mappings, and of the ranges without their array. */
const [INFO, AVAIL, RANGES] = [24n, 16n, 16n];
/** What the kernel writes of the second: the rest is there that the third is aligned. */
const AVAIL_WRITTEN = 12n;
const RANGE = 16n;
/** Up to here the structure is asked for in any case. */
const LEAST = 16n;

/** Page sizes that every page table has, those below the system's counting as it. (iommufd_get_pagesizes) */
function pageSizes({ host, ioas }: IoasContext): bigint {
  const page = pageBytes(host);
  const common = ioas!.domains.reduce((sizes, domain) => sizes & domain.pageSizes, (1n << 64n) - 1n);
  const sizes = (common & (page - 1n)) === 0n ? common : (common & ~(page - 1n)) | page;
  const alignment = iovaAlignment(host, ioas!);
  return sizes > alignment ? sizes : alignment;
}

/** What is written, by field. A capability is written where there is room for it, and a pointer to the next even where that has none. */
function written(c: IoasContext): Record<string, bigint> {
  const argsz = arg(c, 'argsz');
  const ranges = usable(c.ioas!);
  const total = INFO + AVAIL + RANGES + RANGE * BigInt(ranges.length);
  const fields: Record<string, bigint> = { argsz: total, flags: TYPE1_INFO.PGSIZES | TYPE1_INFO.CAPS, iova_pgsizes: pageSizes(c) };
  const offset = argsz >= total ? INFO : 0n;
  if (argsz > LEAST) fields['cap_offset'] = cutTo(argsz - LEAST, offset, arg(c, 'cap_offset'));
  if (argsz > LEAST + 4n) fields['pad'] = cutTo(argsz - LEAST - 4n, 0n, arg(c, 'pad'));
  if (argsz >= INFO + AVAIL_WRITTEN) Object.assign(fields, { avail_id: TYPE1_INFO.AVAIL, avail_version: 1n, avail_next: 0n, avail: 0xffff_ffffn });
  if (argsz >= INFO + AVAIL) fields['avail_next'] = INFO + AVAIL;
  const room = argsz - INFO - AVAIL;
  const [first] = ranges;
  if (first !== undefined && room >= RANGES + RANGE) Object.assign(fields, { first_start: first.first, first_end: first.last });
  if (argsz > INFO + AVAIL && argsz >= total) Object.assign(fields, { ranges_id: TYPE1_INFO.IOVA_RANGE, ranges_version: 1n, ranges_next: 0n, nr_iovas: BigInt(ranges.length), ranges_reserved: 0n });
  return fields;
}

/** A field of 4 bytes of which only so many are written. */
function cutTo(bytes: bigint, value: bigint, before: bigint): bigint {
  const mask = bytes >= 4n ? 0xffff_ffffn : (1n << (8n * bytes)) - 1n;
  return (value & mask) | (before & ~mask & 0xffff_ffffn);
}

/** The kernel's answer as output words. */
function answer(c: IoasContext): Expected[] {
  const fields = fieldsOf(NAME);
  return Object.entries(written(c)).map(([name, value]) => ({ index: fields.findIndex((field) => field.name === name), name, value, clause: `${NAME}/answer` }));
}

/** VFIO_IOMMU_GET_INFO of type 1: page sizes, and behind the structure what can be mapped. SPAPR TCE has another structure of the same number. */
export const type1GetInfo = defineCall<IoasContext, IoctlInput>({
  name: NAME,
  parameters: ['argsz', 'flags', 'iova_pgsizes', 'cap_offset', 'pad'],
  read: readType1,
  guards: [
    ...structureChecks<IoasContext>(NAME, LEAST, undefined),
    noCompatible(NAME),
    {
      ...type1Clause(`${NAME}/answer-pointer`, 'An answer that cannot be written is refused with EFAULT.'),
      when: (c) => c.pointer === 'read-only',
      refuse: [-E.EFAULT],
      violation: { pointer: 'read-only' },
    },
  ],
  effect: {
    clauses: [type1Clause(`${NAME}/answer`, 'The page sizes that all page tables have, how much there is to tell, and as much of it as argsz has room for, in the order of DMA mappings left and of ranges.')],
    apply: (c) => ({ clause: `${NAME}/answer`, status: 0, outputs: answer(c) }),
  },
  sample: { fd: IOMMU, setup: READY, args: {} },
});
