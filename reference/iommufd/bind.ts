import type { Operation } from '../doors/operations.js';
import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { arg, badPointer, DEVICE, merged, readOnly, tooShort, type Ioctl, type IoctlContext, type IoctlInput } from '../vfio/checks.js';
import { release } from '../vfio/files.js';
import { changeOwner, stopListening } from '../vfio/eeh.js';
import type { Host, IommufdFile, NodeFile, OpenFile } from '../vfio/host.js';
import { bindDevice, unbindDevice } from './attach.js';
import { bindChecks, type Binding } from './bind-checks.js';
import { IOMMU, OPENED } from './checks.js';
import { deviceFacts } from './groups.js';
import { freeId } from './state/context.js';

const NAME = 'VFIO_DEVICE_BIND_IOMMUFD';
const clause = merged('Linux 7.2 drivers/vfio/device_cdev.c vfio_df_ioctl_bind_iommufd; include/uapi/linux/vfio.h');

interface Bind extends IoctlContext {
  readonly node: NodeFile;
  /** What the descriptor in the argument names. */
  readonly iommufd: OpenFile | undefined;
  readonly binding: Binding | undefined;
}

/** The flag that says a token is given. */
const TOKEN = 1n;

/** Bytes of the structure as Linux 7.2 has it. */
const KNOWN_BYTES = 24n;

const beyond: Guard<Bind> = {
  ...clause(`${NAME}/beyond`, `A byte other than 0 beyond the ${KNOWN_BYTES} bytes that the kernel knows is refused with E2BIG.`, 'Linux 7.2 include/linux/uaccess.h copy_struct_from_user'),
  when: (c) => arg(c, 'argsz') > KNOWN_BYTES && arg(c, 'beyond') !== 0n,
  refuse: [-E.E2BIG],
  violation: { args: { argsz: KNOWN_BYTES + 8n, beyond: 1n } },
};

const arguments_: Guard<Bind> = {
  ...clause(`${NAME}/arguments`, 'A negative descriptor or an unknown flag is refused with EINVAL.'),
  when: (c) => BigInt.asIntN(32, arg(c, 'iommufd')) < 0n || (arg(c, 'flags') & ~TOKEN) !== 0n,
  refuse: [-E.EINVAL],
  violation: { args: { flags: 2n } },
};

const groupOpen: Guard<Bind> = {
  ...clause(`${NAME}/group`, 'A device whose group is open is refused with EBUSY.', 'Linux 7.2 drivers/vfio/group.c vfio_device_block_group'),
  when: ({ node }) => node.group.file !== undefined,
  refuse: [-E.EBUSY],
  violation: { setup: [{ door: 'vfio', op: 'open', what: 'pe0', as: 'group' }] },
};

const again: Guard<Bind> = {
  ...clause(`${NAME}/once`, 'A descriptor that is bound is refused with EINVAL.'),
  when: ({ node }) => node.bound !== undefined,
  refuse: [-E.EINVAL],
  violation: { setup: [{ door: 'vfio', op: 'ioctl', fd: DEVICE, call: NAME, args: { iommufd: IOMMU } }] },
};

const token: Guard<Bind> = {
  ...clause(`${NAME}/token`, 'A token for a device that needs none is refused with EINVAL.', 'Linux 7.2 drivers/vfio/pci/vfio_pci_core.c vfio_pci_core_match_token_uuid'),
  when: (c) => (arg(c, 'flags') & TOKEN) !== 0n,
  refuse: [-E.EINVAL, -E.EFAULT],
  violation: { args: { flags: TOKEN } },
};

const notOpen: Guard<Bind> = {
  ...clause(`${NAME}/descriptor`, 'A descriptor that is not open is refused with EBADF.'),
  when: ({ iommufd }) => iommufd === undefined,
  refuse: [-E.EBADF],
  violation: { args: { iommufd: 0x7fff_ffffn } },
};

const otherKind: Guard<Bind> = {
  ...clause(`${NAME}/kind`, 'A descriptor of something other than /dev/iommu is refused with EBADFD.', 'Linux 7.2 drivers/iommu/iommufd/main.c iommufd_ctx_from_fd'),
  when: ({ iommufd }) => iommufd!.kind !== 'iommufd',
  refuse: [-E.EBADFD],
  violation: { args: { iommufd: DEVICE } },
};

/** The device is bound through another descriptor. */
const elsewhere: Guard<Bind> = {
  ...clause(`${NAME}/elsewhere`, 'A device that is bound through another descriptor is refused with EINVAL.', 'Linux 7.2 drivers/vfio/vfio_main.c vfio_df_open'),
  when: ({ host, node }) => [...host.processes.values()].some(({ files }) => [...files.values()].some((file) => file.kind === 'node' && file.device === node.device && file.bound !== undefined)),
  refuse: [-E.EINVAL],
  violation: {
    setup: [
      { door: 'iommufd', op: 'open', what: 'pe0.dev0', as: 'other' },
      { door: 'vfio', op: 'ioctl', fd: { from: 'other.fd' }, call: NAME, args: { iommufd: IOMMU } },
    ],
  },
};

const node = (device: string): Operation => ({ door: 'iommufd', op: 'open', what: device, as: 'device' });

/** What the samples of a bound device begin with. */
export const NODE_OPENED: readonly Operation[] = [...OPENED, node('pe0.dev0')];

const BREAKS = {
  coherent: { instead: [...OPENED, node('noncoherent0.dev0')] },
  isolated: { instead: [...OPENED, node('unsafe0.dev0')] },
  owner: {
    instead: [...OPENED, node('pair0.dev0')],
    setup: [
      { door: 'iommufd', op: 'open', what: 'iommu', as: 'other' },
      { door: 'iommufd', op: 'open', what: 'pair0.dev1', as: 'neighbour' },
      { door: 'vfio', op: 'ioctl', fd: { from: 'neighbour.fd' }, call: NAME, args: { iommufd: { from: 'other.fd' } } },
    ],
  },
} as const;

/** VFIO_DEVICE_BIND_IOMMUFD: the device is the context's; with the first of its group no access reaches memory any more. */
export const bindIommufd = defineCall<Bind, IoctlInput>({
  name: NAME,
  parameters: ['argsz', 'flags', 'iommufd', 'out_devid'],
  read(host: Host, ioctl: Ioctl) {
    const node = ioctl.file as NodeFile;
    const iommufd = ioctl.process.files.get(Number(BigInt.asIntN(32, ioctl.args['iommufd'] ?? 0n)));
    return { ...ioctl, host, node, iommufd, binding: iommufd?.kind === 'iommufd' ? { host, context: iommufd.context, device: node.device } : undefined };
  },
  guards: [badPointer(NAME), tooShort(NAME, 16n), beyond, arguments_, groupOpen, again, token, notOpen, otherKind, elsewhere, ...bindChecks<Bind>(NAME, (c) => c.binding!, BREAKS), readOnly(NAME)],
  effect: {
    clauses: [
      clause(`${NAME}/bound`, 'The device is an object of the context, with the lowest free number. It keeps the context alive.'),
      clause(`${NAME}/blocked`, 'With the first device of its group no window of the host is left: no access of its devices reaches memory.', 'Linux 7.2 drivers/iommu/iommu.c __iommu_take_dma_ownership'),
    ],
    apply({ host, node, iommufd }) {
      const file = iommufd as IommufdFile;
      const facts = deviceFacts(host, node.device);
      const first = facts.group.owner === undefined;
      changeOwner(host, node.group, node.device);
      const device = bindDevice(host, file.context, facts, freeId(file.context));
      file.users += 1;
      node.group.nodes += 1;
      node.bound = { device, iommufd: file };
      const clauseId = first ? `${NAME}/blocked` : `${NAME}/bound`;
      return { clause: clauseId, status: 0, outputs: [{ index: 3, name: 'out_devid', value: BigInt(device.id), clause: `${NAME}/bound` }] };
    },
  },
  sample: { fd: DEVICE, setup: NODE_OPENED, args: { iommufd: IOMMU } },
});

/** The last descriptor of a node went: the device leaves its tables and its context. (vfio_df_unbind_iommufd) */
export function unbindFile(host: Host, node: NodeFile): void {
  const { bound } = node;
  if (bound === undefined) return;
  node.bound = undefined;
  changeOwner(host, node.group, node.device);
  stopListening(host, node.device);
  unbindDevice(host, bound.iommufd.context, bound.device);
  node.group.nodes -= 1;
  release(host, bound.iommufd);
}
