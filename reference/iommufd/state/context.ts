import type { DriverDescription } from '../../iommu-drivers.js';
import type { AddressSpace, MemoryFile } from '../../memory/process.js';
import type { Platform, TableGroup } from '../../platform/table-group.js';
import { AreaMap, type Interval } from './areas.js';
import type { EventQueue } from './event-queue.js';
import type { FaultQueue } from './fault-queue.js';
import type { TceTables } from './tce-tables.js';

export type { Interval } from './areas.js';

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

export type IommufdObject = Ioas | BoundDevice | PagingTable | NestedTable | MockDevice | FaultQueue | EventQueue | Viommu | Vdevice | HwQueue | Access | Tombstone;

export interface Numbered {
  readonly id: number;
}

/** IOVAs that nobody may map, and who says so: a domain, a device, a test. */
export interface Reservation extends Interval {
  readonly owner: object;
}

/** An address space for I/O: what is mapped where, and what must not be (struct io_pagetable). */
export interface Ioas extends Numbered {
  readonly kind: 'ioas';
  readonly areas: AreaMap<Area>;
  readonly reserved: Reservation[];
  /** What automatic placement and later reservations keep to; empty: all. */
  allowed: readonly Interval[];
  /** Every page table that has all of its areas, in the order in which they were added. */
  readonly domains: PagingDomain[];
  /** IOMMU_OPTION_HUGE_PAGES. */
  hugePages: boolean;
  /** Each of its page tables has windows of its own (the plan for POWER, choice I30): together they are what can be mapped. */
  separate: boolean;
  /** Drivers of the kernel that hold its memory by whole system pages. */
  accesses: number;
}

/**
 * Memory that areas map, of a process or of a file (struct iopt_pages); copies share it. It is pinned while an area that maps it
 * is in a page table, each page once.
 */
export interface Pages {
  /** Where it begins, at a page: an address of the owner's, or a place in the file. */
  readonly source: { readonly kind: 'process'; readonly start: bigint } | { readonly kind: 'file'; readonly file: MemoryFile; readonly start: bigint };
  /** The device may write it: then it is pinned for writing. */
  readonly writeable: boolean;
  /** Who is charged when it is pinned: nobody (CAP_IPC_LOCK when it was mapped), the user, or the process. */
  readonly accounting: 'none' | 'user' | 'process';
  /** The process that mapped it: its memory, its limit. IOMMU_IOAS_CHANGE_PROCESS makes it another. */
  owner: AddressSpace;
  /** What is pinned: in ascending order, each a run of real memory. Bytes from the start. */
  pins: readonly Pin[];
  /** Areas in page tables. */
  readonly users: Set<Area>;
}

export interface Pin extends Interval {
  /** The real address of its first byte. */
  readonly real: bigint;
}

/** What one call mapped: a piece of some pages (struct iopt_area). */
export interface Area extends Interval {
  readonly pages: Pages;
  /** Bytes from the start of the pages to the first of the area. */
  readonly offset: bigint;
  readonly readable: boolean;
  readonly writeable: boolean;
  /** Objects that need it to stay: it cannot be unmapped. */
  locks: number;
  /** Its memory is pinned, and no page table has it (the plan for POWER). */
  readonly reserve?: true;
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

/** What a group's accesses can go by. */
export interface Translation {
  /** Whose it is: other drivers' devices cannot use it. */
  readonly driver: string;
  /** Where an access goes; undefined where it is refused. Absent where the platform's own windows translate while it is attached. */
  readonly translate?: (iova: bigint, direction: 'read' | 'write') => bigint | undefined;
  /** Called before accesses of a group's devices go by it: 0, or minus an error number. */
  readonly attach?: (group: IommuGroup) => number;
  /** Called when they no longer do. */
  readonly detach?: (group: IommuGroup) => void;
  /** Called when it ends. */
  readonly end?: () => void;
}

/** A page table with what its driver knows of it. */
export interface HardwareDomain extends PagingDomain, Translation {
  /** Which pages were written; absent where it cannot tell. */
  readonly dirty?: DirtyPages;
}

/** Pages that devices wrote since they were last asked for. */
export interface DirtyPages {
  tracking: boolean;
  /** Numbers of pages of the smallest size. */
  readonly pages: Set<bigint>;
}

/** A device that a user program has for itself (struct iommufd_device). */
export interface BoundDevice extends Numbered {
  readonly kind: 'device';
  /** `pe0.dev0`. */
  readonly name: string;
  readonly group: IommuGroup;
  readonly driver: DriverDescription;
  /** IOVAs that its IOMMU takes for itself. */
  readonly reserved: readonly Interval[];
  /** What a device of the test driver keeps of translations; 0 where it was invalidated. */
  readonly kept?: bigint[];
}

/** A page table of the IOMMU that has what an IOAS has (HWPT_PAGING). */
export interface PagingTable extends Numbered {
  readonly kind: 'hwpt-paging';
  readonly ioas: Ioas;
  readonly domain: HardwareDomain;
  /** Made by attaching to an IOAS: it goes with its last device. */
  automatic: boolean;
  readonly nestParent: boolean;
  /** May be used for PASIDs, and beside them. */
  readonly pasids: boolean;
  fault: FaultQueue | undefined;
}

/** A page table of a guest, on top of one of the host (HWPT_NESTED). */
export interface NestedTable extends Numbered {
  readonly kind: 'hwpt-nested';
  readonly parent: PagingTable;
  readonly domain: Translation;
  readonly pasids: boolean;
  /** The virtual IOMMU that it was made from. */
  readonly viommu?: Viommu;
  /** What the test driver keeps of the guest's table, as the program gave it; 0 where it was invalidated. */
  readonly kept?: bigint[];
  fault: FaultQueue | undefined;
}

export type Table = PagingTable | NestedTable;

/** A device of the kernel's test driver, with its bound device; ending it ends both. */
export interface MockDevice extends Numbered {
  readonly kind: 'mock-device';
  readonly device: BoundDevice;
  /** The test driver will refuse the next table for the PASID that it refuses some for. */
  refuses?: boolean;
}

/** An IOMMU group: the devices that the IOMMU cannot tell apart. */
export interface IommuGroup {
  /** `pe0`. */
  readonly name: string;
  /** Who has it for user programs; nobody: the host. */
  owner: Context | undefined;
  /** Devices that are bound. */
  bound: number;
  /** Which table is in force for which devices, by PASID; 0 is what has none. */
  readonly attached: Map<number, Attachment>;
  /** The windows of its PE as the platform makes them; absent where it is none. */
  readonly hardware?: { readonly platform: Platform; readonly pe: TableGroup };
  /** The tables that these windows have (the plan for POWER); several where each is of a page table of its own (choice I30). */
  tables?: readonly TceTables[];
  /** As which virtual device it raises events, while it is attached to a nested table of a virtual IOMMU. */
  virtual?: { readonly viommu: Viommu; readonly id: bigint } | undefined;
}

export interface Attachment {
  table: Table;
  /** Other page tables that are in force beside it (the plan for POWER, choice I30). */
  beside?: readonly Table[];
  readonly devices: Set<BoundDevice>;
}

/** What has no PASID. */
export const NO_PASID = 0;

/** A part of a physical IOMMU that a guest has (struct iommufd_viommu). */
export interface Viommu extends Numbered {
  readonly kind: 'viommu';
  readonly type: bigint;
  readonly parent: PagingTable;
  readonly driver: DriverDescription;
  /** The IOMMU group of the device that it was made for. */
  readonly group: IommuGroup;
}

/** A device as a guest's virtual IOMMU knows it (struct iommufd_vdevice). */
export interface Vdevice extends Numbered {
  readonly kind: 'vdevice';
  readonly viommu: Viommu;
  readonly device: BoundDevice;
  readonly virtualId: bigint;
}

/** A queue in the guest's memory that hardware reads (struct iommufd_hw_queue). */
export interface HwQueue extends Numbered {
  readonly kind: 'hw-queue';
  readonly viommu: Viommu;
  readonly index: bigint;
  /** The areas that hold it: they stay while it lives. */
  readonly areas: readonly Area[];
  /** What holds them. */
  readonly access: Access;
}

/** A driver of the kernel that works on an IOAS's memory itself (struct iommufd_access). Only the driver can end it. */
export interface Access extends Numbered {
  readonly kind: 'access';
  readonly ioas: Ioas;
}

/** A number that nobody gets again before the context ends: of an object that went before who held it. */
export interface Tombstone extends Numbered {
  readonly kind: 'tombstone';
}

export const makeContext = (): Context => ({ objects: new Map(), rlimitMode: 'user', compatible: undefined });

export const makeIoas = (id: number): Ioas => ({ kind: 'ioas', id, areas: new AreaMap(), reserved: [], allowed: [], domains: [], hugePages: true, separate: false, accesses: 0 });

/** The lowest number that is free. Source: Linux 7.2 drivers/iommu/iommufd/main.c iommufd_object_alloc (xa_alloc). */
export function freeId(context: Context): number {
  let id = 1;
  while (context.objects.has(id)) id += 1;
  return id;
}
