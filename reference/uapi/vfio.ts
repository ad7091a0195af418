/*
 * The ioctls of VFIO as a POWER program knows them: numbers and structures. Source: Linux 7.2 include/uapi/linux/vfio.h;
 * `ioctl.ts` has the encoding.
 */

/** A field of a structure: native byte order, naturally aligned. */
export interface Field {
  readonly name: string;
  /** Bytes from the start of the structure. */
  readonly offset: number;
  readonly bytes: 1 | 2 | 4 | 8;
}

/** What an ioctl takes. */
export type Argument =
  | { readonly kind: 'none' }
  /** The argument is the value itself, called `value`. */
  | { readonly kind: 'value' }
  /** A pointer to a name. */
  | { readonly kind: 'name' }
  /** `size`: what it says of its size unless told, where `fields` has bytes beyond what the kernel knows. */
  | { readonly kind: 'struct'; readonly bytes: number; readonly size?: number; readonly fields: readonly Field[] };

export interface VfioCall {
  /** n of `_IO(';', 100 + n)`. */
  readonly number: number;
  readonly argument: Argument;
  /** The call returns a new descriptor. */
  readonly descriptor?: true;
}

const u16 = (name: string, offset: number): Field => ({ name, offset, bytes: 2 });
const u32 = (name: string, offset: number): Field => ({ name, offset, bytes: 4 });
const u64 = (name: string, offset: number): Field => ({ name, offset, bytes: 8 });

/** A structure that begins with argsz and flags. */
const sized = (bytes: number, ...fields: Field[]): Extract<Argument, { kind: 'struct' }> => ({
  kind: 'struct',
  bytes,
  fields: [u32('argsz', 0), u32('flags', 4), ...fields],
});

const none: Argument = { kind: 'none' };
const value: Argument = { kind: 'value' };

/** Some numbers mean one thing on a container and another on a device: 12 to 20. */
export const VFIO_CALLS = {
  VFIO_GET_API_VERSION: { number: 0, argument: none },
  VFIO_CHECK_EXTENSION: { number: 1, argument: value },
  VFIO_SET_IOMMU: { number: 2, argument: value },
  VFIO_GROUP_GET_STATUS: { number: 3, argument: sized(8) },
  VFIO_GROUP_SET_CONTAINER: { number: 4, argument: { kind: 'struct', bytes: 4, fields: [u32('fd', 0)] } },
  VFIO_GROUP_UNSET_CONTAINER: { number: 5, argument: none },
  VFIO_GROUP_GET_DEVICE_FD: { number: 6, argument: { kind: 'name' }, descriptor: true },
  VFIO_DEVICE_GET_INFO: { number: 7, argument: sized(16, u32('num_regions', 8), u32('num_irqs', 12)) },
  VFIO_DEVICE_GET_REGION_INFO: {
    number: 8,
    argument: sized(32, u32('index', 8), u32('cap_offset', 12), u64('size', 16), u64('offset', 24)),
  },
  VFIO_DEVICE_RESET: { number: 11, argument: none },
  VFIO_IOMMU_SPAPR_TCE_GET_INFO: {
    number: 12,
    argument: sized(
      32,
      u32('dma32_window_start', 8),
      u32('dma32_window_size', 12),
      u64('pgsizes', 16),
      u32('max_dynamic_windows_supported', 24),
      u32('levels', 28),
    ),
  },
  VFIO_IOMMU_MAP_DMA: { number: 13, argument: sized(32, u64('vaddr', 8), u64('iova', 16), u64('size', 24)) },
  VFIO_IOMMU_UNMAP_DMA: { number: 14, argument: sized(24, u64('iova', 8), u64('size', 16)) },
  VFIO_IOMMU_ENABLE: { number: 15, argument: none },
  VFIO_IOMMU_DISABLE: { number: 16, argument: none },
  VFIO_IOMMU_SPAPR_REGISTER_MEMORY: { number: 17, argument: sized(24, u64('vaddr', 8), u64('size', 16)) },
  VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY: { number: 18, argument: sized(24, u64('vaddr', 8), u64('size', 16)) },
  VFIO_IOMMU_SPAPR_TCE_CREATE: {
    number: 19,
    argument: sized(
      40,
      u32('page_shift', 8),
      u32('__resv1', 12),
      u64('window_size', 16),
      u32('levels', 24),
      u32('__resv2', 28),
      u64('start_addr', 32),
    ),
  },
  VFIO_IOMMU_SPAPR_TCE_REMOVE: { number: 20, argument: sized(16, u64('start_addr', 8)) },
  VFIO_EEH_PE_OP: {
    number: 21,
    argument: sized(40, u32('op', 8), u32('err_type', 16), u32('err_func', 20), u64('err_addr', 24), u64('err_mask', 32)),
  },
  /** The same numbers on a device's descriptor, where the kernel has the device's own character device. */
  VFIO_DEVICE_BIND_IOMMUFD: { number: 18, argument: { ...sized(32, u32('iommufd', 8), u32('out_devid', 12), u64('token_uuid_ptr', 16), u64('beyond', 24)), size: 24 } },
  VFIO_DEVICE_ATTACH_IOMMUFD_PT: { number: 19, argument: sized(16, u32('pt_id', 8), u32('pasid', 12)) },
  VFIO_DEVICE_DETACH_IOMMUFD_PT: { number: 20, argument: sized(12, u32('pasid', 8)) },
  /** Numbers of type 1, which /dev/iommu serves. The structure is that of an IOAS with one range of IOVAs: two capabilities follow it. */
  VFIO_IOMMU_GET_INFO: {
    number: 12,
    argument: sized(
      72,
      u64('iova_pgsizes', 8),
      u32('cap_offset', 16),
      u32('pad', 20),
      u16('avail_id', 24),
      u16('avail_version', 26),
      u32('avail_next', 28),
      u32('avail', 32),
      u16('ranges_id', 40),
      u16('ranges_version', 42),
      u32('ranges_next', 44),
      u32('nr_iovas', 48),
      u32('ranges_reserved', 52),
      u64('first_start', 56),
      u64('first_end', 64),
    ),
  },
  VFIO_IOMMU_DIRTY_PAGES: { number: 17, argument: sized(8) },
  /** A number that nobody has taken. */
  VFIO_UNKNOWN: { number: 99, argument: none },
} as const satisfies Readonly<Record<string, VfioCall>>;

/** VFIO's numbers are counted from here: 100. */
export const FIRST_NUMBER = 100;

export type VfioCallName = keyof typeof VFIO_CALLS;

/** Kinds of IOMMU that VFIO_CHECK_EXTENSION and VFIO_SET_IOMMU know. */
export const IOMMU_TYPE = {
  TYPE1: 1,
  SPAPR_TCE: 2,
  TYPE1V2: 3,
  DMA_CC: 4,
  EEH: 5,
  SPAPR_TCE_V2: 7,
  NOIOMMU: 8,
  UNMAP_ALL: 9,
  UPDATE_VADDR: 10,
} as const;

/** Flags of VFIO_IOMMU_MAP_DMA: what the device may do. */
export const MAP_READ = 1n;
export const MAP_WRITE = 2n;

/** The flag of VFIO_IOMMU_UNMAP_DMA of type 1 that means everything. */
export const UNMAP_ALL = 2n;

/** Flags of VFIO_IOMMU_GET_INFO of type 1, and the capabilities that follow. */
export const TYPE1_INFO = { PGSIZES: 1n, CAPS: 2n, IOVA_RANGE: 1n, AVAIL: 3n } as const;

/** Flags that VFIO_GROUP_GET_STATUS answers. */
export const GROUP_VIABLE = 1n;
export const GROUP_CONTAINER_SET = 2n;

/** The flag of VFIO_IOMMU_SPAPR_TCE_GET_INFO that says its ddw part is valid. */
export const INFO_DDW = 1n;

/** The flag of VFIO_DEVICE_GET_INFO for a PCI device. */
export const DEVICE_PCI = 2n;
