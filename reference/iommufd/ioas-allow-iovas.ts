import type { Operation } from '../doors/operations.js';
import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { arg, BUFFER, type Ioctl, type IoctlInput } from '../vfio/checks.js';
import type { Host } from '../vfio/host.js';
import { load } from '../vfio/user-memory.js';
import { IOAS, IOMMU, iommufdClause, noIoas, padding, readIoas, sizeChecks, WITH_BUFFER, type IoasContext } from './checks.js';
import { RANGE_BYTES } from './ioas-iova-ranges.js';
import { meets } from './ranges.js';
import type { Interval } from './state/context.js';

const NAME = 'IOMMU_IOAS_ALLOW_IOVAS';
const clause = iommufdClause('ioas.c iommufd_ioas_allow_iovas');

interface Allow extends IoasContext {
  readonly ranges: readonly Interval[];
  /** What is wrong with the range after those. */
  readonly wrong: 'unreadable' | 'empty' | 'overlap' | undefined;
}

/** The ranges of the array, to the first that is wrong. */
function listed(c: IoasContext): Pick<Allow, 'ranges' | 'wrong'> {
  const ranges: Interval[] = [];
  for (let i = 0n; i < arg(c, 'num_iovas'); i++) {
    const bytes = load(c.host, c.process, { length: Number(RANGE_BYTES) }, BigInt.asUintN(64, arg(c, 'allowed_iovas') + i * RANGE_BYTES));
    if (bytes === undefined) return { ranges, wrong: 'unreadable' };
    const words = Buffer.from(bytes.values);
    const range = { first: words.readBigUInt64LE(0), last: words.readBigUInt64LE(8) };
    if (range.first >= range.last) return { ranges, wrong: 'empty' };
    if (ranges.some((other) => meets(other, range))) return { ranges, wrong: 'overlap' };
    ranges.push(range);
  }
  return { ranges, wrong: undefined };
}

const unreadable: Guard<Allow> = {
  ...clause(`${NAME}/array`, 'An array that cannot be read is refused with EFAULT.'),
  when: ({ wrong }) => wrong === 'unreadable',
  refuse: [-E.EFAULT],
  violation: { args: { allowed_iovas: 0n } },
};

const empty: Guard<Allow> = {
  ...clause(`${NAME}/range`, 'A range that does not end beyond where it begins is refused with EINVAL, be it one IOVA.'),
  when: ({ wrong }) => wrong === 'empty',
  refuse: [-E.EINVAL],
  violation: { args: { num_iovas: 3n } },
};

const overlap: Guard<Allow> = {
  ...clause(`${NAME}/overlap`, 'Two ranges that meet are refused with EINVAL.'),
  when: ({ wrong }) => wrong === 'overlap',
  refuse: [-E.EINVAL],
  violation: { args: { allowed_iovas: { from: 'buffer.address', plus: 48n } } },
};

const reserved: Guard<Allow> = {
  ...clause(`${NAME}/reserved`, 'IOVAs of which some are reserved are refused with EADDRINUSE; what was allowed before stays so.', 'Linux 7.2 drivers/iommu/iommufd/io_pagetable.c iopt_set_allow_iova'),
  when: ({ ioas, ranges }) => ioas!.reserved.some((reservation) => ranges.some((range) => meets(range, reservation))),
  refuse: [-E.EADDRINUSE],
};

/** Two ranges, then one that ends where it begins; the last two of the array meet. */
const ARRAY: Operation = { door: 'user', op: 'store', address: BUFFER, wordBytes: 8, words: [0x10_0000n, 0x1f_ffffn, 0x40_0000n, 0x4f_ffffn, 0x60_0000n, 0x60_0000n, 0x80_0000n, 0x8f_ffffn, 0x88_0000n, 0x9f_ffffn] };

/** IOMMU_IOAS_ALLOW_IOVAS: where the kernel may put what it places, and what nobody may reserve from now on. */
export const ioasAllowIovas = defineCall<Allow, IoctlInput>({
  name: NAME,
  parameters: ['size', 'ioas_id', 'num_iovas', '__reserved', 'allowed_iovas'],
  read(host: Host, ioctl: Ioctl) {
    const c = readIoas(host, ioctl);
    return { ...c, ...listed(c) };
  },
  guards: [...sizeChecks<Allow>(NAME), padding(NAME, clause), noIoas(NAME, clause), unreadable, empty, overlap, reserved],
  effect: {
    clauses: [clause(`${NAME}/allowed`, 'The ranges take the place of those before; none at all allow everything. What is mapped stays, and the user may map anywhere still.')],
    apply({ ioas, ranges }) {
      ioas!.allowed = ranges;
      return { clause: `${NAME}/allowed`, status: 0 };
    },
  },
  sample: { fd: IOMMU, setup: [...WITH_BUFFER, ARRAY], args: { ioas_id: IOAS, num_iovas: 2n, allowed_iovas: BUFFER } },
});
