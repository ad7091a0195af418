import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { GUEST_CODE } from '../uapi/kvm.js';
import { openFile } from '../vfio/files.js';
import type { Host, OpenFile, Process, VmFile } from '../vfio/host.js';
import { kvmClause, PROCESSOR, WITH_GUEST } from './checks.js';

const NAME = 'kvm/guest';

/** What making a processor is given. */
export type GuestInput = readonly [host: Host, making: { readonly process: Process; readonly file: OpenFile | undefined; readonly processor: number }];

interface Making {
  readonly process: Process;
  readonly file: VmFile;
  readonly processor: number;
}

/** Memory that whoever carries the operation out takes for it: no program can name it. */
const OUT_OF_REACH = 1n << 62n;

const noDescriptor: Guard<GuestInput[1]> = {
  ...kvmClause(`${NAME}/descriptor`, 'A descriptor that is not open is refused with EBADF.'),
  when: ({ file }) => file?.kind !== 'kvm-vm',
  refuse: [-E.EBADF],
};

const twice: Guard<Making> = {
  ...kvmClause(
    `${NAME}/number`,
    'A number that a processor of the machine has is refused with EEXIST, or by the platform with EINVAL before; its descriptor closed or not.',
    'Linux 7.2 virt/kvm/kvm_main.c kvm_vm_ioctl_create_vcpu; arch/powerpc/kvm/book3s_hv.c kvmppc_core_vcpu_create_hv: from POWER9 on a core has one processor',
  ),
  when: ({ file, processor }) => file.vm.processors.has(processor),
  refuse: [-E.EEXIST, -E.EINVAL],
};

/** A processor, made and run to where it waits for hypercalls to make. */
export const makeGuest = defineCall<Making, GuestInput>({
  name: NAME,
  parameters: [],
  read: (_host, making) => making as Making,
  guards: [noDescriptor, twice],
  effect: {
    clauses: [kvmClause(`${NAME}/made`, 'The machine has the processor as long as it is there itself; it keeps the machine alive.')],
    statuses: 'descriptor',
    apply({ process, file, processor }, chooser) {
      const { vm } = file;
      vm.processors.add(processor);
      vm.slots.set(GUEST_CODE.slot, { flags: 0n, start: GUEST_CODE.start, size: GUEST_CODE.bytes, address: OUT_OF_REACH });
      return { clause: `${NAME}/made`, status: openFile(process, { kind: 'kvm-processor', vm, users: 0 }, chooser) };
    },
  },
  sample: { fd: PROCESSOR, setup: WITH_GUEST, args: {} },
});
