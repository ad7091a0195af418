import { mayLock } from '../memory/process.js';
import { defineCall, type Answer, type Guard } from '../rules.js';
import type { Chooser } from '../chooser.js';
import { E } from '../uapi/errno.js';
import { arg, limitedTo, type Ioctl, type IoctlInput } from '../vfio/checks.js';
import { openFile } from '../vfio/files.js';
import type { Host, TableFile } from '../vfio/host.js';
import { foreignMachine, MADE, readVm, SAMPLE_TABLE, tableMade, tceClause, unreadable, VM, type VmContext } from './checks.js';
import { endTable } from './files.js';
import { entryPages, recordBytes, tablePages } from './state/table-size.js';
import type { SpaprTable } from './state/vm.js';

const NAME = 'KVM_CREATE_SPAPR_TCE';
const NAME_64 = 'KVM_CREATE_SPAPR_TCE_64';

/** I/O pages of a table: 4 KiB to 16 GiB. */
const SMALLEST_PAGE = 12n;
const LARGEST_PAGE = 34n;

/** The last of all addresses. */
const LAST_ADDRESS = (1n << 64n) - 1n;

/** The kernel's record of a table is one piece of memory: as large a piece as this there always is, and one larger than that never. */
const SMALL_PIECE = 1n << 16n;
const LARGEST_PIECE = 1n << 22n;

export interface Create extends VmContext {
  readonly liobn: bigint;
  readonly pageShift: bigint;
  readonly offset: bigint;
  readonly size: bigint;
}

const readCreate64 = (host: Host, ioctl: Ioctl): Create => {
  const c = readVm(host, ioctl);
  return { ...c, liobn: arg(c, 'liobn'), pageShift: arg(c, 'page_shift'), offset: arg(c, 'offset'), size: arg(c, 'size') };
};

const readCreate = (host: Host, ioctl: Ioctl): Create => {
  const c = readVm(host, ioctl);
  return { ...c, liobn: arg(c, 'liobn'), pageShift: SMALLEST_PAGE, offset: 0n, size: arg(c, 'window_size') >> SMALLEST_PAGE };
};

const unknownFlags: Guard<Create> = {
  ...tceClause(`${NAME_64}/flags`, 'Any flag is refused with EINVAL.', 'Linux 7.2 arch/powerpc/kvm/powerpc.c kvm_arch_vm_ioctl'),
  when: (c) => arg(c, 'flags') !== 0n,
  refuse: [-E.EINVAL],
  violation: { args: { flags: 1n } },
};

const pageSize: Guard<Create> = {
  ...tceClause(`${NAME_64}/page-size`, 'An I/O page smaller than 4 KiB or larger than 16 GiB is refused with EINVAL.'),
  when: (c) => c.pageShift < SMALLEST_PAGE || c.pageShift > LARGEST_PAGE,
  refuse: [-E.EINVAL],
  violation: { args: { page_shift: LARGEST_PAGE + 1n } },
};

const beyond: Guard<Create> = {
  ...tceClause(`${NAME_64}/range`, 'A table that ends past the last address of the bus is refused with EINVAL, however it is said.'),
  when: (c) => c.offset + c.size > LAST_ADDRESS >> c.pageShift,
  refuse: [-E.EINVAL],
  violation: { args: { offset: LAST_ADDRESS >> SAMPLE_TABLE.pageShift } },
};

const empty = (call: string, nothing: Readonly<Record<string, bigint>>): Guard<Create> => ({
  ...tceClause(`${call}/size`, call === NAME ? 'A table for less than an I/O page of 4 KiB is refused with EINVAL.' : 'A table of no entries is refused with EINVAL.'),
  when: (c) => c.size === 0n,
  refuse: [-E.EINVAL],
  violation: { args: nothing },
});

const overLimit = (call: string): Guard<Create> => ({
  ...tceClause(`${call}/limit`, 'A table that would exceed the limit of locked memory is refused with ENOMEM.'),
  when: (c) => !mayLock(c.vm.space, pagesOf(c), c.host.linux.pageShift),
  refuse: [-E.ENOMEM],
  violation: { setup: [limitedTo(0n)] },
});

const tooLarge: Guard<Create> = {
  ...tceClause(`${NAME_64}/memory`, 'A table whose record takes more than 64 KiB in one piece may be refused with ENOMEM; nothing stays locked.'),
  level: 'may',
  choice: { id: 'K2', canonical: (c) => record(c) > LARGEST_PIECE },
  when: (c) => record(c) > SMALL_PIECE,
  refuse: [-E.ENOMEM],
};

const known = (call: string): Guard<Create> => ({
  ...tceClause(`${call}/liobn`, 'A LIOBN that another table of the machine has is refused with EBUSY; nothing stays locked.'),
  when: (c) => c.vm.tables.some(({ liobn }) => liobn === c.liobn),
  refuse: [-E.EBUSY],
  violation: { setup: [tableMade('other')] },
});

const record = ({ size, host }: Create): bigint => recordBytes(size, host.linux.pageShift);
const pagesOf = ({ size, host }: Create): bigint => tablePages(size, host.linux.pageShift);

/** A new table, whose entries are all 0. */
function make(c: Create, clause: string, chooser: Chooser): Answer {
  const { host, vm } = c;
  const table: SpaprTable = { vm, liobn: c.liobn, pageShift: Number(c.pageShift), offset: c.offset, size: c.size, real: takePages(host, c.size), attached: [] };
  const file: TableFile = { kind: 'kvm-table', table, users: 0, end: (ended) => endTable(ended, table) };
  vm.tables.push(table);
  vm.space.lockedPages += pagesOf(c);
  return { clause, status: openFile(c.process, file, chooser) };
}

/** Real memory for so many entries. */
function takePages({ memory, linux }: Host, entries: bigint): bigint {
  const page = 1n << BigInt(linux.pageShift);
  const real = ((memory.next + page - 1n) / page) * page;
  memory.next = real + entryPages(entries, linux.pageShift) * page;
  return real;
}

/** KVM_CREATE_SPAPR_TCE_64: a TCE table of the machine, for a part of the bus. */
export const createSpaprTce64 = defineCall<Create, IoctlInput>({
  name: NAME_64,
  parameters: ['liobn', 'page_shift', 'flags', 'offset', 'size'],
  read: readCreate64,
  guards: [foreignMachine(NAME_64), unreadable(NAME_64), unknownFlags, empty(NAME_64, { size: 0n }), pageSize, beyond, overLimit(NAME_64), tooLarge, known(NAME_64)],
  effect: {
    clauses: [tceClause(`${NAME_64}/made`, 'The machine has the table; its entries are 0, its pages are locked at once, and it lives as long as a descriptor or a mapping of it.')],
    statuses: 'descriptor',
    apply: (c, chooser) => make(c, `${NAME_64}/made`, chooser),
  },
  sample: {
    fd: VM,
    setup: MADE,
    args: { liobn: SAMPLE_TABLE.liobn, page_shift: SAMPLE_TABLE.pageShift, flags: 0n, offset: 0n, size: SAMPLE_TABLE.entries },
  },
});

/** KVM_CREATE_SPAPR_TCE: the same with pages of 4 KiB, from bus address 0. */
export const createSpaprTce = defineCall<Create, IoctlInput>({
  name: NAME,
  parameters: ['liobn', 'window_size'],
  read: readCreate,
  guards: [foreignMachine(NAME), unreadable(NAME), empty(NAME, { window_size: 0xfffn }), overLimit(NAME), known(NAME)],
  effect: {
    clauses: [tceClause(`${NAME}/made`, 'The machine has a table of 4 KiB pages from bus address 0, as large as the window.', 'Linux 7.2 arch/powerpc/kvm/powerpc.c kvm_arch_vm_ioctl')],
    statuses: 'descriptor',
    apply: (c, chooser) => make(c, `${NAME}/made`, chooser),
  },
  sample: { fd: VM, setup: MADE, args: { liobn: SAMPLE_TABLE.liobn, window_size: 1n << 26n } },
});
