import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { IOMMU_TYPE } from '../uapi/vfio.js';
import { arg, ATTACHED, CONTAINER, merged, openWith, readContainer, type ContainerContext, type IoctlInput } from './checks.js';
import type { Container, Host } from './host.js';
import { attachGroup } from './windows.js';

const clause = merged('Linux 7.2 drivers/vfio/container.c');

/** VFIO_GET_API_VERSION: 0. */
export const getApiVersion = defineCall<ContainerContext, IoctlInput>({
  name: 'VFIO_GET_API_VERSION',
  parameters: [],
  read: readContainer,
  guards: [],
  effect: {
    clauses: [clause('VFIO_GET_API_VERSION/answer', 'The version is 0.')],
    apply: () => ({ clause: 'VFIO_GET_API_VERSION/answer', status: 0 }),
  },
  sample: { fd: CONTAINER, setup: [{ door: 'vfio', op: 'open', what: 'container', as: 'container' }], args: {} },
});

/** What the SPAPR TCE driver offers; no other driver exists on POWER. */
const offers = (host: Host, container: Container, type: bigint): boolean => {
  if (type === BigInt(IOMMU_TYPE.EEH)) return host.linux.eeh;
  return type === BigInt(IOMMU_TYPE.SPAPR_TCE) || type === BigInt(IOMMU_TYPE.SPAPR_TCE_V2);
};

/** VFIO_CHECK_EXTENSION: 1 for what there is, 0 for all else; it never fails. */
export const checkExtension = defineCall<ContainerContext, IoctlInput>({
  name: 'VFIO_CHECK_EXTENSION',
  parameters: ['value'],
  read: readContainer,
  guards: [],
  effect: {
    clauses: [clause('VFIO_CHECK_EXTENSION/answer', '1 for SPAPR TCE v1 and v2, and for EEH where the platform has it; 0 for everything else.')],
    statuses: [0, 1],
    apply: (c) => ({ clause: 'VFIO_CHECK_EXTENSION/answer', status: offers(c.host, c.container, arg(c, 'value')) ? 1 : 0 }),
  },
  sample: { fd: CONTAINER, setup: [{ door: 'vfio', op: 'open', what: 'container', as: 'container' }], args: { value: 7n } },
});

const SET = 'VFIO_SET_IOMMU';

const notNow: Guard<ContainerContext> = {
  ...clause(`${SET}/once`, 'A container without a group, or with an IOMMU already, is refused with EINVAL.'),
  when: ({ container }) => container.groups.length === 0 || container.version !== undefined,
  refuse: [-E.EINVAL],
  violation: { instead: openWith(7n) },
};

const unknownType: Guard<ContainerContext> = {
  ...clause(`${SET}/type`, 'A kind of IOMMU that the platform does not have is refused with ENODEV.'),
  when: (c) => arg(c, 'value') !== BigInt(IOMMU_TYPE.SPAPR_TCE) && arg(c, 'value') !== BigInt(IOMMU_TYPE.SPAPR_TCE_V2),
  refuse: [-E.ENODEV, -E.EINVAL],
  violation: { args: { value: 1n } },
};

const severalGroups: Guard<ContainerContext> = {
  ...clause(`${SET}/one-group`, 'SPAPR TCE v1 takes one group only: EBUSY.', 'Linux 7.2 drivers/vfio/vfio_iommu_spapr_tce.c tce_iommu_attach_group'),
  when: (c) => arg(c, 'value') === BigInt(IOMMU_TYPE.SPAPR_TCE) && c.container.groups.length > 1,
  refuse: [-E.EBUSY],
  violation: {
    requires: ['pe:pe1'],
    setup: [
      { door: 'vfio', op: 'open', what: 'pe1', as: 'group1' },
      { door: 'vfio', op: 'ioctl', fd: { from: 'group1.fd' }, call: 'VFIO_GROUP_SET_CONTAINER', args: { fd: CONTAINER } },
    ],
    args: { value: 2n },
  },
};

const noWindows: Guard<ContainerContext> = {
  ...clause(`${SET}/windows`, 'SPAPR TCE v2 needs a platform with dynamic windows: EINVAL.', 'Linux 7.2 drivers/vfio/vfio_iommu_spapr_tce.c tce_iommu_attach_group'),
  when: (c) => arg(c, 'value') === BigInt(IOMMU_TYPE.SPAPR_TCE_V2) && c.container.groups.some(({ description }) => description.windows === 0),
  refuse: [-E.EINVAL],
};

/** VFIO_SET_IOMMU: the container becomes one of SPAPR TCE v1 or v2, and its groups are attached. */
export const setIommu = defineCall<ContainerContext, IoctlInput>({
  name: SET,
  parameters: ['value'],
  read: readContainer,
  guards: [notNow, unknownType, severalGroups, noWindows],
  effect: {
    clauses: [clause(`${SET}/set`, 'The groups are attached; a default window is promised and not yet made; nothing is charged.')],
    apply(c) {
      const { container } = c;
      // The one attached last is taken first, so that in the end it comes last (__vfio_container_attach_groups).
      const { groups } = container;
      container.groups = [];
      container.version = arg(c, 'value') === BigInt(IOMMU_TYPE.SPAPR_TCE) ? 1 : 2;
      for (const group of groups) attachGroup(c.host, container, group);
      return { clause: `${SET}/set`, status: 0 };
    },
  },
  sample: { fd: CONTAINER, setup: ATTACHED, args: { value: 7n } },
});
