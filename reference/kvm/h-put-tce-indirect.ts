import { defineCall, type Guard } from '../rules.js';
import type { Operation } from '../doors/operations.js';
import { H, HCALLS, MULTI_TCE_LIMIT } from '../uapi/hcall.js';
import { load } from '../vfio/user-memory.js';
import { enabling, MEMORY, PROCESSOR, SAMPLE_SLOT, SAMPLE_TABLE, tceClause, WITH_GUEST } from './checks.js';
import { clearFirst, failEntry, faultOf, guestAddress, indexOf, isMapped, permissionOf, putEntry, slotAt, userAddress } from './entries.js';
import { faultChecks, HANDED, notEnabled, nothingAtEnd, outsideTable, readTceCall, releasedMemory, unknownTable, type HcallInput, type TceCall } from './tce-checks.js';

const CALL = 'H_PUT_TCE_INDIRECT';
const NAME = `kvm/${CALL}`;

/** A list lies in a page of 4 KiB, its entries big-endian. */
const LIST_BYTES = 0x1000n;
const ENTRY_BYTES = 8;

export interface Indirect extends TceCall {
  readonly list: bigint;
  /** The entries of the list; undefined where they cannot be read. */
  readonly entries: readonly bigint[] | undefined;
}

const readIndirect = (...[host, vm, [liobn = 0n, ioba = 0n, list = 0n, count = 0n]]: HcallInput): Indirect => {
  const c = { ...readTceCall(host, vm, liobn, ioba, count), list };
  return { ...c, entries: entriesAt(c) };
};

function entriesAt({ host, vm, list, count }: Omit<Indirect, 'entries'>): readonly bigint[] | undefined {
  const slot = slotAt(vm, list);
  if (slot === undefined || count > BigInt(MULTI_TCE_LIMIT)) return undefined;
  const bytes = load(host, vm, { length: Number(count) * ENTRY_BYTES }, userAddress(slot, list));
  if (bytes === undefined) return undefined;
  const buffer = Buffer.from(bytes.values);
  return Array.from({ length: Number(count) }, (_, i) => buffer.readBigUInt64BE(i * ENTRY_BYTES));
}

const tooMany: Guard<Indirect> = {
  ...tceClause(`${NAME}/count`, `More than ${MULTI_TCE_LIMIT} entries are refused with H_PARAMETER.`),
  when: ({ count }) => count > BigInt(MULTI_TCE_LIMIT),
  refuse: [H.H_PARAMETER],
  violation: { args: { count: BigInt(MULTI_TCE_LIMIT) + 1n } },
};

const unalignedList: Guard<Indirect> = {
  ...tceClause(`${NAME}/list-alignment`, 'A list that does not begin a page of 4 KiB is refused with H_PARAMETER.'),
  when: ({ list }) => (list & (LIST_BYTES - 1n)) !== 0n,
  refuse: [H.H_PARAMETER],
  violation: { args: { list: SAMPLE_SLOT.start + 8n } },
};

const noList: Guard<Indirect> = {
  ...tceClause(`${NAME}/list`, "A list that is no memory of the guest's, or that the process cannot read, is left to the monitor."),
  when: ({ entries }) => entries === undefined,
  refuse: [HANDED],
  violation: { args: { list: SAMPLE_SLOT.start + SAMPLE_SLOT.bytes } },
};

/** What ends the call while it stores entry after entry. */
export type Stop = 'clear-outside' | 'clear-unregistered' | 'partly-registered';

function stopOf({ table, vm }: Indirect, tce: bigint): Stop | undefined {
  if (permissionOf(tce) !== 0n) return faultOf(table!, tce) === 'partly' ? 'partly-registered' : undefined;
  if (slotAt(vm, guestAddress(tce)) === undefined) return 'clear-outside';
  return table!.attached.length > 0 && !isMapped(table!, tce) ? 'clear-unregistered' : undefined;
}

/** The position of the first entry that ends the call like this; none behind one that must end it. */
export function stoppedAt(c: Indirect, stop: Stop): number | undefined {
  for (const [i, tce] of c.entries!.entries()) {
    const found = stopOf(c, tce);
    if (found === stop) return i;
    if (found === 'partly-registered') return undefined;
  }
  return undefined;
}

/** A guard on the first such entry: those before it are stored, and with it this is done. */
const stopping = (stop: Stop, fail: (c: Indirect, index: bigint, tce: bigint) => void): Pick<Guard<Indirect>, 'when' | 'damage'> => ({
  when: (c) => stoppedAt(c, stop) !== undefined,
  damage(c) {
    const at = stoppedAt(c, stop)!;
    storeFirst(c, at);
    fail(c, indexOf(c.table!, c.ioba) + BigInt(at), c.entries![at]!);
  },
});

export function storeFirst({ host, table, ioba, entries }: Indirect, count: number): void {
  const first = indexOf(table!, ioba);
  entries!.slice(0, count).forEach((tce, i) => putEntry(host, table!, first + BigInt(i), tce));
}

const clearOutside: Guard<Indirect> = {
  ...tceClause(`${NAME}/clear-outside`, "An entry without permissions of which the address is none of the guest's may end the call with H_PARAMETER; the entries before it are stored."),
  level: 'may',
  choice: { id: 'K4', canonical: true },
  ...stopping('clear-outside', () => undefined),
  refuse: [H.H_PARAMETER],
};

const clearUnregistered: Guard<Indirect> = {
  ...tceClause(
    `${NAME}/clear-unregistered`,
    'In an attached table: an entry without permissions of which the address is not registered may be left to the monitor; the entries before it are stored, and its own maps nothing in the window that was attached last.',
  ),
  level: 'may',
  choice: { id: 'K5', canonical: true },
  ...stopping('clear-unregistered', ({ host, table }, index) => clearFirst(host, table!, index)),
  refuse: [HANDED],
};

const partly: Guard<Indirect> = {
  ...tceClause(`${NAME}/partly-registered`, 'In an attached table: an entry of which a later hardware page is not registered is left to the monitor; the entries before it are stored, and in that window its own maps nothing any more.'),
  ...stopping('partly-registered', ({ host, table }, index, tce) => failEntry(host, table!, index, tce)),
  refuse: [HANDED],
};

const listed = ({ entries }: Indirect): readonly bigint[] => entries!;

/** The list of the sample: two pages, big-endian. */
const LISTED: Operation = { door: 'user', op: 'store', address: MEMORY, order: 'big', wordBytes: 8, words: [SAMPLE_SLOT.start | 3n, (SAMPLE_SLOT.start + 0x1_0000n) | 1n] };

/** H_PUT_TCE_INDIRECT as KVM answers it, once it is enabled: all entries are looked at, then one after the other is stored. */
export const kvmPutTceIndirect = defineCall<Indirect, HcallInput>({
  name: NAME,
  parameters: ['liobn', 'ioba', 'list', 'count'],
  read: readIndirect,
  guards: [
    notEnabled(CALL),
    unknownTable(CALL),
    tooMany,
    unalignedList,
    ...outsideTable(CALL),
    nothingAtEnd(CALL),
    noList,
    ...faultChecks(CALL, listed),
    clearOutside,
    clearUnregistered,
    partly,
    releasedMemory(CALL, listed),
  ],
  effect: {
    clauses: [tceClause(`${NAME}/stored`, 'Every entry of the list is stored, and in every window that follows the table its hardware pages are mapped, or map nothing where it has no permissions.')],
    apply(c) {
      storeFirst(c, c.entries!.length);
      return { clause: `${NAME}/stored`, status: 0 };
    },
  },
  sample: { fd: PROCESSOR, setup: [...WITH_GUEST, enabling(HCALLS[CALL]), LISTED], args: { liobn: SAMPLE_TABLE.liobn, ioba: 0n, list: SAMPLE_SLOT.start, count: 2n } },
});
