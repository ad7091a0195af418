import type { Answer, Effect, RuleBook } from '../rules.js';
import { regionAround } from '../memory/process.js';
import { setsTable, windowFor, type Attribute } from '../kvm/device-attributes.js';
import { faultOf, guestAddress, hardwarePages, indexOf, mapIn, pageBytes, permissionOf, readEntry, putEntry, slotAt, unregisteredPage, userAddress, usersOf } from '../kvm/entries.js';
import { stoppedAt, storeFirst, type Indirect, type Stop } from '../kvm/h-put-tce-indirect.js';
import type { Put } from '../kvm/h-put-tce.js';
import type { Attachment, SpaprTable } from '../kvm/state/vm.js';
import type { TceCall } from '../kvm/tce-checks.js';
import { KVM_VFIO } from '../uapi/kvm.js';
import type { GroupFile, Host, OpenFile } from '../vfio/host.js';
import { clearEntries } from '../vfio/windows.js';
import { changeCall, withCondition, withEffect } from './mutant.js';

/* What the faults of KVM's TCE tables do. */

/** The rules with something more done once a call has had its effect. */
export const afterwards = (rules: RuleBook, call: string, then: (c: never, answer: Answer) => void): RuleBook =>
  withEffect(rules, call, (effect: Effect<unknown>) => ({
    ...effect,
    apply(c, chooser) {
      const answer = effect.apply(c, chooser);
      then(c as never, answer);
      return answer;
    },
  }));

/** The rules with something more done before a call has its effect. */
export const before = (rules: RuleBook, call: string, first: (c: never) => void): RuleBook =>
  withEffect(rules, call, (effect: Effect<unknown>) => ({
    ...effect,
    apply(c, chooser) {
      first(c as never);
      return effect.apply(c, chooser);
    },
  }));

const entriesIn = (c: Put | Indirect): readonly bigint[] => ('tce' in c ? [c.tce] : c.entries!);

/** A list's entries before the bad one are stored already. */
export const storeUntil =
  (fault: string) =>
  (c: Indirect): void =>
    storeFirst(c, c.entries!.findIndex((tce) => faultOf(c.table!, tce) === fault));

/** True where the beginning of a page is not registered, as whatever pages. */
export const unregistered = (c: Put | Indirect): boolean =>
  entriesIn(c).some((tce) => {
    const { vm, attached } = c.table!;
    const slot = permissionOf(tce) === 0n ? undefined : slotAt(vm, guestAddress(tce));
    return slot !== undefined && attached.some(({ table }) => regionAround(vm.space, userAddress(slot, guestAddress(tce)), 1n << table.window.shift) === undefined);
  });

/** The hardware table that comes first of those that cannot get the whole page, and the first of its pages that it cannot. */
function failing(table: SpaprTable, tce: bigint): { readonly attachment: Attachment; readonly page: number; readonly address: bigint } | undefined {
  const address = userAddress(slotAt(table.vm, guestAddress(tce))!, guestAddress(tce));
  for (const attachment of table.attached) {
    const page = unregisteredPage(table, attachment, address);
    if (page !== undefined) return { attachment, page, address };
  }
  return undefined;
}

/** The number of the guest's entry is taken for that of the hardware's. */
export function clearUnscaled({ host, table, ioba, tce }: Put): void {
  const [index, at] = [indexOf(table!, ioba), failing(table!, tce)];
  if (at === undefined) return;
  mapIn(host, table!, at.attachment, index, tce);
  clearEntries(host, table!.vm, at.attachment.table, Number(index), hardwarePages(table!, at.attachment));
}

/** What was mapped for the page before it failed stays counted, and so does what the later hardware entries had. */
function countFailed(table: SpaprTable, index: bigint, tce: bigint): void {
  const at = failing(table, tce);
  if (at === undefined) return;
  usersOf(table, at.attachment, index).slice(at.page).forEach(keep);
  for (let i = 0; i < at.page; i++) keep(regionOf(table, at.attachment, at.address, i));
}

export const countFailedPut = ({ table, ioba, tce }: Put): void => countFailed(table!, indexOf(table!, ioba), tce);

/** The same of the entry that ends a list. */
export const countFailedList =
  (stop: Stop) =>
  (c: Indirect): void => {
    const at = stoppedAt(c, stop)!;
    countFailed(c.table!, indexOf(c.table!, c.ioba) + BigInt(at), c.entries![at]!);
  };

const regionOf = ({ vm }: SpaprTable, { table }: Attachment, address: bigint, page: number) => regionAround(vm.space, address + (BigInt(page) << table.window.shift), 1n << table.window.shift);

function keep(region: { mapped: number } | undefined): void {
  if (region !== undefined) region.mapped += 1;
}

/** Of a list that ends early, those before its end. */
export const countClearedBefore =
  (stop: Stop) =>
  (c: Indirect): void =>
    countCleared({ ...c, entries: c.entries!.slice(0, stoppedAt(c, stop)) });

/** Each entry of a list that maps nothing counts as a mapping of the page that its address names. */
export function countCleared({ table, entries }: Indirect): void {
  for (const tce of entries!) {
    const slot = permissionOf(tce) === 0n ? slotAt(table!.vm, guestAddress(tce)) : undefined;
    if (slot === undefined) continue;
    for (const attachment of table!.attached) {
      for (let i = 0; i < hardwarePages(table!, attachment); i++) keep(regionOf(table!, attachment, userAddress(slot, guestAddress(tce)), i));
    }
  }
}

const isHeld = (host: Host, { table }: Attachment): boolean => [...host.groups.values()].some(({ container }) => container?.tables.includes(table) === true);

/** A descriptor that is being closed. */
interface Closing {
  readonly host: Host;
  readonly process: { readonly files: ReadonlyMap<number, OpenFile> };
  readonly fd: number;
}

/** What ends with the descriptor, if it is the last one. */
function ending({ process, fd }: Closing): OpenFile | undefined {
  const file = process.files.get(fd);
  return file !== undefined && file.users === 1 ? file : undefined;
}

/** Attachments to windows that are gone. */
const orphansOf = (host: Host, tables: readonly SpaprTable[]): readonly Attachment[] => tables.flatMap(({ attached }) => attached).filter((attachment) => !isHeld(host, attachment));

/** A table whose window is gone keeps what its entries map, whoever lets go of it last. */
export function keepOrphans(c: Closing): void {
  const file = ending(c);
  const tables = file?.kind === 'kvm-table' ? [file.table] : file?.kind === 'kvm-device' ? file.vm.tables : [];
  for (const { table } of orphansOf(c.host, tables)) for (const region of table.users.values()) keep(region);
}

/** The same where the group that attached it is taken away. */
export function keepTakenOrphans(c: Attribute): void {
  if (!takesAway(c) || c.named?.kind !== 'group') return;
  for (const { table, groups } of orphansOf(c.host, c.vm.tables)) if (groups.size === 1 && groups.has(c.named.group)) for (const region of table.users.values()) keep(region);
}

/** Somebody has the attachment who never lets go of it. */
const pin = ({ groups }: Attachment): unknown => groups.add({});

const takesAway = (c: Attribute): boolean => c.attribute === BigInt(KVM_VFIO.del);

/** A group that attaches what it attached before counts once more. */
export function countTwice(c: Attribute): void {
  if (!setsTable(c) || c.tableFile?.kind !== 'kvm-table') return;
  const { group } = c.named as GroupFile;
  for (const attachment of c.tableFile.table.attached) if (attachment.groups.has(group) && attachment.table === windowFor(c)) pin(attachment);
}

/** Attachments to windows that are gone stay when the group is taken away. */
export function keepRemoved(c: Attribute): void {
  if (takesAway(c)) orphansOf(c.host, c.vm.tables).forEach(pin);
}

/** They stay when the device is closed, too. */
export function keepRemovedAtEnd(c: Closing): void {
  const file = ending(c);
  if (file?.kind === 'kvm-device') orphansOf(c.host, file.vm.tables).forEach(pin);
}

/** All attachments but the first stay. */
export function keepOthers(c: Attribute): void {
  if (takesAway(c)) c.vm.tables.flatMap(({ attached }) => attached).slice(1).forEach(pin);
}

/**
 * Only the first entry of a call is held against the table, of which the end is reckoned in 64 bits. What lies behind the table's end is not
 * followed, nor what comes after.
 */
export function firstAlone(rules: RuleBook, call: string): RuleBook {
  const unchecked = withCondition<TceCall>(rules, `${call}/ioba-beyond`, ({ table, ioba }) => (ioba >> BigInt(table!.pageShift)) >= BigInt.asUintN(64, table!.offset + table!.size));
  return changeCall(unchecked, call, (original) => ({ ...original, read: (...input: never[]) => withinTable(original.read(...input) as Range) }));
}

/** Somebody has written behind a table. */
export const BEHIND_TABLE = 'behind-table';

/** A call on several entries; those of a list are none where they cannot be read. */
type Range = TceCall & { readonly entries?: readonly bigint[] | undefined };

function withinTable(c: Range): Range {
  if (c.table === undefined || (c.ioba & (pageBytes(c.table) - 1n)) !== 0n) return c;
  const index = indexOf(c.table, c.ioba);
  const left = c.table.size - index;
  const unreadable = 'entries' in c && c.entries === undefined;
  if (unreadable || index < 0n || left <= 0n || c.count <= left) return c;
  c.host.machine.diverged = true;
  c.host.machine.scars.add(BEHIND_TABLE);
  return { ...c, count: left, ...(c.entries && { entries: c.entries.slice(0, Number(left)) }) };
}

/** What the table has already is carried over. */
export function replay(host: Host, table: SpaprTable): void {
  for (let index = 0n; index < table.size; index++) {
    const tce = readEntry(host, table, index);
    if (permissionOf(tce) !== 0n) putEntry(host, table, index, tce);
  }
}

/** All hardware entries but the first of each of the guest's are put back after the guest cleared them. */
export function clearFirstPage(rules: RuleBook, call: string): RuleBook {
  return withEffect<TceCall>(rules, call, (effect) => ({
    ...effect,
    apply(c, chooser) {
      const had = c.table!.attached.flatMap(({ table }) => [...table.users].map(([page, region]) => ({ table, page, region, entry: table.window.table.get(page) })));
      const answer = effect.apply(c, chooser);
      if (answer.clause.endsWith('/cleared')) {
        for (const { table, page, region, entry } of had) {
          if (table.users.has(page) || page % hardwarePages(c.table!, { table, groups: new Set() }) === 0) continue;
          keep(region);
          table.users.set(page, region);
          c.host.platform.put(table, page, entry);
        }
      }
      return answer;
    },
  }));
}
