import type { GroupDescription, LinuxDescription } from '../../description.js';
import type { Interval } from '../state/areas.js';
import type { DomainWindow } from '../state/tce-tables.js';

export type { DomainWindow } from '../state/tce-tables.js';

/* The windows of a PE as the plan for /dev/iommu has them: where they may be, how large, of which pages. Bytes. */

/** Where a window beside the default one can be: just above what 32 bits reach, or where bit 59 says so. */
export const HIGH_STARTS = [1n << 32n, 1n << 59n] as const;

/** Windows that any PE can have. */
export const MOST_WINDOWS = 2;

/** Windows that a PE can have: those that can be made, and beside them its default one if it has one. A virtual function has a single one. */
export const mostWindows = ({ windows, dma32Size }: GroupDescription): number => Math.min(MOST_WINDOWS, windows + (dma32Size > 0 ? 1 : 0));

/** log2 of the pages of a default window. */
const DEFAULT_PAGE_SHIFT = 12;

/** The default window of a PE: what VFIO's SPAPR_TCE_GET_INFO says of it, of 4 KiB pages. */
export const defaultDomainWindow = ({ dma32Start, dma32Size }: GroupDescription): DomainWindow => ({
  start: BigInt(dma32Start),
  size: BigInt(dma32Size),
  pageShift: DEFAULT_PAGE_SHIFT,
  levels: 1,
});

/** Windows of 4 KiB pages in place of such ranges: what a table has where nothing is said. */
export const usualWindows = (apertures: readonly Interval[]): DomainWindow[] =>
  apertures.map(({ first, last }) => ({ start: first, size: last - first + 1n, pageShift: DEFAULT_PAGE_SHIFT, levels: 1 }));

/** The starts that the platform offers beside the default window. */
export const offeredStarts = ({ secondStart }: LinuxDescription): bigint[] => HIGH_STARTS.filter((start) => start === secondStart);

/** What can be wrong with a window, in the order in which it is looked at. */
export type WindowFault = 'size' | 'page-size' | 'levels' | 'start';

/** The first thing that is wrong with a window for a PE. */
export function windowFault(linux: LinuxDescription, group: GroupDescription, { start, size, pageShift, levels }: DomainWindow): WindowFault | undefined {
  if (size === 0n || (size & (size - 1n)) !== 0n) return 'size';
  if (pageShift > 63 || ((group.pageSizes >> BigInt(pageShift)) & 1n) === 0n) return 'page-size';
  if (size < 1n << BigInt(pageShift)) return 'size';
  if (levels === 0 || levels > group.levels) return 'levels';
  const low = BigInt(group.dma32Start);
  if (start === low) return size <= BigInt(group.dma32Size) ? undefined : 'start';
  return group.windows > 0 && offeredStarts(linux).includes(start) && start + size <= 1n << 64n ? undefined : 'start';
}

/** The IOVAs of a window. */
export const apertureOf = ({ start, size }: DomainWindow): Interval => ({ first: start, last: start + size - 1n });

/** The IOVAs of all windows, in ascending order. */
export const aperturesOf = (windows: readonly DomainWindow[]): Interval[] => windows.map(apertureOf).sort((a, b) => (a.first < b.first ? -1 : 1));

/** Two of the windows share a bus address. */
export const windowsOverlap = (windows: readonly DomainWindow[]): boolean =>
  aperturesOf(windows).some(({ first }, i, all) => i > 0 && first <= all[i - 1]!.last);

/** The pages that suit every window: of the largest of their sizes. */
export const commonPageSizes = (windows: readonly DomainWindow[]): bigint => 1n << BigInt(Math.max(...windows.map(({ pageShift }) => pageShift)));
