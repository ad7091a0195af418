import { defineCall, type Guard } from '../rules.js';
import { merged } from '../vfio/checks.js';
import { PROCESSOR, WITH_GUEST } from './checks.js';
import { HANDED, type HcallInput } from './tce-checks.js';

const NAME = 'kvm/other-hcall';

const handed: Guard<object> = {
  ...merged('Linux 7.2 arch/powerpc/kvm/book3s_hv.c kvmppc_pseries_do_hcall')(`${NAME}/handed`, 'A hypercall that KVM does not answer is left to the monitor, its registers as they were.'),
  when: () => true,
  refuse: [HANDED],
};

/** Any hypercall on TCEs but the four. */
export const kvmOtherHcall = defineCall<object, HcallInput>({
  name: NAME,
  parameters: [],
  read: () => ({}),
  guards: [handed],
  effect: {
    clauses: [handed],
    apply() {
      throw new Error(`${NAME} has no effect: a check before it always decides.`);
    },
  },
  sample: { fd: PROCESSOR, setup: WITH_GUEST, args: {} },
});
