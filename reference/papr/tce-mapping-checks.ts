import type { Cmo } from '../machine.js';
import type { Clause, Guard } from '../rules.js';
import { H } from '../uapi/hcall.js';
import { mappedChange } from './cmo.js';
import type { EntryChange } from '../tce/entries.js';
import { clause, type TceContext } from './tce-checks.js';

const CMO_SOURCE = 'LoPAR 2.9, CMO Extensions for I/O Mapping Hcall()s';

/** What R4 of a mapping call means with CMO. */
export const cmoResult = (call: string): Clause =>
  clause(`${call}/cmo-r4`, 'With CMO, R4 is the signed change of I/O mapped bytes.', CMO_SOURCE);

/** The platform may refuse what it cannot hold: stray bits (A4), a large page that ends outside memory (A24). */
export const refusedEntryChoice = <C extends TceContext>(call: string, when: (c: C) => boolean): Guard<C> => ({
  ...clause(
    `${call}/stray-bits`,
    'Reserved bits, bits below the I/O page size, or a large page that ends outside memory: kept, masked, or refused with H_PARAMETER.',
  ),
  level: 'may',
  when,
  refuse: [H.H_PARAMETER],
  choice: { id: 'A4', canonical: false },
});

/** A page that was paged out is brought back: busy, with nothing done. */
export const pagedOut = <C extends TceContext>(call: string): Guard<C> => ({
  ...clause(`${call}/busy`, 'With CMO, while a page is brought back, the call is busy (9900 or 9901) and changes nothing.', CMO_SOURCE),
  level: 'may',
  option: 'cmo',
  when: (c) => c.machine.cmo !== undefined,
  refuse: [H.H_LONG_BUSY_1_MSEC, H.H_LONG_BUSY_10_MSEC],
  choice: { id: 'busy', canonical: (c) => c.machine.busy.calls > 0 },
  violation: {
    requires: ['cmo', 'platform'],
    setup: [{ door: 'platform', op: 'busy', calls: 1, status: H.H_LONG_BUSY_1_MSEC }],
  },
});

/** The partition's I/O entitlement does not suffice; the platform may honour the request all the same (A33). */
export const entitlementExceeded = <C extends TceContext>(
  call: string,
  changes: (c: C) => readonly EntryChange[],
): Guard<C> => ({
  ...clause(
    `${call}/entitlement`,
    'With CMO, a mapping beyond the I/O entitlement that the platform cannot honour is refused with H_NOT_ENOUGH_RESOURCES.',
    'LoPAR 2.9, R1-[CMO I/O Mapping Extended Return Codes]-3',
  ),
  level: 'may',
  option: 'cmo',
  when: (c) => c.machine.cmo !== undefined && exceeds(c.machine.cmo, mappedChange(c.machine, changes(c))),
  refuse: [H.H_NOT_ENOUGH_RESOURCES],
  choice: { id: 'A33', canonical: true },
  violation: { requires: ['cmo', 'platform'], setup: [{ door: 'platform', op: 'entitlement', bytes: 0n }] },
});

/** Only a growth can exceed: what unmaps is not refused, however little entitlement is left. */
const exceeds = (cmo: Cmo, bytes: bigint): boolean => bytes > 0n && bytes > cmo.entitlement;
