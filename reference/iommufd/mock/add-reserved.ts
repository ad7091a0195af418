import { defineCall } from '../../rules.js';
import { E } from '../../uapi/errno.js';
import { arg, type IoctlInput } from '../../vfio/checks.js';
import { IOAS, IOMMU, readIoas, sizeChecks, WITH_IOAS, type IoasContext } from '../checks.js';
import { meets, reserve } from '../ranges.js';
import type { Interval } from '../state/context.js';
import { mockClause, refusal } from './checks.js';

const NAME = 'IOMMU_TEST_OP_ADD_RESERVED';

const rangeOf = (c: IoasContext): Interval => ({ first: arg(c, 'start'), last: arg(c, 'start') + arg(c, 'length') - 1n });

/** Who reserves for a test: nobody, and nobody gives it back. */
const TEST = {};

/** Reserves IOVAs of an IOAS as a domain or a device would. */
export const addReserved = defineCall<IoasContext, IoctlInput>({
  name: NAME,
  parameters: ['size', 'op', 'id', '__reserved', 'start', 'length'],
  read: (host, ioctl) => readIoas(host, ioctl, 'id'),
  guards: [
    ...sizeChecks<IoasContext>(NAME),
    refusal(`${NAME}/length`, 'No length is refused with EINVAL.', E.EINVAL, (c) => arg(c, 'length') === 0n, { args: { length: 0n } }),
    refusal(`${NAME}/overflow`, 'A range that goes past the last IOVA is refused with EOVERFLOW.', E.EOVERFLOW, (c) => rangeOf(c).last >= 1n << 64n, { args: { start: (1n << 64n) - 1n } }),
    refusal(`${NAME}/id`, 'A number of no IOAS is refused with ENOENT.', E.ENOENT, ({ ioas }) => ioas === undefined, { args: { id: 0n } }),
    refusal(`${NAME}/taken`, 'IOVAs that are mapped, or promised to the user, are refused with EADDRINUSE.', E.EADDRINUSE, (c) => c.ioas!.areas.firstIn(rangeOf(c)) !== undefined || c.ioas!.allowed.some((allowed) => meets(allowed, rangeOf(c)))),
  ],
  effect: {
    clauses: [mockClause(`${NAME}/reserved`, 'The IOVAs cannot be mapped any more.')],
    apply(c) {
      reserve(c.ioas!, rangeOf(c), TEST);
      return { clause: `${NAME}/reserved`, status: 0 };
    },
  },
  sample: { requires: ['mock'], fd: IOMMU, setup: WITH_IOAS, args: { id: IOAS, start: 0x1000_0000n, length: 0x1_0000n } },
});
