import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { HCALLS } from '../uapi/hcall.js';
import { KVM_CAP } from '../uapi/kvm.js';
import { arg, merged, type IoctlInput } from '../vfio/checks.js';
import { foreignMachine, MADE, readVm, unreadable, VM, type VmContext } from './checks.js';

const NAME = 'KVM_ENABLE_CAP';
const clause = merged('Linux 7.2 arch/powerpc/kvm/powerpc.c kvm_vm_ioctl_enable_cap; book3s_hv.c kvmppc_hcall_impl_hv');

/** The hypercalls on TCEs that KVM can answer. Others that it can are no business of these rules. */
export const TCE_HCALLS = ['H_PUT_TCE', 'H_GET_TCE', 'H_STUFF_TCE', 'H_PUT_TCE_INDIRECT'] as const;

const named = (c: VmContext): string | undefined => TCE_HCALLS.find((name) => BigInt(HCALLS[name]) === arg(c, 'arg0'));

const unknownFlags: Guard<VmContext> = {
  ...clause(`${NAME}/flags`, 'Any flag is refused with EINVAL.'),
  when: (c) => arg(c, 'flags') !== 0n,
  refuse: [-E.EINVAL],
  violation: { args: { flags: 1n } },
};

const unknownCapability: Guard<VmContext> = {
  ...clause(`${NAME}/cap`, 'A capability that a machine does not have is refused with EINVAL.'),
  when: (c) => arg(c, 'cap') !== BigInt(KVM_CAP.PPC_ENABLE_HCALL),
  refuse: [-E.EINVAL],
  violation: { args: { cap: 0xffff_ffffn } },
};

const neither: Guard<VmContext> = {
  ...clause(`${NAME}/enabled`, 'A hypercall is enabled by 1, disabled by 0; any other value is refused with EINVAL.'),
  when: (c) => arg(c, 'arg1') > 1n,
  refuse: [-E.EINVAL],
  violation: { args: { arg1: 2n } },
};

const unknownHcall: Guard<VmContext> = {
  ...clause(`${NAME}/hypercall`, 'A number that is no hypercall, or that of one which KVM does not answer, is refused with EINVAL.'),
  when: (c) => named(c) === undefined,
  refuse: [-E.EINVAL],
  violation: { args: { arg0: BigInt(HCALLS.H_PUT_RTCE) } },
};

/** KVM_ENABLE_CAP of a machine, KVM_CAP_PPC_ENABLE_HCALL: who answers a hypercall, KVM or the monitor. */
export const enableCap = defineCall<VmContext, IoctlInput>({
  name: NAME,
  parameters: ['cap', 'flags', 'arg0', 'arg1'],
  read: readVm,
  guards: [foreignMachine(NAME), unreadable(NAME), unknownFlags, unknownCapability, neither, unknownHcall],
  effect: {
    clauses: [
      clause(`${NAME}/answered`, 'From now on KVM answers the hypercall as far as it can.'),
      clause(`${NAME}/left`, 'From now on the monitor answers the hypercall.'),
    ],
    apply(c) {
      const name = named(c)!;
      if (arg(c, 'arg1') === 0n) {
        c.vm.enabled.delete(name);
        return { clause: `${NAME}/left`, status: 0 };
      }
      c.vm.enabled.add(name);
      return { clause: `${NAME}/answered`, status: 0 };
    },
  },
  sample: { fd: VM, setup: MADE, args: { cap: BigInt(KVM_CAP.PPC_ENABLE_HCALL), flags: 0n, arg0: BigInt(HCALLS.H_STUFF_TCE), arg1: 1n } },
});
