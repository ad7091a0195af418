import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import type { IoctlInput } from '../vfio/checks.js';
import { IOMMU, iommufdClause, OPENED, readIommufd, type IommufdContext } from './checks.js';

const clause = iommufdClause('main.c iommufd_fops_ioctl');

const unreadable: Guard<IommufdContext> = {
  ...clause('iommufd-unknown/pointer', 'Before the number is looked at, a size that cannot be read is refused with EFAULT.'),
  when: (c) => c.pointer === 'unmapped',
  refuse: [-E.EFAULT],
};

const unknown: Guard<IommufdContext> = {
  ...clause('iommufd-unknown/number', 'A number that means nothing to /dev/iommu is refused with ENOTTY.'),
  when: () => true,
  refuse: [-E.ENOTTY],
};

/** An ioctl that /dev/iommu does not know. */
export const unknownIommufdCall = defineCall<IommufdContext, IoctlInput>({
  name: 'iommufd-unknown',
  parameters: [],
  read: readIommufd,
  guards: [unreadable, unknown],
  effect: {
    clauses: [unknown],
    apply: () => {
      throw new Error('An unknown call has no effect: a check before it always decides.');
    },
  },
  sample: { fd: IOMMU, setup: OPENED, args: {} },
});
