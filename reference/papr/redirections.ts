import type { CopyPointer, Machine, Window } from '../machine.js';
import { leaveResidue, putEntry } from '../tce/entries.js';
import { isMapping, TCE_PERMISSION, TCE_RPN, TCE_WRITE } from '../tce/tce.js';
import type { EntryChange } from '../tce/entries.js';

/**
 * What an invalidated copy may look like: writable, and its page a dummy that is nobody's, so that writes still under
 * way get lost. Source: LoPAR, LIOBN Attributes, Bit Bucket Allowed.
 */
const BIT_BUCKET = TCE_RPN | TCE_WRITE;

/** The pointers of an entry that still point to a copy of it. Source: LoPAR, H_PUT_RTCE, "a clone of the r-ioba entry". */
export function liveCopies(machine: Machine, window: Window, index: number): readonly CopyPointer[] {
  const pointers = window.redirections?.copies.get(index);
  if (pointers === undefined) return [];
  const original = window.table.get(index);
  return isMapping(original) ? pointers.filter((pointer) => copiedEntry(machine, pointer) === original) : [];
}

const copiedEntry = (machine: Machine, { liobn, index }: CopyPointer): bigint | undefined =>
  machine.windows.get(liobn)?.table.get(index);

/** Points the entry to a copy; pointers that have become stale go. */
export function pointTo(machine: Machine, window: Window, index: number, pointer: CopyPointer): void {
  const others = liveCopies(machine, window, index).filter((other) => !samePlace(other, pointer));
  window.redirections?.copies.set(index, [...others, pointer]);
}

/** Drops the pointer to that copy. True where there was one. */
export function dropPointer(window: Window, index: number, pointer: CopyPointer): boolean {
  const copies = window.redirections?.copies;
  const pointers = copies?.get(index);
  if (copies === undefined || pointers === undefined) return false;
  const others = pointers.filter((other) => !samePlace(other, pointer));
  if (others.length > 0) copies.set(index, others);
  else copies.delete(index);
  return others.length < pointers.length;
}

export const samePlace = (a: CopyPointer, b: CopyPointer): boolean => a.liobn === b.liobn && a.index === b.index;

/** Mappings of the whole table beyond the first of each entry. */
export function additionalMappings(machine: Machine, window: Window): number {
  const indexes = [...(window.redirections?.copies.keys() ?? [])];
  return indexes.reduce((sum, index) => sum + Math.max(0, liveCopies(machine, window, index).length - 1), 0);
}

/** The copies that lose their original through these changes. */
export function copiesLost(machine: Machine, changes: readonly EntryChange[]): readonly EntryChange[] {
  if (machine.redirections.every(({ copies }) => copies.size === 0)) return [];
  return changes.flatMap(({ window, index }) =>
    liveCopies(machine, window, index).map((copy) => ({
      window: machine.windows.get(copy.liobn)!,
      index: copy.index,
      entry: 0n,
    })),
  );
}

/**
 * Invalidates the live copies of the entries about to be replaced, and forgets their pointers. Must come before the
 * entries are written. Where bit buckets are not allowed and the platform recovers in its own way, the copy may also
 * stay for a while.
 */
export function invalidateCopies(machine: Machine, changes: readonly EntryChange[]): void {
  for (const { window, index } of changes) {
    const { redirections } = window;
    if (redirections === undefined) continue;
    const other = redirections.bitBucket ? BIT_BUCKET : window.table.get(index);
    for (const copy of liveCopies(machine, window, index)) invalidate(machine, copy, other);
    redirections.copies.delete(index);
  }
}

/**
 * The partition ends, and all its connections with it: every redirected mapping is invalidated. What then is in the
 * table is the bit bucket or, as in any table of an earlier life, a page fault. Source: LoPAR R1-66872-16.
 */
export function endRedirections(machine: Machine): void {
  for (const window of machine.windows.values()) {
    if (window.pane !== 'first') continue;
    for (const index of [...window.redirections!.copies.keys()]) {
      for (const copy of liveCopies(machine, window, index)) putEntry(machine.windows.get(copy.liobn)!, copy.index, BIT_BUCKET);
    }
    window.redirections!.copies.clear();
  }
}

/** An invalidated copy is a page fault, its page number kept or not, or `other`: which of them, only a look shows. */
function invalidate(machine: Machine, { liobn, index }: CopyPointer, other: bigint): void {
  const window = machine.windows.get(liobn);
  if (window === undefined) return;
  const kept = window.table.get(index) & ~TCE_PERMISSION;
  putEntry(window, index, 0n);
  for (const entry of [kept, other]) leaveResidue(window, index, entry);
}
