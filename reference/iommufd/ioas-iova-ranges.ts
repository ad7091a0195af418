import { defineCall, type Expected, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { arg, BUFFER, type Ioctl, type IoctlInput } from '../vfio/checks.js';
import type { Host } from '../vfio/host.js';
import { store, writable } from '../vfio/user-memory.js';
import { answerChecks, IOAS, IOMMU, iommufdClause, noIoas, padding, readIoas, sizeChecks, WITH_BUFFER, type IoasContext } from './checks.js';
import { iovaAlignment, usable } from './ranges.js';
import type { Interval } from './state/context.js';

const NAME = 'IOMMU_IOAS_IOVA_RANGES';
const clause = iommufdClause('ioas.c iommufd_ioas_iova_ranges');

/** Bytes of one range of the array: its first and its last IOVA. */
export const RANGE_BYTES = 16n;

interface Ranges extends IoasContext {
  readonly ranges: readonly Interval[];
  /** Those that the array has room for. */
  readonly told: readonly Interval[];
}

const placeOf = (c: Ranges, index: number): bigint => BigInt.asUintN(64, arg(c, 'allowed_iovas') + BigInt(index) * RANGE_BYTES);

/** Writes the ranges, to the first that cannot be written. */
function tell(c: Ranges): void {
  for (const [i, { first, last }] of c.told.entries()) if (store(c.host, c.process, { wordBytes: 8 }, placeOf(c, i), [first, last]) !== 0) return;
}

const outputs = (c: Ranges): readonly Expected[] => [
  { index: 2, name: 'num_iovas', value: BigInt(c.ranges.length), clause: `${NAME}/told` },
  { index: 5, name: 'out_iova_alignment', value: iovaAlignment(c.host, c.ioas!), clause: c.ioas!.accesses > 0 ? 'IOMMU_HW_QUEUE_ALLOC/pages-only' : `${NAME}/told` },
];

const badArray: Guard<Ranges> = {
  ...clause(`${NAME}/array`, 'An array that cannot be written is refused with EFAULT; the ranges before are in it.'),
  when: (c) => c.told.some((_, i) => !writable(c.process, placeOf(c, i), Number(RANGE_BYTES))),
  refuse: [-E.EFAULT],
  damage: tell,
  violation: { args: { allowed_iovas: 0n } },
};

const tooMany: Guard<Ranges> = {
  ...clause(`${NAME}/room`, 'Where the array has no room for all, the call is refused with EMSGSIZE: what has room is told, and how many there are.'),
  when: (c) => BigInt(c.ranges.length) > arg(c, 'num_iovas'),
  refuse: [-E.EMSGSIZE],
  damage: tell,
  outputs,
  violation: { args: { num_iovas: 0n } },
};

function readRanges(host: Host, ioctl: Ioctl): Ranges {
  const c = readIoas(host, ioctl);
  const ranges = c.ioas === undefined ? [] : usable(c.ioas);
  return { ...c, ranges, told: ranges.slice(0, Number(arg(c, 'num_iovas'))) };
}

/** IOMMU_IOAS_IOVA_RANGES: what can be mapped. What is mapped already, or allowed, changes nothing about it. */
export const ioasIovaRanges = defineCall<Ranges, IoctlInput>({
  name: NAME,
  parameters: ['size', 'ioas_id', 'num_iovas', '__reserved', 'allowed_iovas', 'out_iova_alignment'],
  read: readRanges,
  guards: [
    ...sizeChecks<Ranges>(NAME),
    padding(NAME, clause),
    noIoas(NAME, clause),
    badArray,
    { ...answerChecks<Ranges>(NAME, 'An answer that cannot be written is refused with EFAULT; the array is written.'), damage: tell },
    tooMany,
  ],
  effect: {
    clauses: [clause(`${NAME}/told`, 'The ranges of IOVAs that nobody has reserved, how many there are, and what every IOVA must be a multiple of.')],
    apply(c) {
      tell(c);
      return { clause: `${NAME}/told`, status: 0, outputs: outputs(c) };
    },
  },
  sample: { fd: IOMMU, setup: WITH_BUFFER, args: { ioas_id: IOAS, num_iovas: 8n, allowed_iovas: BUFFER } },
});
