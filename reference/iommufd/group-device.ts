import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { badPointer, GROUP, merged, readGroup, type GroupContext, type Ioctl, type IoctlInput } from '../vfio/checks.js';
import { OF_IOMMUFD } from '../vfio/calls.js';
import { openFile, release } from '../vfio/files.js';
import { changeOwner } from '../vfio/eeh.js';
import type { DeviceFile, GroupFile, Host, IommufdFile } from '../vfio/host.js';
import { bindDevice, changed, unbindDevice } from './attach.js';
import { changeChecks, goalOf, type ChangeContext } from './attach-checks.js';
import { bindChecks } from './bind-checks.js';
import { deviceFacts, iommuGroup } from './groups.js';
import { OPENED } from './checks.js';
import { freeId, NO_PASID, type BoundDevice } from './state/context.js';

const clause = merged('Linux 7.2 drivers/vfio/group.c vfio_df_group_open; drivers/vfio/iommufd.c');

interface GetDevice extends GroupContext, ChangeContext {
  readonly iommufd: IommufdFile;
  /** It is open already, and bound. */
  readonly bound: BoundDevice | undefined;
}

const unknownDevice: Guard<GetDevice> = {
  ...clause(`${OF_IOMMUFD}/name`, 'A name of no device of the group that vfio-pci has is refused with ENODEV.'),
  when: (c) => (c.file as GroupFile).gone || c.group.drivers.get(c.device ?? '') !== 'vfio-pci',
  refuse: [-E.ENODEV],
};

const noIoas: Guard<GetDevice> = {
  ...clause(`${OF_IOMMUFD}/ioas`, 'Where the IOAS for VFIO has been destroyed since, a device is refused with ENODEV.', 'Linux 7.2 drivers/vfio/iommufd.c vfio_iommufd_compat_attach_ioas'),
  when: (c) => c.iommufd.context.compatible === undefined,
  refuse: [-E.ENODEV],
};

/** What is looked at only where the device is not open yet. */
const atFirst = (guards: readonly Guard<GetDevice>[]): Guard<GetDevice>[] => guards.map((guard) => ({ ...guard, when: (c) => c.bound === undefined && guard.when(c) }));

/** VFIO_GROUP_GET_DEVICE_FD of a group that works with /dev/iommu: the device is bound, and attached to the IOAS for VFIO. */
export const groupDevice = defineCall<GetDevice, IoctlInput>({
  name: OF_IOMMUFD,
  parameters: [],
  read(host: Host, ioctl: Ioctl) {
    const c = readGroup(host, ioctl);
    const iommufd = c.group.iommufd!;
    const { context } = iommufd;
    const known = c.group.drivers.has(c.device ?? '');
    const facts = known ? deviceFacts(host, c.device!) : { group: iommuGroup(host, c.group.description.name), driver: { name: '', dirtyTracking: false, pasidBits: 0, ats: false }, reserved: [] };
    const bound = [...context.objects.values()].find((object): object is BoundDevice => object.kind === 'device' && object.name === c.device);
    return { ...c, iommufd, bound, change: { host, context, device: facts, pasid: NO_PASID, object: context.compatible } };
  },
  guards: [
    badPointer(OF_IOMMUFD),
    unknownDevice,
    ...atFirst([
      ...bindChecks<GetDevice>(OF_IOMMUFD, (c) => ({ host: c.host, context: c.iommufd.context, device: c.device! })),
      noIoas,
      ...changeChecks<GetDevice>(OF_IOMMUFD, { paging: undefined, group: undefined, reserved: undefined, alignment: undefined, aperture: undefined }),
    ]),
  ],
  effect: {
    clauses: [clause(`${OF_IOMMUFD}/opened`, "A descriptor of the device, which is the context's and attached to its IOAS for VFIO while it is open.")],
    statuses: 'descriptor',
    apply(c, chooser) {
      const { host, iommufd } = c;
      if (c.bound === undefined) {
        const { context } = iommufd;
        const device = bindDevice(host, context, deviceFacts(host, c.device!), freeId(context));
        changed(host, context, device, NO_PASID, goalOf({ ...c.change, device }), freeId(context));
      }
      return { clause: `${OF_IOMMUFD}/opened`, status: openFile(c.process, deviceFile(c), chooser) };
    },
  },
  sample: { fd: GROUP, setup: OPENED, args: {} },
});

function deviceFile({ host, group, file, iommufd, device: name }: GetDevice): DeviceFile {
  const opener = file as GroupFile;
  const device = name!;
  changeOwner(host, group, device);
  opener.users += 1;
  iommufd.users += 1;
  group.devices += 1;
  return { kind: 'device', device, group, opener, users: 0, end: (at) => closeDevice(at, iommufd, device) };
}

/** One descriptor of the device fewer; with the last it leaves the context. */
function closeDevice(host: Host, iommufd: IommufdFile, name: string): void {
  const open = [...host.processes.values()].some(({ files }) => [...files.values()].some((file) => file.kind === 'device' && file.device === name && file.users > 0));
  const device = [...iommufd.context.objects.values()].find((object): object is BoundDevice => object.kind === 'device' && object.name === name);
  if (!open && device !== undefined) unbindDevice(host, iommufd.context, device);
  release(host, iommufd);
}

