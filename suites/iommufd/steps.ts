import type { BufferHandle, VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { IommufdIoctl } from '../../reference/doors/operations.js';
import { plus, type Term } from '../../reference/doors/term.js';
import { IOAS_MAP } from '../../reference/uapi/iommufd.js';

/* What scenarios at the door of /dev/iommu share. */

/** Bytes of the largest system page: lengths that are multiples of it suit every system. */
export const PAGE = 0x1_0000n;

/** Where scenarios map that do not care: a multiple of every page, and one before and behind it far away. */
export const AT = 0x1000_0000n;

/** The largest number of 64 bits. */
export const LARGEST = (1n << 64n) - 1n;

export const READ = IOAS_MAP.READABLE;
export const READ_WRITE = IOAS_MAP.READABLE | IOAS_MAP.WRITEABLE;

type Extras = Pick<IommufdIoctl, 'as' | 'by' | 'pointer'>;

/** An IOAS as programs name it, in its context. */
export interface IoasHandle {
  readonly fd: Term;
  readonly id: Term;
}

export function newIoas(p: VfioProgramBuilder, fd = p.iommu()): IoasHandle {
  return { fd, id: p.ioas(fd) };
}

/** Maps memory where the scenario says. */
export const mapAt = (p: VfioProgramBuilder, { fd, id }: IoasHandle, user_va: Term, iova: Term, length: Term, flags = READ_WRITE, extras: Extras = {}): VfioProgramBuilder =>
  p.iommufd(fd, 'IOMMU_IOAS_MAP', { flags: flags | IOAS_MAP.FIXED_IOVA, ioas_id: id, user_va, length, iova }, extras);

/** Maps memory where the kernel chooses. */
export const mapAnywhere = (p: VfioProgramBuilder, { fd, id }: IoasHandle, user_va: Term, length: Term, extras: Extras = {}): VfioProgramBuilder =>
  p.iommufd(fd, 'IOMMU_IOAS_MAP', { flags: READ_WRITE, ioas_id: id, user_va, length }, extras);

export const unmap = (p: VfioProgramBuilder, { fd, id }: IoasHandle, iova: Term, length: Term, extras: Extras = {}): VfioProgramBuilder =>
  p.iommufd(fd, 'IOMMU_IOAS_UNMAP', { ioas_id: id, iova, length }, extras);

export const unmapAll = (p: VfioProgramBuilder, ioas: IoasHandle, extras: Extras = {}): VfioProgramBuilder => unmap(p, ioas, 0n, LARGEST, extras);

/** Copies from one place to another, of the same IOAS unless told. */
export const copy = (p: VfioProgramBuilder, from: IoasHandle, src_iova: Term, to: IoasHandle, dst_iova: Term, length: Term, flags = READ_WRITE, extras: Extras = {}): VfioProgramBuilder =>
  p.iommufd(to.fd, 'IOMMU_IOAS_COPY', { flags: flags | IOAS_MAP.FIXED_IOVA, dst_ioas_id: to.id, src_ioas_id: from.id, length, dst_iova, src_iova }, extras);

/** Asks for the ranges of IOVAs, and looks at the array. */
export function ranges(p: VfioProgramBuilder, { fd, id }: IoasHandle, array: BufferHandle, num_iovas = 4n): void {
  p.fill(array.address, 64, 0xee);
  p.iommufd(fd, 'IOMMU_IOAS_IOVA_RANGES', { ioas_id: id, num_iovas, allowed_iovas: array.address });
  p.load(array.address, 64);
}

/** Allows ranges, each with its first and its last IOVA. */
export function allow(p: VfioProgramBuilder, { fd, id }: IoasHandle, array: BufferHandle, ...allowed: readonly (readonly [Term, Term])[]): void {
  if (allowed.length > 0) p.store(array.address, allowed.flat());
  p.iommufd(fd, 'IOMMU_IOAS_ALLOW_IOVAS', { ioas_id: id, num_iovas: BigInt(allowed.length), allowed_iovas: array.address });
}

export const option = (p: VfioProgramBuilder, fd: Term, option_id: bigint, op: bigint, object_id: Term, val64 = 0n, extras: Extras = {}): VfioProgramBuilder =>
  p.iommufd(fd, 'IOMMU_OPTION', { option_id, op, object_id, val64 }, extras);

/** From here on every IOVA, length and address is to be of whole system pages. */
export const smallPages = (p: VfioProgramBuilder, { fd, id }: IoasHandle): VfioProgramBuilder => option(p, fd, 1n, 0n, id, 0n);

export const pages = (count: bigint): bigint => count * PAGE;

export { plus };
