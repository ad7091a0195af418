import type { Guard } from '../../rules.js';
import { E } from '../../uapi/errno.js';
import { MAP_RESERVE } from '../../uapi/iommufd-ppc64.js';
import { arg } from '../../vfio/checks.js';
import type { IommufdContext } from '../checks.js';
import { AS_PLANNED } from './hwpt-checks.js';
import { isPlanned, planned } from './plan.js';

/*
 * Memory that is pinned before anybody says where it goes: a flag of IOMMU_IOAS_MAP that was thought of, so that a guest's update of
 * a table is a copy of what is pinned.
 */

const NAME = 'IOMMU_IOAS_MAP';
const open = planned('open', 'our suggestion: the flag after those of Linux 7.2; the idea of IOVA_MAP with RESERVE and COPY with FIXED');

/** The flag is given, and may mean something. */
export const reserves = (c: IommufdContext): boolean => (arg(c, 'flags') & MAP_RESERVE) !== 0n && isPlanned(c.host);

export const RESERVE_CHOICE: Guard<IommufdContext> = {
  ...open(`${NAME}/ppc64-reserve`, 'The flag RESERVE (8) is refused with EOPNOTSUPP as in Linux 7.2; or it means something.'),
  level: 'may',
  choice: { id: 'I35', canonical: false },
  when: reserves,
  refuse: [-E.EOPNOTSUPP],
  violation: { requires: [AS_PLANNED], args: { flags: MAP_RESERVE | 7n } },
};

export const RESERVED_CLAUSE = open(`${NAME}/ppc64-reserved`, 'With RESERVE the memory is pinned and charged for at once, page table or not; no device reaches it at these IOVAs, and IOMMU_IOAS_COPY maps it elsewhere.');
