import type { Argument, Field } from './vfio.js';

/*
 * The ioctls of /dev/iommu: numbers and structures. Source: Linux 7.2 include/uapi/linux/iommufd.h; for the calls of the test
 * driver drivers/iommu/iommufd/iommufd_test.h. Every structure begins with its size.
 */

export interface IommufdCall {
  /** n of `_IO(';', n)`. */
  readonly number: number;
  readonly argument: Extract<Argument, { kind: 'struct' }>;
  /** The least size that is accepted: the structure as it was when the call was new. */
  readonly least: number;
  /** IOMMU_TEST_CMD: the operation, which decides the meaning of the fields. */
  readonly test?: number;
}

const at = (bytes: Field['bytes']) => (name: string, offset: number): Field => ({ name, offset, bytes });
const u8 = at(1);
const u16 = at(2);
const u32 = at(4);
const u64 = at(8);

/** A structure of so many bytes, of which at least so many are to be given. */
const call = (number: number, bytes: number, least: number, ...fields: Field[]): IommufdCall => ({
  number,
  least,
  argument: { kind: 'struct', bytes, fields: [u32('size', 0), ...fields] },
});

const whole = (number: number, bytes: number, ...fields: Field[]): IommufdCall => call(number, bytes, bytes, ...fields);

/** Bytes of iommu_test_cmd, and of what must be given: all but the padding at its end. */
const TEST_BYTES = 72;
const LEAST_TEST_BYTES = 68;

/** An operation of the kernel's own test driver, which only kernels built for tests have (CONFIG_IOMMUFD_TEST). */
const test = (op: number, ...fields: Field[]): IommufdCall => ({ ...call(0xa0, TEST_BYTES, LEAST_TEST_BYTES, u32('op', 4), u32('id', 8), u32('__reserved', 12), ...fields), test: op });

export const IOMMUFD_CALLS = {
  IOMMU_DESTROY: whole(0x80, 8, u32('id', 4)),
  IOMMU_IOAS_ALLOC: whole(0x81, 12, u32('flags', 4), u32('out_ioas_id', 8)),
  IOMMU_IOAS_ALLOW_IOVAS: whole(0x82, 24, u32('ioas_id', 4), u32('num_iovas', 8), u32('__reserved', 12), u64('allowed_iovas', 16)),
  IOMMU_IOAS_COPY: whole(0x83, 40, u32('flags', 4), u32('dst_ioas_id', 8), u32('src_ioas_id', 12), u64('length', 16), u64('dst_iova', 24), u64('src_iova', 32)),
  IOMMU_IOAS_IOVA_RANGES: whole(0x84, 32, u32('ioas_id', 4), u32('num_iovas', 8), u32('__reserved', 12), u64('allowed_iovas', 16), u64('out_iova_alignment', 24)),
  IOMMU_IOAS_MAP: whole(0x85, 40, u32('flags', 4), u32('ioas_id', 8), u32('__reserved', 12), u64('user_va', 16), u64('length', 24), u64('iova', 32)),
  IOMMU_IOAS_UNMAP: whole(0x86, 24, u32('ioas_id', 4), u64('iova', 8), u64('length', 16)),
  IOMMU_OPTION: whole(0x87, 24, u32('option_id', 4), u16('op', 8), u16('__reserved', 10), u32('object_id', 12), u64('val64', 16)),
  IOMMU_VFIO_IOAS: whole(0x88, 12, u32('ioas_id', 4), u16('op', 8), u16('__reserved', 10)),
  IOMMU_HWPT_ALLOC: call(
    0x89,
    48,
    24,
    u32('flags', 4),
    u32('dev_id', 8),
    u32('pt_id', 12),
    u32('out_hwpt_id', 16),
    u32('__reserved', 20),
    u32('data_type', 24),
    u32('data_len', 28),
    u64('data_uptr', 32),
    u32('fault_id', 40),
    u32('__reserved2', 44),
  ),
  IOMMU_GET_HW_INFO: call(
    0x8a,
    40,
    32,
    u32('flags', 4),
    u32('dev_id', 8),
    u32('data_len', 12),
    u64('data_uptr', 16),
    u32('out_data_type', 24),
    u8('out_max_pasid_log2', 28),
    u8('__reserved0', 29),
    u16('__reserved1', 30),
    u64('out_capabilities', 32),
  ),
  IOMMU_HWPT_SET_DIRTY_TRACKING: whole(0x8b, 16, u32('flags', 4), u32('hwpt_id', 8), u32('__reserved', 12)),
  IOMMU_HWPT_GET_DIRTY_BITMAP: whole(0x8c, 48, u32('hwpt_id', 4), u32('flags', 8), u32('__reserved', 12), u64('iova', 16), u64('length', 24), u64('page_size', 32), u64('data', 40)),
  IOMMU_HWPT_INVALIDATE: whole(0x8d, 32, u32('hwpt_id', 4), u64('data_uptr', 8), u32('data_type', 16), u32('entry_len', 20), u32('entry_num', 24), u32('__reserved', 28)),
  IOMMU_FAULT_QUEUE_ALLOC: whole(0x8e, 16, u32('flags', 4), u32('out_fault_id', 8), u32('out_fault_fd', 12)),
  IOMMU_IOAS_MAP_FILE: whole(0x8f, 40, u32('flags', 4), u32('ioas_id', 8), u32('fd', 12), u64('start', 16), u64('length', 24), u64('iova', 32)),
  IOMMU_VIOMMU_ALLOC: call(0x90, 40, 24, u32('flags', 4), u32('type', 8), u32('dev_id', 12), u32('hwpt_id', 16), u32('out_viommu_id', 20), u32('data_len', 24), u32('__reserved', 28), u64('data_uptr', 32)),
  IOMMU_VDEVICE_ALLOC: whole(0x91, 24, u32('viommu_id', 4), u32('dev_id', 8), u32('out_vdevice_id', 12), u64('virt_id', 16)),
  IOMMU_IOAS_CHANGE_PROCESS: whole(0x92, 8, u32('__reserved', 4)),
  IOMMU_VEVENTQ_ALLOC: call(0x93, 32, 28, u32('flags', 4), u32('viommu_id', 8), u32('type', 12), u32('veventq_depth', 16), u32('out_veventq_id', 20), u32('out_veventq_fd', 24), u32('__reserved', 28)),
  IOMMU_HW_QUEUE_ALLOC: whole(0x94, 40, u32('flags', 4), u32('viommu_id', 8), u32('type', 12), u32('index', 16), u32('out_hw_queue_id', 20), u64('nesting_parent_iova', 24), u64('length', 32)),
  /** A number between the calls and those of the test driver, that nobody has taken. */
  IOMMU_UNKNOWN: whole(0x9f, 8),
  /** Takes a range of IOVAs of the IOAS `id` as reserved. */
  IOMMU_TEST_OP_ADD_RESERVED: test(1, u64('start', 16), u64('length', 24)),
  /** Makes a mock device and attaches it to the page table or IOAS `id`. */
  IOMMU_TEST_OP_MOCK_DOMAIN: test(2, u32('out_stdev_id', 16), u32('out_hwpt_id', 20), u32('out_idev_id', 24)),
  /** The mapping of the page table `id` is this memory. */
  IOMMU_TEST_OP_MD_CHECK_MAP: test(3, u64('iova', 16), u64('length', 24), u64('uptr', 32)),
  /** The pages of this memory are pinned so many times. */
  IOMMU_TEST_OP_MD_CHECK_REFS: test(4, u64('length', 16), u64('uptr', 24), u32('refs', 32)),
  /** The mock device `id` (a stdev) goes over to another page table or IOAS. */
  IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE: test(10, u32('pt_id', 16)),
  /** The same as IOMMU_TEST_OP_MOCK_DOMAIN, with flags of the device. */
  IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS: test(12, u32('out_stdev_id', 16), u32('out_hwpt_id', 20), u32('out_idev_id', 24), u32('dev_flags', 28)),
  /** Takes pages of the page table `id` as written, as a bitmap says. */
  IOMMU_TEST_OP_DIRTY: test(13, u32('flags', 16), u64('iova', 24), u64('length', 32), u64('page_size', 40), u64('uptr', 48), u64('out_nr_dirty', 56)),
  /** The nested table `id` keeps this at that place. */
  IOMMU_TEST_OP_MD_CHECK_IOTLB: test(14, u32('place', 16), u32('iotlb', 20)),
  /** A mock device faults, by the number that it has where it is bound. */
  IOMMU_TEST_OP_TRIGGER_IOPF: test(15, u32('dev_id', 16), u32('pasid', 20), u32('grpid', 24), u32('perm', 28), u64('addr', 32)),
  /** The bound device `id` keeps this at that place. */
  IOMMU_TEST_OP_DEV_CHECK_CACHE: test(16, u32('place', 16), u32('cache', 20)),
  /** A mock device raises an event, by the number that it has where it is bound. */
  IOMMU_TEST_OP_TRIGGER_VEVENT: test(17, u32('dev_id', 16)),
  /** The mock device `id` (a stdev): a PASID of it is attached, goes over to another table, is detached; has this table, or none. */
  IOMMU_TEST_OP_PASID_ATTACH: test(18, u32('pasid', 16), u32('pt_id', 20)),
  IOMMU_TEST_OP_PASID_REPLACE: test(19, u32('pasid', 16), u32('pt_id', 20)),
  IOMMU_TEST_OP_PASID_DETACH: test(20, u32('pasid', 16)),
  IOMMU_TEST_OP_PASID_CHECK_HWPT: test(21, u32('pasid', 16), u32('hwpt_id', 20)),
  /** An operation that the test driver does not have. */
  IOMMU_TEST_OP_UNKNOWN: test(0x7fff_ffff),
} as const satisfies Readonly<Record<string, IommufdCall>>;

export type IommufdCallName = keyof typeof IOMMUFD_CALLS;

export const iommufdCall = (name: IommufdCallName): IommufdCall => IOMMUFD_CALLS[name];

export const isIommufdCall = (name: string): name is IommufdCallName => name in IOMMUFD_CALLS;

/** Flags of IOMMU_IOAS_MAP, IOMMU_IOAS_MAP_FILE and IOMMU_IOAS_COPY. */
export const IOAS_MAP = { FIXED_IOVA: 1n, WRITEABLE: 2n, READABLE: 4n } as const;

/** Options that IOMMU_OPTION knows, and what it does with them. */
export const OPTION = { RLIMIT_MODE: 0n, HUGE_PAGES: 1n, SET: 0n, GET: 1n } as const;

/** What IOMMU_VFIO_IOAS does. */
export const VFIO_IOAS = { GET: 0n, SET: 1n, CLEAR: 2n } as const;

/** Flags of IOMMU_HWPT_ALLOC. */
export const HWPT = { NEST_PARENT: 1n, DIRTY_TRACKING: 2n, FAULT_ID_VALID: 4n, PASID: 8n } as const;

/** Flags of a device of the test driver. */
export const MOCK_DEVICE = { NO_DIRTY: 1n, PASID: 4n } as const;

/** The flag of IOMMU_GET_HW_INFO that says a type is asked for. */
export const HW_INFO_INPUT_TYPE = 1n;

/** Flags of IOMMU_HWPT_SET_DIRTY_TRACKING and IOMMU_HWPT_GET_DIRTY_BITMAP. */
export const DIRTY = { ENABLE: 1n, NO_CLEAR: 1n } as const;

/** Capabilities that IOMMU_GET_HW_INFO answers. */
export const HW_CAP = { DIRTY_TRACKING: 1n, PCI_PASID_EXEC: 2n, PCI_PASID_PRIV: 4n, PCI_ATS_NOT_SUPPORTED: 8n } as const;
