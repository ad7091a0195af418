import { defineCall, type AnyCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { CONTAINER, merged, readContainer, spaprClause, UNREGISTERED_V2, type ContainerContext, type Ioctl, type IoctlContext, type IoctlInput } from './checks.js';
import type { Host } from './host.js';

const never = (name: string): never => {
  throw new Error(`${name} has no effect: a check before it always decides.`);
};

/** An ioctl that is never served. */
const refusing = <C extends IoctlContext>(
  name: string,
  read: (host: Host, ioctl: Ioctl) => C,
  guards: readonly Guard<C>[],
  sample: AnyCall['sample'],
): AnyCall =>
  defineCall<C, IoctlInput>({
    name,
    parameters: [],
    read,
    guards,
    effect: { clauses: [guards.at(-1)!], apply: () => never(name) },
    sample,
  });

const noIommu: Guard<ContainerContext> = {
  ...merged('Linux 7.2 drivers/vfio/container.c')('container/no-iommu', 'Before VFIO_SET_IOMMU a container refuses all but its own three calls with EINVAL.'),
  when: (c) => c.container.version === undefined,
  refuse: [-E.EINVAL],
};

/** What a container answers before it has an IOMMU. */
export const containerWithoutIommu = refusing('container', readContainer, [noIommu], { args: {} });

const otherProcess: Guard<ContainerContext> = {
  ...spaprClause('container-unknown/process', 'Another process than the one that the container belongs to is refused with EPERM, whatever it asks.'),
  when: (c) => c.container.space !== undefined && c.container.space !== c.process.space,
  refuse: [-E.EPERM],
};

const unknownToContainer: Guard<ContainerContext> = {
  ...spaprClause('container-unknown/number', 'A number that means nothing to a container of SPAPR TCE is refused with ENOTTY.'),
  when: () => true,
  refuse: [-E.ENOTTY],
};

/** An ioctl that a container of SPAPR TCE does not know. */
export const unknownContainerCall = refusing('container-unknown', readContainer, [otherProcess, unknownToContainer], {
  fd: CONTAINER,
  setup: UNREGISTERED_V2,
  args: {},
});

const unknownTo = (kind: 'group' | 'device', text: string): AnyCall =>
  refusing(
    `${kind}-unknown`,
    (host: Host, ioctl: Ioctl): IoctlContext => ({ ...ioctl, host }),
    [{ ...merged(`Linux 7.2 drivers/vfio/${kind === 'group' ? 'group' : 'vfio_main'}.c`)(`${kind}-unknown/number`, text), when: () => true, refuse: [-E.ENOTTY] }],
    { args: {} },
  );

export const unknownGroupCall = unknownTo('group', 'A number that means nothing to a group is refused with ENOTTY.');

/** Numbers 18 to 20 bind, attach and detach a device where it has a node of its own; on POWER it has none. */
export const unknownDeviceCall = unknownTo('device', 'A number that means nothing to a device got from a group, 18 to 20 included, is refused with ENOTTY and touches no window.');

/** Whatever a device says to a call of its own that the suites do not know. */
const DEVICE_REFUSALS = [-E.EINVAL, -E.ENOTTY, -E.EFAULT, -E.ENODEV, -E.ENOSPC, -E.EPERM, -E.ENOMEM, -E.EBUSY] as const;

const ownCall: Guard<IoctlContext> = {
  ...merged('Linux 7.2 drivers/vfio/pci/vfio_pci_core.c, vfio_main.c')('device-own/number', "A device's own call, of which a container has the number too, is done or refused as the device likes, and touches no window."),
  level: 'may',
  choice: { id: 'V8', canonical: true },
  when: () => true,
  refuse: DEVICE_REFUSALS,
};

/** A number that means one thing to a PCI device and another to a container. */
export const deviceOwnCall = defineCall<IoctlContext, IoctlInput>({
  name: 'device-own',
  parameters: [],
  read: (host, ioctl) => ({ ...ioctl, host }),
  guards: [ownCall],
  effect: { clauses: [ownCall], apply: () => ({ clause: ownCall.id, status: 0 }) },
  sample: { args: {} },
});

/** A descriptor of nothing that VFIO knows. */
export const noDescriptorCall = refusing(
  'ioctl',
  (host: Host, ioctl: Ioctl): IoctlContext => ({ ...ioctl, host }),
  [{ ...merged('POSIX ioctl')('ioctl/descriptor', 'A descriptor that is not open is refused with EBADF.'), when: () => true, refuse: [-E.EBADF] }],
  { args: {} },
);

/** A queue of /dev/iommu is read and written, and serves no ioctl. */
export const queueIoctlCall = refusing(
  'queue-ioctl',
  (host: Host, ioctl: Ioctl): IoctlContext => ({ ...ioctl, host }),
  [{ ...merged('Linux 7.2 drivers/iommu/iommufd/eventq.c INIT_EVENTQ_FOPS')('queue-ioctl/number', 'A queue of faults or events serves no ioctl: ENOTTY.'), when: () => true, refuse: [-E.ENOTTY] }],
  { args: {} },
);

/** A file that is no part of the stack. */
export const plainFileCall = refusing(
  'file',
  (host: Host, ioctl: Ioctl): IoctlContext => ({ ...ioctl, host }),
  [{ ...merged('POSIX ioctl')('file/number', 'A file that is no part of the stack refuses every number of it with ENOTTY.'), when: () => true, refuse: [-E.ENOTTY] }],
  { args: {} },
);
