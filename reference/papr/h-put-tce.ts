import { defineCall, type Answer, type Guard } from '../rules.js';
import { entryIndex, putEntry } from '../tce/entries.js';
import { H } from '../uapi/hcall.js';
import { invalidateCopies } from './redirections.js';
import { copyInUse, wrongPane } from './rtce-checks.js';
import { bookChanges, mappedChangeResult } from './cmo.js';
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

export interface PutTce extends TceContext {
  readonly entry: bigint;
}

const foreignPage: Guard<PutTce> = {
  ...clause('H_PUT_TCE/page', 'A TCE that maps an address outside the partition is refused with H_PARAMETER.'),
  when: (c) => mapsForeignPage(c.machine, c.entry),
  refuse: [H.H_PARAMETER],
  passable: true,
  violation: { args: { tce: { from: 'memory.end', plus: 3n } } },
};

const rescindedPage: Guard<PutTce> = {
  ...clause('H_PUT_TCE/page-rescinded', 'A TCE that maps a page its owner has rescinded may be refused with H_RESCINDED.'),
  level: 'may',
  choice: { id: 'A26', canonical: true },
  option: 'slr',
  when: (c) => mapsRescindedPage(c.machine, c.entry),
  refuse: [H.H_RESCINDED],
  violation: { requires: ['slr'], setup: [{ door: 'platform', op: 'rescind-page', address: 0x100_0000n }] },
};

const STORED: Answer = { clause: 'H_PUT_TCE/store', status: H.H_SUCCESS };

/** H_PUT_TCE(liobn, ioba, tce): maps one I/O page, or unmaps it with permission bits 00. */
export const hPutTce = defineCall<PutTce>({
  name: 'H_PUT_TCE',
  parameters: ['liobn', 'ioba', 'tce'],
  read: (machine, args) => ({
    machine,
    liobn: args[0] ?? 0n,
    ioba: args[1] ?? 0n,
    entry: args[2] ?? 0n,
    window: namedWindow(machine, args[0] ?? 0n),
  }),
  guards: [
    wideLiobn('H_PUT_TCE'),
    unknownLiobn('H_PUT_TCE'),
    wrongPane('H_PUT_TCE'),
    iobaOutside('H_PUT_TCE'),
    tableRescinded('H_PUT_TCE'),
    iobaUnaligned('H_PUT_TCE'),
    foreignPage,
    rescindedPage,
    refusedEntryChoice('H_PUT_TCE', (c: PutTce) => refusableEntry(c.machine, c.window!, c.entry)),
    copyInUse('H_PUT_TCE', changes),
    pagedOut('H_PUT_TCE'),
    entitlementExceeded('H_PUT_TCE', changes),
  ],
  effect: {
    clauses: [
      clause('H_PUT_TCE/store', 'The entry of the page is replaced; with permission bits 00 it is kept as given.'),
      cmoResult('H_PUT_TCE'),
    ],
    apply(c) {
      if (c.machine.cmo === undefined && c.window!.redirections === undefined) {
        putEntry(c.window!, entryIndex(c.window!, c.ioba), c.entry);
        return STORED;
      }
      const bytes = bookChanges(c.machine, changes(c));
      invalidateCopies(c.machine, changes(c));
      putEntry(c.window!, entryIndex(c.window!, c.ioba), c.entry);
      return { ...STORED, ...mappedChangeResult(c.machine, 'H_PUT_TCE', bytes) };
    },
  },
  sample: {
    args: { liobn: { from: 'pe0.liobn' }, ioba: { from: 'pe0.start', plus: 0x5000n }, tce: 0x100_0003n },
  },
});

function changes(c: PutTce) {
  return [{ window: c.window!, index: entryIndex(c.window!, c.ioba), entry: c.entry }];
}
