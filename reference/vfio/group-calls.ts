import { defineCall, type Answer, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { GROUP_CONTAINER_SET, GROUP_VIABLE } from '../uapi/vfio.js';
import { ATTACHED, badPointer, CONTAINER, GROUP, merged, openWith, readGroup, readOnly, tooShort, type GroupContext, type Ioctl, type IoctlInput } from './checks.js';
import { freeId, makeIoas } from '../iommufd/state/context.js';
import { changeOwner } from './eeh.js';
import { leaveIommufd, openFile } from './files.js';
import type { Container, GroupFile, Host, IommufdFile, OpenFile } from './host.js';
import { attachGroup, leaveContainer } from './windows.js';

const clause = merged('Linux 7.2 drivers/vfio/group.c, drivers/iommu/iommu.c');

const OPENED = ATTACHED.slice(0, 2);

const STATUS = 'VFIO_GROUP_GET_STATUS';

/** Some device of the group belongs to a driver of the host, or to a context of /dev/iommu. */
const ownedByAnother = ({ host, group }: GroupContext): boolean =>
  [...group.drivers.values()].includes('host') || host.iommuGroups.get(group.description.name)?.owner !== undefined;

/** Its last device left vfio-pci. */
const isGone = ({ file }: GroupContext): boolean => (file as GroupFile).gone;

const gone = <C extends GroupContext>(call: string): Guard<C> => ({
  ...clause(`${call}/gone`, 'A group whose last device left vfio-pci since it was opened is refused with ENODEV.', 'Linux 7.2 drivers/vfio/group.c vfio_device_remove_group'),
  when: isGone,
  refuse: [-E.ENODEV],
});

/** VFIO_GROUP_GET_STATUS: whether the group can be used, and whether it is in a container. */
export const groupGetStatus = defineCall<GroupContext, IoctlInput>({
  name: STATUS,
  parameters: ['argsz', 'flags'],
  read: readGroup,
  guards: [badPointer(STATUS), tooShort(STATUS, 8n), gone(STATUS), readOnly(STATUS)],
  effect: {
    clauses: [clause(`${STATUS}/answer`, 'VIABLE unless a driver of the host owns a device of the group; CONTAINER_SET while it is in a container.')],
    apply(c) {
      const set = c.group.container !== undefined || c.group.iommufd !== undefined;
      const value = (set || !ownedByAnother(c) ? GROUP_VIABLE : 0n) | (set ? GROUP_CONTAINER_SET : 0n);
      return { clause: `${STATUS}/answer`, status: 0, outputs: [{ index: 1, name: 'flags', value, clause: `${STATUS}/answer` }] };
    },
  },
  sample: { fd: GROUP, setup: OPENED, args: { argsz: 8n, flags: 0n } },
});

const SET = 'VFIO_GROUP_SET_CONTAINER';

interface SetContainer extends GroupContext {
  /** What the descriptor in the argument names. */
  readonly other: OpenFile | undefined;
}

/** The container that the descriptor names; of /dev/iommu the one that it stands for, if any. */
function container({ other }: SetContainer): Container | undefined {
  if (other?.kind === 'container') return other.container;
  return other?.kind === 'iommufd' && other.spapr?.container.version !== undefined ? other.spapr.container : undefined;
}

const noDescriptor: Guard<SetContainer> = {
  ...clause(`${SET}/descriptor`, 'A descriptor that is not open is refused with EBADF.'),
  when: (c) => c.other === undefined,
  refuse: [-E.EBADF],
  violation: { args: { fd: 0xffff_ffffn } },
};

const alreadyIn: Guard<SetContainer> = {
  ...clause(`${SET}/once`, 'A group that is in a container is refused with EINVAL.'),
  when: (c) => (c.group.container !== undefined || c.group.iommufd !== undefined) && !isGone(c),
  refuse: [-E.EINVAL],
  violation: { instead: ATTACHED },
};

const notContainer: Guard<SetContainer> = {
  ...clause(`${SET}/kind`, 'A descriptor of something else is refused with EBADFD (or EINVAL).'),
  when: (c) => c.other!.kind !== 'container' && c.other!.kind !== 'iommufd',
  refuse: [-E.EBADFD, -E.EINVAL],
  violation: { args: { fd: GROUP } },
};

const hostOwns: Guard<SetContainer> = {
  ...clause(`${SET}/viable`, 'A group with a device that a driver of the host owns is refused with EPERM.'),
  when: (c) => c.other!.kind === 'container' && ownedByAnother(c),
  refuse: [-E.EPERM],
};

/** The driver's own rules for a group that joins a container which has its IOMMU already. */
const firstVersion: Guard<SetContainer> = {
  ...clause(`${SET}/one-group`, 'A container of SPAPR TCE v1 takes one group only: EBUSY.', 'Linux 7.2 drivers/vfio/vfio_iommu_spapr_tce.c tce_iommu_attach_group'),
  when: (c) => container(c)?.version === 1 && container(c)!.groups.length > 0,
  refuse: [-E.EBUSY],
  violation: { requires: ['pe:pe1'], setup: [...openWith(2n).slice(3, 4), { door: 'vfio', op: 'open', what: 'pe1', as: 'group1' }], fd: { from: 'group1.fd' }, instead: ATTACHED },
};

const noSharing: Guard<SetContainer> = {
  ...clause(`${SET}/shared-windows`, 'Where groups cannot share a window, a group that joins a container with windows is refused with EPERM.', 'Linux 7.2 drivers/vfio/vfio_iommu_spapr_tce.c tce_iommu_attach_group; platforms/pseries/iommu.c'),
  when: (c) => !c.host.platform.sharesWindows && container(c)?.tables.some((table) => table !== undefined) === true,
  refuse: [-E.EPERM],
};

/** VFIO_GROUP_SET_CONTAINER: the group is taken from the host; its devices reach no memory until a window is made. */
export const groupSetContainer = defineCall<SetContainer, IoctlInput>({
  name: SET,
  parameters: ['fd'],
  read: (host: Host, ioctl: Ioctl) => ({ ...readGroup(host, ioctl), other: ioctl.process.files.get(Number(BigInt.asIntN(32, ioctl.args['fd'] ?? 0n))) }),
  guards: [badPointer(SET), noDescriptor, alreadyIn, gone(SET), notContainer, hostOwns, firstVersion, noSharing],
  effect: {
    clauses: [
      clause(`${SET}/blocked`, 'The group leaves the host: no window of the host is left, and no access of its devices reaches memory.'),
      clause(`${SET}/iommufd`, 'A descriptor of /dev/iommu stands in for a container: its IOAS for VFIO is made where there is none, the group is not yet taken.', 'Linux 7.2 drivers/iommu/iommufd/vfio_compat.c iommufd_vfio_compat_ioas_create'),
    ],
    apply(c) {
      const joined = container(c);
      const answer = c.other!.kind === 'iommufd' ? joinIommufd(c, c.other) : undefined;
      if (joined === undefined) return answer!;
      c.host.platform.takeOwnership(c.group.table);
      c.group.container = joined;
      if (joined.version === undefined) joined.groups.unshift(c.group);
      else attachGroup(c.host, joined, c.group);
      return { clause: `${SET}/blocked`, status: 0 };
    },
  },
  sample: { fd: GROUP, setup: OPENED, args: { fd: CONTAINER } },
});

function joinIommufd({ group }: SetContainer, file: IommufdFile): Answer {
  const { context } = file;
  if (context.compatible === undefined) {
    context.compatible = makeIoas(freeId(context));
    context.objects.set(context.compatible.id, context.compatible);
  }
  file.users += 1;
  group.iommufd = file;
  return { clause: `${SET}/iommufd`, status: 0 };
}

const UNSET = 'VFIO_GROUP_UNSET_CONTAINER';

const noContainer: Guard<GroupContext> = {
  ...clause(`${UNSET}/container`, 'A group that is in no container is refused with EINVAL.'),
  when: (c) => (c.group.container === undefined && c.group.iommufd === undefined) || isGone(c),
  refuse: [-E.EINVAL],
  violation: { instead: OPENED },
};

const devicesOpen: Guard<GroupContext> = {
  ...clause(`${UNSET}/devices`, 'A group with open devices is refused with EBUSY.'),
  when: (c) => c.group.container !== undefined && c.group.devices > 0,
  refuse: [-E.EBUSY],
  violation: {
    instead: openWith(7n),
    setup: [{ door: 'vfio', op: 'ioctl', fd: GROUP, call: 'VFIO_GROUP_GET_DEVICE_FD', args: {}, device: 'pe0.dev0', as: 'device' }],
  },
};

/** VFIO_GROUP_UNSET_CONTAINER: the group goes back to the host. */
export const groupUnsetContainer = defineCall<GroupContext, IoctlInput>({
  name: UNSET,
  parameters: [],
  read: readGroup,
  guards: [noContainer, devicesOpen],
  effect: {
    clauses: [clause(`${UNSET}/given-back`, "Entries are cleared, windows go, the host's windows come back; with the last group all that the container held is given back.")],
    apply(c) {
      leaveContainer(c.host, c.group);
      leaveIommufd(c.host, c.group);
      return { clause: `${UNSET}/given-back`, status: 0 };
    },
  },
  sample: { fd: GROUP, setup: ATTACHED, args: {} },
});

const GET_DEVICE = 'VFIO_GROUP_GET_DEVICE_FD';

const unreadableName: Guard<GroupContext> = badPointer(GET_DEVICE);

const notReady: Guard<GroupContext> = {
  ...clause(`${GET_DEVICE}/container`, 'Before the group is in a container with an IOMMU, the call is refused with EINVAL.'),
  when: (c) => c.group.container?.version === undefined,
  refuse: [-E.EINVAL],
  violation: { instead: ATTACHED },
};

const unknownDevice: Guard<GroupContext> = {
  ...clause(`${GET_DEVICE}/name`, 'A name of no device of the group that vfio-pci has is refused with ENODEV.'),
  when: (c) => isGone(c) || c.group.drivers.get(c.device ?? '') !== 'vfio-pci',
  refuse: [-E.ENODEV],
  violation: { device: 'no-such-device' },
};

/** VFIO_GROUP_GET_DEVICE_FD: a device of the group, reset and, where its PE was stopped, able to go on. */
export const groupGetDeviceFd = defineCall<GroupContext, IoctlInput>({
  name: GET_DEVICE,
  parameters: [],
  read: readGroup,
  guards: [unreadableName, unknownDevice, notReady],
  effect: {
    clauses: [clause(`${GET_DEVICE}/opened`, "A descriptor of the device; it keeps the group's own open.")],
    statuses: 'descriptor',
    apply(c, chooser) {
      const opener = c.file as Extract<OpenFile, { kind: 'group' }>;
      opener.users += 1;
      c.group.devices += 1;
      changeOwner(c.host, c.group, c.device!);
      const file: OpenFile = { kind: 'device', device: c.device!, group: c.group, opener, users: 0 };
      return { clause: `${GET_DEVICE}/opened`, status: openFile(c.process, file, chooser) };
    },
  },
  sample: { fd: GROUP, setup: openWith(7n), args: {}, device: 'pe0.dev0' },
});
