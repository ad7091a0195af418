import type { BufferHandle, ContainerHandle, VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Term } from '../../reference/doors/term.js';
import type { VfioCallName } from '../../reference/uapi/vfio.js';

/* What scenarios at Linux's doors share. */

/** What a target must have for SPAPR TCE v2, and for a window beside the default one. */
export const V2 = ['spapr-v2'] as const;
export const TWO_WINDOWS = ['spapr-v2', 'second-window', 'page-size:12', 'page-size:16'] as const;

/** Bytes of the largest system page: lengths that are multiples of it suit every system. */
export const PAGE = 0x1_0000n;

/** Bytes of an I/O page of the default window. */
export const IO_PAGE = 0x1000n;

/** The kinds of IOMMU. */
export const TYPE_V1 = 2n;
export const TYPE_V2 = 7n;

export const setIommu = (p: VfioProgramBuilder, fd: Term, type: bigint, by?: string): VfioProgramBuilder =>
  p.ioctl(fd, 'VFIO_SET_IOMMU', { value: type }, by === undefined ? {} : { by });

/** A look at the descriptor's group: in a container or not, usable or not. */
export const status = (p: VfioProgramBuilder, group: Term, by?: string): VfioProgramBuilder =>
  p.ioctl(group, 'VFIO_GROUP_GET_STATUS', {}, by === undefined ? {} : { by });

export const info = (p: VfioProgramBuilder, container: Pick<ContainerHandle, 'fd'>, by?: string): VfioProgramBuilder =>
  p.ioctl(container.fd, 'VFIO_IOMMU_SPAPR_TCE_GET_INFO', {}, by === undefined ? {} : { by });

/** A container whose group was put in before it had its IOMMU, of the version; v1 is not enabled. */
export function ofType(p: VfioProgramBuilder, type: bigint, group = 'pe0'): ContainerHandle {
  const container = p.attached(group);
  setIommu(p, container.fd, type);
  return container;
}

/** A container of v2 with memory registered and one page of it mapped at the start of the default window. */
export function inUse(p: VfioProgramBuilder, group = 'pe0'): { readonly container: ContainerHandle; readonly buffer: BufferHandle } {
  const container = p.v2(group);
  const buffer = p.registered(container);
  p.map(container, buffer.address, p.defaultWindow(group).start, IO_PAGE);
  return { container, buffer };
}

/** Asks for a window like the default one. */
export const likeDefault = (p: VfioProgramBuilder, { fd }: ContainerHandle): VfioProgramBuilder =>
  p.ioctl(fd, 'VFIO_IOMMU_SPAPR_TCE_CREATE', { page_shift: 12n, window_size: { from: 'pe0.dma32.size' }, levels: 1n });

/** Shows that the group can be had and used as ever: opened, mapped, closed. */
export function worksAgain(p: VfioProgramBuilder, buffer = p.memory(PAGE)): void {
  const container = p.v2();
  p.register(container, buffer).map(container, buffer.address, p.defaultWindow().start, IO_PAGE).unmap(container, p.defaultWindow().start, IO_PAGE);
}

/** A call with fields of its structure that make sense on a container in use. */
export interface SampleCall {
  readonly call: VfioCallName;
  readonly args: Readonly<Record<string, Term>>;
}

/** The container's own calls as a program in use would make them; those of v1 last. */
export const containerCalls = (buffer: BufferHandle, iova: Term): readonly SampleCall[] => [
  { call: 'VFIO_IOMMU_SPAPR_TCE_GET_INFO', args: {} },
  { call: 'VFIO_IOMMU_MAP_DMA', args: { flags: 3n, vaddr: buffer.address, iova, size: IO_PAGE } },
  { call: 'VFIO_IOMMU_UNMAP_DMA', args: { iova, size: IO_PAGE } },
  { call: 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY', args: { vaddr: buffer.address, size: buffer.length } },
  { call: 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY', args: { vaddr: buffer.address, size: buffer.length } },
  { call: 'VFIO_IOMMU_SPAPR_TCE_CREATE', args: { page_shift: 16n, window_size: 1n << 26n, levels: 1n } },
  { call: 'VFIO_IOMMU_SPAPR_TCE_REMOVE', args: { start_addr: iova } },
  { call: 'VFIO_IOMMU_ENABLE', args: {} },
  { call: 'VFIO_IOMMU_DISABLE', args: {} },
];

/** Makes every call on a descriptor. */
export function makeAll(p: VfioProgramBuilder, fd: Term, calls: readonly SampleCall[], by?: string): void {
  for (const { call, args } of calls) p.ioctl(fd, call, args, by === undefined ? {} : { by });
}
