import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import type { Ioctl, IoctlContext, IoctlInput } from '../vfio/checks.js';
import type { Host } from '../vfio/host.js';
import { kvmClause, MADE, VM } from './checks.js';

const NAME = 'kvm-other';

const elsewhere: Guard<IoctlContext> = {
  ...kvmClause(`${NAME}/process`, 'A machine, or a device of it, refuses another process than the one that made it with EIO, whatever it asks.'),
  when: ({ file, process }) => (file.kind === 'kvm-vm' || file.kind === 'kvm-device') && file.vm.space !== process.space,
  refuse: [-E.EIO],
};

const unknownToKvm: Guard<IoctlContext> = {
  ...kvmClause(`${NAME}/system`, 'A number that means nothing to /dev/kvm is refused with EINVAL.', 'Linux 7.2 arch/powerpc/kvm/powerpc.c kvm_arch_dev_ioctl'),
  when: ({ file }) => file.kind === 'kvm',
  refuse: [-E.EINVAL],
};

const unknown: Guard<IoctlContext> = {
  ...kvmClause(`${NAME}/number`, 'A number that means nothing to a machine, to a table or to a device of KVM is refused with ENOTTY.'),
  when: () => true,
  refuse: [-E.ENOTTY],
};

/** An ioctl that none of KVM's files knows. */
export const otherKvmCall = defineCall<IoctlContext, IoctlInput>({
  name: NAME,
  parameters: [],
  read: (host: Host, ioctl: Ioctl) => ({ ...ioctl, host }),
  guards: [elsewhere, unknownToKvm, unknown],
  effect: {
    clauses: [unknown],
    apply() {
      throw new Error(`${NAME} has no effect: a check before it always decides.`);
    },
  },
  sample: { fd: VM, setup: MADE, args: {} },
});
