import { z } from 'zod';
import { HW_INFO_LAYOUT, HW_INFO_PPC64, HWPT_DATA_PPC64_GUEST, HWPT_DATA_PPC64_WINDOWS, VEVENTQ_PPC64_EEH, VIOMMU_PPC64, writePayload } from './uapi/iommufd-ppc64.js';

/*
 * What the driver of an IOMMU offers to /dev/iommu, as data: the one of POWER as it is, the kernel's own test driver, one like
 * those of other machines. Addresses are bytes; both ends of an interval belong to it.
 */
const address = z.bigint().nonnegative();
const u32 = z.number().int().min(0).max(0xffff_ffff);

export const intervalSchema = z.object({ first: address, last: address });

const pagingSchema = z.object({
  /** The IOVAs that a table translates unless told, in ascending order; none: a table must be told (POWER as planned). */
  apertures: z.array(intervalSchema),
  /** Bit n: pages of 2^n bytes. */
  pageSizes: address,
  /** Flags of IOMMU_HWPT_ALLOC that it takes; absent where it takes neither flags nor data (no domain_alloc_paging_flags). */
  flags: u32.optional(),
  /** The type of data that it takes besides none. */
  data: u32.optional(),
});

const viommuSchema = z.object({
  /** The type that a program asks for. */
  type: u32,
  /** Type of the entries that invalidate a guest's table, and of those that invalidate what devices of the guest keep; absent: none. */
  tableEntries: u32.optional(),
  deviceEntries: u32.optional(),
  /** Type of the events of a guest's devices. */
  events: u32,
  /** Queues in the guest's memory that hardware reads: their type, and how many; absent: none. */
  hwQueues: z.object({ type: u32, most: u32 }).optional(),
});

export const driverSchema = z.object({
  /** Tables of drivers of one name suit each other's devices. */
  name: z.string(),
  /** Absent where no table of its can be had. */
  paging: pagingSchema.optional(),
  /** Tables of a guest on top of a table that permits it: flags and type of data that it takes. */
  nested: z.object({ flags: u32, data: u32 }).optional(),
  /** Virtual IOMMUs for guests. */
  viommu: viommuSchema.optional(),
  /** Tables can tell what was written. */
  dirtyTracking: z.boolean(),
  /** log2 of the PASIDs that a device has; 0: none. */
  pasidBits: z.number().int().min(0).max(20),
  /** What IOMMU_GET_HW_INFO says: a type, and words of 32 bits. Absent: nothing. */
  hwInfo: z.object({ type: u32, words: z.array(u32) }).optional(),
  /** Whether ATS can be used. */
  ats: z.boolean(),
});

/** What an IOMMU group is to /dev/iommu. */
export const groupIommuSchema = z.object({
  driver: driverSchema,
  /** DMA and the processor's caches agree. */
  coherent: z.boolean(),
  /** A write of the device raises no interrupt of somebody else. */
  isolatedMsi: z.boolean(),
});

export type DriverDescription = z.infer<typeof driverSchema>;
export type PagingDescription = z.infer<typeof pagingSchema>;
export type GroupIommu = z.infer<typeof groupIommuSchema>;

const flag = { nestParent: 1, dirtyTracking: 2, fault: 4, pasid: 8 } as const;

/** POWER as it is in Linux 7.2: no tables but the host's own. Source: arch/powerpc/kernel/iommu.c spapr_tce_iommu_ops. */
export const POWER_DRIVER: DriverDescription = { name: 'power', dirtyTracking: false, pasidBits: 0, ats: false };

/** An IOMMU group of POWER as it is. Source: Linux 7.2 arch/powerpc/kernel/iommu.c spapr_tce_iommu_capable; include/linux/msi.h. */
export const POWER_IOMMU: GroupIommu = { driver: POWER_DRIVER, coherent: true, isolatedMsi: false };

/** What type the test driver's data have. Source: Linux 7.2 drivers/iommu/iommufd/iommufd_test.h. */
export const SELFTEST_DATA = 0xdead;

/** What its devices keep at first (IOMMU_TEST_DEV_CACHE_DEFAULT). */
export const SELFTEST_CACHE = 0xbad_dadn;

/** Places of what it keeps, of a nested table and of a device alike (MOCK_NESTED_DOMAIN_IOTLB_NUM, MOCK_DEV_CACHE_NUM). */
export const KEPT_PLACES = 4;

/** The type of its virtual IOMMUs, their hardware queues, and what is invalidated. */
const SELFTEST_TYPE = 0xdead_beef;

/** The page tables of the test driver: of the usual kind, and of large pages only (and the system's). Source: iommufd_test.h. */
export const MOCK_PAGE_BYTES = 2048n;
export const MOCK_APERTURE = { first: 1n << 24n, last: (1n << 31n) - 1n } as const;
export const MOCK_LARGE_PAGE_BYTES = 512n * MOCK_PAGE_BYTES;

/** Every page size from 2 KiB that the test driver's format has. Source: Linux 7.2 drivers/iommu/generic_pt/fmt/amdv1.h. */
const MOCK_PAGE_SIZES = ((1n << 51n) - 1n) & ~(MOCK_PAGE_BYTES - 1n);

/** The kernel's own test driver. Source: Linux 7.2 drivers/iommu/iommufd/selftest.c mock_ops. */
export const MOCK_DRIVER: DriverDescription = {
  name: 'mock',
  paging: { apertures: [MOCK_APERTURE], pageSizes: MOCK_PAGE_SIZES, flags: flag.nestParent | flag.dirtyTracking | flag.pasid, data: SELFTEST_DATA },
  nested: { flags: flag.pasid, data: SELFTEST_DATA },
  viommu: { type: SELFTEST_TYPE, tableEntries: SELFTEST_TYPE, deviceEntries: SELFTEST_TYPE, events: 0xbeef_beef, hwQueues: { type: SELFTEST_TYPE, most: 2 } },
  dirtyTracking: true,
  pasidBits: 0,
  hwInfo: { type: 0xfeed_beef, words: [0, 0xdead_beef] },
  ats: false,
};

/** A driver like those of other machines: 48 bits, pages of 4 KiB, 2 MiB and 1 GiB; no guest's table rests on its own. */
export const USUAL_DRIVER: DriverDescription = {
  name: 'usual',
  paging: { apertures: [{ first: 0n, last: (1n << 48n) - 1n }], pageSizes: (1n << 12n) | (1n << 21n) | (1n << 30n), flags: flag.dirtyTracking | flag.pasid },
  dirtyTracking: true,
  pasidBits: 16,
  hwInfo: { type: 1, words: [0, 0, 0, 0, 0, 0] },
  ats: true,
};

/** A driver that takes no flags and no data, and tells nothing. */
export const PLAIN_DRIVER: DriverDescription = {
  name: 'plain',
  paging: { apertures: [{ first: 0n, last: (1n << 32n) - 1n }], pageSizes: 1n << 12n },
  dirtyTracking: false,
  pasidBits: 0,
  ats: false,
};

/** A driver of pages that are larger than those of any system. */
export const LARGE_PAGE_DRIVER: DriverDescription = { ...PLAIN_DRIVER, name: 'large', paging: { apertures: [{ first: 0n, last: (1n << 32n) - 1n }], pageSizes: 1n << 24n } };

/** A PE as its windows are described. */
interface PeWindows {
  readonly dma32Start: number;
  readonly dma32Size: number;
  readonly pageSizes: bigint;
  readonly windows: number;
  readonly levels: number;
}

/** The driver of POWER as it is planned. */
export const PPC64_DRIVER_NAME = 'ppc64';

/**
 * A PE of POWER as the plan for /dev/iommu has it: by default a table of the default window, of 4 KiB pages; other windows by data;
 * tables of a guest on top of its memory; a virtual IOMMU that tells of errors. Interrupts are isolated no better than before: nobody has proposed to change that.
 *
 * @param starts where a window beside the default one can begin
 */
export const ppc64Iommu = (pe: PeWindows, starts: readonly bigint[]): GroupIommu => ({
  driver: {
    name: PPC64_DRIVER_NAME,
    paging: {
      apertures: pe.dma32Size === 0 ? [] : [{ first: BigInt(pe.dma32Start), last: BigInt(pe.dma32Start) + BigInt(pe.dma32Size) - 1n }],
      pageSizes: 1n << 12n,
      flags: flag.nestParent,
      data: HWPT_DATA_PPC64_WINDOWS,
    },
    nested: { flags: 0, data: HWPT_DATA_PPC64_GUEST },
    viommu: { type: VIOMMU_PPC64, events: VEVENTQ_PPC64_EEH },
    dirtyTracking: false,
    pasidBits: 0,
    hwInfo: { type: HW_INFO_PPC64, words: hwInfoWords(pe, starts) },
    ats: false,
  },
  coherent: true,
  isolatedMsi: false,
});

/** What SPAPR_TCE_GET_INFO of VFIO says of the same PE, and where windows can be. */
function hwInfoWords({ dma32Start, dma32Size, pageSizes, windows, levels }: PeWindows, [first = 0n, second = 0n]: readonly bigint[]): number[] {
  const ddw = windows > 0;
  const bytes = writePayload(HW_INFO_LAYOUT, {
    flags: ddw ? 1n : 0n,
    max_levels: ddw ? BigInt(levels) : 0n,
    pgsizes: ddw ? pageSizes : 0n,
    tce32_start: BigInt(dma32Start),
    tce32_size: BigInt(dma32Size),
    max_dynamic_windows_supported: BigInt(windows),
    ddw_start0: ddw ? first : 0n,
    ddw_start1: ddw ? second : 0n,
  });
  const view = Buffer.from(bytes);
  return Array.from({ length: bytes.length >> 2 }, (_, i) => view.readUInt32LE(4 * i));
}
