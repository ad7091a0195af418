import { findWindow, ownsPage, type Machine } from '../machine.js';
import { defineCall, type Answer, type Guard } from '../rules.js';
import { putEntry } from '../tce/entries.js';
import { H } from '../uapi/hcall.js';
import { s64, u64 } from '../values.js';
import { bookChanges } from './cmo.js';
import { notOffered } from './function-set.js';
import { clause, entryGuards, LIST, MAPPED, NAME, type MigrateDma } from './h-migrate-dma-checks.js';
import {
  movedPage,
  ownsRange,
  readTranslations,
  storeTranslations,
  TRANSLATION_BYTES,
  TRANSLATION_LIMIT,
  type MovedPage,
  type Translation,
} from './h-migrate-dma-list.js';
import { largerPages, nextLengths, superPageGuards } from './h-migrate-dma-super-page.js';
import { liveCopies } from './redirections.js';

const LIMIT = BigInt(TRANSLATION_LIMIT);

const listValid = (machine: Machine, xlates: bigint): boolean => (xlates & 0xfffn) === 0n && ownsPage(machine, xlates);

/** Entries that the call passes: a call that is not the last passes a full page. */
const passed = (length: bigint): bigint => (length < 0n ? LIMIT : length);

const lengthValid = ({ machine, length }: Pick<MigrateDma, 'machine' | 'length'>): boolean =>
  length !== 0n && length <= LIMIT && -length <= (machine.description.superPage?.translations ?? 0n);

function read(machine: Machine, [newpage = 0n, xlates = 0n, count = 0n]: readonly bigint[]): MigrateDma {
  const length = s64(count);
  const base = { machine, newpage, xlates, length, last: length >= 0n };
  if (!listValid(machine, xlates) || !lengthValid(base)) return { ...base, list: [], page: undefined };
  const list = readTranslations(machine, allPassed(base));
  return { ...base, list, page: movedPage(list, machine.description.superPage !== undefined) };
}

/** The bytes of the list so far. */
function allPassed({ machine, newpage, xlates, length }: Pick<MigrateDma, 'machine' | 'newpage' | 'xlates' | 'length'>): Uint8Array {
  const now = machine.memory.page(Number(xlates)).subarray(0, Number(passed(length)) * TRANSLATION_BYTES);
  const earlier = machine.migrations.get(newpage)?.list;
  return earlier === undefined ? now.slice() : Buffer.concat([earlier, now]);
}

/** Calls in the middle of a migration record their entries and are not looked at further. */
const looksAtPages = (c: MigrateDma): boolean => c.last || !c.machine.migrations.has(c.newpage);

const unmigratable: Guard<MigrateDma> = {
  ...clause('unmigratable', 'A page of memory that cannot be migrated (ibm,no-h-migrate-dma) is refused with H_PARAMETER.'),
  when: (c) => looksAtPages(c) && c.page !== undefined && isFixed(c.machine, c.page),
  refuse: [H.H_PARAMETER],
  violation: {
    requires: ['fixed-memory'],
    setup: [{ door: 'papr', op: 'hcall', call: 'H_PUT_TCE', args: [...MAPPED, { from: 'memory.fixed', plus: 3n }] }],
  },
};

function isFixed({ description: { unmigratable: fixed } }: Machine, page: MovedPage): boolean {
  return fixed !== undefined && page.address < fixed.start + fixed.size && fixed.start < page.address + page.size;
}

const newpageOutside: Guard<MigrateDma> = {
  ...clause('newpage', 'A new page outside the partition\'s memory is refused with H_PARAMETER.'),
  when: (c) => looksAtPages(c) && !ownsRange(c.machine, c.newpage, c.page?.size ?? 0x1000n),
  refuse: [H.H_PARAMETER],
  violation: { args: { newpage: { from: 'memory.end' } } },
};

const newpageUnaligned: Guard<MigrateDma> = {
  ...clause('newpage-alignment', 'A new page that is not aligned to the size of the I/O page is refused with H_PARAMETER.'),
  when: (c) => looksAtPages(c) && c.newpage % (c.page?.size ?? 0x1000n) !== 0n,
  refuse: [H.H_PARAMETER],
  violation: { args: { newpage: 0x200_0800n } },
};

const newpageRescinded: Guard<MigrateDma> = {
  ...clause('newpage-rescinded', 'A new page that its owner has rescinded is refused with H_RESCINDED.'),
  when: (c) => looksAtPages(c) && c.machine.rescindedPages.has(c.newpage >> 12n),
  refuse: [H.H_RESCINDED],
  violation: { requires: ['slr'], setup: [{ door: 'platform', op: 'rescind-page', address: 0x200_0000n }] },
};

const badList: Guard<MigrateDma> = {
  ...clause('list', 'A list that is not on a 4 KiB boundary in the partition\'s memory is refused with H_PARAMETER.'),
  when: (c) => !listValid(c.machine, c.xlates),
  refuse: [H.H_PARAMETER],
  violation: { args: { xlates: LIST + 8n } },
};

const badLength: Guard<MigrateDma> = {
  ...clause('length', 'A length below 1 (with super pages: below the negative limit, or 0) or above 256 is refused with H_PARAMETER.'),
  when: (c) => !lengthValid(c),
  refuse: [H.H_PARAMETER],
  violation: { args: { length: LIMIT + 1n } },
};

const busy: Guard<MigrateDma> = {
  ...clause('busy', 'The call may be busy (9900 or 9901); then nothing has changed yet.'),
  level: 'may',
  when: () => true,
  refuse: [H.H_LONG_BUSY_1_MSEC, H.H_LONG_BUSY_10_MSEC],
  choice: { id: 'busy', canonical: (c) => c.machine.busy.calls > 0 },
  violation: { requires: ['platform'], setup: [{ door: 'platform', op: 'busy', calls: 1, status: H.H_LONG_BUSY_1_MSEC }] },
};

/**
 * H_MIGRATE_DMA(newpage, xlates, length): moves the contents of a page that is mapped for I/O, and lets every mapping in
 * the list follow. See `h-migrate-dma-super-page.ts` for what is not modelled of that option.
 */
export const hMigrateDma = defineCall<MigrateDma>({
  name: NAME,
  parameters: ['newpage', 'xlates', 'length'],
  read,
  guards: [
    notOffered(NAME, 'hcall-migrate'),
    ...superPageGuards,
    unmigratable,
    newpageOutside,
    newpageUnaligned,
    newpageRescinded,
    badList,
    badLength,
    ...entryGuards,
    largerPages,
    busy,
  ],
  effect: {
    clauses: [
      clause('moved', 'The new page has the contents of the old, and every mapping of the list leads to it, permissions as before.'),
      clause('redirected', 'A live copy of a redirected entry follows it.', 'LoPAR 2.9, Extensions to Other hcall()s for Redirected RDMA'),
      clause('continue', 'I/O Super Page option: a negative length records the entries; H_CONTINUE.'),
    ],
    statuses: [H.H_SUCCESS, H.H_CONTINUE],
    apply: (c) => (c.last ? migrate(c) : record(c)),
  },
  sample: {
    requires: ['hcall-migrate'],
    setup: [
      { door: 'papr', op: 'hcall', call: 'H_PUT_TCE', args: [...MAPPED, 0x100_0003n] },
      { door: 'memory', op: 'store', address: 0x100_0000n, doublewords: [0x0123_4567_89ab_cdefn] },
      ...storeTranslations([MAPPED], LIST),
    ],
    args: { newpage: 0x200_0000n, xlates: LIST, length: 1n },
  },
});

function record(c: MigrateDma): Answer {
  c.machine.migrations.set(c.newpage, { next: nextLengths(c.length), list: allPassed(c) });
  return { clause: `${NAME}/continue`, status: H.H_CONTINUE };
}

function migrate(c: MigrateDma): Answer {
  const { machine, newpage } = c;
  const page = c.page!;
  machine.migrations.delete(newpage);
  for (let offset = 0n; offset < page.size; offset += 0x1000n) {
    machine.memory.store(Number(newpage + offset), machine.memory.load(Number(page.address + offset), 0x1000));
  }
  const redirected = c.list.filter((translation) => follow(machine, translation, newpage - page.address));
  return { clause: `${NAME}/${redirected.length > 0 ? 'redirected' : 'moved'}`, status: H.H_SUCCESS };
}

/** Lets one mapping, and the live copies of it, lead to the new page. True where there were copies. */
function follow(machine: Machine, { window, index, entry }: Translation, distance: bigint): boolean {
  if (window === undefined || index === undefined || entry === undefined) return false;
  const copies = liveCopies(machine, window, index).map((copy) => ({ window: findWindow(machine, BigInt(copy.liobn))!, index: copy.index }));
  for (const place of [...copies, { window, index }]) {
    bookChanges(machine, [{ ...place, entry: u64(entry + distance) }]);
    putEntry(place.window, place.index, u64(entry + distance));
  }
  return copies.length > 0;
}
