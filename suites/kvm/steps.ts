import type { BufferHandle, ContainerHandle, VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Term } from '../../reference/doors/term.js';
import { HCALLS, type HcallName } from '../../reference/uapi/hcall.js';
import { GUEST_CODE, KVM_CAP, KVM_VFIO } from '../../reference/uapi/kvm.js';

/* What scenarios on KVM's TCE tables share: a machine, its memory, its tables, and the bridge to windows of VFIO. */

/** Bytes of the largest system page, and of the guest's I/O pages where nothing else is said. */
export const PAGE = 0x1_0000n;
export const PAGE_SHIFT = 16n;
/** Bytes of the hardware's I/O pages in a default window. */
export const IO_PAGE = 0x1000n;

/** The guest's memory begins here, past the part that the operation `guest` takes. */
export const RAM = GUEST_CODE.bytes * 16n;

/** A LIOBN as guests have them. */
export const LIOBN = 0x8000_0000n;

/** Permission bits of an entry. */
export const READ = 1n;
export const WRITE = 2n;
export const BOTH = READ | WRITE;

/** A machine with a slot of memory. */
export interface Machine {
  readonly vm: Term;
  readonly memory: BufferHandle;
}

/** A machine of which a processor can make hypercalls. */
export interface Guest extends Machine {
  readonly processor: Term;
}

export const newVm = (p: VfioProgramBuilder, as: string, kind: Term = 0n): Term => {
  p.kvmIoctl(p.kvm(), 'KVM_CREATE_VM', { value: kind }, { as });
  return { from: `${as}.fd` };
};

/** Gives a machine memory, moves it, or with no bytes takes it away. */
export const setSlot = (p: VfioProgramBuilder, vm: Term, memory: Pick<BufferHandle, 'address' | 'length'>, { slot = 0n, start = RAM }: { readonly slot?: bigint; readonly start?: bigint } = {}): VfioProgramBuilder =>
  p.kvmIoctl(vm, 'KVM_SET_USER_MEMORY_REGION', { slot, guest_phys_addr: start, memory_size: memory.length, userspace_addr: memory.address });

/** A machine with memory: four pages of its own, unless given some. */
export function machine(p: VfioProgramBuilder, memory = p.memory(), as = 'vm'): Machine {
  const vm = newVm(p, as);
  setSlot(p, vm, memory);
  return { vm, memory };
}

/** The same with a processor, and every hypercall on TCEs answered by KVM. */
export function guest(p: VfioProgramBuilder, memory = p.memory(), as = 'vm'): Guest {
  const made = machine(p, memory, as);
  enable(p, made.vm, 'H_STUFF_TCE', 'H_PUT_TCE_INDIRECT');
  return { ...made, processor: p.processor(made.vm) };
}

/** Lets KVM answer these hypercalls, or no longer. */
export function enable(p: VfioProgramBuilder, vm: Term, ...calls: readonly HcallName[]): void {
  for (const call of calls) switchCall(p, vm, call, 1n);
}

export const disable = (p: VfioProgramBuilder, vm: Term, call: HcallName): VfioProgramBuilder => switchCall(p, vm, call, 0n);

const switchCall = (p: VfioProgramBuilder, vm: Term, call: HcallName, on: bigint): VfioProgramBuilder =>
  p.kvmIoctl(vm, 'KVM_ENABLE_CAP', { cap: BigInt(KVM_CAP.PPC_ENABLE_HCALL), arg0: BigInt(HCALLS[call]), arg1: on });

/** How a table differs from the usual one: 64 KiB pages from bus address 0, 1024 of them. */
export interface TableShape {
  readonly liobn?: bigint;
  readonly pageShift?: bigint;
  /** I/O pages. */
  readonly offset?: bigint;
  readonly size?: bigint;
  readonly as?: string;
  readonly by?: string;
}

export const ENTRIES = 1024n;

/** Makes a table; returns its descriptor. */
export function newTable(p: VfioProgramBuilder, vm: Term, { liobn = LIOBN, pageShift = PAGE_SHIFT, offset = 0n, size = ENTRIES, as = 'table', by }: TableShape = {}): Term {
  p.kvmIoctl(vm, 'KVM_CREATE_SPAPR_TCE_64', { liobn, page_shift: pageShift, offset, size }, { as, ...(by === undefined ? {} : { by }) });
  return { from: `${as}.fd` };
}

/** KVM's VFIO device, and memory for what its attributes take. */
export interface Bridge {
  readonly fd: Term;
  readonly words: BufferHandle;
}

export function newBridge(p: VfioProgramBuilder, vm: Term, as = 'bridge'): Bridge {
  p.kvmIoctl(vm, 'KVM_CREATE_DEVICE', { type: BigInt(KVM_VFIO.type), fd: 0xffff_ffffn }, { as });
  return { fd: { from: `${as}.fd` }, words: p.memory(PAGE) };
}

const attribute = (p: VfioProgramBuilder, { fd, words }: Bridge, attr: number, ...descriptors: readonly Term[]): VfioProgramBuilder =>
  p.store(words.address, descriptors, 4).kvmIoctl(fd, 'KVM_SET_DEVICE_ATTR', { group: BigInt(KVM_VFIO.file), attr: BigInt(attr), addr: words.address });

/** Adds a group (or another file) to the bridge. */
export const add = (p: VfioProgramBuilder, bridge: Bridge, file: Term): VfioProgramBuilder => attribute(p, bridge, KVM_VFIO.add, file);
export const takeAway = (p: VfioProgramBuilder, bridge: Bridge, file: Term): VfioProgramBuilder => attribute(p, bridge, KVM_VFIO.del, file);
/** Lets the windows of an added group follow a table. */
export const attach = (p: VfioProgramBuilder, bridge: Bridge, group: Term, table: Term): VfioProgramBuilder => attribute(p, bridge, KVM_VFIO.setSpaprTce, group, table);

/** A bridge through which a table is attached to a container's window. */
export function attached(p: VfioProgramBuilder, vm: Term, { group }: Pick<ContainerHandle, 'group'>, table: Term): Bridge {
  const bridge = newBridge(p, vm);
  add(p, bridge, group);
  attach(p, bridge, group, table);
  return bridge;
}

/** The guest's own calls; `page` is the number of an I/O page of the table, of 64 KiB unless told. */
export const put = (p: VfioProgramBuilder, { processor }: Pick<Guest, 'processor'>, page: bigint, tce: bigint, { liobn = LIOBN, pageShift = PAGE_SHIFT }: TableShape = {}): string =>
  p.hcall(processor, 'H_PUT_TCE', liobn, page << pageShift, tce);
export const get = (p: VfioProgramBuilder, { processor }: Pick<Guest, 'processor'>, page: bigint, { liobn = LIOBN, pageShift = PAGE_SHIFT }: TableShape = {}): string =>
  p.hcall(processor, 'H_GET_TCE', liobn, page << pageShift);
export const stuff = (p: VfioProgramBuilder, { processor }: Pick<Guest, 'processor'>, page: bigint, count: bigint, value = 0n, { liobn = LIOBN, pageShift = PAGE_SHIFT }: TableShape = {}): string =>
  p.hcall(processor, 'H_STUFF_TCE', liobn, page << pageShift, value, count);

/** The last page of the guest's usual memory holds its lists. */
export const LIST = 3n * PAGE;

/** Writes a list into the guest's memory, and has all of it stored. */
export function indirect(p: VfioProgramBuilder, { processor, memory }: Guest, page: bigint, entries: readonly bigint[], { liobn = LIOBN, pageShift = PAGE_SHIFT }: TableShape = {}): string {
  p.store(memory.at(LIST), entries, 8, 'big');
  return p.hcall(processor, 'H_PUT_TCE_INDIRECT', liobn, page << pageShift, RAM + LIST, BigInt(entries.length));
}
