import type { Field } from './vfio.js';

/*
 * What the plan for POWER adds to /dev/iommu. Nothing of it is in Linux 7.2. Names of the members: the author's QEMU branch
 * (shivaprasadbhat/qemu iommufd-wip, hw/vfio/iommufd-spapr.c); their order and sizes, and all numbers, are our suggestion.
 */

/** Type of what IOMMU_GET_HW_INFO answers: the next after Linux 7.2. */
export const HW_INFO_PPC64 = 5;

/** Types of the data that IOMMU_HWPT_ALLOC takes: the next after Linux 7.2. */
export const HWPT_DATA_PPC64_WINDOWS = 4;
export const HWPT_DATA_PPC64_GUEST = 5;

/** Type of the entries that IOMMU_HWPT_INVALIDATE takes for a guest's table: the next after Linux 7.2. */
export const INVALIDATE_PPC64_TCES = 2;

/** Type of an event queue for EEH, and of the virtual IOMMU that it needs: each the next after Linux 7.2. */
export const VEVENTQ_PPC64_EEH = 3;
export const VIOMMU_PPC64 = 3;

/** Flag of IOMMU_IOAS_MAP: pinned memory that no page table has yet. (RESERVE, seeds of the plan) */
export const MAP_RESERVE = 8n;

const at = (bytes: Field['bytes']) => (name: string, offset: number): Field => ({ name, offset, bytes });
const u32 = at(4);
const u64 = at(8);

/** Capabilities of a PE: struct iommu_hw_info_spapr_tce. Flag bit 0: windows can be made. */
export const HW_INFO_LAYOUT = {
  bytes: 56,
  fields: [
    u32('flags', 0),
    u32('max_levels', 4),
    u64('pgsizes', 8),
    u64('tce32_start', 16),
    u64('tce32_size', 24),
    u32('max_dynamic_windows_supported', 32),
    u32('__reserved', 36),
    u64('ddw_start0', 40),
    u64('ddw_start1', 48),
  ],
} as const;

/** One window: struct iommu_hwpt_ppc64_dma_window. A table with two windows is given two of them. */
export const WINDOW_LAYOUT = {
  bytes: 32,
  fields: [u64('window_size', 0), u32('page_shift', 8), u32('__reserved', 12), u64('levels', 16), u64('start', 24)],
} as const;

/** One update of a guest's table: entries from `ioba` on get `tce`, as H_STUFF_TCE has it. */
export const GUEST_TCE_LAYOUT = {
  bytes: 24,
  fields: [u64('ioba', 0), u64('tce', 8), u32('npages', 16), u32('__reserved', 20)],
} as const;

/** One event: struct iommu_vevent_ppc64_eeh. */
export const EEH_EVENT_LAYOUT = {
  bytes: 32,
  fields: [u64('pe_serial', 0), u32('pe_addr', 8), u32('state', 12), u32('reason', 16), u32('__reserved', 20), u64('virt_id', 24)],
} as const;

export interface PayloadLayout {
  readonly bytes: number;
  readonly fields: readonly Field[];
}

/** The fields of a payload in these bytes, which are in the order of the host; what is beyond them is 0. */
export function readPayload({ bytes: size, fields }: PayloadLayout, bytes: Uint8Array): Record<string, bigint> {
  const whole = Buffer.alloc(size);
  whole.set(bytes.subarray(0, size));
  return Object.fromEntries(fields.map(({ name, offset, bytes: width }) => [name, width === 8 ? whole.readBigUInt64LE(offset) : BigInt(whole.readUIntLE(offset, width))]));
}

/** A payload with these fields; those not given are 0. */
export function writePayload({ bytes: size, fields }: PayloadLayout, values: Readonly<Record<string, bigint>>): Uint8Array {
  const whole = Buffer.alloc(size);
  for (const { name, offset, bytes: width } of fields) {
    const value = BigInt.asUintN(8 * width, values[name] ?? 0n);
    if (width === 8) whole.writeBigUInt64LE(value, offset);
    else whole.writeUIntLE(Number(value), offset, width);
  }
  return new Uint8Array(whole);
}
