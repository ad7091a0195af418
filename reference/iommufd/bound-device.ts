import type { Operation } from '../doors/operations.js';
import type { Term } from '../doors/term.js';
import { arg, DEVICE, merged, type Ioctl, type IoctlContext } from '../vfio/checks.js';
import type { Binding, Host, NodeFile } from '../vfio/host.js';
import type { Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { NODE_OPENED } from './bind.js';
import { IOAS, IOMMU } from './checks.js';

/* What the calls on a bound node share. */

export const nodeClause = merged('Linux 7.2 drivers/vfio/device_cdev.c; drivers/vfio/iommufd.c; include/uapi/linux/vfio.h');

export interface NodeContext extends IoctlContext {
  readonly bound: Binding;
}

export const readNode = (host: Host, ioctl: Ioctl): NodeContext => ({ ...ioctl, host, bound: (ioctl.file as NodeFile).bound! });

/** The flag that says the call is about a PASID. */
export const WITH_PASID = 1n;

/** The call is about a PASID that does not lie within argsz. */
export const pasidMissing = <C extends NodeContext>(call: string, least: bigint): Guard<C> => ({
  ...nodeClause(`${call}/argsz-pasid`, `With the flag for a PASID, argsz below ${least} is refused with EINVAL.`),
  when: (c) => (arg(c, 'flags') & WITH_PASID) !== 0n && arg(c, 'argsz') < least,
  refuse: [-E.EINVAL],
  violation: { args: { flags: WITH_PASID, argsz: least - 1n } },
});

const bind = (device: Term, as: string): Operation => ({ door: 'vfio', op: 'ioctl', fd: device, call: 'VFIO_DEVICE_BIND_IOMMUFD', args: { iommufd: IOMMU }, as });

const NEW_IOAS: Operation = { door: 'iommufd', op: 'ioctl', fd: IOMMU, call: 'IOMMU_IOAS_ALLOC', args: {}, as: 'ioas' };

/** The numbers of what the samples have made. */
export const DEVICE_ID: Term = { from: 'bound.out_devid' };

/** A bound device. */
export const BOUND: readonly Operation[] = [...NODE_OPENED, bind(DEVICE, 'bound')];

/** A bound device and an IOAS. */
export const BOUND_AND_IOAS: readonly Operation[] = [...BOUND, NEW_IOAS];

/** The same of another device than the usual one. */
export const boundWithIoas = (device: string): readonly Operation[] => [NODE_OPENED[0]!, { door: 'iommufd', op: 'open', what: device, as: 'device' }, bind(DEVICE, 'bound'), NEW_IOAS];

/** Attaches the sample's device to the IOAS. */
export const ATTACH_IOAS: Operation = { door: 'vfio', op: 'ioctl', fd: DEVICE, call: 'VFIO_DEVICE_ATTACH_IOMMUFD_PT', args: { pt_id: IOAS }, as: 'attached' };

/** Both devices of a group bound, the other one attached to an IOAS of its own. */
export const NEIGHBOUR_ATTACHED: readonly Operation[] = [
  ...boundWithIoas('pair0.dev0'),
  { door: 'iommufd', op: 'open', what: 'pair0.dev1', as: 'neighbour' },
  bind({ from: 'neighbour.fd' }, 'neighbour-bound'),
  { ...NEW_IOAS, as: 'neighbour-ioas' },
  { door: 'vfio', op: 'ioctl', fd: { from: 'neighbour.fd' }, call: 'VFIO_DEVICE_ATTACH_IOMMUFD_PT', args: { pt_id: { from: 'neighbour-ioas.out_ioas_id' } } },
];

/** A page of memory mapped at an IOVA of the sample's IOAS; the IOAS has no table yet. */
export const mappedAt = (iova: bigint): readonly Operation[] => [
  { door: 'user', op: 'map', length: 0x1_0000n, protection: 'rw', as: 'buffer' },
  { door: 'iommufd', op: 'ioctl', fd: IOMMU, call: 'IOMMU_IOAS_MAP', args: { flags: 7n, ioas_id: IOAS, user_va: { from: 'buffer.address' }, length: 0x1_0000n, iova } },
];

/** An IOVA that every IOMMU of the samples translates. */
const IOVA = 0x2000_0000n;

/** What is mapped is gone by the time that a table is made. */
export const UNBACKED: readonly Operation[] = [...mappedAt(IOVA), { door: 'user', op: 'unmap', address: { from: 'buffer.address' }, length: 0x1_0000n }];

/** More is mapped than the process may lock. */
export const BEYOND_LIMIT: readonly Operation[] = [{ door: 'host', op: 'limit', bytes: 0n }, ...mappedAt(IOVA)];
