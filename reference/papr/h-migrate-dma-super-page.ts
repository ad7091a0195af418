import type { Operation } from '../doors/operations.js';
import type { Clause, Guard } from '../rules.js';
import { H } from '../uapi/hcall.js';
import { u64 } from '../values.js';
import { clause as plainClause, LIST, MAPPED, NAME, type MigrateDma } from './h-migrate-dma-checks.js';
import { ownsRange, storeTranslations, TRANSLATION_LIMIT, UNMAPPED } from './h-migrate-dma-list.js';

/*
 * The I/O Super Page option: pages above 4 KiB, and lists that take several calls. Not modelled:
 *  - H_ABORTED, when the next call of a migration comes after more than a second: the reference has no clock;
 *  - H_TERM, the answer to a length of 0 that ends a migration, and H_PGSB_PARM, the answer to an LIOBN of larger pages
 *    than the first entry's: LoPAR's table of return codes gives neither a value, and no public source does. Their
 *    clauses stand as `open`, so that no answer there is a departure.
 */
const clause = (rule: string, text: string): Clause => plainClause(rule, `I/O Super Page option: ${text}`);

const inProcess = (c: MigrateDma): boolean => c.machine.migrations.has(c.newpage);
const option = (c: MigrateDma) => c.machine.description.superPage;
const begins = (c: MigrateDma): boolean => option(c) !== undefined && !inProcess(c);

const FULL = BigInt(TRANSLATION_LIMIT);

/**
 * What may come after a call of length −n. The text counts "the entries yet to be passed": with those of the call
 * itself, or without them; both are taken (A35).
 */
export function nextLengths(length: bigint): bigint[] {
  const signed = (rest: bigint): bigint => (rest > FULL ? -rest : rest);
  const left = -length;
  const withThisCall = left > FULL ? [signed(left - FULL)] : [];
  const withoutThisCall = left > FULL ? FULL - left : left;
  return [...new Set([...withThisCall, withoutThisCall])];
}

/** A call that begins a migration of 600 entries: the list page as it is, three calls in all. */
const begin = (newpage: bigint): Operation => ({
  door: 'papr',
  op: 'hcall',
  call: NAME,
  args: [newpage, LIST, u64(-600n)],
});

const terminated: Guard<MigrateDma> = {
  ...clause('terminated', 'a length of 0 ends a migration under way; its status H_TERM has no published value.'),
  status: 'open',
  when: (c) => inProcess(c) && c.length === 0n,
  refuse: [H.H_PARAMETER],
  violation: { requires: ['io-super-page'], setup: [begin(0x200_0000n)], args: { length: 0n } },
};

const outOfSequence: Guard<MigrateDma> = {
  ...clause('sequence', 'a length that is not the next of the migration under way is refused with H_P3.'),
  when: (c) => inProcess(c) && !c.machine.migrations.get(c.newpage)!.next.includes(c.length),
  refuse: [H.H_P3],
  violation: { requires: ['io-super-page'], setup: [begin(0x200_0000n)], args: { length: 3n } },
};

const openSequence: Guard<MigrateDma> = {
  ...clause('sequence-reading', 'where the two readings of "yet to be passed" expect different lengths, either may be refused with H_P3.'),
  level: 'may',
  when: (c) => inProcess(c) && c.machine.migrations.get(c.newpage)!.next.length > 1,
  refuse: [H.H_P3],
  choice: { id: 'A35', canonical: false },
};

const tooManyOperations: Guard<MigrateDma> = {
  ...clause('operations', 'more migrations at a time than ibm,architecture-vec-5 gives are refused with H_RESOURCE.'),
  when: (c) => begins(c) && c.machine.migrations.size >= option(c)!.operations,
  refuse: [H.H_RESOURCE],
  violation: { requires: ['io-super-page'], setup: [begin(0x300_0000n), begin(0x300_1000n)] },
};

const badFirstEntry: Guard<MigrateDma> = {
  ...clause('first-entry', 'a first entry that names a page of unsupported size, not aligned, or not the partition\'s: H_MEM_PARM.'),
  when: (c) => begins(c) && c.list[0]?.liobn === UNMAPPED && !namesPage(c),
  refuse: [H.H_MEM_PARM],
  violation: {
    requires: ['io-super-page'],
    setup: [{ door: 'memory', op: 'store', address: LIST, doublewords: [(UNMAPPED << 32n) | (16n << 24n), 0x100_8000n] }],
  },
};

/** log2 of the smallest and the largest page. */
const SIZES = { min: 12, max: 34 } as const;

function namesPage({ machine, page, list }: MigrateDma): boolean {
  const shift = list[0]!.sizeShift;
  if (shift < SIZES.min || shift > SIZES.max) return false;
  return page !== undefined && page.address % page.size === 0n && ownsRange(machine, page.address, page.size);
}

const badFirstMapping: Guard<MigrateDma> = {
  ...clause('first-mapping', 'a first entry that names no mapping may be refused with H_MEM_PARM.'),
  level: 'may',
  when: (c) => begins(c) && c.list.length > 0 && c.page === undefined,
  refuse: [H.H_MEM_PARM],
  choice: { id: 'A34', canonical: false },
  violation: { requires: ['io-super-page'], setup: storeTranslations([[MAPPED[0], { from: 'pe0.start', plus: 0x7000n }]], LIST) },
};

const tooManyTranslations: Guard<MigrateDma> = {
  ...clause('translations', 'more entries than ibm,architecture-vec-5 gives are refused with H_RESOURCE.'),
  when: (c) => begins(c) && -c.length > option(c)!.translations,
  refuse: [H.H_RESOURCE],
  violation: { requires: ['io-super-page'], args: { length: u64(-(1n << 24n)) } },
};

/** What the option checks before all else. */
export const superPageGuards: readonly Guard<MigrateDma>[] = [
  terminated,
  outOfSequence,
  openSequence,
  tooManyOperations,
  badFirstEntry,
  badFirstMapping,
  tooManyTranslations,
];

/** An entry's LIOBN has larger pages than the first entry: the one entry check that the option adds. */
export const largerPages: Guard<MigrateDma> = {
  ...clause('larger-pages', 'an LIOBN of larger pages than the first entry; its status H_PGSB_PARM has no published value.'),
  status: 'open',
  when: (c) =>
    option(c) !== undefined && c.last && c.list.some(({ window }) => window !== undefined && window.offsetMask >= (c.page?.size ?? 0n)),
  refuse: [H.H_PARAMETER],
};
