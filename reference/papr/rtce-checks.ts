import type { Machine, Window } from '../machine.js';
import { architecture, type Guard } from '../rules.js';
import { aligned } from '../tce/entries.js';
import { H, type HcallName } from '../uapi/hcall.js';
import type { EntryChange } from '../tce/entries.js';
import { liveCopies } from './redirections.js';
import type { TceContext } from './tce-checks.js';

/** What the checks of a redirected mapping call look at. */
export interface RtceContext {
  readonly machine: Machine;
  /** The second pane that r-liobn names. */
  readonly pane: Window | undefined;
  /** The table that liobn names: of the server's I/O adapter. */
  readonly window: Window | undefined;
  /** First bus address in `window`. */
  readonly ioba: bigint;
  /** 4 KiB pages. */
  readonly count: bigint;
}

/** The same for the calls that name a range of the redirected table, not a list. */
export interface RtceRangeContext extends RtceContext {
  readonly rIoba: bigint;
}

/** A clause of the architecture's redirected RDMA. */
export const clause = architecture('LoPAR 2.9, Redirected RDMA TCE table hcall()s');

/** The window that r-liobn names, if it is the second pane of a server adapter. */
export function secondPane(machine: Machine, rLiobn: bigint): Window | undefined {
  const window = rLiobn > 0xffff_ffffn ? undefined : machine.windows.get(Number(rLiobn));
  return window?.pane === 'second' ? window : undefined;
}

/** True where `count` pages from `address` on lie in the window; none may also begin at its end. */
export function reaches(window: Window, address: bigint, count: bigint): boolean {
  const offset = address - window.start;
  if (offset < 0n || offset > window.size) return false;
  return count === 0n || (offset >> window.shift) + count <= window.size >> window.shift;
}

/** r-liobn names no second pane. */
export const notSecondPane = (call: HcallName): Guard<RtceContext> => ({
  ...clause(`${call}/r-liobn`, 'An r-liobn that is not of the second pane of a server adapter is refused with H_PARAMETER.'),
  when: (c) => c.pane === undefined,
  refuse: [H.H_PARAMETER],
  violation: { args: { r_liobn: { from: 'vio0.liobn' } } },
});

/** The range of the redirected table is not all there. */
export const rangeOutsidePane = (call: HcallName): Guard<RtceRangeContext> => ({
  ...clause(`${call}/r-ioba`, 'A range of redirected entries that leaves the second pane is refused with H_PARAMETER.'),
  when: (c) => !reaches(c.pane!, c.rIoba, c.count),
  refuse: [H.H_PARAMETER],
  violation: { args: { r_ioba: { from: 'server0.partner.end', plus: -0x1000n } } },
});

/** liobn names no table of the partition. */
export const unknownTable = (call: HcallName): Guard<RtceContext> => ({
  ...clause(`${call}/liobn`, 'An LIOBN that names no table of the partition is refused with H_PARAMETER.'),
  when: (c) => c.window === undefined,
  refuse: [H.H_PARAMETER],
  violation: { args: { liobn: 0x7fff_fff0n } },
});

/** The server's table was taken back by its owner. */
export const rescindedTable = (call: HcallName): Guard<RtceContext> => ({
  ...clause(`${call}/rescinded`, 'A table that its owner has rescinded is refused with H_RESCINDED.'),
  when: (c) => c.window!.rescinded,
  refuse: [H.H_RESCINDED],
  violation: { requires: ['slr'], setup: [{ door: 'platform', op: 'rescind-table', liobn: { from: 'pe0.liobn' } }] },
});

/** The range of the server's table is not all there. */
export const rangeOutside = (call: HcallName): Guard<RtceContext> => ({
  ...clause(`${call}/ioba`, 'A range that leaves the window of the LIOBN is refused with H_PARAMETER.'),
  when: (c) => !reaches(c.window!, c.ioba, c.count),
  refuse: [H.H_PARAMETER],
  violation: { args: { ioba: { from: 'pe0.end', plus: -0x1000n } } },
});

/** The text speaks of a physical adapter's table of 4 KiB pages; what others mean is open (A29). */
export const unusualTable = (call: HcallName): Guard<RtceContext> => ({
  ...clause(
    `${call}/table-kind`,
    'The table of a virtual adapter, or one of I/O pages above 4 KiB, is refused with H_PARAMETER, or used like any other.',
  ),
  level: 'may',
  when: (c) => c.window!.pane !== undefined || c.window!.pageShift > 12,
  refuse: [H.H_PARAMETER],
  choice: { id: 'A29', canonical: true },
  violation: { args: { liobn: { from: 'server0.liobn' } } },
});

/** An address inside a page: open (A1). */
export const unaligned = <C extends RtceContext>(call: HcallName, r: (c: C) => bigint = () => 0n): Guard<C> => ({
  ...clause(`${call}/alignment`, 'An IOBA or r-ioba inside a page is taken as that page, or refused with H_PARAMETER.'),
  level: 'may',
  when: (c) => !aligned(c.window!, c.ioba) || !aligned(c.pane!, r(c)),
  refuse: [H.H_PARAMETER],
  choice: { id: 'A1', canonical: false },
  violation: { args: { ioba: { from: 'pe0.start', plus: 0x5008n } } },
});

/** Nothing to do: open (A2). */
export const nothing = (call: HcallName): Guard<RtceContext> => ({
  ...clause(`${call}/count-zero`, 'A count of 0 changes nothing; H_SUCCESS or H_PARAMETER.'),
  level: 'may',
  when: (c) => c.count === 0n,
  refuse: [H.H_PARAMETER],
  choice: { id: 'A2', canonical: false },
  violation: { args: { count: 0n } },
});

type Tables = Pick<TceContext, 'machine' | 'window'>;

/** For H_PUT_TCE, H_STUFF_TCE, H_PUT_TCE_INDIRECT: the LIOBN is of a second pane, which is the partner's. */
export const wrongPane = <C extends Tables>(
  call: HcallName,
  when: (c: C) => boolean = (c) => c.window?.pane === 'second',
): Guard<C> => ({
  ...clause(
    `${call}/pane`,
    'An LIOBN of the second pane of ibm,my-dma-window is refused with H_PARAMETER.',
    'LoPAR 2.9, Extensions to Other hcall()s for Redirected RDMA; R1-66872-17',
  ),
  option: 'vio',
  when,
  refuse: [H.H_PARAMETER],
  violation: { requires: ['vio-server'], args: { liobn: { from: 'server0.partner.liobn' } } },
});

/** For H_GET_TCE: the text names it for the first pane, and says nothing of the second (A31). */
export const secondPaneRead: Guard<Tables> = {
  ...clause('H_GET_TCE/pane', 'An LIOBN of the second pane is refused with H_PARAMETER, or its entry is read.', 'LoPAR 2.9, R1-66872-17'),
  level: 'may',
  option: 'vio',
  when: (c) => c.window?.pane === 'second',
  refuse: [H.H_PARAMETER],
  choice: { id: 'A31', canonical: true },
  violation: { requires: ['vio-server'], args: { liobn: { from: 'server0.partner.liobn' } } },
};

/** For the three mapping calls: an entry to be replaced has a live copy, and bit buckets are not allowed. */
export const copyInUse = <C extends Tables>(call: HcallName, changes: (c: C) => readonly EntryChange[]): Guard<C> => ({
  ...clause(
    `${call}/live-copy`,
    'Replacing an entry whose copy a server still uses, without Bit Bucket Allowed: H_RESOURCE, or another recovery.',
    'LoPAR 2.9, Extensions to Other hcall()s for Redirected RDMA',
  ),
  level: 'may',
  option: 'vio',
  when: (c) =>
    anyRedirection(c.machine) &&
    changes(c).some(({ window, index }) => window.redirections?.bitBucket === false && liveCopies(c.machine, window, index).length > 0),
  refuse: [H.H_RESOURCE],
  choice: { id: 'A30', canonical: true },
});

const anyRedirection = (machine: Machine): boolean => machine.redirections.some(({ copies }) => copies.size > 0);
