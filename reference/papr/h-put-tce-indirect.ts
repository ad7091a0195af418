import { ownsPage } from '../machine.js';
import { defineCall, type Guard } from '../rules.js';
import { aligned, covers, entryIndex, putEntries, someAtOrAbove } from '../tce/entries.js';
import { H, MULTI_TCE_LIMIT } from '../uapi/hcall.js';
import { bookChanges, mappedChangeResult } from './cmo.js';
import { notOffered } from './function-set.js';
import { changes, isMulti, NAME, read, someWindow, type PutTceIndirect } from './indirect-context.js';
import { multiOff, multiOutside, multiRescinded, multiUnknown, tooManyTables } from './multi-table-checks.js';
import { invalidateCopies } from './redirections.js';
import { copyInUse, wrongPane } from './rtce-checks.js';
import { clause, mapsForeignPage, mapsRescindedPage, someRefusableEntry } from './tce-checks.js';
import { cmoResult, entitlementExceeded, pagedOut, refusedEntryChoice } from './tce-mapping-checks.js';

export type { PutTceIndirect } from './indirect-context.js';

const tooMany: Guard<PutTceIndirect> = {
  ...clause(`${NAME}/count`, 'A count above 512, tables of the list included, is refused with H_PARAMETER.'),
  when: (c) => c.count + c.tableCount > BigInt(MULTI_TCE_LIMIT),
  refuse: [H.H_PARAMETER],
  violation: { args: { count: BigInt(MULTI_TCE_LIMIT) + 1n } },
};

const unknownTable: Guard<PutTceIndirect> = {
  ...clause(`${NAME}/liobn`, 'An LIOBN that names no table of the partition is refused with H_PARAMETER.'),
  when: (c) => !isMulti(c) && c.window === undefined,
  refuse: [H.H_PARAMETER],
  violation: { args: { liobn: 0x7fff_fff0n } },
};

const tableRescinded: Guard<PutTceIndirect> = {
  ...clause(`${NAME}/rescinded`, 'A table that its owner has rescinded is refused with H_RESCINDED.'),
  when: (c) => !isMulti(c) && someWindow(c, (window) => window.rescinded),
  refuse: [H.H_RESCINDED],
  violation: { requires: ['slr'], setup: [{ door: 'platform', op: 'rescind-table', liobn: { from: 'pe0.liobn' } }] },
};

const outside: Guard<PutTceIndirect> = {
  ...clause(`${NAME}/ioba`, 'A range outside the window is refused with H_PARAMETER and changes no entry.'),
  when: (c) => !isMulti(c) && c.count > 0n && someWindow(c, (window) => !covers(window, c.ioba, c.count)),
  refuse: [H.H_PARAMETER],
  violation: { args: { ioba: { from: 'pe0.end' } } },
};

const unaligned: Guard<PutTceIndirect> = {
  ...clause(`${NAME}/ioba-alignment`, 'An IOBA inside an I/O page is taken as that page, or refused with H_PARAMETER.'),
  level: 'may',
  when: (c) => someWindow(c, (window) => !aligned(window, c.ioba)),
  refuse: [H.H_PARAMETER],
  choice: { id: 'A1', canonical: false },
  violation: { args: { ioba: { from: 'pe0.start', plus: 0x5008n } } },
};

const none: Guard<PutTceIndirect> = {
  ...clause(`${NAME}/count-zero`, 'A count of 0 changes nothing; H_SUCCESS or H_PARAMETER.'),
  level: 'may',
  when: (c) => c.count === 0n,
  refuse: [H.H_PARAMETER],
  choice: { id: 'A2', canonical: false },
  violation: { args: { count: 0n } },
};

const listRescinded: Guard<PutTceIndirect> = {
  ...clause(`${NAME}/list-rescinded`, 'A list page that its owner has rescinded is refused with H_RESCINDED.'),
  when: (c) => c.machine.rescindedPages.has(c.list >> 12n),
  refuse: [H.H_RESCINDED],
  violation: { requires: ['slr'], setup: [{ door: 'platform', op: 'rescind-page', address: 0x110_0000n }] },
};

const listUnaligned: Guard<PutTceIndirect> = {
  ...clause(`${NAME}/list-alignment`, 'A list that is not on a 4 KiB boundary is refused with H_PARAMETER, or its low bits are ignored.'),
  level: 'may',
  when: (c) => (c.list & 0xfffn) !== 0n,
  refuse: [H.H_PARAMETER],
  choice: { id: 'A25', canonical: true },
  violation: { args: { list: 0x110_0008n } },
};

const listInvalid: Guard<PutTceIndirect> = {
  ...clause(`${NAME}/list`, 'A list that is not a page of the partition is refused with H_PARAMETER.'),
  when: (c) => !ownsPage(c.machine, c.list),
  refuse: [H.H_PARAMETER],
  violation: { args: { list: { from: 'memory.end' } } },
};

const rescindedPage: Guard<PutTceIndirect> = {
  ...clause(`${NAME}/page-rescinded`, 'If any entry maps a page its owner has rescinded: H_RESCINDED, and no entry changes.'),
  when: (c) => firstBadEntry(c) === 'rescinded',
  refuse: [H.H_RESCINDED],
  violation: { requires: ['slr'], setup: [{ door: 'platform', op: 'rescind-page', address: 0x100_1000n }] },
};

const foreignPage: Guard<PutTceIndirect> = {
  ...clause(`${NAME}/page`, 'If any entry maps an address outside the partition: H_PARAMETER, and no entry changes.'),
  when: (c) => firstBadEntry(c) === 'foreign',
  refuse: [H.H_PARAMETER],
  passable: true,
  violation: {
    setup: [
      { door: 'memory', op: 'store', address: 0x110_0000n, doublewords: [0x100_0003n, { from: 'memory.end', plus: 3n }, 0x100_2003n] },
    ],
  },
};

/** What is wrong with the first entry of the list that cannot be stored: the entries are checked one after the other. */
function firstBadEntry({ machine, entries }: PutTceIndirect): 'rescinded' | 'foreign' | undefined {
  const { foreignPages, rescindedPages, description } = machine;
  const suspicious = foreignPages.size + rescindedPages.size > 0 || someAtOrAbove(entries, description.memoryBytes);
  if (!suspicious) return undefined;
  for (const entry of entries) {
    if (mapsRescindedPage(machine, entry)) return 'rescinded';
    if (mapsForeignPage(machine, entry)) return 'foreign';
  }
  return undefined;
}

/** H_PUT_TCE_INDIRECT(liobn or −tables, ioba, list, count): up to 512 entries from a list page, all or none. */
export const hPutTceIndirect = defineCall<PutTceIndirect>({
  name: NAME,
  parameters: ['liobn', 'ioba', 'list', 'count'],
  read,
  guards: [
    notOffered(NAME, 'hcall-multi-tce'),
    multiOff,
    tooManyTables,
    tooMany,
    unknownTable,
    wrongPane(NAME, (c: PutTceIndirect) => !isMulti(c) && c.window?.pane === 'second'),
    tableRescinded,
    outside,
    unaligned,
    none,
    listRescinded,
    listUnaligned,
    listInvalid,
    multiUnknown,
    multiRescinded,
    multiOutside,
    rescindedPage,
    foreignPage,
    refusedEntryChoice(NAME, (c: PutTceIndirect) =>
      someWindow(c, (window) => someRefusableEntry(c.machine, window, c.entries)),
    ),
    copyInUse(NAME, changes),
    pagedOut(NAME),
    entitlementExceeded(NAME, changes),
  ],
  effect: {
    clauses: [
      clause(`${NAME}/store`, 'Each entry of the list replaces the entry of its page.'),
      clause(`${NAME}/multi-table-store`, 'In the multi-table form every table named is filled.'),
      cmoResult(NAME),
    ],
    apply(c) {
      const bytes = c.machine.cmo === undefined ? 0n : bookChanges(c.machine, changes(c));
      if (someWindow(c, (window) => window.redirections !== undefined)) invalidateCopies(c.machine, changes(c));
      for (const window of c.windows) if (c.entries.length > 0) putEntries(window!, entryIndex(window!, c.ioba), c.entries);
      const id = isMulti(c) ? `${NAME}/multi-table-store` : `${NAME}/store`;
      return { clause: id, status: H.H_SUCCESS, ...mappedChangeResult(c.machine, NAME, bytes) };
    },
  },
  sample: {
    requires: ['hcall-multi-tce'],
    setup: [{ door: 'memory', op: 'store', address: 0x110_0000n, doublewords: [0x100_0003n, 0x100_1001n, 0x100_2002n] }],
    args: { liobn: { from: 'pe0.liobn' }, ioba: { from: 'pe0.start', plus: 0x5000n }, list: 0x110_0000n, count: 3n },
  },
});
