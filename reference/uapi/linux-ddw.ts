import { MULTI_TCE_LIMIT } from './hcall.js';
import { pageShifts } from './page-sizes.js';

/*
 * How a Linux guest sizes its dynamic DMA window, as a pure function: a source of scenarios, and the reader of what a
 * guest's hypercalls ought to be. Without persistent memory (ibm,pmemory), which makes windows larger and splits them.
 * Source: Linux 7.2 platforms/pseries/iommu.c enable_ddw, iommu_get_page_shift, tce_setrange_multi_pSeriesLP.
 */

/** What a guest decides on. */
export interface DdwInput {
  /** First address past all memory, hot-pluggable included; bytes. */
  readonly memoryEnd: bigint;
  /** IO Page Sizes of ibm,query-pe-dma-window. */
  readonly pageSizes: number;
  /** PE TCEs of the query. */
  readonly tces: bigint;
  /** The device's DMA mask: 2^n − 1. */
  readonly dmaMask: bigint;
}

/** The window a guest creates. */
export interface DdwPlan {
  /** `direct`: all memory is mapped at once, at memory address + window start. `dynamic`: mapped as drivers ask. */
  readonly mapping: 'direct' | 'dynamic';
  /** The PE is put in limited addressing mode before. */
  readonly limited: boolean;
  readonly pageShift: number;
  /** log2 of the window's bytes, the last argument of ibm,create-pe-dma-window. */
  readonly windowShift: number;
  /** log2 of the largest window that the platform's TCEs and the device can use (ddw_sz). */
  readonly largestShift: number;
  /** The property that tells the next kernel of the window. */
  readonly property: 'linux,direct64-ddr-window-info' | 'linux,dma64-ddr-window-info';
}

/** The guest goes on with its default window. */
export interface NoDdw {
  readonly mapping: 'none';
  readonly because: 'the device reaches no more than 4 GiB' | 'no page size is offered';
}

const MASK_32 = (1n << 32n) - 1n;
const MASK_64 = (1n << 64n) - 1n;

/** order_base_2: the smallest n with 2^n ≥ value; 0 for 0. */
const orderBase2 = (value: bigint): number => (value <= 1n ? 0 : (value - 1n).toString(2).length);
/** fls64: one more than the highest set bit. */
const fls64 = (value: bigint): number => (value === 0n ? 0 : value.toString(2).length);

/**
 * The window that Linux creates for a device.
 *
 * The kernel multiplies TCEs by page size in 64 bits: 2^37 TCEs of 16 GiB pages come to 0, and it then asks for a window of
 * 2^0 bytes, which every platform refuses.
 */
export function planDdw({ memoryEnd, pageSizes, tces, dmaMask }: DdwInput): DdwPlan | NoDdw {
  if (dmaMask <= MASK_32) return { mapping: 'none', because: 'the device reaches no more than 4 GiB' };
  const pageShift = pageShifts(pageSizes).at(-1);
  if (pageShift === undefined) return { mapping: 'none', because: 'no page size is offered' };
  const bytes = BigInt.asUintN(64, tces << BigInt(pageShift));
  const largestShift = Math.min(orderBase2(bytes), fls64(dmaMask));
  const memoryShift = orderBase2(memoryEnd);
  const direct = largestShift >= memoryShift;
  return {
    mapping: direct ? 'direct' : 'dynamic',
    limited: dmaMask !== MASK_64,
    pageShift,
    windowShift: direct ? memoryShift : largestShift,
    largestShift,
    property: direct ? 'linux,direct64-ddr-window-info' : 'linux,dma64-ddr-window-info',
  };
}

/**
 * The counts of the hypercalls that map (H_PUT_TCE_INDIRECT) or clear (H_STUFF_TCE) memory in a direct window: up to 512
 * entries each. The page that `start` lies in is the first. An end inside a page rounds down, although the kernel's comment
 * and its `num_tce |= tce_size - 1` mean to round up; so less than a page gives one call with a count of 0 (choice A2).
 * Source: Linux tce_setrange_multi_pSeriesLP, tce_clearrange_multi_pSeriesLP.
 *
 * @param start first address of the memory, bytes
 * @param size bytes
 */
export function multiTceCounts(start: bigint, size: bigint, pageShift: number): number[] {
  const pageMask = (1n << BigInt(pageShift)) - 1n;
  let left = Number((size + (start & pageMask)) >> BigInt(pageShift));
  const counts: number[] = [];
  do {
    const count = Math.min(left, MULTI_TCE_LIMIT);
    counts.push(count);
    left -= count;
  } while (left > 0);
  return counts;
}
