import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import type { IoctlInput } from '../vfio/checks.js';
import { IOMMU, iommufdClause, OPENED, readIommufd, type IommufdContext } from './checks.js';

const clause = iommufdClause('main.c iommufd_fops_ioctl');

/** A kernel with its test driver has a table that goes on to its call. */
const unreadable: Guard<IommufdContext> = {
  ...clause('iommufd-unknown/pointer', 'Of a number between the calls, a size that cannot be read is refused with EFAULT before the number is looked at.'),
  level: 'may',
  choice: { id: 'I3', canonical: false },
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

const unknownType1: Guard<IommufdContext> = {
  ...iommufdClause('vfio_compat.c iommufd_vfio_ioctl')('type1-unknown/number', "A number of VFIO's that type 1 does not have, or that /dev/iommu does not serve, is refused with ENOTTY, wherever its structure lies: those of SPAPR TCE and EEH, dirty pages."),
  when: () => true,
  refuse: [-E.ENOTTY],
};

/** A number of VFIO's that /dev/iommu does not serve. */
export const unknownType1Call = defineCall<IommufdContext, IoctlInput>({
  name: 'type1-unknown',
  parameters: [],
  read: readIommufd,
  guards: [unknownType1],
  effect: {
    clauses: [unknownType1],
    apply: () => {
      throw new Error('An unknown call has no effect: a check before it always decides.');
    },
  },
  sample: { fd: IOMMU, setup: OPENED, args: {} },
});
