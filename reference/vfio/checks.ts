import type { Clause, Guard, Violation } from '../rules.js';
import type { Operation } from '../doors/operations.js';
import type { Term } from '../doors/term.js';
import { E } from '../uapi/errno.js';
import type { AddressSpace } from '../memory/process.js';
import type { Container, ContainerFile, DeviceFile, GroupFile, Host, OpenFile, Process, VfioGroup } from './host.js';

/** Makes clauses of the uAPI as Linux has merged it. */
export const merged =
  (usual: string) =>
  (id: string, text: string, source = usual): Clause => ({ id, text, source, status: 'merged', level: 'must' });

export const spaprClause = merged('Linux 7.2 drivers/vfio/vfio_iommu_spapr_tce.c; include/uapi/linux/vfio.h');

/** What an ioctl is given: who makes it on what, and the fields of its structure. */
export interface Ioctl {
  readonly process: Process;
  readonly file: OpenFile;
  readonly args: Readonly<Record<string, bigint>>;
  readonly device?: string;
  readonly pointer?: 'unmapped' | 'read-only' | 'cut';
  readonly beyond?: { readonly bytes: number; readonly byte: number };
}

export type IoctlInput = readonly [host: Host, ioctl: Ioctl];

/** What the checks of every ioctl look at. */
export interface IoctlContext extends Ioctl {
  readonly host: Host;
}

export interface ContainerContext extends IoctlContext {
  readonly container: Container;
  /** Who is charged: the process that the container belongs to. */
  readonly space: AddressSpace;
}

export interface GroupContext extends IoctlContext {
  readonly group: VfioGroup;
}

export interface DeviceContext extends IoctlContext {
  readonly opened: DeviceFile;
}

export const readContainer = (host: Host, ioctl: Ioctl): ContainerContext => {
  const { container } = ioctl.file as ContainerFile;
  return { ...ioctl, host, container, space: container.space ?? ioctl.process.space };
};

export const readGroup = (host: Host, ioctl: Ioctl): GroupContext => ({ ...ioctl, host, group: (ioctl.file as GroupFile).group });

export const readDevice = (host: Host, ioctl: Ioctl): DeviceContext => ({ ...ioctl, host, opened: ioctl.file as DeviceFile });

/** The field's value; 0 where none was given. */
export const arg = (c: Ioctl, name: string): bigint => c.args[name] ?? 0n;

/** The structure cannot be read. */
export const badPointer = <C extends IoctlContext>(call: string): Guard<C> => ({
  ...spaprClause(`${call}/pointer`, 'A structure that cannot be read is refused with EFAULT.'),
  when: (c) => c.pointer === 'unmapped',
  refuse: [-E.EFAULT],
  violation: { pointer: 'unmapped' },
});

/** The structure cannot be written back. */
export const readOnly = <C extends IoctlContext>(call: string): Guard<C> => ({
  ...spaprClause(`${call}/answer-pointer`, 'An answer that cannot be written is refused with EFAULT, and nothing is changed.'),
  when: (c) => c.pointer === 'read-only',
  refuse: [-E.EFAULT],
  violation: { pointer: 'read-only' },
});

/** `argsz` says that the structure is shorter than the call needs. */
export const tooShort = <C extends IoctlContext>(call: string, least: bigint): Guard<C> => ({
  ...spaprClause(`${call}/argsz`, `argsz below ${least} is refused with EINVAL.`),
  when: (c) => arg(c, 'argsz') < least,
  refuse: [-E.EINVAL],
  violation: { args: { argsz: least - 1n } },
});

/** `flags` has a bit that means nothing. */
export const unknownFlags = <C extends IoctlContext>(call: string, known = 0n): Guard<C> => ({
  ...spaprClause(`${call}/flags`, 'An unknown flag is refused with EINVAL.'),
  when: (c) => (arg(c, 'flags') & ~known) !== 0n,
  refuse: [-E.EINVAL],
  violation: { args: { flags: known | (1n << 31n) } },
});

/** The container belongs to another process. Linux looks at this before it looks at what is asked (tce_iommu_ioctl). */
export const foreignProcess = (call: string, violation: Violation = byChild): Guard<ContainerContext> => ({
  ...spaprClause(`${call}/process`, 'Another process than the one that the container belongs to is refused with EPERM, whatever else is wrong.'),
  when: (c) => c.container.space !== undefined && c.container.space !== c.process.space,
  refuse: [-E.EPERM],
  violation,
});

/** The call is one of the other version of SPAPR TCE. */
export const otherVersion = (call: string, version: 1 | 2): Guard<ContainerContext> => ({
  ...spaprClause(`${call}/version`, `A container of SPAPR TCE ${version === 1 ? 'v2' : 'v1'} has no such call: ENOTTY.`),
  when: (c) => c.container.version !== version,
  refuse: [-E.ENOTTY],
  violation: { instead: openWith(version === 1 ? 7n : 2n) },
});

/** The ioctl that makes SPAPR TCE of a version in a container. */
const setIommu = (type: Term): Operation => ({
  door: 'vfio',
  op: 'ioctl',
  fd: CONTAINER,
  call: 'VFIO_SET_IOMMU',
  args: { value: type },
});

/** Names that the samples use. */
export const CONTAINER: Term = { from: 'container.fd' };
export const GROUP: Term = { from: 'group.fd' };
export const DEVICE: Term = { from: 'device.fd' };
export const BUFFER: Term = { from: 'buffer.address' };

/** Bytes of the sample's buffer: two system pages of any size. */
export const BUFFER_BYTES = 0x2_0000n;

/** A container with a group in it, no IOMMU yet. */
export const ATTACHED: readonly Operation[] = [
  { door: 'vfio', op: 'open', what: 'container', as: 'container' },
  { door: 'vfio', op: 'open', what: 'pe0', as: 'group' },
  { door: 'vfio', op: 'ioctl', fd: GROUP, call: 'VFIO_GROUP_SET_CONTAINER', args: { fd: CONTAINER } },
];

const MAPPED: Operation = { door: 'user', op: 'map', length: BUFFER_BYTES, protection: 'rw', as: 'buffer' };

const ENABLED: Operation = { door: 'vfio', op: 'ioctl', fd: CONTAINER, call: 'VFIO_IOMMU_ENABLE', args: {} };

const REGISTERED: Operation = {
  door: 'vfio',
  op: 'ioctl',
  fd: CONTAINER,
  call: 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY',
  args: { vaddr: BUFFER, size: BUFFER_BYTES },
};

/** A container of SPAPR TCE v1 (2) or v2 (7), and a buffer that is not registered. */
export const openWith = (type: bigint): readonly Operation[] => [...ATTACHED, setIommu(type), MAPPED];

/** A container of v2 without registered memory: not enabled. */
export const UNREGISTERED_V2 = openWith(7n);
/** A container of v1 that is not enabled. */
export const DISABLED_V1 = openWith(2n);
/** A container of v1 that is enabled. */
export const ENABLED_V1: readonly Operation[] = [...DISABLED_V1, ENABLED];
/** A container of v2 with the buffer registered. */
export const READY_V2: readonly Operation[] = [...UNREGISTERED_V2, REGISTERED];

/** The child makes the call on a container that its parent has made its own. */
export const byChild: Violation = { by: 'child', setup: [{ door: 'host', op: 'fork', as: 'child' }] };

/** Limits what the process may lock to so many bytes. */
export const limitedTo = (bytes: bigint): Operation => ({ door: 'host', op: 'limit', bytes });
