import type { MachineDescription } from '../description.js';
import { conforms, departs } from '../judging.js';
import type { Judgement } from '../judgement.js';
import type { Machine } from '../machine.js';
import type { Answer, Clause } from '../rules.js';
import { entryOptions, leaveResidue, putEntry } from '../tce/entries.js';
import { changes, isMulti, NAME, read } from './indirect-context.js';

/*
 * A partition whose hypercalls a kernel answers, with a virtual machine monitor behind it: KVM and QEMU. Where the kernel leaves a call
 * to the monitor, the rules of the call are the monitor's to keep.
 */

/** Which calls those are is choice point K20: any may be. */
export const HANDED_CLAUSE: Clause = {
  id: 'monitor/handed',
  text: 'A kernel that answers the hypercalls of a partition may leave a call to the monitor behind it, nothing changed; of a list it may have stored a part, which the monitor puts once more.',
  source: 'Linux 7.2 Documentation/virt/kvm/api.rst, KVM_EXIT_PAPR_HCALL; arch/powerpc/kvm/book3s_64_vio.c, kvmppc_h_put_tce_indirect (H_TOO_HARD)',
  status: 'merged',
  level: 'may',
};

/** The model's own choice: a call on a table that the kernel does not have goes to the monitor, which may have it. */
export const handsOn = ({ monitor }: MachineDescription, { clause }: Answer): boolean => monitor === true && clause.endsWith('/liobn');

/** What is to be said of a call that the kernel left to its monitor: none of its rules was put to the test. */
export function judgeHanded(machine: Machine, call: string, args: readonly bigint[]): Judgement {
  if (machine.description.monitor !== true) return departs(HANDED_CLAUSE.id, 'an answer: there is no monitor', 'handed to the monitor');
  if (call === NAME) leaveListOpen(machine, args);
  return conforms(HANDED_CLAUSE.id);
}

/** Each entry that the list was to replace may be as before, or as in the list; a device may meet nothing of it. Only a look shows. */
function leaveListOpen(machine: Machine, args: readonly bigint[]): void {
  const c = read(machine, args);
  if (isMulti(c) || c.window === undefined) return;
  for (const { window, index, entry } of changes(c)) {
    if (index < 0 || index >= window.table.entries) continue;
    const before = entryOptions(window, index);
    putEntry(window, index, before.includes(0n) ? 0n : before[0]);
    for (const value of [...before, entry]) if (value !== 0n) leaveResidue(window, index, value);
    window.cleared.add(index);
  }
}
