import { isMulti, type PutTceIndirect } from '../papr/indirect-context.js';
import type { StuffTce } from '../papr/h-stuff-tce.js';

import { clause, mapsForeignPage } from '../papr/tce-checks.js';
import { ownsPage } from '../machine.js';
import type { AnyCall, PlatformInput, RuleBook } from '../rules.js';
import { aligned, covers, entryIndex, putEntries } from '../tce/entries.js';
import { isMapping, permits, rpn } from '../tce/tce.js';
import type { AccessContext } from '../tce/translate.js';
import { H } from '../uapi/hcall.js';
import { BEHIND_TABLE } from './linux-kvm-steps.js';
import { changeCall, withCondition, withGuardBefore, withLastGuard, type Mutant } from './mutant.js';

const SOURCE = 'Linux arch/powerpc/kvm/book3s_64_vio.c';

/** An entry that maps nothing, at an address that is none of the partition's. */
const clearsOutside = ({ machine }: PutTceIndirect, entry: bigint): boolean => !mapsForeignPage(machine, entry) && !ownsPage(machine, rpn(entry));

/**
 * What KVM's in-kernel handlers do otherwise than the architecture says, beside what its VMM does with the calls that
 * KVM hands on (those are QEMU's). Read in the source and measured on 6.12 and 7.2; see the profile `kvm`.
 */
export const KVM_TCE_MUTANTS: readonly Mutant[] = [
  {
    id: 'kvm/stuff-mapping',
    title: 'H_STUFF_TCE of an entry with permission bits is refused with H_PARAMETER',
    kind: 'historic',
    clauses: ['H_STUFF_TCE/store'],
    change: (rules) =>
      withGuardBefore<StuffTce>(rules, 'H_STUFF_TCE/range', {
        ...clause('H_STUFF_TCE/store', 'KVM stuffs clears only.', `${SOURCE}, kvmppc_h_stuff_tce`),
        when: (c) => isMapping(c.entry),
        refuse: [H.H_PARAMETER],
      }),
  },
  {
    id: 'kvm/indirect-clear-outside',
    title: 'H_PUT_TCE_INDIRECT needs memory behind an entry even if it maps nothing, and stores those before it',
    kind: 'historic',
    clauses: ['H_PUT_TCE_INDIRECT/store'],
    change: (rules) =>
      withLastGuard<PutTceIndirect>(rules, 'H_PUT_TCE_INDIRECT', {
        ...clause('H_PUT_TCE_INDIRECT/store', 'KVM looks up the address of every entry.', `${SOURCE}, kvmppc_tce_to_ua`),
        when: (c) => c.entries.some((entry) => clearsOutside(c, entry)),
        refuse: [H.H_PARAMETER],
        damage(c) {
          const stored = c.entries.subarray(0, c.entries.findIndex((entry) => clearsOutside(c, entry)));
          if (stored.length > 0) putEntries(c.window!, entryIndex(c.window!, c.ioba), stored);
        },
      }),
  },
];

/** The same of some hosts only: of kernels before a fix, or of PowerNV (whose way the profile `kvm` takes, too). */
export const KVM_HOST_MUTANTS: readonly Mutant[] = [
  {
    id: 'kvm/multi-tce-past-end',
    title: 'H_PUT_TCE_INDIRECT and H_STUFF_TCE look at the first entry only: a range may end past the table',
    kind: 'historic',
    clauses: ['H_PUT_TCE_INDIRECT/ioba', 'H_STUFF_TCE/range'],
    change: (rules) => ['H_PUT_TCE_INDIRECT', 'H_STUFF_TCE'].reduce(beyondTable, rules),
  },
  {
    id: 'kvm/write-implies-read',
    title: 'An entry with write permission only lets a device read, too',
    kind: 'historic',
    clauses: ['dma/read-permission'],
    change: (rules) =>
      withCondition<AccessContext>(rules, 'dma/read-permission', ({ direction, entry }) => direction === 'read' && !permits(entry!, 'read') && !permits(entry!, 'write')),
  },
];

type Several = PutTceIndirect | StuffTce;

/** KVM takes it, as far as its table goes. */
const stores = (c: Several): boolean => ('entries' in c ? !isMulti(c) && c.entries.length > 0 : !isMapping(c.entry));

/**
 * A call that stores past the end of its table stores in the kernel's own memory: it may answer anything, and neither what it stores nor
 * what comes after is followed.
 */
const beyondTable = (rules: RuleBook, name: string): RuleBook =>
  changeCall(rules, name, (call: AnyCall) => ({
    ...call,
    read(...input: PlatformInput): Several {
      const c = call.read(...input) as Several;
      if (c.window === undefined || !aligned(c.window, c.ioba) || !covers(c.window, c.ioba) || covers(c.window, c.ioba, c.count) || !stores(c)) return c;
      c.machine.diverged = true;
      c.machine.scars.add(BEHIND_TABLE);
      const left = c.window.table.entries - entryIndex(c.window, c.ioba);
      return { ...c, count: BigInt(left), ...('entries' in c && { entries: c.entries.subarray(0, left) }) };
    },
  }));
