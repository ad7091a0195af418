import type { Machine, Window } from '../machine.js';
import type { PutTceIndirect } from '../papr/h-put-tce-indirect.js';
import type { StuffTce } from '../papr/h-stuff-tce.js';
import { clause, type TceContext } from '../papr/tce-checks.js';
import { entryIndex, entryOptions, fillEntries, putEntries } from '../tce/entries.js';
import { H } from '../uapi/hcall.js';
import { changeCall, refuseWith, withDamage, withEffect, withGuardBefore, withoutGuard, type Mutant } from './mutant.js';

/** Faults of QEMU's TCE hypercalls (hw/ppc/spapr_iommu.c), each as seen by running it. */
export const QEMU_TCE_MUTANTS: readonly Mutant[] = [
  unchecked('H_PUT_TCE'),
  unchecked('H_STUFF_TCE'),
  unchecked('H_PUT_TCE_INDIRECT'),
  {
    id: 'qemu/get-foreign-page',
    title: 'H_GET_TCE answers H_SUCCESS with the raw entry for a page outside the partition',
    kind: 'historic',
    clauses: ['H_GET_TCE/foreign'],
    change: (rules) =>
      withEffect<TceContext>(rules, 'H_GET_TCE', (effect) => ({
        ...effect,
        apply(c, chooser) {
          const answer = effect.apply(c, chooser);
          if (answer.status !== H.H_PARTIAL) return answer;
          const [entry] = entryOptions(c.window!, entryIndex(c.window!, c.ioba));
          const clause = 'H_GET_TCE/foreign';
          return { clause, status: H.H_SUCCESS, outputs: [{ index: 0, name: 'R4', value: entry, clause }] };
        },
      })),
  },
  {
    id: 'qemu/stuff-count',
    title: 'H_STUFF_TCE takes any count up to the size of the table',
    kind: 'historic',
    clauses: ['H_STUFF_TCE/count'],
    change: (rules) => withoutGuard(rules, 'H_STUFF_TCE/count'),
  },
  {
    id: 'qemu/stuff-partial',
    title: 'H_STUFF_TCE over the end of the window writes the part inside before it refuses',
    kind: 'historic',
    clauses: ['H_STUFF_TCE/range'],
    change: (rules) =>
      withDamage<StuffTce>(rules, 'H_STUFF_TCE/range', (c) => {
        const inside = entriesFrom(c.window!, c.ioba);
        if (c.count <= BigInt(c.window!.table.entries)) fillEntries(c.window!, entryIndex(c.window!, c.ioba), inside, c.entry);
      }),
  },
  {
    id: 'qemu/indirect-partial',
    title: 'H_PUT_TCE_INDIRECT over the end of the window writes the part inside before it refuses',
    kind: 'historic',
    clauses: ['H_PUT_TCE_INDIRECT/ioba'],
    change: (rules) =>
      withDamage<PutTceIndirect>(rules, 'H_PUT_TCE_INDIRECT/ioba', (c) => {
        const offset = c.ioba - c.window!.start;
        if (offset < 0n || offset >= c.window!.size || (c.list & 0xfffn) !== 0n) return;
        const entries = c.entries.subarray(0, entriesFrom(c.window!, c.ioba));
        if (entries.length > 0) putEntries(c.window!, entryIndex(c.window!, c.ioba), entries);
      }),
  },
  {
    id: 'qemu/indirect-list-outside',
    title: 'H_PUT_TCE_INDIRECT with a list outside memory clears the entries and answers H_SUCCESS',
    kind: 'historic',
    clauses: ['H_PUT_TCE_INDIRECT/list'],
    change: (rules) =>
      changeCall(withoutGuard(rules, 'H_PUT_TCE_INDIRECT/list'), 'H_PUT_TCE_INDIRECT', (call) => ({
        ...call,
        read(machine: Machine, args: readonly bigint[], nret: number): PutTceIndirect {
          const c = call.read(machine, args, nret) as PutTceIndirect;
          const unread = c.entries.length === 0 && c.count > 0n && c.count <= 512n;
          return unread ? { ...c, entries: new BigUint64Array(Number(c.count)) } : c;
        },
      })),
  },
  {
    id: 'qemu/multi-tce-set-not-whole',
    title: 'H_PUT_RTCE_INDIRECT answers H_FUNCTION although hcall-multi-tce is offered',
    kind: 'historic',
    clauses: ['H_PUT_RTCE_INDIRECT/set-is-whole'],
    change: (rules) =>
      withGuardBefore(rules, 'H_PUT_RTCE_INDIRECT/set-is-whole', {
        ...clause('H_PUT_RTCE_INDIRECT/set-is-whole', 'QEMU has no such call.'),
        when: () => true,
        refuse: [H.H_FUNCTION],
      }),
  },
  {
    id: 'qemu/indirect-multi-table',
    title: 'H_PUT_TCE_INDIRECT answers a negative LIOBN with H_PARAMETER, not H_FUNCTION',
    kind: 'historic',
    clauses: ['H_PUT_TCE_INDIRECT/multi-table-off'],
    change: (rules) => refuseWith(rules, 'H_PUT_TCE_INDIRECT/multi-table-off', H.H_PARAMETER),
  },
];

/** QEMU stores any page number. */
function unchecked(call: 'H_PUT_TCE' | 'H_STUFF_TCE' | 'H_PUT_TCE_INDIRECT'): Mutant {
  return {
    id: `qemu/${call.toLowerCase().replaceAll('_', '-')}-unchecked-page`,
    title: `${call} stores a mapping to an address outside the partition`,
    kind: 'historic',
    clauses: [`${call}/page`],
    change: (rules) => withoutGuard(rules, `${call}/page`),
  };
}

/** How many entries there are from this address to the end of the window. */
const entriesFrom = (window: Window, address: bigint): number => window.table.entries - entryIndex(window, address);
