import type { Chooser } from '../chooser.js';
import type { CopyPointer, Machine, Window } from '../machine.js';
import type { Answer, Clause } from '../rules.js';
import { entryIndex, putEntry } from '../tce/entries.js';
import { isMapping } from '../tce/tce.js';
import { H, type HcallName } from '../uapi/hcall.js';
import { bookChanges } from './cmo.js';
import { additionalMappings, liveCopies, pointTo, samePlace } from './redirections.js';
import { clause, type RtceContext } from './rtce-checks.js';

/** One entry about to be copied: what its checks look at. */
export interface EntryContext {
  readonly machine: Machine;
  readonly pane: Window;
  readonly original: bigint;
  /** Where the copy is to be. */
  readonly target: CopyPointer;
  /** The mappings of this entry that exist, in the order of their making. */
  readonly live: readonly CopyPointer[];
}

/** An ordered check of one entry: the first that applies ends the call, with the loop count in R4. */
export interface EntryCheck {
  /** `<rule>` of the clause `<call>/<rule>`. */
  readonly rule: string;
  readonly text: string;
  readonly when: (c: EntryContext) => boolean;
  readonly status: number;
}

/** What H_VIOCTL GET_MAX_REDIRECTED_MAPPINGS gives for the server adapter. */
function limits({ machine, pane }: EntryContext): { additional: number; perEntry: number } {
  return machine.description.vios.find(({ name }) => name === pane.owner)!.partner!;
}

/** Mappings of one entry that all these adapters bear. */
function adapterLimit(c: EntryContext): number {
  const owners = [...c.live, c.target].map(({ liobn }) => c.machine.windows.get(liobn)?.owner);
  const pes = c.machine.description.pes.filter(({ name }) => owners.includes(name));
  return Math.min(...pes.map(({ maxRtceMappings }) => maxRtceMappings ?? Infinity));
}

/** The checks of an entry, as the text orders them. */
export const ENTRY_CHECKS: readonly EntryCheck[] = [
  {
    rule: 'invalid-mapping',
    text: 'A redirected entry that maps nothing ends the call with H_R_PARM.',
    when: (c) => !isMapping(c.original),
    status: H.H_R_PARM,
  },
  {
    rule: 'single-mapping',
    text: 'Where one mapping of an entry is all that is supported, a second ends the call with H_RESOURCE, even at the same place.',
    when: (c) => c.live.length > 0 && limits(c).additional === 0,
    status: H.H_RESOURCE,
  },
  {
    rule: 'in-use',
    text: 'An entry that is already mapped at the same LIOBN and IOBA ends the call with H_IN_USE.',
    when: (c) => c.live.some((copy) => samePlace(copy, c.target)),
    status: H.H_IN_USE,
  },
  {
    rule: 'adapter-limit',
    text: 'More mappings of an entry than ibm,max-rtce-mappings of one of the adapters end the call with H_RESOURCE.',
    when: (c) => c.live.length + 1 > adapterLimit(c),
    status: H.H_RESOURCE,
  },
  {
    rule: 'entry-limit',
    text: 'More mappings of an entry than GET_MAX_REDIRECTED_MAPPINGS gives per IOBA end the call with H_RESOURCE.',
    when: (c) => c.live.length + 1 > limits(c).perEntry,
    status: H.H_RESOURCE,
  },
  {
    rule: 'table-limit',
    text: 'More additional mappings of a table than GET_MAX_REDIRECTED_MAPPINGS gives end the call with H_RESOURCE.',
    when: (c) => c.live.length > 0 && additionalMappings(c.machine, c.pane) + 1 > limits(c).additional,
    status: H.H_RESOURCE,
  },
];

/** The statuses of a call that copies entries. */
export const COPY_STATUSES = [H.H_SUCCESS, H.H_R_PARM, H.H_RESOURCE, H.H_IN_USE] as const;

/** The clauses of its effect: the copy, then its entry checks. */
export const copyClauses = (call: HcallName): [Clause, ...Clause[]] => [
  clause(`${call}/copy`, 'Each redirected entry is copied to its place in the table of the LIOBN.'),
  ...ENTRY_CHECKS.map(({ rule, text }) => clause(`${call}/${rule}`, text)),
  clause(`${call}/loop-count`, 'A call that ends at an entry leaves the loop count in R4; the entries before it stay mapped.'),
];

/** Copies the entries at `indexes` of the pane one by one, until one of them fails a check. */
export function copyEntries(
  call: HcallName,
  c: RtceContext,
  indexes: Iterable<number>,
  chooser: Chooser,
  checks: readonly EntryCheck[] = ENTRY_CHECKS,
): Answer {
  const first = entryIndex(c.window!, c.ioba);
  let done = 0;
  for (const index of indexes) {
    const failed = copyEntry(c, index, first + done, checks);
    if (failed !== undefined) return endAt(call, failed, done, chooser);
    done += 1;
  }
  return { clause: `${call}/copy`, status: H.H_SUCCESS };
}

/** Copies one entry, or returns the check that it fails. */
function copyEntry(c: RtceContext, index: number, to: number, checks: readonly EntryCheck[]): EntryCheck | undefined {
  const { machine } = c;
  const [pane, window] = [c.pane!, c.window!];
  const target = { liobn: Number(window.liobn), index: to };
  const original = pane.table.get(index);
  const context = { machine, pane, original, target, live: liveCopies(machine, pane, index) };
  const failed = checks.find((check) => check.when(context));
  if (failed !== undefined) return failed;
  bookChanges(machine, [{ window, index: to, entry: original }]);
  putEntry(window, to, original);
  pointTo(machine, pane, index, target);
  return undefined;
}

/** The call ends at this entry (counted from 0). Whether the loop count begins with 0 or 1 is open (A28). */
export function endAt(call: HcallName, { rule, status }: Pick<EntryCheck, 'rule' | 'status'>, entry: number, chooser: Chooser): Answer {
  const counts: [bigint, bigint] = [BigInt(entry), BigInt(entry + 1)];
  const value = chooser.oneOf('A28', counts, (count, seen) => seen.kind === 'hcall' && seen.registers[0] === count);
  const alternatives = counts.filter((count) => count !== value);
  return {
    clause: `${call}/${rule}`,
    status,
    outputs: [{ index: 0, name: 'R4', value, alternatives, clause: `${call}/loop-count` }],
  };
}
