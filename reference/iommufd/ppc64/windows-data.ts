import { HWPT_DATA_PPC64_GUEST, HWPT_DATA_PPC64_WINDOWS, readPayload, WINDOW_LAYOUT } from '../../uapi/iommufd-ppc64.js';
import { arg } from '../../vfio/checks.js';
import { groupOfDevice } from '../../vfio/host.js';
import { load } from '../../vfio/user-memory.js';
import type { OfDevice } from '../device-calls.js';
import { mostWindows, windowFault, windowsOverlap, type DomainWindow, type WindowFault } from './windows.js';

/* The windows that a program describes to IOMMU_HWPT_ALLOC: one or two of struct iommu_hwpt_ppc64_dma_window. */

/** What can be wrong with them, in the order in which it is looked at. */
export type WindowsFault = 'length' | 'pointer' | 'count' | 'reserved' | WindowFault | 'overlap';

export type Windows = readonly [DomainWindow, ...DomainWindow[]];

export interface WindowsData {
  readonly windows?: Windows;
  readonly fault?: WindowsFault;
}

const TYPES = [BigInt(HWPT_DATA_PPC64_WINDOWS), BigInt(HWPT_DATA_PPC64_GUEST)];

/** The windows in a call's data; nothing where the data are of another type, or not for a PE as planned. */
export function readWindows(c: OfDevice): WindowsData {
  const { driver } = c.bound ?? {};
  const known = [driver?.paging?.data, driver?.nested?.data].map((type) => BigInt(type ?? 0));
  const [type, length] = [arg(c, 'data_type'), Number(arg(c, 'data_len'))];
  if (length === 0 || !TYPES.includes(type) || !known.includes(type)) return {};
  if (length % WINDOW_LAYOUT.bytes !== 0) return { fault: 'length' };
  const bytes = load(c.host, c.process, { length }, arg(c, 'data_uptr'))?.values;
  if (bytes === undefined) return { fault: 'pointer' };
  return checked(c, Array.from({ length: length / WINDOW_LAYOUT.bytes }, (_, i) => readPayload(WINDOW_LAYOUT, bytes.subarray(i * WINDOW_LAYOUT.bytes))));
}

function checked(c: OfDevice, given: readonly Record<string, bigint>[]): WindowsData {
  const { description } = groupOfDevice(c.host, c.bound!.name);
  if (given.length > mostWindows(description)) return { fault: 'count' };
  if (given.some((window) => window['__reserved'] !== 0n)) return { fault: 'reserved' };
  const windows = given.map(windowOf) as [DomainWindow, ...DomainWindow[]];
  const fault = windows.map((window) => windowFault(c.host.linux, description, window)).find((found) => found !== undefined);
  if (fault !== undefined) return { fault };
  return windowsOverlap(windows) ? { fault: 'overlap' } : { windows };
}

const windowOf = (fields: Readonly<Record<string, bigint>>): DomainWindow => ({
  start: fields['start']!,
  size: fields['window_size']!,
  pageShift: Number(fields['page_shift']),
  levels: Number(fields['levels']),
});
