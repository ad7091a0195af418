import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { arg, BUFFER_BYTES, type Ioctl, type IoctlInput } from '../vfio/checks.js';
import type { Host } from '../vfio/host.js';
import { answerChecks, IOAS, IOMMU, IOVA, iommufdClause, LARGEST, noIoas, readIoas, sizeChecks, WITH_AREA, type IoasContext } from './checks.js';
import { removeArea } from './domains.js';
import { usedByGuest } from './ppc64/unmap-check.js';
import { EVERYTHING } from './state/areas.js';
import type { Area, Interval, Ioas } from './state/context.js';

const NAME = 'IOMMU_IOAS_UNMAP';
const clause = iommufdClause('ioas.c iommufd_ioas_unmap');
const walkClause = iommufdClause('io_pagetable.c iopt_unmap_iova_range');

/** What unmapping a range comes to: the areas that go, and the one that stops it. */
export interface Walk {
  readonly whole: readonly Area[];
  readonly stopped: 'locked' | 'partly' | undefined;
}

/** In ascending order to the first area that cannot go. (iopt_unmap_iova_range) */
export function walk(ioas: Ioas | undefined, range: Interval): Walk {
  const whole: Area[] = [];
  for (const area of ioas?.areas.within(range) ?? []) {
    if (area.locks > 0) return { whole, stopped: 'locked' };
    if (area.first < range.first || area.last > range.last) return { whole, stopped: 'partly' };
    whole.push(area);
  }
  return { whole, stopped: undefined };
}

/** Takes areas away; returns their bytes. */
export function unmapAreas(host: Host, ioas: Ioas, areas: readonly Area[]): bigint {
  for (const area of areas) removeArea(host, ioas, area);
  return areas.reduce((sum, { first, last }) => sum + (last - first + 1n), 0n);
}

interface Unmap extends IoasContext {
  readonly iova: bigint;
  readonly length: bigint;
  /** Everything is meant: IOVA 0 and a length of 2^64-1. */
  readonly all: boolean;
  readonly walked: Walk;
}

const remove = ({ host, ioas, walked }: Unmap): bigint => unmapAreas(host, ioas!, walked.whole);

const overflow: Guard<Unmap> = {
  ...clause(`${NAME}/largest`, 'An IOVA or a length of 2^64-1 is refused with EOVERFLOW, but for the two that mean everything.'),
  when: (c) => !c.all && (c.iova === LARGEST || c.length === LARGEST),
  refuse: [-E.EOVERFLOW],
  violation: { args: { length: LARGEST } },
};

const nothing: Guard<Unmap> = {
  ...clause(`${NAME}/nothing`, 'A length of 0 is refused with EINVAL.'),
  when: (c) => c.length === 0n,
  refuse: [-E.EINVAL],
  violation: { args: { length: 0n } },
};

const end: Guard<Unmap> = {
  ...clause(`${NAME}/end`, 'IOVAs that end beyond 64 bits are refused with EOVERFLOW.'),
  when: (c) => !c.all && c.iova + c.length - 1n > LARGEST,
  refuse: [-E.EOVERFLOW],
  violation: { args: { iova: LARGEST - 0xffffn } },
};

const locked: Guard<Unmap> = {
  ...walkClause(`${NAME}/locked`, 'An area that an object needs to stay (a hardware queue) is refused with EBUSY; those below it are gone, and the length does not say so.'),
  when: (c) => c.walked.stopped === 'locked',
  refuse: [-E.EBUSY],
  damage: (c) => void remove(c),
};

const partly: Guard<Unmap> = {
  ...walkClause(`${NAME}/partly`, 'An area that is not wholly in the range is refused with ENOENT; those below it are gone, and the length does not say so.'),
  when: (c) => c.walked.stopped === 'partly',
  refuse: [-E.ENOENT],
  damage: (c) => void remove(c),
  violation: { args: { iova: IOVA + 0x1_0000n } },
};

const noArea: Guard<Unmap> = {
  ...clause(`${NAME}/none`, 'A range without an area is refused with ENOENT, unless it is everything.'),
  when: (c) => !c.all && c.walked.whole.length === 0,
  refuse: [-E.ENOENT],
  violation: { args: { iova: 2n * IOVA } },
};

function readUnmap(host: Host, ioctl: Ioctl): Unmap {
  const c = readIoas(host, ioctl);
  const [iova, length] = [arg(c, 'iova'), arg(c, 'length')];
  const all = iova === 0n && length === LARGEST;
  return { ...c, iova, length, all, walked: walk(c.ioas, all ? EVERYTHING : { first: iova, last: iova + length - 1n }) };
}

/** IOMMU_IOAS_UNMAP: whole areas go; none is cut. */
export const ioasUnmap = defineCall<Unmap, IoctlInput>({
  name: NAME,
  parameters: ['size', 'ioas_id', 'iova', 'length'],
  read: readUnmap,
  guards: [
    ...sizeChecks<Unmap>(NAME),
    noIoas(NAME, clause),
    overflow,
    nothing,
    end,
    locked,
    usedByGuest<Unmap>(NAME),
    partly,
    noArea,
    { ...answerChecks<Unmap>(NAME, 'An answer that cannot be written is refused with EFAULT; the areas are gone.'), damage: (c) => void remove(c) },
  ],
  effect: {
    clauses: [clause(`${NAME}/unmapped`, 'The areas in the range are gone, and the length is the sum of theirs; of nothing at all, where everything was meant, 0.')],
    apply: (c) => ({ clause: `${NAME}/unmapped`, status: 0, outputs: [{ index: 3, name: 'length', value: remove(c), clause: `${NAME}/unmapped` }] }),
  },
  sample: { fd: IOMMU, setup: WITH_AREA, args: { ioas_id: IOAS, iova: IOVA, length: BUFFER_BYTES } },
});
