import type { Chooser } from '../chooser.js';
import { findWindow, ownsPage, type Machine } from '../machine.js';
import { defineCall, type Guard } from '../rules.js';
import { aligned, entryIndex } from '../tce/entries.js';
import { H, MULTI_TCE_LIMIT } from '../uapi/hcall.js';
import { notOffered } from './function-set.js';
import { CLIENT_MAPPINGS } from './h-put-rtce.js';
import {
  clause,
  nothing,
  notSecondPane,
  reaches,
  rangeOutside,
  rescindedTable,
  secondPane,
  unaligned,
  unknownTable,
  unusualTable,
  type RtceContext,
} from './rtce-checks.js';
import { copyClauses, copyEntries, COPY_STATUSES, endAt } from './rtce-entries.js';

const NAME = 'H_PUT_RTCE_INDIRECT';

interface PutRtceIndirect extends RtceContext {
  /** Logical address of the list page. */
  readonly list: bigint;
  /** The r-iobas of the list: the caller's as they were when the call began. Empty until list and count are known good. */
  readonly rIobas: readonly bigint[];
}

const listValid = (machine: Machine, list: bigint): boolean => (list & 0xfffn) === 0n && ownsPage(machine, list);

function read(machine: Machine, args: readonly bigint[]): PutRtceIndirect {
  const [list = 0n, rLiobn = 0n, liobn = 0n, ioba = 0n, count = 0n] = args;
  const readable = listValid(machine, list) && count <= BigInt(MULTI_TCE_LIMIT);
  const page = Buffer.from(readable ? machine.memory.page(Number(list)) : []);
  const rIobas = Array.from({ length: readable ? Number(count) : 0 }, (_, i) => page.readBigUInt64BE(i * 8));
  return { machine, list, rIobas, pane: secondPane(machine, rLiobn), window: findWindow(machine, liobn), ioba, count };
}

const noServerAdapter: Guard<PutRtceIndirect> = {
  ...clause(
    `${NAME}/set-is-whole`,
    'hcall-multi-tce is offered whole: a partition without a server adapter has the call too, and every r-liobn is H_PARAMETER.',
    'LoPAR 2.9, R1-[Hypervisor Call Interrupt]-2; Hypervisor Call Function Table',
  ),
  when: (c) => c.machine.description.vios.every(({ partner }) => partner === undefined),
  refuse: [H.H_PARAMETER],
};

const badList: Guard<PutRtceIndirect> = {
  ...clause(`${NAME}/list`, 'A list that is not at the beginning of a 4 KiB page of the partition is refused with H_PARAMETER.'),
  when: (c) => !listValid(c.machine, c.list),
  refuse: [H.H_PARAMETER],
  violation: { args: { list: 0x110_0008n } },
};

const listRescinded: Guard<PutRtceIndirect> = {
  ...clause(`${NAME}/list-rescinded`, 'A list page that its owner has rescinded is refused with H_RESCINDED.'),
  when: (c) => c.machine.rescindedPages.has(c.list >> 12n),
  refuse: [H.H_RESCINDED],
  violation: { requires: ['slr'], setup: [{ door: 'platform', op: 'rescind-page', address: 0x110_0000n }] },
};

const tooMany: Guard<PutRtceIndirect> = {
  ...clause(`${NAME}/count`, 'A count above 512 is refused with H_PARAMETER.'),
  when: (c) => c.count > BigInt(MULTI_TCE_LIMIT),
  refuse: [H.H_PARAMETER],
  violation: { args: { count: BigInt(MULTI_TCE_LIMIT) + 1n } },
};

/** H_PUT_RTCE_INDIRECT(list, r-liobn, liobn, ioba, count): copies up to 512 of the partner's mappings, named by a list. */
export const hPutRtceIndirect = defineCall<PutRtceIndirect>({
  name: NAME,
  parameters: ['list', 'r_liobn', 'liobn', 'ioba', 'count'],
  read,
  guards: [
    notOffered(NAME, 'hcall-multi-tce'),
    noServerAdapter,
    notSecondPane(NAME),
    badList,
    listRescinded,
    unknownTable(NAME),
    rescindedTable(NAME),
    rangeOutside(NAME),
    tooMany,
    unusualTable(NAME),
    unaligned(NAME),
    nothing(NAME),
  ],
  effect: {
    clauses: [
      ...copyClauses(NAME),
      clause(`${NAME}/r-ioba`, 'If any r-ioba of the list leaves the second pane: H_R_PARM with its count in R4, and no mapping changes.'),
      {
        ...clause(`${NAME}/r-ioba-alignment`, 'An r-ioba of the list inside a page is taken as that page, or ends the call with H_R_PARM.'),
        level: 'may',
      },
    ],
    statuses: COPY_STATUSES,
    apply(c, chooser) {
      const outside = c.rIobas.findIndex((rIoba) => !reaches(c.pane!, rIoba, 1n));
      if (outside >= 0) return endAt(NAME, { rule: 'r-ioba', status: H.H_R_PARM }, outside, chooser);
      const inside = c.rIobas.findIndex((rIoba) => !aligned(c.pane!, rIoba));
      const rule = 'r-ioba-alignment';
      if (inside >= 0 && refusesInside(inside, chooser)) return endAt(NAME, { rule, status: H.H_R_PARM }, inside, chooser);
      const answer = copyEntries(NAME, c, c.rIobas.map((rIoba) => entryIndex(c.pane!, rIoba)), chooser);
      return inside < 0 ? answer : { ...answer, passed: [`${NAME}/${rule}`] };
    },
  },
  sample: {
    requires: ['hcall-multi-tce', 'vio-server'],
    setup: [
      ...CLIENT_MAPPINGS,
      { door: 'memory', op: 'store', address: 0x110_0000n, doublewords: [0x5000n, 0x3000n, 0x4000n] },
    ],
    args: {
      list: 0x110_0000n,
      r_liobn: { from: 'server0.partner.liobn' },
      liobn: { from: 'pe0.liobn' },
      ioba: { from: 'pe0.start', plus: 0x5000n },
      count: 3n,
    },
  },
});

/** Whether the platform refuses the r-ioba at this place of the list for being inside a page (A1). */
function refusesInside(place: number, chooser: Chooser): boolean {
  const counts = [BigInt(place), BigInt(place + 1)];
  return chooser.oneOf<boolean>('A1', [false, true], (refuses, seen) => {
    const ended = seen.kind === 'hcall' && seen.status === BigInt(H.H_R_PARM) && counts.includes(seen.registers[0] ?? -1n);
    return ended === refuses;
  });
}
