import { plus, type Term } from '../../reference/doors/term.js';

/** Memory that scenarios map: each begins a page of any size up to 16 MiB. */
export const DATA = 0x200_0000n;
export const OTHER = 0x300_0000n;

/** The permission bits of an entry, from the device's side. */
export const NONE = 0n;
export const READ = 1n;
export const WRITE = 2n;
export const BOTH = 3n;

/** What the bits are called in titles and ids. */
export const PERMISSIONS = [
  { bits: NONE, name: 'none', text: 'no permission' },
  { bits: READ, name: 'read-only', text: 'read permission only' },
  { bits: WRITE, name: 'write-only', text: 'write permission only' },
  { bits: BOTH, name: 'both', text: 'both permissions' },
] as const;

/** The entry that maps the page at `address`. */
export const mapping = (address: Term, permission = BOTH): Term => plus(address, permission);

/** Entries for `count` consecutive 4 KiB pages from `address` on. */
export const consecutive = (address: bigint, count: number, permission = BOTH): bigint[] =>
  Array.from({ length: count }, (_, i) => address + BigInt(i) * 0x1000n + permission);

/** The first page that is not the partition's, mapped. */
export const FOREIGN: Term = { from: 'memory.end', plus: BOTH };

/** Without permission bits an entry is no mapping, whatever else it holds. */
export const POISON = 0x5_5000n;

export const PAGE = 0x1000n;

/** A call on entries at the end of a window. */
export interface EndCase<Clause extends string> {
  readonly name: string;
  readonly title: string;
  /** Pages from the end of the window to the first entry. */
  readonly before: bigint;
  readonly count: bigint;
  readonly clause: Clause;
}

/** A system that looks at the first entry only writes what lies behind its table: that is for systems that may be destroyed. */
export const overTheEnd = ({ before, count }: Pick<EndCase<string>, 'before' | 'count'>): { readonly destructive?: true } => (before > 0n && count > before ? { destructive: true } : {});
