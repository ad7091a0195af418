import type { Call, Guard } from '../rules.js';
import { covers, entryIndex, fillEntries } from '../tce/entries.js';
import { H, MULTI_TCE_LIMIT } from '../uapi/hcall.js';
import { notOffered } from './function-set.js';
import { invalidateCopies } from './redirections.js';
import { copyInUse, wrongPane } from './rtce-checks.js';
import { bookChanges, mappedChangeResult } from './cmo.js';
import type { EntryChange } from '../tce/entries.js';
import {
  clause,
  iobaOutside,
  iobaUnaligned,
  mapsForeignPage,
  mapsRescindedPage,
  refusableEntry,
  tableRescinded,
  unknownLiobn,
  type TceContext,
  namedWindow,
  wideLiobn,
} from './tce-checks.js';
import { cmoResult, entitlementExceeded, pagedOut, refusedEntryChoice } from './tce-mapping-checks.js';

export interface StuffTce extends TceContext {
  readonly entry: bigint;
  readonly count: bigint;
}

const tooMany: Guard<StuffTce> = {
  ...clause('H_STUFF_TCE/count', 'A count above 512 is refused with H_P4.'),
  when: (c) => c.count > BigInt(MULTI_TCE_LIMIT),
  refuse: [H.H_P4],
  violation: { args: { count: BigInt(MULTI_TCE_LIMIT) + 1n } },
};

const none: Guard<StuffTce> = {
  ...clause('H_STUFF_TCE/count-zero', 'A count of 0 changes nothing; H_SUCCESS or H_PARAMETER.'),
  level: 'may',
  when: (c) => c.count === 0n,
  refuse: [H.H_PARAMETER],
  choice: { id: 'A2', canonical: false },
  violation: { args: { count: 0n } },
};

/** Of no entries none is outside: what is said of that is the count's (A2). */
const outside: Guard<StuffTce> = { ...(iobaOutside('H_STUFF_TCE') as Guard<StuffTce>), when: (c) => c.count > 0n && c.window !== undefined && !covers(c.window, c.ioba) };

const rangeOutside: Guard<StuffTce> = {
  ...clause('H_STUFF_TCE/range', 'A range that leaves the window is refused with H_PARAMETER and changes no entry.'),
  when: (c) => c.count > 0n && !covers(c.window!, c.ioba, c.count),
  refuse: [H.H_PARAMETER],
  violation: { destructive: true, args: { ioba: { from: 'pe0.end', plus: -0x1000n } } },
};

const foreignPage: Guard<StuffTce> = {
  ...clause('H_STUFF_TCE/page', 'A TCE that maps an address outside the partition is refused with H_PARAMETER.'),
  when: (c) => mapsForeignPage(c.machine, c.entry),
  refuse: [H.H_PARAMETER],
  passable: true,
  violation: { args: { tce: { from: 'memory.end', plus: 3n } } },
};

const rescindedPage: Guard<StuffTce> = {
  ...clause('H_STUFF_TCE/page-rescinded', 'A TCE that maps a page its owner has rescinded is refused with H_RESCINDED.'),
  option: 'slr',
  when: (c) => mapsRescindedPage(c.machine, c.entry),
  refuse: [H.H_RESCINDED],
  violation: { requires: ['slr'], setup: [{ door: 'platform', op: 'rescind-page', address: 0x100_0000n }] },
};

/** H_STUFF_TCE(liobn, ioba, tce, count): the same entry for up to 512 I/O pages, all or none. */
export const hStuffTce: Call<StuffTce> = {
  name: 'H_STUFF_TCE',
  parameters: ['liobn', 'ioba', 'tce', 'count'],
  read: (machine, [liobn = 0n, ioba = 0n, entry = 0n, count = 0n]) => ({
    machine,
    liobn,
    ioba,
    entry,
    count,
    window: namedWindow(machine, liobn),
  }),
  guards: [
    notOffered('H_STUFF_TCE', 'hcall-multi-tce'),
    wideLiobn('H_STUFF_TCE'),
    unknownLiobn('H_STUFF_TCE'),
    wrongPane('H_STUFF_TCE'),
    outside,
    tableRescinded('H_STUFF_TCE'),
    iobaUnaligned('H_STUFF_TCE'),
    tooMany,
    none,
    rangeOutside,
    foreignPage,
    rescindedPage,
    refusedEntryChoice('H_STUFF_TCE', (c: StuffTce) => refusableEntry(c.machine, c.window!, c.entry)),
    copyInUse('H_STUFF_TCE', changes),
    pagedOut('H_STUFF_TCE'),
    entitlementExceeded('H_STUFF_TCE', changes),
  ],
  effect: {
    clauses: [
      clause('H_STUFF_TCE/store', 'Every entry of the range becomes the given one, mapping or not.'),
      cmoResult('H_STUFF_TCE'),
    ],
    apply(c) {
      const bytes = c.machine.cmo === undefined ? 0n : bookChanges(c.machine, changes(c));
      if (c.window!.redirections !== undefined) invalidateCopies(c.machine, changes(c));
      if (c.count > 0n) fillEntries(c.window!, entryIndex(c.window!, c.ioba), Number(c.count), c.entry);
      return { clause: 'H_STUFF_TCE/store', status: H.H_SUCCESS, ...mappedChangeResult(c.machine, 'H_STUFF_TCE', bytes) };
    },
  },
  sample: {
    requires: ['hcall-multi-tce'],
    args: { liobn: { from: 'pe0.liobn' }, ioba: { from: 'pe0.start', plus: 0x5000n }, tce: 0x100_0003n, count: 3n },
  },
};

function changes(c: StuffTce): EntryChange[] {
  const first = entryIndex(c.window!, c.ioba);
  return Array.from({ length: Number(c.count) }, (_, i) => ({ window: c.window!, index: first + i, entry: c.entry }));
}
