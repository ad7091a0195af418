import type { Operation } from '../../doors/operations.js';
import { defineCall, type Expected, type Guard } from '../../rules.js';
import { E } from '../../uapi/errno.js';
import { IOMMU_TYPE, UNMAP_ALL } from '../../uapi/vfio.js';
import { arg, BUFFER_BYTES, type Ioctl, type IoctlInput } from '../../vfio/checks.js';
import type { Host } from '../../vfio/host.js';
import { IOMMU, IOVA, LARGEST, mapped, type IoasContext } from '../checks.js';
import { unmapAreas, walk, type Walk } from '../ioas-unmap.js';
import { EVERYTHING } from '../state/areas.js';
import { cannotCut, cut } from './cut.js';
import { noCompatible, readType1, READY, structureChecks, type1Clause } from './checks.js';

const NAME = 'TYPE1_UNMAP_DMA';

interface Unmap extends IoasContext {
  readonly iova: bigint;
  readonly size: bigint;
  readonly all: boolean;
  /** What goes where nothing is cut. */
  readonly uncut: Walk;
  /** IOVAs after which areas are to be cut: the end of the range, then what is before its beginning. */
  readonly cuts: readonly bigint[];
}

const wrong = (c: Unmap, after: bigint): boolean => cannotCut(c.host, c.ioas!, after) !== undefined;

/** Cuts to the first place where that cannot be done. */
function cutAll(c: Unmap): void {
  for (const after of c.cuts) {
    if (wrong(c, after)) return;
    cut(c.ioas!, after);
  }
}

/** What is in a range; nothing in one that is none. */
function walked({ ioas, all, iova, size }: Pick<Unmap, 'ioas' | 'all' | 'iova' | 'size'>): Walk {
  if (!all && (size === 0n || iova + size - 1n > LARGEST)) return { whole: [], stopped: undefined };
  return walk(ioas, all ? EVERYTHING : { first: iova, last: iova + size - 1n });
}

function remove(c: Unmap): bigint {
  cutAll(c);
  return unmapAreas(c.host, c.ioas!, walked(c).whole);
}

/** Bytes that went although the call is refused. */
const told = (value: bigint): readonly Expected[] => [{ index: SIZE_FIELD, name: 'size', value, clause: `${NAME}/size` }];
const SIZE_FIELD = 3;

const allOfSome: Guard<Unmap> = {
  ...type1Clause(`${NAME}/all`, 'Unmapping all has neither an IOVA nor a size: EINVAL.'),
  when: (c) => c.all && (c.iova !== 0n || c.size !== 0n),
  refuse: [-E.EINVAL],
  violation: { args: { flags: UNMAP_ALL } },
};

const badCut: Guard<Unmap> = {
  ...type1Clause(`${NAME}/cut`, 'In type 1, a cut that is less aligned than the page tables need is refused with EINVAL.', 'Linux 7.2 drivers/iommu/iommufd/io_pagetable.c iopt_area_split'),
  when: (c) => c.cuts.some((after) => wrong(c, after)),
  refuse: [-E.EINVAL],
  damage: cutAll,
  violation: {
    setup: [
      mapped(),
      { door: 'iommufd', op: 'ioctl', fd: IOMMU, call: 'IOMMU_OPTION', args: { option_id: 1n, op: 0n, object_id: { from: 'ioas.out_ioas_id' }, val64: 0n } },
    ],
    args: { size: 0x1800n },
  },
};

const answer: Guard<Unmap> = {
  ...type1Clause(`${NAME}/answer-pointer`, 'A size that cannot be written is refused with EFAULT, whatever else the call comes to; what was to go is gone.'),
  when: (c) => c.pointer === 'read-only',
  refuse: [-E.EFAULT],
  damage: (c) => void remove(c),
  violation: { pointer: 'read-only' },
};

const nothing: Guard<Unmap> = {
  ...type1Clause(`${NAME}/size`, 'A size of 0 is refused with EINVAL. A call that is refused from here on tells in the size what went all the same.'),
  when: (c) => !c.all && c.size === 0n,
  refuse: [-E.EINVAL],
  damage: cutAll,
  outputs: () => told(0n),
  violation: { args: { size: 0n } },
};

const end: Guard<Unmap> = {
  ...type1Clause(`${NAME}/end`, 'IOVAs that end beyond 64 bits are refused with EOVERFLOW.'),
  when: (c) => !c.all && c.iova + c.size - 1n > LARGEST,
  refuse: [-E.EOVERFLOW],
  damage: cutAll,
  outputs: () => told(0n),
  violation: { args: { iova: LARGEST - 0xffffn } },
};

const partly: Guard<Unmap> = {
  ...type1Clause(`${NAME}/partly`, 'In version 2, an area that is not wholly in the range is refused with ENOENT; the size says what is gone below it.'),
  when: (c) => c.cuts.length === 0 && c.uncut.stopped === 'partly',
  refuse: [-E.ENOENT],
  damage: (c) => void remove(c),
  outputs: (c) => told(c.uncut.whole.reduce((sum, { first, last }) => sum + (last - first + 1n), 0n)),
  violation: { setup: [mapped()], args: { iova: IOVA + 0x1_0000n } },
};

function readUnmap(host: Host, ioctl: Ioctl): Unmap {
  const c = readType1(host, ioctl);
  const [iova, size, all] = [arg(c, 'iova'), arg(c, 'size'), (arg(c, 'flags') & UNMAP_ALL) !== 0n];
  const places = iova === 0n ? [iova + size - 1n] : [iova + size - 1n, iova - 1n];
  return { ...c, iova, size, all, uncut: walked({ ioas: c.ioas, all, iova, size }), cuts: all || c.ioas?.hugePages !== false ? [] : places.map((place) => BigInt.asUintN(64, place)) };
}

const VERSION_2: Operation = { door: 'vfio', op: 'ioctl', fd: IOMMU, call: 'VFIO_SET_IOMMU', args: { value: BigInt(IOMMU_TYPE.TYPE1V2) } };

/** VFIO_IOMMU_UNMAP_DMA of type 1: cuts areas in version 1, never in version 2. */
export const type1UnmapDma = defineCall<Unmap, IoctlInput>({
  name: NAME,
  parameters: ['argsz', 'flags', 'iova', 'size'],
  read: readUnmap,
  guards: [...structureChecks<Unmap>(NAME, 24n, UNMAP_ALL), noCompatible(NAME), allOfSome, badCut, answer, nothing, end, partly],
  effect: {
    clauses: [type1Clause(`${NAME}/unmapped`, 'What is in the range is gone, and the size says how much: 0 where nothing was mapped.')],
    apply: (c) => ({ clause: `${NAME}/unmapped`, status: 0, outputs: [{ index: SIZE_FIELD, name: 'size', value: remove(c), clause: `${NAME}/unmapped` }] }),
  },
  sample: { fd: IOMMU, call: 'VFIO_IOMMU_UNMAP_DMA', setup: [...READY, VERSION_2], args: { iova: IOVA, size: BUFFER_BYTES } },
});
