import type { Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { H } from '../uapi/hcall.js';
import { setsTable, type Attribute } from '../kvm/device-attributes.js';
import type { Create } from '../kvm/create-spapr-tce.js';
import { faultOf, pageBytes } from '../kvm/entries.js';
import type { Indirect } from '../kvm/h-put-tce-indirect.js';
import type { Put } from '../kvm/h-put-tce.js';
import type { TceCall } from '../kvm/tce-checks.js';
import { entriesOf } from '../platform/table-group.js';
import type { GroupFile, Host, TableFile } from '../vfio/host.js';
import { clearEntries } from '../vfio/windows.js';
import { afterwards, BEHIND_TABLE, before, clearFirstPage, clearUnscaled, countCleared, countClearedBefore, countFailedList, countFailedPut, countTwice, firstAlone, keepOrphans, keepOthers, keepRemoved, keepRemovedAtEnd, keepTakenOrphans, replay, storeUntil, unregistered } from './linux-kvm-steps.js';
import { withCondition, withDamage, withGuardBefore, withMoreDamage, withoutGuard, type Mutant } from './mutant.js';

const PUT = 'kvm/H_PUT_TCE';
const GET = 'kvm/H_GET_TCE';
const LIST = 'kvm/H_PUT_TCE_INDIRECT';
const STUFF = 'kvm/H_STUFF_TCE';
const SET = 'KVM_SET_DEVICE_ATTR';
const CREATE = 'KVM_CREATE_SPAPR_TCE_64';

/** The checks of the entries of a list, in order. */
const LIST_FAULTS = ['alignment', 'slot', 'slot-end', 'registered'] as const;

/** A group and a table that could be attached, if there was a window. */
const both = (c: Attribute): { readonly group: GroupFile['group']; readonly table: TableFile['table'] } | undefined =>
  setsTable(c) && c.named?.kind === 'group' && c.tableFile?.kind === 'kvm-table' ? { group: c.named.group, table: c.tableFile.table } : undefined;

/** The host's own window of the group is there, and fits. */
const ofHost: Guard<Attribute> = {
  id: `${SET}/window`,
  text: "Linux: the host's own window of a group that is in no container is attached like any other.",
  source: 'Linux 7.2 arch/powerpc/kvm/book3s_64_vio.c kvm_spapr_tce_attach_iommu_group',
  status: 'merged',
  level: 'must',
  when: (c) => both(c)?.group.container === undefined && both(c) !== undefined,
  refuse: [0],
};

const otherSize: Guard<Attribute> = {
  ...ofHost,
  text: 'Linux 4.18: a window of another size than the table is refused with EINVAL.',
  when(c) {
    const given = both(c);
    if (given === undefined) return false;
    const bytes = given.table.size * pageBytes(given.table);
    return given.group.container?.tables.every((table) => table?.window.size !== bytes) === true;
  },
  refuse: [-E.EINVAL],
};

const toldOfPages: Guard<Put> = {
  id: `${PUT}/registered`,
  text: 'Linux 4.19: memory that is registered as smaller pages is refused with H_HARDWARE.',
  source: 'Linux 4.19 arch/powerpc/kvm/book3s_64_vio.c kvmppc_tce_iommu_do_map',
  status: 'merged',
  level: 'must',
  when: (c) => faultOf(c.table!, c.tce) === 'registered' && !unregistered(c),
  refuse: [H.H_HARDWARE],
};

/** What the kernel says when a group is taken away that it never looked at. */
const GROUP_WARNING = /virt\/kvm\/vfio\.c|kvm_vfio|kvm_spapr_tce_release_vfio_group|Call Trace/;

/** Faults of KVM's TCE tables: those that were mended, those that 6.12 and 7.2 have, and invented ones. */
export const LINUX_KVM_MUTANTS: readonly Mutant[] = [
  {
    id: 'linux-kvm/list-checked-while-stored',
    title: 'The entries of a list are looked at one by one while they are stored: those before a bad one stay',
    kind: 'historic',
    clauses: LIST_FAULTS.map((fault) => `${LIST}/${fault}`),
    fix: 'e199ad2bf744 KVM: PPC: Validate all tces before updating tables',
    change: (rules) => LIST_FAULTS.reduce((book, fault) => withDamage<Indirect>(book, `${LIST}/${fault}`, storeUntil(fault)), rules),
  },
  {
    id: 'linux-kvm/page-size-unchecked',
    title: 'Registered memory of smaller pages than the window\'s is mapped, and what lies behind the page with it',
    kind: 'historic',
    clauses: [`${PUT}/registered`, `${LIST}/registered`],
    fix: '42de7b9e2167 KVM: PPC: Validate TCEs against preregistered memory page sizes; 76fa4975f3ed KVM: PPC: Check if IOMMU page is contained in the pinned physical page',
    change: (rules) =>
      [PUT, LIST].reduce((book, call) => withoutGuard(withCondition<Put | Indirect>(book, `${call}/registered`, unregistered), `${call}/partly-registered`), rules),
  },
  {
    id: 'linux-kvm/guest-told',
    title: "The guest is told H_HARDWARE of memory that is registered as smaller pages than the window's, where the monitor could have helped",
    kind: 'historic',
    clauses: [`${PUT}/registered`],
    fix: 'f7960e299f13 KVM: PPC: Inform the userspace about TCE update failures',
    change: (rules) => withGuardBefore(rules, `${PUT}/registered`, toldOfPages),
  },
  {
    id: 'linux-kvm/unscaled-clear',
    title: "Where a page can be mapped in part only, hardware entries are cleared by the number of the guest's entry: the wrong ones",
    kind: 'historic',
    clauses: [`${PUT}/partly-registered`],
    fix: '26a62b750a4e KVM: PPC: Fix TCE handling for VFIO',
    change: (rules) => withDamage(rules, `${PUT}/partly-registered`, clearUnscaled),
  },
  {
    id: 'linux-kvm/equal-sizes',
    title: 'A table is attached to a window of exactly its size alone',
    kind: 'historic',
    clauses: [`${SET}/attached`],
    fix: 'KVM: PPC: Book3S: Fix matching of hardware and emulated TCE tables (Linux 4.19)',
    change: (rules) => withGuardBefore(rules, `${SET}/window`, otherSize),
  },
  {
    id: 'linux-kvm/one-window-released',
    title: 'Of the windows that a group attached only one is let go when the group is taken away',
    kind: 'historic',
    clauses: [`${SET}/taken-away`],
    fix: 'KVM: PPC: Release all hardware TCE tables attached to a group (Linux 5.1)',
    change: (rules) => before(rules, SET, keepOthers),
  },
  {
    id: 'linux-kvm/attach-closing-table',
    title: 'A table that is closed while it is being attached is used after it was given back',
    kind: 'historic',
    clauses: [`${SET}/attached`, 'log/quiet'],
    fix: 'a986fa57fd81 KVM: PPC: Book3S HV: Prevent UAF in kvm_spapr_tce_attach_iommu_group() (CVE-2024-41070)',
    change: (rules) =>
      before(rules, SET, (c: Attribute) => {
        if (setsTable(c) && c.host.racing.includes('close')) c.host.machine.diverged = true;
      }),
  },
  {
    id: 'linux-kvm/count-unchecked',
    title: 'Only the first entry of H_STUFF_TCE and H_PUT_TCE_INDIRECT is held against the end of the table: the guest writes behind it',
    kind: 'historic',
    clauses: [`${STUFF}/ioba-beyond`, `${LIST}/ioba-beyond`],
    fix: 'iommu_tce_check_ioba looks at the count (between Linux 6.12 and 7.2)',
    change: (rules) => [PUT, GET, STUFF, LIST].reduce(firstAlone, rules),
  },
  {
    id: 'linux-kvm/end-comes-round',
    title: 'The end of a new table is reckoned in 64 bits, where it comes round: a table of all entries without memory for any',
    kind: 'historic',
    clauses: [`${CREATE}/range`],
    change: (rules) => {
      const unchecked = withCondition<Create>(rules, `${CREATE}/range`, (c) => BigInt.asUintN(64, c.offset + c.size) > ((1n << 64n) - 1n) >> c.pageShift);
      return [PUT, GET, STUFF, LIST].reduce(
        (book, call) =>
          before(book, call, ({ host, table }: TceCall) => {
            if (table!.offset + table!.size < 1n << 64n) return;
            host.machine.diverged = true;
            host.machine.scars.add(BEHIND_TABLE);
          }),
        unchecked,
      );
    },
  },
  {
    id: 'linux-kvm/failed-page-stays-counted',
    title: 'What an entry had that cannot be stored whole stays counted: its memory is pinned and charged for ever',
    kind: 'historic',
    clauses: [`${PUT}/partly-registered`, `${LIST}/partly-registered`, `${LIST}/clear-unregistered`, 'ledger/locked'],
    change: (rules) =>
      (['partly-registered', 'clear-unregistered'] as const).reduce(
        (book, stop) => withMoreDamage(book, `${LIST}/${stop}`, countFailedList(stop)),
        withMoreDamage(rules, `${PUT}/partly-registered`, countFailedPut),
      ),
  },
  {
    id: 'linux-kvm/list-clear-counts',
    title: 'An entry of a list that maps nothing counts as a mapping of the page its address names: memory stays pinned and charged for ever',
    kind: 'historic',
    clauses: [`${LIST}/stored`, 'ledger/locked'],
    change: (rules) =>
      (['clear-outside', 'clear-unregistered', 'partly-registered'] as const).reduce(
        (book, stop) => withMoreDamage(book, `${LIST}/${stop}`, countClearedBefore(stop)),
        before(rules, LIST, countCleared),
      ),
  },
  {
    id: 'linux-kvm/orphan-stays-counted',
    title: 'What the guest mapped in a window that was removed stays counted when the table goes: its memory is pinned and charged for ever',
    kind: 'historic',
    clauses: ['close/closed', 'ledger/locked'],
    change: (rules) => before(before(rules, 'close', keepOrphans), SET, keepTakenOrphans),
  },
  {
    id: 'linux-kvm/attached-twice-stays',
    title: 'A window that a group attached twice follows the guest after the group was taken away',
    kind: 'historic',
    clauses: [`${SET}/taken-away`],
    change: (rules) => before(rules, SET, countTwice),
  },
  {
    id: 'linux-kvm/removed-window-stays',
    title: 'A window that was removed before its group was taken away stays attached as long as the table lives',
    kind: 'historic',
    clauses: [`${SET}/taken-away`],
    change: (rules) => before(before(rules, SET, keepRemoved), 'close', keepRemovedAtEnd),
  },
  {
    id: 'linux-kvm/host-window-attached',
    title: "The host's own window of a group that is in no container is attached: the guest changes what the host's drivers use",
    kind: 'historic',
    clauses: [`${SET}/window`],
    change: (rules) => withGuardBefore(rules, `${SET}/window`, ofHost),
  },
  {
    id: 'linux-kvm/page-beyond-slot',
    title: "Only the beginning of a page is held against the guest's memory: the device reaches what lies behind it in the program",
    kind: 'historic',
    clauses: [`${PUT}/slot-end`, `${LIST}/slot-end`],
    change: (rules) => withoutGuard(withoutGuard(rules, `${PUT}/slot-end`), `${LIST}/slot-end`),
  },
  {
    id: 'linux-kvm/never-attached-warns',
    title: 'Taking away a group to which no table was attached, or a file that is no group, makes the kernel log a warning, once a boot',
    kind: 'historic',
    clauses: [`${SET}/taken-away`, `${SET}/table-group`, 'log/quiet'],
    change: (rules) =>
      [SET, 'close'].reduce(
        (book, call) => before(book, call, ({ host }: { readonly host: Host }) => host.mayLog.push(GROUP_WARNING)),
        withDamage<Attribute>(rules, `${SET}/table-group`, ({ host }) => host.mayLog.push(GROUP_WARNING)),
      ),
  },
  {
    id: 'linux-kvm/clears-first-page',
    title: "Of a guest's page only the first hardware page is taken back",
    kind: 'invented',
    clauses: [`${PUT}/cleared`, `${STUFF}/cleared`],
    change: (rules) => [PUT, STUFF].reduce(clearFirstPage, rules),
  },
  {
    id: 'linux-kvm/replays',
    title: 'Attaching carries over what the table has already',
    kind: 'invented',
    clauses: [`${SET}/attached`],
    change: (rules) =>
      afterwards(rules, SET, ({ host, tableFile }: Attribute, { clause }) => {
        if (clause === `${SET}/attached`) replay(host, (tableFile as TableFile).table);
      }),
  },
  {
    id: 'linux-kvm/detaching-clears',
    title: 'Taking a group away clears its windows',
    kind: 'invented',
    clauses: [`${SET}/taken-away`],
    change: (rules) =>
      afterwards(rules, SET, ({ host, vm, named }: Attribute, { clause }) => {
        if (clause !== `${SET}/taken-away` || named?.kind !== 'group') return;
        for (const table of named.group.container?.tables ?? []) if (table !== undefined) clearEntries(host, vm, table, 0, entriesOf(table));
      }),
  },
];
