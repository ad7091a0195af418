import type { MachineDescription } from '../description.js';
import { conforms, departs } from '../judging.js';
import type { Judgement } from '../judgement.js';
import type { Answer, Clause } from '../rules.js';

/*
 * A partition whose hypercalls a kernel answers, with a virtual machine monitor behind it: KVM and QEMU. Where the kernel leaves a call
 * to the monitor, the rules of the call are the monitor's to keep.
 */

/** Which calls those are is choice point K20: any may be. */
export const HANDED_CLAUSE: Clause = {
  id: 'monitor/handed',
  text: 'A kernel that answers the hypercalls of a partition may leave a call to the monitor behind it; then it has changed nothing.',
  source: 'Linux 7.2 Documentation/virt/kvm/api.rst, KVM_EXIT_PAPR_HCALL; arch/powerpc/kvm/book3s_hv.c, kvmppc_pseries_do_hcall (H_TOO_HARD)',
  status: 'merged',
  level: 'may',
};

/** The model's own choice: a call on a table that the kernel does not have goes to the monitor, which may have it. */
export const handsOn = ({ monitor }: MachineDescription, { clause }: Answer): boolean => monitor === true && clause.endsWith('/liobn');

/** What is to be said of a call that the kernel left to its monitor: none of its rules was put to the test. */
export const judgeHanded = ({ monitor }: MachineDescription): Judgement =>
  monitor === true ? conforms(HANDED_CLAUSE.id) : departs(HANDED_CLAUSE.id, 'an answer: there is no monitor', 'handed to the monitor');
