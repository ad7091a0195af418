import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { VFIO_IOAS } from '../uapi/iommufd.js';
import { arg, type IoctlInput } from '../vfio/checks.js';
import { answerChecks, IOAS, IOMMU, iommufdClause, padding, readIoas, sizeChecks, WITH_IOAS, type IoasContext } from './checks.js';

const NAME = 'IOMMU_VFIO_IOAS';
const clause = iommufdClause('vfio_compat.c iommufd_vfio_ioas');

const unknownOp: Guard<IoasContext> = {
  ...clause(`${NAME}/op`, 'What is neither to get, to set nor to clear is refused with EOPNOTSUPP.'),
  when: (c) => !(Object.values(VFIO_IOAS) as bigint[]).includes(arg(c, 'op')),
  refuse: [-E.EOPNOTSUPP],
  violation: { args: { op: 3n } },
};

const none: Guard<IoasContext> = {
  ...clause(`${NAME}/none`, "Where no IOAS is VFIO's, there is none to get: ENODEV."),
  when: (c) => arg(c, 'op') === VFIO_IOAS.GET && c.context.compatible === undefined,
  refuse: [-E.ENODEV],
  violation: { args: { op: VFIO_IOAS.GET } },
};

const noIoas: Guard<IoasContext> = {
  ...clause(`${NAME}/ioas_id`, 'Setting a number of no IOAS is refused with ENOENT.'),
  when: (c) => arg(c, 'op') === VFIO_IOAS.SET && c.ioas === undefined,
  refuse: [-E.ENOENT],
  violation: { args: { ioas_id: 0n } },
};

/** Only where there is something to tell. */
const answer: Guard<IoasContext> = {
  ...answerChecks<IoasContext>(NAME, 'A number that cannot be written is refused with EFAULT.'),
  when: (c) => c.pointer === 'read-only' && arg(c, 'op') === VFIO_IOAS.GET,
  violation: { pointer: 'read-only', setup: [{ door: 'iommufd', op: 'ioctl', fd: IOMMU, call: NAME, args: { op: VFIO_IOAS.SET, ioas_id: IOAS } }], args: { op: VFIO_IOAS.GET } },
};

/** IOMMU_VFIO_IOAS: which IOAS VFIO's own ioctls work on. It holds nothing: when the IOAS goes, there is none. */
export const vfioIoas = defineCall<IoasContext, IoctlInput>({
  name: NAME,
  parameters: ['size', 'ioas_id', 'op', '__reserved'],
  read: readIoas,
  guards: [...sizeChecks<IoasContext>(NAME), padding(NAME, clause), unknownOp, none, noIoas, answer],
  effect: {
    clauses: [clause(`${NAME}/answer`, "The IOAS is VFIO's from now on, or none is, or its number is told.")],
    apply(c) {
      const { context, ioas } = c;
      if (arg(c, 'op') === VFIO_IOAS.GET) return { clause: `${NAME}/answer`, status: 0, outputs: [{ index: 1, name: 'ioas_id', value: BigInt(context.compatible!.id), clause: `${NAME}/answer` }] };
      context.compatible = arg(c, 'op') === VFIO_IOAS.SET ? ioas : undefined;
      return { clause: `${NAME}/answer`, status: 0 };
    },
  },
  sample: { fd: IOMMU, setup: WITH_IOAS, args: { op: VFIO_IOAS.SET, ioas_id: IOAS } },
});
