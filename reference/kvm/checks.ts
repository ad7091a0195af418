import type { KvmIoctl, Operation } from '../doors/operations.js';
import type { Term } from '../doors/term.js';
import type { Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { GUEST_CODE } from '../uapi/kvm.js';
import { byChild, merged, type Ioctl, type IoctlContext } from '../vfio/checks.js';
import type { DeviceBridgeFile, Host, VmFile } from '../vfio/host.js';
import type { Vm } from './state/vm.js';

export const kvmClause = merged('Linux 7.2 virt/kvm/kvm_main.c; Documentation/virt/kvm/api.rst');
export const tceClause = merged('Linux 7.2 arch/powerpc/kvm/book3s_64_vio.c');

/** What the checks of a machine's calls look at. */
export interface VmContext extends IoctlContext {
  readonly vm: Vm;
}

export const readVm = (host: Host, ioctl: Ioctl): VmContext => ({ ...ioctl, host, vm: (ioctl.file as VmFile | DeviceBridgeFile).vm });

/** A machine serves the process that made it alone. */
export const foreignMachine = (call: string): Guard<VmContext> => ({
  ...kvmClause(`${call}/process`, 'Another process than the one that made the machine is refused with EIO, whatever it asks.'),
  when: (c) => c.vm.space !== c.process.space,
  refuse: [-E.EIO],
  violation: byChild,
});

/** The structure cannot be read. */
export const unreadable = <C extends IoctlContext>(call: string): Guard<C> => ({
  ...kvmClause(`${call}/pointer`, 'A structure that cannot be read is refused with EFAULT.'),
  when: (c) => c.pointer === 'unmapped',
  refuse: [-E.EFAULT],
  violation: { pointer: 'unmapped' },
});

/** Names that the samples use. */
export const KVM: Term = { from: 'kvm.fd' };
export const VM: Term = { from: 'vm.fd' };
export const TABLE: Term = { from: 'table.fd' };
export const BRIDGE: Term = { from: 'bridge.fd' };
export const PROCESSOR: Term = { from: 'processor.fd' };
export const MEMORY: Term = { from: 'memory.address' };

/** The guest's memory of the samples, in bytes: a slot of its own, past the part that the operation `guest` takes. */
export const SAMPLE_SLOT = { slot: 0n, start: GUEST_CODE.bytes * 16n, bytes: 0x4_0000n } as const;

/** The sample's table: 64 KiB pages, so many of them. */
export const SAMPLE_TABLE = { liobn: 0x8000_0000n, pageShift: 16n, entries: 1024n } as const;

/** What the field of an answered descriptor holds before the call: none. */
export const NO_DESCRIPTOR = 0xffff_ffffn;

/** /dev/kvm is open. */
export const OPENED: readonly Operation[] = [{ door: 'kvm', op: 'open', as: 'kvm' }];

/** A machine. */
export const MADE: readonly Operation[] = [...OPENED, { door: 'kvm', op: 'ioctl', fd: KVM, call: 'KVM_CREATE_VM', args: { value: 0n }, as: 'vm' }];

/** Memory of the program, not yet the machine's. */
export const WITH_MEMORY: readonly Operation[] = [...MADE, { door: 'user', op: 'map', length: SAMPLE_SLOT.bytes, protection: 'rw', as: 'memory' }];

/** A machine with memory. */
export const WITH_SLOT: readonly Operation[] = [
  ...WITH_MEMORY,
  {
    door: 'kvm',
    op: 'ioctl',
    fd: VM,
    call: 'KVM_SET_USER_MEMORY_REGION',
    args: { slot: SAMPLE_SLOT.slot, guest_phys_addr: SAMPLE_SLOT.start, memory_size: SAMPLE_SLOT.bytes, userspace_addr: MEMORY },
  },
];

/** The sample's table, of a machine that is made. */
export const tableMade = (as = 'table', args: Readonly<Record<string, Term>> = {}): KvmIoctl => ({
  door: 'kvm',
  op: 'ioctl',
  fd: VM,
  call: 'KVM_CREATE_SPAPR_TCE_64',
  args: { liobn: SAMPLE_TABLE.liobn, page_shift: SAMPLE_TABLE.pageShift, offset: 0n, size: SAMPLE_TABLE.entries, ...args },
  as,
});

/** Lets KVM answer a hypercall itself, by its number. */
export const enabling = (number: number): Operation => ({
  door: 'kvm',
  op: 'ioctl',
  fd: VM,
  call: 'KVM_ENABLE_CAP',
  args: { cap: 104n, arg0: BigInt(number), arg1: 1n },
});

/** A machine with memory, a table, and a processor that makes calls. */
export const WITH_GUEST: readonly Operation[] = [...WITH_SLOT, tableMade(), { door: 'kvm', op: 'guest', vm: VM, processor: 0, as: 'processor' }];
