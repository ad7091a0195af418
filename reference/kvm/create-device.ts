import { defineCall, type Guard } from '../rules.js';
import type { Operation } from '../doors/operations.js';
import { E } from '../uapi/errno.js';
import { KVM_VFIO } from '../uapi/kvm.js';
import { arg, type IoctlInput } from '../vfio/checks.js';
import { freeDescriptor, install } from '../vfio/files.js';
import type { DeviceBridgeFile } from '../vfio/host.js';
import { foreignMachine, kvmClause, MADE, NO_DESCRIPTOR, readVm, unreadable, VM, type VmContext } from './checks.js';
import { endBridge } from './files.js';

const NAME = 'KVM_CREATE_DEVICE';
const clause = (id: string, text: string) => kvmClause(id, text, 'Linux 7.2 virt/kvm/kvm_main.c kvm_ioctl_create_device; virt/kvm/vfio.c kvm_vfio_create');

/** KVM_CREATE_DEVICE_TEST: only asks whether there is such a device. */
const TEST = 1n;

/** Position of `fd` in the structure. */
const FD = 1;

/** Makes KVM's VFIO device of the machine. */
export const bridgeMade = (as = 'bridge'): Operation => ({ door: 'kvm', op: 'ioctl', fd: VM, call: NAME, args: { type: BigInt(KVM_VFIO.type), fd: NO_DESCRIPTOR }, as });

const isTest = (c: VmContext): boolean => (arg(c, 'flags') & TEST) !== 0n;

const unknownType: Guard<VmContext> = {
  ...clause(`${NAME}/type`, 'A type of device that there is not is refused with ENODEV.'),
  when: (c) => arg(c, 'type') !== BigInt(KVM_VFIO.type),
  refuse: [-E.ENODEV],
  violation: { args: { type: 0xffff_ffffn } },
};

const second: Guard<VmContext> = {
  ...clause(`${NAME}/once`, 'A machine with a VFIO device refuses a second one with EBUSY.'),
  when: (c) => c.vm.hasDevice && !isTest(c),
  refuse: [-E.EBUSY],
  violation: { setup: [bridgeMade()] },
};

/** KVM_CREATE_DEVICE of the type VFIO: the bridge between the machine and groups of VFIO. */
export const createDevice = defineCall<VmContext, IoctlInput>({
  name: NAME,
  parameters: ['type', 'fd', 'flags'],
  read: readVm,
  guards: [foreignMachine(NAME), unreadable(NAME), unknownType, second],
  effect: {
    clauses: [
      clause(`${NAME}/made`, 'The machine has the device, with no group in it; another can be made once it is closed.'),
      clause(`${NAME}/tested`, 'Asked only, nothing is made, and no descriptor is written.'),
    ],
    apply(c, chooser) {
      if (isTest(c)) return { clause: `${NAME}/tested`, status: 0 };
      const { host, process, vm } = c;
      const value = chooser.adopt({
        choice: 'K6',
        clause: `${NAME}/made`,
        name: 'fd',
        index: FD,
        canonical: BigInt(freeDescriptor(process)),
        permitted: (descriptor) => descriptor <= 0x7fff_ffffn && !process.files.has(Number(descriptor)),
        expects: 'a descriptor that is free',
      });
      const file: DeviceBridgeFile = { kind: 'kvm-device', vm, added: [], users: 0, end: () => endBridge(host, vm, file.added) };
      vm.hasDevice = true;
      install(process, file, Number(value));
      return { clause: `${NAME}/made`, status: 0, outputs: [{ index: FD, name: 'fd', value, clause: `${NAME}/made` }] };
    },
  },
  sample: { fd: VM, setup: MADE, args: { type: BigInt(KVM_VFIO.type), fd: NO_DESCRIPTOR, flags: 0n } },
});
