import type { Host } from '../../vfio/host.js';
import { iovaAlignment } from '../ranges.js';
import type { Area, Ioas } from '../state/context.js';

/** Why an area cannot be cut after an IOVA; undefined where it can, or where there is nothing to cut. (iopt_area_split) */
export function cannotCut(host: Host, ioas: Ioas, after: bigint): 'alignment' | 'locked' | undefined {
  const area = ioas.areas.at(after);
  if (area === undefined || after === area.first || after === area.last) return undefined;
  if (area.locks > 0) return 'locked';
  const mask = iovaAlignment(host, ioas) - 1n;
  const next = after + 1n;
  return ((next | (area.offset + (next - area.first))) & mask) === 0n ? undefined : 'alignment';
}

/** Cuts the area that holds the IOVA after it: two areas of the same memory, in the same page tables. */
export function cut(ioas: Ioas, after: bigint): void {
  const area = ioas.areas.at(after);
  if (area === undefined || after === area.first || after === area.last) return;
  const parts: readonly Area[] = [
    { ...area, last: after },
    { ...area, first: after + 1n, offset: area.offset + (after + 1n - area.first) },
  ];
  ioas.areas.delete(area);
  for (const part of parts) ioas.areas.add(part);
  if (area.pages.users.delete(area)) for (const part of parts) area.pages.users.add(part);
}
