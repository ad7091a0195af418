import type { AddressSpace } from '../../memory/process.js';
import type { EventQueue } from './event-queue.js';
import type { FaultQueue } from './fault-queue.js';

/*
 * What one open /dev/iommu stands for (struct iommufd_ctx): its objects by number, and the settings of the whole. Plain
 * data; who changes it are the calls. Addresses and lengths are bytes.
 */

export interface Context {
  /** By number: from 1, the lowest that is free. */
  readonly objects: Map<number, IommufdObject>;
  /** Who is charged for pinned memory: the user, or the process. */
  rlimitMode: 'user' | 'process';
  /** The IOAS that VFIO's own ioctls work on (IOMMU_VFIO_IOAS). */
  compatible: Ioas | undefined;
}

export type IommufdObject = Ioas | FaultQueue | EventQueue | Tombstone;

export interface Numbered {
  readonly id: number;
}

/** Both ends belong to it. */
export interface Interval {
  readonly first: bigint;
  readonly last: bigint;
}

/** IOVAs that nobody may map, and who says so: a domain, a device, a test. */
export interface Reservation extends Interval {
  readonly owner: object;
}

/** An address space for I/O: what is mapped where, and what must not be (struct io_pagetable). */
export interface Ioas extends Numbered {
  readonly kind: 'ioas';
  readonly reserved: Reservation[];
  /** What automatic placement and later reservations keep to; empty: all. */
  allowed: readonly Interval[];
  /** Every page table that has all of its areas, in the order in which they were added. */
  readonly domains: PagingDomain[];
  /** IOMMU_OPTION_HUGE_PAGES. */
  hugePages: boolean;
}

/** A page table of the IOMMU that follows an IOAS (struct iommu_domain); what its hardware is, its driver knows. */
export interface PagingDomain {
  /** The IOVAs that it translates; in ascending order. The kernel as merged knows one range, the plan for POWER several. */
  readonly apertures: readonly Interval[];
  /** Bit n: pages of 2^n bytes. */
  readonly pageSizes: bigint;
  /** Enters pages: 0, or minus an error number, and then nothing is entered. */
  readonly map: (area: { readonly iova: bigint; readonly length: bigint; readonly real: bigint; readonly readable: boolean; readonly writeable: boolean }) => number;
  readonly unmap: (range: { readonly iova: bigint; readonly length: bigint }) => void;
}

/** A number that nobody gets again before the context ends: of an object that went before who held it. */
export interface Tombstone extends Numbered {
  readonly kind: 'tombstone';
}

export const makeContext = (): Context => ({ objects: new Map(), rlimitMode: 'user', compatible: undefined });

export const makeIoas = (id: number): Ioas => ({ kind: 'ioas', id, reserved: [], allowed: [], domains: [], hugePages: true });

/** The lowest number that is free. Source: Linux 7.2 drivers/iommu/iommufd/main.c iommufd_object_alloc (xa_alloc). */
export function freeId(context: Context): number {
  let id = 1;
  while (context.objects.has(id)) id += 1;
  return id;
}

/** What the process that maps memory is charged with, and where its pages are. */
export type Mapper = AddressSpace;
