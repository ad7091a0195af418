import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { arg, type Ioctl, type IoctlInput } from '../vfio/checks.js';
import type { Host } from '../vfio/host.js';
import { foreignMachine, kvmClause, MEMORY, readVm, SAMPLE_SLOT, unreadable, VM, WITH_MEMORY, WITH_SLOT, type VmContext } from './checks.js';
import type { MemorySlot } from './state/vm.js';

const NAME = 'KVM_SET_USER_MEMORY_REGION';
const clause = (id: string, text: string) => kvmClause(id, text, 'Linux 7.2 virt/kvm/kvm_main.c kvm_set_memory_region; Documentation/virt/kvm/api.rst');

/** KVM_MEM_LOG_DIRTY_PAGES: the one flag that POWER knows. */
const LOG_DIRTY = 1n;

/** KVM_MEM_SLOTS_NUM. The numbers above 16 bits are address spaces, of which POWER has one. */
const SLOTS = 0x7fffn;

/** No user program has memory there. */
const NO_USER_ADDRESS = 1n << 63n;

interface Region extends VmContext {
  readonly number: bigint;
  /** What the slot is to be. */
  readonly wanted: MemorySlot;
  /** What it is. */
  readonly old: MemorySlot | undefined;
}

function readRegion(host: Host, ioctl: Ioctl): Region {
  const c = readVm(host, ioctl);
  const number = arg(c, 'slot');
  return {
    ...c,
    number,
    old: c.vm.slots.get(Number(number)),
    wanted: { flags: arg(c, 'flags'), start: arg(c, 'guest_phys_addr'), size: arg(c, 'memory_size'), address: arg(c, 'userspace_addr') },
  };
}

const inPage = ({ host }: Region, value: bigint): boolean => (value & ((1n << BigInt(host.linux.pageShift)) - 1n)) !== 0n;

const unknownFlags: Guard<Region> = {
  ...clause(`${NAME}/flags`, 'A flag other than that of dirty pages is refused with EINVAL.'),
  when: (c) => (c.wanted.flags & ~LOG_DIRTY) !== 0n,
  refuse: [-E.EINVAL],
  violation: { args: { flags: 4n } },
};

const partOfPage: Guard<Region> = {
  ...clause(`${NAME}/size`, 'A size that is not whole system pages is refused with EINVAL.'),
  when: (c) => inPage(c, c.wanted.size),
  refuse: [-E.EINVAL],
  violation: { args: { memory_size: SAMPLE_SLOT.bytes - 0x800n } },
};

const unalignedGuest: Guard<Region> = {
  ...clause(`${NAME}/guest-alignment`, 'A guest address that is not a multiple of the system page is refused with EINVAL.'),
  when: (c) => inPage(c, c.wanted.start),
  refuse: [-E.EINVAL],
  violation: { args: { guest_phys_addr: SAMPLE_SLOT.start + 0x800n } },
};

const badAddress: Guard<Region> = {
  ...clause(`${NAME}/address`, 'An address that is not a multiple of the system page, or none that a user program can have, is refused with EINVAL.'),
  when: (c) => inPage(c, c.wanted.address) || c.wanted.address >= NO_USER_ADDRESS,
  refuse: [-E.EINVAL],
  violation: { args: { userspace_addr: { from: 'memory.address', plus: 0x800n } } },
};

const noSuchSlot: Guard<Region> = {
  ...clause(`${NAME}/slot`, `A slot from number ${SLOTS} on, or of another address space, is refused with EINVAL.`),
  when: (c) => c.number >= SLOTS,
  refuse: [-E.EINVAL],
  violation: { args: { slot: SLOTS } },
};

const wrapped: Guard<Region> = {
  ...clause(`${NAME}/range`, 'A slot past the end of all guest addresses is refused with EINVAL.'),
  when: (c) => BigInt.asUintN(64, c.wanted.start + c.wanted.size) < c.wanted.start,
  refuse: [-E.EINVAL],
  violation: { args: { guest_phys_addr: 0xffff_ffff_ffff_0000n } },
};

const nothingThere: Guard<Region> = {
  ...clause(`${NAME}/absent`, 'Removing a slot that is not there is refused with EINVAL.'),
  when: (c) => c.wanted.size === 0n && c.old === undefined,
  refuse: [-E.EINVAL],
  violation: { args: { memory_size: 0n } },
};

const changed: Guard<Region> = {
  ...clause(`${NAME}/changed`, 'A slot that is there can be moved in the guest, but not get other memory or another size: EINVAL.'),
  when: ({ wanted, old }) => wanted.size !== 0n && old !== undefined && (old.size !== wanted.size || old.address !== wanted.address),
  refuse: [-E.EINVAL],
  violation: { instead: WITH_SLOT, args: { memory_size: SAMPLE_SLOT.bytes / 2n } },
};

const overlapping: Guard<Region> = {
  ...clause(`${NAME}/overlap`, 'A slot where another one is is refused with EEXIST.'),
  when: ({ vm, number, wanted }) =>
    wanted.size !== 0n && [...vm.slots].some(([other, slot]) => other !== Number(number) && wanted.start < slot.start + slot.size && slot.start < wanted.start + wanted.size),
  refuse: [-E.EEXIST],
  violation: { instead: WITH_SLOT, args: { slot: SAMPLE_SLOT.slot + 1n } },
};

/** KVM_SET_USER_MEMORY_REGION: memory of the process becomes the guest's, moves there, or is the guest's no more. */
export const setUserMemoryRegion = defineCall<Region, IoctlInput>({
  name: NAME,
  parameters: ['slot', 'flags', 'guest_phys_addr', 'memory_size', 'userspace_addr'],
  read: readRegion,
  guards: [foreignMachine(NAME), unreadable(NAME), unknownFlags, partOfPage, unalignedGuest, badAddress, noSuchSlot, wrapped, nothingThere, changed, overlapping],
  effect: {
    clauses: [
      clause(`${NAME}/set`, 'The guest has the memory at the address; what hardware tables map is not touched.'),
      clause(`${NAME}/removed`, 'Of size 0: the slot is gone; what hardware tables map of it stays mapped.'),
    ],
    apply({ vm, number, wanted }) {
      if (wanted.size === 0n) {
        vm.slots.delete(Number(number));
        return { clause: `${NAME}/removed`, status: 0 };
      }
      vm.slots.set(Number(number), wanted);
      return { clause: `${NAME}/set`, status: 0 };
    },
  },
  sample: {
    fd: VM,
    setup: WITH_MEMORY,
    args: { slot: SAMPLE_SLOT.slot, flags: 0n, guest_phys_addr: SAMPLE_SLOT.start, memory_size: SAMPLE_SLOT.bytes, userspace_addr: MEMORY },
  },
});
