import type { PutTceIndirect } from '../papr/h-put-tce-indirect.js';
import type { StuffTce } from '../papr/h-stuff-tce.js';

import { clause, mapsForeignPage } from '../papr/tce-checks.js';
import { ownsPage } from '../machine.js';
import { isMapping, rpn } from '../tce/tce.js';
import { H } from '../uapi/hcall.js';
import { withGuardBefore, withLastGuard, type Mutant } from './mutant.js';

const SOURCE = 'Linux arch/powerpc/kvm/book3s_64_vio.c';

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
    title: 'H_PUT_TCE_INDIRECT needs memory behind an entry even if it maps nothing',
    kind: 'historic',
    clauses: ['H_PUT_TCE_INDIRECT/store'],
    change: (rules) =>
      withLastGuard<PutTceIndirect>(rules, 'H_PUT_TCE_INDIRECT', {
        ...clause('H_PUT_TCE_INDIRECT/store', 'KVM looks up the address of every entry.', `${SOURCE}, kvmppc_tce_to_ua`),
        when: (c) => c.entries.some((entry) => !mapsForeignPage(c.machine, entry) && !ownsPage(c.machine, rpn(entry))),
        refuse: [H.H_PARAMETER],
      }),
  },
];
