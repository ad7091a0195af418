import type { Machine, Window } from '../machine.js';
import type { EntryChange } from '../tce/entries.js';
import type { Expected } from '../rules.js';
import { isMapping, rpn } from '../tce/tce.js';
import { copiesLost } from './redirections.js';

/**
 * The signed change, in bytes, of the memory mapped for I/O. A page mapped through several tables counts once.
 * Source: LoPAR, "CMO Extensions for I/O Mapping Hcall()s".
 */
export function mappedChange(machine: Machine, changes: readonly EntryChange[]): bigint {
  const before = machine.cmo?.mapped;
  if (before === undefined) return 0n;
  let pages = 0;
  for (const [page, count] of countPages(machine, changes)) {
    const was = before.get(page) ?? 0;
    if (was === 0 && count > 0) pages += 1;
    if (was > 0 && was + count <= 0) pages -= 1;
  }
  return BigInt(pages) * PAGE;
}

/** Books the changes. Must come before the entries are written. Returns what R4 reports. */
export function bookChanges(machine: Machine, changes: readonly EntryChange[]): bigint {
  const { cmo } = machine;
  if (cmo === undefined) return 0n;
  const bytes = mappedChange(machine, changes);
  for (const [page, count] of countPages(machine, changes)) cmo.mapped.set(page, (cmo.mapped.get(page) ?? 0) + count);
  cmo.entitlement -= bytes;
  return bytes;
}

/** Books that a window goes, with what it still maps. Must come while its entries are there. */
export function bookRemoval(machine: Machine, window: Window): void {
  if (machine.cmo === undefined) return;
  bookChanges(machine, [...window.table.written()].map(([index]) => ({ window, index, entry: 0n })));
}

/** R4 of a successful mapping call: the change in bytes, where the partition has CMO; open otherwise. */
export function mappedChangeResult(machine: Machine, call: string, bytes: bigint): { outputs?: readonly Expected[] } {
  if (machine.cmo === undefined) return {};
  return { outputs: [{ index: 0, name: 'R4', value: BigInt.asUintN(64, bytes), clause: `${call}/cmo-r4` }] };
}

const PAGE = 4096n;

/** By how much each 4 KiB page (by number) is mapped more often. */
function countPages(machine: Machine, changes: readonly EntryChange[]): Map<bigint, number> {
  const counts = new Map<bigint, number>();
  for (const { first, pages, count } of countExtents(machine, changes)) {
    for (let page = first; page < first + pages; page++) counts.set(page, (counts.get(page) ?? 0) + count);
  }
  return counts;
}

interface Extent {
  /** Number of its first 4 KiB page. */
  readonly first: bigint;
  /** 4 KiB pages, as far as there is memory. */
  readonly pages: bigint;
  readonly count: number;
}

/** The same by I/O page, so that a large page named by many entries is spread out once. */
function countExtents(machine: Machine, changes: readonly EntryChange[]): Iterable<Extent> {
  const extents = new Map<string, Extent>();
  const end = machine.description.memoryBytes / PAGE;
  const add = (entry: bigint, window: Window, count: number): void => {
    if (!isMapping(entry)) return;
    const first = (rpn(entry) & ~window.offsetMask) / PAGE;
    const whole = (window.offsetMask + 1n) / PAGE;
    const pages = first + whole > end && whole > 1n ? end - first : whole;
    const key = `${first}:${whole}`;
    const extent = extents.get(key) ?? { first, pages, count: 0 };
    extents.set(key, { ...extent, count: extent.count + count });
  };
  const latest = new Map<string, bigint>();
  for (const { window, index, entry } of [...copiesLost(machine, changes), ...changes]) {
    const key = `${window.liobn}:${index}`;
    add(latest.get(key) ?? window.table.get(index), window, -1);
    add(entry, window, 1);
    latest.set(key, entry);
  }
  return extents.values();
}
