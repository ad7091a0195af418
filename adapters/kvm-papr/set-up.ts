import type { MachineDescription, WindowDescription } from '../../reference/description.js';
import type { KvmIoctl, Operation, VfioIoctl } from '../../reference/doors/operations.js';
import type { Term } from '../../reference/doors/term.js';
import { HCALLS } from '../../reference/uapi/hcall.js';
import { GUEST_CODE, KVM_CAP, KVM_VFIO } from '../../reference/uapi/kvm.js';
import { IOMMU_TYPE } from '../../reference/uapi/vfio.js';
import type { GroupOfPe } from './machine.js';

/*
 * How the monitor makes its partition: operations that come before those of a program, in the same exchange. When the program ends, its
 * process does, and nothing is left.
 */

/** Names of results begin so: programs have no such names. */
const OWN = 'monitor-';
const named = (name: string, plus = 0n): Term => ({ from: `${OWN}${name}`, ...(plus !== 0n && { plus }) });

/** The processor that makes a program's hypercalls. */
export const PROCESSOR: Term = named('processor.fd');

/** An address of the partition, 64 KiB or above, in the monitor's own memory. */
export function ownAddress(address: bigint): Term {
  if (address < GUEST_CODE.start + GUEST_CODE.bytes) throw new RangeError(`0x${address.toString(16)} is where the guest's own code lies; programs keep their memory elsewhere.`);
  return named('memory.address', address);
}

/** The descriptor of a device, `pe0.dev0`. */
export const deviceDescriptor = (device: string): Term => named(`${device.replace('.', '-')}.fd`);

const kvm = (as: string, fd: Term, call: KvmIoctl['call'], args: KvmIoctl['args']): Operation => ({ door: 'kvm', op: 'ioctl', as: OWN + as, fd, call, args });
const vfio = (as: string, fd: Term, call: VfioIoctl['call'], args: VfioIoctl['args'], device?: string): Operation => ({
  door: 'vfio',
  op: 'ioctl',
  as: OWN + as,
  fd,
  call,
  args,
  ...(device !== undefined && { device }),
});

/** The usual kind of machine. */
const USUAL_MACHINE = 0n;
const MEMORY_SLOT = 0n;
const ENABLED = 1n;

/** The machine: memory from 64 KiB on, every table, the calls on several TCEs, a processor. */
function machine({ memoryBytes, pes, vios }: MachineDescription): Operation[] {
  const code = GUEST_CODE.start + GUEST_CODE.bytes;
  const slot = { slot: MEMORY_SLOT, guest_phys_addr: code, memory_size: memoryBytes - code, userspace_addr: ownAddress(code) };
  const enable = (call: 'H_STUFF_TCE' | 'H_PUT_TCE_INDIRECT'): Operation =>
    kvm(call, named('vm.fd'), 'KVM_ENABLE_CAP', { cap: BigInt(KVM_CAP.PPC_ENABLE_HCALL), arg0: BigInt(HCALLS[call]), arg1: ENABLED });
  return [
    { door: 'kvm', op: 'open', as: `${OWN}kvm` },
    kvm('vm', named('kvm.fd'), 'KVM_CREATE_VM', { value: USUAL_MACHINE }),
    { door: 'user', op: 'map', as: `${OWN}memory`, length: memoryBytes, protection: 'rw' },
    kvm('slot', named('vm.fd'), 'KVM_SET_USER_MEMORY_REGION', slot),
    ...pes.map(({ name, defaultWindow }) => table(name, defaultWindow)),
    ...vios.map(({ name, own }) => table(name, own)),
    enable('H_STUFF_TCE'),
    enable('H_PUT_TCE_INDIRECT'),
    { door: 'kvm', op: 'guest', as: `${OWN}processor`, vm: named('vm.fd'), processor: 0 },
  ];
}

const table = (name: string, { liobn, start, size, pageShift }: WindowDescription): Operation =>
  kvm(`${name}-table`, named('vm.fd'), 'KVM_CREATE_SPAPR_TCE_64', {
    liobn,
    page_shift: BigInt(pageShift),
    offset: start >> BigInt(pageShift),
    size: size >> BigInt(pageShift),
  });

/** KVM's own device, which knows of groups, and memory for what its calls take. */
const attaching: readonly Operation[] = [
  kvm('vfio', named('vm.fd'), 'KVM_CREATE_DEVICE', { type: BigInt(KVM_VFIO.type) }),
  { door: 'user', op: 'map', as: `${OWN}attribute`, length: 0x1_0000n, protection: 'rw' },
];

/**
 * A PE: a container of its own with the partition's memory, and with one window, as large as the table in front of it. The default window
 * of the host goes first: it may be larger, or none.
 */
function pe({ pe: { name, defaultWindow, devices }, group }: GroupOfPe, { memoryBytes }: MachineDescription): Operation[] {
  const [container, groupFd] = [named(`${name}-container.fd`), named(`${name}-group.fd`)];
  const window = { page_shift: BigInt(defaultWindow.pageShift), window_size: defaultWindow.size, levels: 1n };
  return [
    { door: 'vfio', op: 'open', as: `${OWN}${name}-container`, what: 'container' },
    { door: 'vfio', op: 'open', as: `${OWN}${name}-group`, what: group },
    vfio(`${name}-join`, groupFd, 'VFIO_GROUP_SET_CONTAINER', { fd: container }),
    vfio(`${name}-iommu`, container, 'VFIO_SET_IOMMU', { value: BigInt(IOMMU_TYPE.SPAPR_TCE_V2) }),
    vfio(`${name}-registered`, container, 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY', { vaddr: named('memory.address'), size: memoryBytes }),
    vfio(`${name}-default`, container, 'VFIO_IOMMU_SPAPR_TCE_REMOVE', { start_addr: { from: `${group}.dma32.start` } }),
    vfio(`${name}-window`, container, 'VFIO_IOMMU_SPAPR_TCE_CREATE', window),
    ...attribute(`${name}-added`, KVM_VFIO.add, [groupFd]),
    ...attribute(`${name}-attached`, KVM_VFIO.setSpaprTce, [groupFd, named(`${name}-table.fd`)]),
    ...devices.map((device) => vfio(`${name}-${device}`, groupFd, 'VFIO_GROUP_GET_DEVICE_FD', {}, `${group}.${device}`)),
  ];
}

/** Descriptors of 32 bits, in memory, for a call of KVM's VFIO device. */
const attribute = (as: string, attr: number, descriptors: readonly Term[]): Operation[] => [
  { door: 'user', op: 'store', address: named('attribute.address'), wordBytes: 4, words: descriptors },
  kvm(as, named('vfio.fd'), 'KVM_SET_DEVICE_ATTR', { group: BigInt(KVM_VFIO.file), attr: BigInt(attr), addr: named('attribute.address') }),
];

/** Everything that a program needs: every table, and the hardware behind those of some PEs. */
export function setUp(partition: MachineDescription, hardware: readonly GroupOfPe[]): Operation[] {
  const attached = hardware.flatMap((each) => pe(each, partition));
  return [...machine(partition), ...(attached.length === 0 ? [] : attaching), ...attached];
}
