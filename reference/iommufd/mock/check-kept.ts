import { KEPT_PLACES } from '../../iommu-drivers.js';
import { defineCall, type Guard } from '../../rules.js';
import { E } from '../../uapi/errno.js';
import { arg, type IoctlInput } from '../../vfio/checks.js';
import { IOMMU, iommufdClause, objectOf, readIommufd, sizeChecks, type IommufdContext } from '../checks.js';
import { DEVICE, NESTED, WITH_DEVICE, WITH_NESTED } from '../samples.js';

const IOTLB = 'IOMMU_TEST_OP_MD_CHECK_IOTLB';
const tableClause = iommufdClause('selftest.c iommufd_test_md_check_iotlb');

const CACHE = 'IOMMU_TEST_OP_DEV_CHECK_CACHE';
const deviceClause = iommufdClause('selftest.c iommufd_test_dev_check_cache');

const keptAt = (kept: readonly bigint[] | undefined, place: bigint): bigint | undefined => (place < KEPT_PLACES ? kept?.[Number(place)] : undefined);

const table = (c: IommufdContext): readonly bigint[] | undefined => objectOf(c.context, arg(c, 'id'), 'hwpt-nested')?.kept;

const device = (c: IommufdContext): readonly bigint[] | undefined => objectOf(c.context, arg(c, 'id'), 'device')?.kept;

const noTable: Guard<IommufdContext> = {
  ...tableClause(`${IOTLB}/id`, 'A number of no nested table is refused with ENOENT.'),
  when: (c) => objectOf(c.context, arg(c, 'id'), 'hwpt-nested') === undefined,
  refuse: [-E.ENOENT],
  violation: { args: { id: 0n } },
};

const otherEntry: Guard<IommufdContext> = {
  ...tableClause(`${IOTLB}/kept`, 'Another value at that place of the table, or a place that there is not, is told by EINVAL.'),
  when: (c) => keptAt(table(c), arg(c, 'place')) !== arg(c, 'iotlb'),
  refuse: [-E.EINVAL],
  violation: { args: { iotlb: 1n } },
};

/** IOMMU_TEST_OP_MD_CHECK_IOTLB: looks at what the test driver keeps of a nested table. */
export const checkIotlb = defineCall<IommufdContext, IoctlInput>({
  name: IOTLB,
  parameters: ['size', 'op', 'id', '__reserved', 'place', 'iotlb'],
  read: readIommufd,
  guards: [...sizeChecks(IOTLB), noTable, otherEntry],
  effect: {
    clauses: [tableClause(`${IOTLB}/same`, 'The value that the program gave when it made the table, or 0 since it was invalidated.')],
    apply: () => ({ clause: `${IOTLB}/same`, status: 0 }),
  },
  sample: { requires: ['mock'], fd: IOMMU, setup: WITH_NESTED, args: { id: NESTED, iotlb: 0xbad_beefn } },
});

const noDevice: Guard<IommufdContext> = {
  ...deviceClause(`${CACHE}/id`, 'A number of no device is refused with ENOENT.'),
  when: (c) => objectOf(c.context, arg(c, 'id'), 'device') === undefined,
  refuse: [-E.ENOENT],
  violation: { args: { id: 0n } },
};

const otherCache: Guard<IommufdContext> = {
  ...deviceClause(`${CACHE}/kept`, 'Another value at that place of the device, or a place that there is not, is told by EINVAL.'),
  when: (c) => keptAt(device(c), arg(c, 'place')) !== arg(c, 'cache'),
  refuse: [-E.EINVAL],
  violation: { args: { cache: 1n } },
};

/** IOMMU_TEST_OP_DEV_CHECK_CACHE: looks at what a device of the test driver keeps. */
export const checkCache = defineCall<IommufdContext, IoctlInput>({
  name: CACHE,
  parameters: ['size', 'op', 'id', '__reserved', 'place', 'cache'],
  read: readIommufd,
  guards: [...sizeChecks(CACHE), noDevice, otherCache],
  effect: {
    clauses: [deviceClause(`${CACHE}/same`, 'The value that it has from the start, or 0 since it was invalidated.')],
    apply: () => ({ clause: `${CACHE}/same`, status: 0 }),
  },
  sample: { requires: ['mock'], fd: IOMMU, setup: WITH_DEVICE, args: { id: DEVICE, cache: 0xbad_dadn } },
});
