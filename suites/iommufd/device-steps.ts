import type { DeviceHandle, VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Term } from '../../reference/doors/term.js';

/* What scenarios of devices with nodes of their own share. */

/** Bytes of the largest system page. */
export const PAGE = 0x1_0000n;

/** A device of a context: its descriptor, and its number there. */
export interface BoundHandle extends DeviceHandle {
  readonly id: Term;
}

const dashed = (device: string): string => device.replace('.', '-');

/** Opens a device's node. */
export function node(p: VfioProgramBuilder, device = 'pe0.dev0', as = `node-${dashed(device)}`): Term {
  p.do({ door: 'iommufd', op: 'open', what: device, as });
  return { from: `${as}.fd` };
}

/** Binds a node to a context; returns the device's number there. */
export function bind(p: VfioProgramBuilder, iommu: Term, fd: Term, as: string): Term {
  p.ioctl(fd, 'VFIO_DEVICE_BIND_IOMMUFD', { iommufd: iommu }, { as });
  return { from: `${as}.out_devid` };
}

/** A device of the context. */
export function bound(p: VfioProgramBuilder, iommu: Term, device = 'pe0.dev0', suffix = ''): BoundHandle {
  const fd = node(p, device, `node-${dashed(device)}${suffix}`);
  return { name: device, fd, id: bind(p, iommu, fd, `bound-${dashed(device)}${suffix}`) };
}

/** Attaches a device, or replaces what it is attached to; returns the number of the page table. */
export function attach(p: VfioProgramBuilder, { fd }: Pick<BoundHandle, 'fd'>, table: Term, as?: string): Term {
  p.ioctl(fd, 'VFIO_DEVICE_ATTACH_IOMMUFD_PT', { pt_id: table }, as === undefined ? {} : { as });
  return { from: `${as ?? 'nothing'}.pt_id` };
}

export const detach = (p: VfioProgramBuilder, { fd }: Pick<BoundHandle, 'fd'>): VfioProgramBuilder => p.ioctl(fd, 'VFIO_DEVICE_DETACH_IOMMUFD_PT');

/** A page table that follows an IOAS; returns its number. */
export function table(p: VfioProgramBuilder, iommu: Term, device: BoundHandle, ioas: Term, as: string, args: Readonly<Record<string, Term>> = {}): Term {
  p.iommufd(iommu, 'IOMMU_HWPT_ALLOC', { dev_id: device.id, pt_id: ioas, ...args }, { as });
  return { from: `${as}.out_hwpt_id` };
}

/** Maps memory at an IOVA, for reading and writing unless told. */
export const map = (p: VfioProgramBuilder, iommu: Term, ioas: Term, address: Term, iova: bigint, length = PAGE, flags = 7n): VfioProgramBuilder =>
  p.iommufd(iommu, 'IOMMU_IOAS_MAP', { flags, ioas_id: ioas, user_va: address, length, iova });

export const destroy = (p: VfioProgramBuilder, iommu: Term, id: Term): VfioProgramBuilder => p.iommufd(iommu, 'IOMMU_DESTROY', { id });
