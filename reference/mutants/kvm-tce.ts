import type { PutTceIndirect } from '../papr/h-put-tce-indirect.js';
import type { StuffTce } from '../papr/h-stuff-tce.js';

import { clause, mapsForeignPage } from '../papr/tce-checks.js';
import { ownsPage, type Window } from '../machine.js';
import { covers, entryIndex, putEntries } from '../tce/entries.js';
import { isMapping, permits, rpn } from '../tce/tce.js';
import type { AccessContext } from '../tce/translate.js';
import { H } from '../uapi/hcall.js';
import { withCondition, withEffect, withGuardBefore, withLastGuard, type Mutant } from './mutant.js';

const SOURCE = 'Linux arch/powerpc/kvm/book3s_64_vio.c';

/** An entry that maps nothing, at an address that is none of the partition's. */
const clearsOutside = ({ machine }: PutTceIndirect, entry: bigint): boolean => !mapsForeignPage(machine, entry) && !ownsPage(machine, rpn(entry));

/** Entries from this address to the end of the table. */
const entriesFrom = (window: Window, ioba: bigint): number => window.table.entries - entryIndex(window, ioba);

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
    change(rules) {
      const indirect = withCondition<PutTceIndirect>(rules, 'H_PUT_TCE_INDIRECT/ioba', ({ window, ioba, count }) => window !== undefined && count > 0n && !covers(window, ioba));
      const both = withCondition<StuffTce>(indirect, 'H_STUFF_TCE/range', ({ window, ioba, count }) => window !== undefined && count > 0n && !covers(window, ioba));
      // What is past the table is the kernel's own memory: no call shows it.
      const clipped = withEffect<PutTceIndirect>(both, 'H_PUT_TCE_INDIRECT', (effect) => ({
        ...effect,
        apply: (c, chooser) => effect.apply(c.window === undefined ? c : { ...c, entries: c.entries.subarray(0, entriesFrom(c.window, c.ioba)) }, chooser),
      }));
      return withEffect<StuffTce>(clipped, 'H_STUFF_TCE', (effect) => ({
        ...effect,
        apply: (c, chooser) => effect.apply(c.count === 0n ? c : { ...c, count: least(c.count, BigInt(entriesFrom(c.window!, c.ioba))) }, chooser),
      }));
    },
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

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
