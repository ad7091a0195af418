import type { PeDescription } from '../description.js';
import { ownsPage, type Machine } from '../machine.js';
import type { Clause, Guard } from '../rules.js';
import { isMapping, rpn } from '../tce/tce.js';
import { H } from '../uapi/hcall.js';
import { storeTranslations, UNMAPPED, type MovedPage, type Translation } from './h-migrate-dma-list.js';
import { clause as paprClause } from './tce-checks.js';

export const NAME = 'H_MIGRATE_DMA';

/** A clause of the call. */
export const clause = (rule: string, text: string, source = 'LoPAR 2.9, H_MIGRATE_DMA'): Clause =>
  paprClause(`${NAME}/${rule}`, text, source);

/** What the checks of H_MIGRATE_DMA look at. */
export interface MigrateDma {
  readonly machine: Machine;
  /** Logical address of the page that is to hold the contents. */
  readonly newpage: bigint;
  /** Logical address of the list. */
  readonly xlates: bigint;
  /** Entries in the list, signed: negative where more calls are to follow (I/O Super Page option). */
  readonly length: bigint;
  /** The list, that of earlier calls included; empty until its page and length are known good. */
  readonly list: readonly Translation[];
  readonly page: MovedPage | undefined;
  /** False where more calls are to follow: the list is not looked at yet. */
  readonly last: boolean;
}

/** Where the samples keep their list. */
export const LIST = 0x110_0000n;

/** The mapping that the sample moves. */
export const MAPPED = [{ from: 'pe0.liobn' }, { from: 'pe0.start', plus: 0x5000n }] as const;

/** An ordered check of one entry of the list. */
interface EntryRule {
  readonly when: (c: MigrateDma, entry: Translation) => boolean;
  readonly guard: Omit<Guard<MigrateDma>, 'when'>;
}

const peOf = (c: MigrateDma, entry: Translation): PeDescription | undefined => c.machine.pes.get(entry.window?.owner ?? '')?.description;

const outsidePage = ({ page }: MigrateDma, entry: bigint): boolean =>
  page === undefined || !isMapping(entry) || rpn(entry) < page.address || rpn(entry) >= page.address + page.size;

const ENTRY_RULES: readonly EntryRule[] = [
  {
    when: (c, { entry }) => entry !== undefined && outsidePage(c, entry),
    guard: {
      ...clause('same-page', 'Entries that do not all map the same page, or a portion of it, are refused with H_PARAMETER.'),
      refuse: [H.H_PARAMETER],
      violation: {
        setup: [
          { door: 'papr', op: 'hcall', call: 'H_PUT_TCE', args: [MAPPED[0], { from: 'pe0.start', plus: 0x6000n }, 0x100_1003n] },
          ...storeTranslations([MAPPED, [MAPPED[0], { from: 'pe0.start', plus: 0x6000n }]], LIST),
        ],
        args: { length: 2n },
      },
    },
  },
  {
    when: (c, { entry }) => entry !== undefined && isMapping(entry) && !ownsPage(c.machine, rpn(entry)),
    guard: {
      ...clause('page-owner', 'A mapped page that is not the caller\'s is refused with H_PARAMETER.', 'LoPAR 2.9, Extensions to Other hcall()s for Redirected RDMA'),
      refuse: [H.H_PARAMETER],
      violation: { requires: ['platform'], setup: [{ door: 'platform', op: 'disown-page', address: 0x100_0000n }] },
    },
  },
  {
    when: (_c, entry) => entry.window !== undefined && entry.index === undefined,
    guard: {
      ...clause('bus-address', 'An entry with a bus address outside the window is refused with H_PARAMETER.'),
      refuse: [H.H_PARAMETER],
      violation: { setup: storeTranslations([[MAPPED[0], { from: 'pe0.end' }]], LIST) },
    },
  },
  {
    when: (_c, entry) => entry.window === undefined,
    guard: {
      ...clause('liobn', 'An entry with an LIOBN that is not the partition\'s is refused with H_PARAMETER.'),
      refuse: [H.H_PARAMETER],
      violation: { setup: storeTranslations([MAPPED, [0x7fff_fff0n, MAPPED[1]]], LIST), args: { length: 2n } },
    },
  },
  {
    when: (_c, entry) => entry.window?.rescinded === true,
    guard: {
      ...clause('rescinded', 'An entry with a table that its owner has rescinded is refused with H_RESCINDED.'),
      refuse: [H.H_RESCINDED],
      violation: { requires: ['slr'], setup: [{ door: 'platform', op: 'rescind-table', liobn: MAPPED[0] }] },
    },
  },
  {
    when: (c, entry) => peOf(c, entry)?.noMigration === true,
    guard: {
      ...clause('agent', 'An entry of a DMA agent that is not supported is refused with H_FUNCTION, and R4 is its index.'),
      refuse: [H.H_FUNCTION],
      outputs: (c) => [
        { index: 0, name: 'R4', value: BigInt(firstOf(c, (e) => peOf(c, e)?.noMigration === true)), clause: `${NAME}/agent` },
      ],
      violation: {
        requires: ['pe:fixed0'],
        setup: [
          { door: 'papr', op: 'hcall', call: 'H_PUT_TCE', args: [{ from: 'fixed0.liobn' }, { from: 'fixed0.start' }, 0x100_0003n] },
          ...storeTranslations([MAPPED, [{ from: 'fixed0.liobn' }, { from: 'fixed0.start' }]], LIST),
        ],
        args: { length: 2n },
      },
    },
  },
  {
    when: (c, { window }) => window?.pane === 'second' || (c.machine.description.superPage === undefined && (window?.pageShift ?? 12) > 12),
    guard: {
      ...clause('liobn-kind', 'An entry with the LIOBN of a second pane, or of I/O pages above 4 KiB without their option, is refused with H_PARAMETER.'),
      refuse: [H.H_PARAMETER],
      violation: {
        requires: ['vio-server'],
        setup: [
          { door: 'papr', op: 'hcall', call: 'H_PUT_TCE', args: [{ from: 'vio0.liobn' }, { from: 'vio0.start', plus: 0x3000n }, 0x100_0003n] },
          ...storeTranslations([MAPPED, [{ from: 'server0.partner.liobn' }, 0x3000n]], LIST),
        ],
        args: { length: 2n },
      },
    },
  },
];

/** The first entry may name a page that is not mapped. */
const isEntry = (c: MigrateDma, entry: Translation, i: number): boolean =>
  i > 0 || c.machine.description.superPage === undefined || entry.liobn !== UNMAPPED;

const firstOf = (c: MigrateDma, test: (entry: Translation) => boolean): number =>
  c.last ? c.list.findIndex((entry, i) => isEntry(c, entry, i) && test(entry)) : -1;

/** The checks of the entries, rule by rule. */
const byRule: readonly Guard<MigrateDma>[] = ENTRY_RULES.map(({ when, guard }) => ({
  ...guard,
  when: (c) => firstOf(c, (entry) => when(c, entry)) >= 0,
}));

/** What decides where the entries are checked one by one: the first rule that the first bad entry breaks. */
function firstBadEntry(c: MigrateDma): EntryRule | undefined {
  const index = firstOf(c, (entry) => ENTRY_RULES.some(({ when }) => when(c, entry)));
  return index < 0 ? undefined : ENTRY_RULES.find(({ when }) => when(c, c.list[index]!));
}

const entryByEntry: Guard<MigrateDma> = {
  ...clause('entry-order', 'The list may be checked entry by entry: then the first bad entry decides.'),
  level: 'may',
  when: (c) => {
    const status = firstBadEntry(c)?.guard.refuse[0];
    return status !== undefined && status !== H.H_PARAMETER && byRule.find((guard) => guard.when(c))?.refuse[0] !== status;
  },
  refuse: [H.H_RESCINDED, H.H_FUNCTION],
  choice: { id: 'A32', canonical: false },
};

/** The checks of the entries of the list. */
export const entryGuards: readonly Guard<MigrateDma>[] = [entryByEntry, ...byRule];
