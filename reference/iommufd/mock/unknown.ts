import { defineCall } from '../../rules.js';
import { E } from '../../uapi/errno.js';
import type { IoctlInput } from '../../vfio/checks.js';
import { IOMMU, OPENED, readIommufd, sizeChecks, type IommufdContext } from '../checks.js';
import { refusal } from './checks.js';

const NAME = 'IOMMU_TEST_OP_UNKNOWN';

const unknown = refusal<IommufdContext>(`${NAME}/op`, 'An operation that the test driver does not have is refused with EOPNOTSUPP.', E.EOPNOTSUPP, () => true);

/** An operation that the test driver does not have. */
export const unknownTestOp = defineCall<IommufdContext, IoctlInput>({
  name: NAME,
  parameters: ['size', 'op'],
  read: readIommufd,
  guards: [...sizeChecks<IommufdContext>(NAME), unknown],
  effect: {
    clauses: [unknown],
    apply: () => {
      throw new Error('An unknown operation has no effect: a check before it always decides.');
    },
  },
  sample: { requires: ['mock'], fd: IOMMU, setup: OPENED, args: {} },
});
