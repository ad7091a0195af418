import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { arg, type IoctlInput } from '../vfio/checks.js';
import { answerChecks, IOMMU, iommufdClause, OPENED, readIommufd, sizeChecks, type IommufdContext } from './checks.js';
import { freeId, makeIoas } from './state/context.js';

const NAME = 'IOMMU_IOAS_ALLOC';
const clause = iommufdClause('ioas.c iommufd_ioas_alloc_ioctl');

const unknownFlags: Guard<IommufdContext> = {
  ...clause(`${NAME}/flags`, 'Any flag is refused with EOPNOTSUPP.'),
  when: (c) => arg(c, 'flags') !== 0n,
  refuse: [-E.EOPNOTSUPP],
  violation: { args: { flags: 1n } },
};

/** IOMMU_IOAS_ALLOC: a new address space for I/O, with nothing in it. */
export const ioasAlloc = defineCall<IommufdContext, IoctlInput>({
  name: NAME,
  parameters: ['size', 'flags', 'out_ioas_id'],
  read: readIommufd,
  guards: [...sizeChecks(NAME), unknownFlags, answerChecks(NAME)],
  effect: {
    clauses: [clause(`${NAME}/made`, 'The new IOAS has the lowest number that is free, from 1.', 'Linux 7.2 drivers/iommu/iommufd/main.c iommufd_object_alloc')],
    apply({ context }) {
      const id = freeId(context);
      context.objects.set(id, makeIoas(id));
      return { clause: `${NAME}/made`, status: 0, outputs: [{ index: 2, name: 'out_ioas_id', value: BigInt(id), clause: `${NAME}/made` }] };
    },
  },
  sample: { fd: IOMMU, setup: OPENED, args: {} },
});
