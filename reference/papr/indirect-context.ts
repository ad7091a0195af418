import { findWindow, ownsPage, type Machine, type Window } from '../machine.js';
import { MULTI_TCE_LIMIT } from '../uapi/hcall.js';
import { s64 } from '../values.js';
import type { EntryChange } from '../tce/entries.js';
import type { TceContext } from './tce-checks.js';
import { entryIndex } from '../tce/entries.js';

export const NAME = 'H_PUT_TCE_INDIRECT';

/** What the checks of H_PUT_TCE_INDIRECT look at. */
export interface PutTceIndirect extends TceContext {
  /** Number of tables the list begins with; 0 in the ordinary form. */
  readonly tableCount: bigint;
  readonly list: bigint;
  readonly count: bigint;
  /** The windows to fill, in order; undefined where an LIOBN names none. Read only once the list is known good. */
  readonly windows: readonly (Window | undefined)[];
  readonly entries: BigUint64Array;
}

const NO_ENTRIES = new BigUint64Array(0);

/** The platform's private copy of a list; one for all calls, since each is done with it before the next begins. */
const COPY = Buffer.alloc(4096);
const DOUBLEWORDS = new BigUint64Array(COPY.buffer, COPY.byteOffset, MULTI_TCE_LIMIT);

/** The list page as the platform's private copy: doublewords in host order. */
function readList(machine: Machine, list: bigint): BigUint64Array {
  COPY.set(machine.memory.page(Number(list & ~0xfffn)));
  COPY.swap64();
  return DOUBLEWORDS;
}

/** The multi-TCE-table form: the list begins with LIOBNs. */
export const isMulti = (c: PutTceIndirect): boolean => c.tableCount > 0n;

/** True where the test holds for some window that the call names. */
export const someWindow = (c: PutTceIndirect, test: (window: Window) => boolean): boolean =>
  c.windows.some((window) => window !== undefined && test(window));

/** Gathers the arguments: a negative LIOBN is the number of tables that the list begins with. */
export function read(machine: Machine, [table = 0n, ioba = 0n, list = 0n, count = 0n]: readonly bigint[]): PutTceIndirect {
  const tableCount = s64(table) < 0n ? -s64(table) : 0n;
  const readable = ownsPage(machine, list) && count + tableCount <= BigInt(MULTI_TCE_LIMIT);
  const words = readable ? readList(machine, list) : NO_ENTRIES;
  const tables = Number(readable ? tableCount : 0n);
  const windows =
    tableCount === 0n ? [findWindow(machine, table)] : Array.from(words.subarray(0, tables), (l) => findWindow(machine, l));
  const entries = words.length === 0 ? words : words.subarray(tables, tables + Number(count));
  return { machine, liobn: table, ioba, list, count, tableCount, windows, entries, window: windows[0] };
}

/** The entries about to be replaced, table by table. */
export function changes(c: PutTceIndirect): EntryChange[] {
  return c.windows.flatMap((window) => {
    const first = entryIndex(window!, c.ioba);
    return Array.from(c.entries, (entry, i) => ({ window: window!, index: first + i, entry }));
  });
}
