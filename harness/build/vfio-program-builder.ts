import type { HostOperation, IommufdIoctl, KvmIoctl, KvmOperation, Operation, Program, QueueRead, QueueWrite, VfioIoctl } from '../../reference/doors/operations.js';
import { plus, type Term } from '../../reference/doors/term.js';
import type { HcallName } from '../../reference/uapi/hcall.js';
import type { IommufdCallName } from '../../reference/uapi/iommufd.js';
import { KVM_CALLS, type KvmCallName } from '../../reference/uapi/kvm.js';
import type { VfioCallName } from '../../reference/uapi/vfio.js';

/** A container as programs name it, with the group that was attached first. */
export interface ContainerHandle {
  readonly fd: Term;
  readonly group: Term;
}

/** Memory of a process. */
export interface BufferHandle {
  readonly address: Term;
  readonly length: bigint;
  /** The address `offset` bytes into it. */
  readonly at: (offset: bigint) => Term;
}

/** A window that a program made, or the default one. */
export interface IovaWindow {
  readonly start: Term;
  readonly pageShift: number;
  /** The bus address `offset` bytes into it. */
  readonly at: (offset: bigint) => Term;
}

/** A queue of faults or events: its number, and its file. */
export interface QueueHandle {
  readonly id: Term;
  readonly fd: Term;
}

/** What a program gives for a descriptor that a call is to answer: none. */
const NO_DESCRIPTOR = 0xffff_ffffn;

/** What an ioctl can be given besides its fields. */
type IoctlExtras = Pick<VfioIoctl, 'as' | 'by' | 'device' | 'pointer'>;

type KvmExtras = Pick<KvmIoctl, 'as' | 'by' | 'pointer'>;

type IommufdExtras = Pick<IommufdIoctl, 'as' | 'by' | 'pointer' | 'beyond'>;

/** I/O pages that a window is asked for with, where nothing else matters: memory of any system can be mapped by them. */
const PAGE_SHIFT = 12;

/**
 * Writes a program at Linux's doors. After each call that may lock memory or give it back it looks at the ledger; at the end it
 * closes what is open, and looks at the ledger and the kernel log once more.
 */
export class VfioProgramBuilder {
  readonly #operations: Operation[] = [];
  /** Descriptors that are open, as far as the program says: the result that has it, and who opened it. */
  readonly #open = new Map<string, string | undefined>();
  /** Processes that were forked and are alive. */
  readonly #children = new Set<string>();
  /** PASIDs of test devices that were attached: they must be gone before their device is. */
  readonly #pasids: Operation[] = [];
  #named = 0;

  /** Appends any operation, with its audit. */
  do(operation: Operation): this {
    this.#operations.push(operation);
    this.#track(operation);
    if (mayChangeLedger(operation)) this.#ledger('by' in operation ? operation.by : undefined);
    return this;
  }

  /** Appends operations in order. */
  all(operations: readonly Operation[]): this {
    for (const operation of operations) this.do(operation);
    return this;
  }

  /** Ends what was forked, closes what is left open, the latest first, and looks whether anything is left. */
  finish(): Program {
    for (const child of [...this.#children].reverse()) this.exit(child);
    this.all(this.#pasids.splice(0));
    for (const [name, by] of [...this.#open].reverse()) this.close({ from: name }, by);
    return { operations: [...this.#operations, { door: 'host', op: 'log', audit: true }] };
  }

  ioctl(fd: Term, call: VfioCallName, args: Readonly<Record<string, Term>> = {}, extras: IoctlExtras = {}): this {
    return this.do({ door: 'vfio', op: 'ioctl', fd, call, args, ...extras });
  }

  open(what: string, as: string, by?: string): Term {
    this.do({ door: 'vfio', op: 'open', what, as, ...(by === undefined ? {} : { by }) });
    return { from: `${as}.fd` };
  }

  close(fd: Term, by?: string): this {
    return this.do({ door: 'vfio', op: 'close', fd, ...(by === undefined ? {} : { by }) });
  }

  /** Opens /dev/iommu; returns its descriptor. */
  iommu(by?: string): Term {
    const as = this.#name('iommu');
    this.do({ door: 'iommufd', op: 'open', what: 'iommu', as, ...who(by) });
    return { from: `${as}.fd` };
  }

  /** An ioctl of /dev/iommu. */
  iommufd(fd: Term, call: IommufdCallName, args: Readonly<Record<string, Term>> = {}, extras: IommufdExtras = {}): this {
    return this.do({ door: 'iommufd', op: 'ioctl', fd, call, args, ...extras });
  }

  /** Opens /dev/kvm; returns its descriptor. */
  kvm(by?: string): Term {
    const as = this.#name('kvm');
    this.do({ door: 'kvm', op: 'open', as, ...who(by) });
    return { from: `${as}.fd` };
  }

  /** An ioctl of KVM, of a machine, or of a device of KVM. */
  kvmIoctl(fd: Term, call: KvmCallName, args: Readonly<Record<string, Term>> = {}, extras: KvmExtras = {}): this {
    return this.do({ door: 'kvm', op: 'ioctl', fd, call, args, ...extras });
  }

  /** A processor of a machine, waiting for hypercalls to make; returns its descriptor. */
  processor(vm: Term, processor = 0): Term {
    const as = this.#name('processor');
    this.do({ door: 'kvm', op: 'guest', vm, processor, as });
    return { from: `${as}.fd` };
  }

  /** A hypercall of the guest; returns the name of its results. */
  hcall(processor: Term, call: HcallName, ...args: readonly Term[]): string {
    const as = this.#name('hcall');
    this.do({ door: 'kvm', op: 'hcall', processor, call, args, as });
    return as;
  }

  /** Maps a TCE table. */
  mapTable(table: Term, length: bigint): BufferHandle {
    const as = this.#name('entries');
    this.do({ door: 'kvm', op: 'map', fd: table, length, as });
    const address = { from: `${as}.address` };
    return { address, length, at: (offset) => plus(address, offset) };
  }

  /** A new IOAS; returns its number. */
  ioas(fd: Term): Term {
    const as = this.#name('ioas');
    this.iommufd(fd, 'IOMMU_IOAS_ALLOC', {}, { as });
    return { from: `${as}.out_ioas_id` };
  }

  /** A new queue of page faults. */
  faults(fd: Term): QueueHandle {
    const as = this.#name('faults');
    this.iommufd(fd, 'IOMMU_FAULT_QUEUE_ALLOC', { out_fault_fd: NO_DESCRIPTOR }, { as });
    return { id: { from: `${as}.out_fault_id` }, fd: { from: `${as}.out_fault_fd` } };
  }

  /** Reads from a queue; returns the words of what it gave, by position. */
  read(queue: Term, length: number, extras: Pick<QueueRead, 'room' | 'by'> = {}): (word: number) => Term {
    const as = this.#name('read');
    this.do({ door: 'iommufd', op: 'read', fd: queue, length, as, ...extras });
    return (word) => ({ from: `${as}.word${word}` });
  }

  /** Writes words of 4 bytes to a queue. */
  write(queue: Term, words: readonly Term[], extras: Pick<QueueWrite, 'room' | 'by'> = {}): this {
    return this.do({ door: 'iommufd', op: 'write', fd: queue, words, ...extras });
  }

  /** Stores words of 8 bytes, unless told, in a process's memory. */
  store(address: Term, words: readonly Term[], wordBytes: 4 | 8 = 8, order?: 'big'): this {
    return this.do({ door: 'user', op: 'store', address, wordBytes, words, ...(order && { order }) });
  }

  /** A container with a group in it, no IOMMU yet. */
  attached(group = 'pe0'): ContainerHandle {
    const fd = this.open('container', this.#name('container'));
    const groupFd = this.open(group, this.#name('group'));
    this.ioctl(groupFd, 'VFIO_GROUP_SET_CONTAINER', { fd });
    return { fd, group: groupFd };
  }

  /** A container of SPAPR TCE v2 with a group in it. */
  v2(group = 'pe0'): ContainerHandle {
    const container = this.attached(group);
    this.ioctl(container.fd, 'VFIO_SET_IOMMU', { value: 7n });
    return container;
  }

  /** A container of SPAPR TCE v1 with a group in it, enabled. */
  v1(group = 'pe0'): ContainerHandle {
    const container = this.attached(group);
    this.ioctl(container.fd, 'VFIO_SET_IOMMU', { value: 2n });
    this.ioctl(container.fd, 'VFIO_IOMMU_ENABLE');
    return container;
  }

  /** New memory of zeros; `length` bytes, by default four times 64 KiB. */
  memory(length = 0x4_0000n, options: { readonly hugePages?: number; readonly by?: string } = {}): BufferHandle {
    const as = this.#name('buffer');
    this.do({ door: 'user', op: 'map', length, protection: 'rw', as, ...options });
    const address = { from: `${as}.address` };
    return { address, length, at: (offset) => plus(address, offset) };
  }

  /** A new file of zeros; returns its descriptor. */
  file(length = 0x4_0000n, kind: 'memory' | 'plain' = 'memory', options: { readonly hugePages?: number; readonly by?: string } = {}): Term {
    const as = this.#name('file');
    this.do({ door: 'user', op: 'file', kind, length, as, ...options });
    return { from: `${as}.fd` };
  }

  register(container: ContainerHandle, buffer: BufferHandle, by?: string): this {
    return this.ioctl(container.fd, 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY', { vaddr: buffer.address, size: buffer.length }, who(by));
  }

  unregister(container: ContainerHandle, buffer: BufferHandle, by?: string): this {
    return this.ioctl(container.fd, 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY', { vaddr: buffer.address, size: buffer.length }, who(by));
  }

  /** New memory, registered. */
  registered(container: ContainerHandle, length?: bigint): BufferHandle {
    const buffer = this.memory(length);
    this.register(container, buffer);
    return buffer;
  }

  /** Maps memory for reading and writing, unless `flags` says otherwise. */
  map(container: ContainerHandle, vaddr: Term, iova: Term, size: bigint, flags = 3n): this {
    return this.ioctl(container.fd, 'VFIO_IOMMU_MAP_DMA', { flags, vaddr, iova, size });
  }

  unmap(container: ContainerHandle, iova: Term, size: bigint): this {
    return this.ioctl(container.fd, 'VFIO_IOMMU_UNMAP_DMA', { iova, size });
  }

  /** The default window of a group; it is made by the first call that needs it. */
  defaultWindow(group = 'pe0'): IovaWindow {
    return window({ from: `${group}.dma32.start` }, 12);
  }

  /** Creates a window of `size` bytes. */
  create(container: ContainerHandle, size = 1n << 26n, pageShift = PAGE_SHIFT, levels = 1n): IovaWindow {
    const as = this.#name('window');
    this.ioctl(container.fd, 'VFIO_IOMMU_SPAPR_TCE_CREATE', { page_shift: BigInt(pageShift), window_size: size, levels }, { as });
    return window({ from: `${as}.start_addr` }, pageShift);
  }

  remove(container: ContainerHandle, at: Term): this {
    return this.ioctl(container.fd, 'VFIO_IOMMU_SPAPR_TCE_REMOVE', { start_addr: at });
  }

  /** A device of the group; the container needs its IOMMU before. */
  device(container: ContainerHandle, device = 'pe0.dev0'): DeviceHandle {
    const as = this.#name('device');
    this.ioctl(container.group, 'VFIO_GROUP_GET_DEVICE_FD', {}, { device, as });
    return { name: device, fd: { from: `${as}.fd` } };
  }

  /** The device reads bytes from the bus into its buffer. */
  deviceReads(device: DeviceHandle, iova: Term, length = 16, at = 0): this {
    return this.do({ door: 'dma', op: 'read', device: device.name, iova, length, at, fd: device.fd });
  }

  /** The device writes bytes of its buffer to the bus. */
  deviceWrites(device: DeviceHandle, iova: Term, length = 16, at = 0): this {
    return this.do({ door: 'dma', op: 'write', device: device.name, iova, length, at, fd: device.fd });
  }

  fill(address: Term, length: number, byte: number, by?: string): this {
    return this.do({ door: 'user', op: 'fill', address, length, byte, ...who(by) });
  }

  /** Loads bytes of a process's memory; a claim can name them. */
  load(address: Term, length: number, as?: string, by?: string): this {
    return this.do({ door: 'user', op: 'load', address, length, ...(as === undefined ? {} : { as }), ...who(by) });
  }

  munmap(buffer: BufferHandle): this {
    return this.do({ door: 'user', op: 'unmap', address: buffer.address, length: buffer.length });
  }

  /** A child process with copies of everything; returns its name. */
  fork(by?: string): string {
    const as = this.#name('child');
    this.do({ door: 'host', op: 'fork', as, ...who(by) });
    return as;
  }

  exit(process: string): this {
    return this.do({ door: 'host', op: 'exit', by: process });
  }

  kill(process: string): this {
    return this.do({ door: 'host', op: 'kill', by: process });
  }

  /** Limits what the process may lock, in bytes, from now on. */
  limit(bytes: Term, by?: string): this {
    return this.do({ door: 'host', op: 'limit', bytes, ...who(by) });
  }

  /** What the hypervisor sees of a PE's windows. Needs a target that can look. */
  witness(pe = 'pe0'): this {
    return this.do({ door: 'host', op: 'witness', pe });
  }

  together(left: Operation, right: Operation): this {
    return this.do({ door: 'host', op: 'together', left, right });
  }

  bind(device: string, driver: 'vfio-pci' | 'host' | 'none'): this {
    return this.do({ door: 'host', op: 'bind', device, driver });
  }

  disk(device = 'disk0.dev0'): this {
    return this.do({ door: 'host', op: 'disk', device });
  }

  #ledger(by: string | undefined): void {
    this.#operations.push({ door: 'host', op: 'ledger', audit: true, ...who(by) });
  }

  #name(kind: string): string {
    this.#named += 1;
    return `${kind}${this.#named}`;
  }

  #trackProcess(operation: HostOperation): void {
    if (operation.op === 'fork') this.#children.add(operation.as);
    if (operation.op !== 'exit' && operation.op !== 'kill') return;
    if (operation.by !== undefined) this.#children.delete(operation.by);
    for (const [name, by] of this.#open) if (by === operation.by) this.#open.delete(name);
  }

  #trackKvm(operation: KvmOperation): void {
    if (operation.as === undefined || operation.op === 'map' || operation.op === 'hcall') return;
    if (operation.op === 'ioctl' && !('descriptor' in KVM_CALLS[operation.call]) && !(operation.call === 'KVM_CREATE_DEVICE' && 'fd' in operation.args)) return;
    this.#open.set(`${operation.as}.fd`, operation.by);
  }

  #track(operation: Operation): void {
    if (operation.door === 'host') this.#trackProcess(operation);
    if (operation.door === 'user' && operation.op === 'file' && operation.as !== undefined) this.#open.set(`${operation.as}.fd`, operation.by);
    if (operation.door === 'kvm') this.#trackKvm(operation);
    if (operation.door !== 'vfio' && operation.door !== 'iommufd') return;
    if (operation.op === 'close' && typeof operation.fd !== 'bigint') this.#open.delete(operation.fd.from);
    if (operation.op === 'ioctl' && operation.call === 'IOMMU_TEST_OP_PASID_ATTACH') this.#pasids.push(detachOf(operation));
    const opened = descriptorOf(operation);
    if (operation.as !== undefined && opened !== undefined) this.#open.set(`${operation.as}.${opened}`, operation.by);
  }
}

export interface DeviceHandle {
  /** `pe0.dev0`. */
  readonly name: string;
  readonly fd: Term;
}

/** What takes an attached PASID back; where it is gone already it does nothing. */
const detachOf = ({ fd, args }: IommufdIoctl): Operation => ({ door: 'iommufd', op: 'ioctl', fd, call: 'IOMMU_TEST_OP_PASID_DETACH', args: { id: args['id'] ?? 0n, pasid: args['pasid'] ?? 0n } });

/** The result of an operation that is a descriptor. A queue's can be closed only where the program says what it is when the call is refused. */
function descriptorOf(operation: Extract<Operation, { door: 'vfio' | 'iommufd' }>): string | undefined {
  if (operation.op === 'open') return 'fd';
  if (operation.op !== 'ioctl') return undefined;
  if (operation.call === 'VFIO_GROUP_GET_DEVICE_FD') return 'fd';
  return ['out_fault_fd', 'out_veventq_fd'].find((field) => field in operation.args);
}

/** The operations after which the ledger is looked at: those that may lock, or ought to give back. */
function mayChangeLedger(operation: Operation): boolean {
  return (operation.door === 'vfio' || operation.door === 'iommufd' || operation.door === 'kvm') && (operation.op === 'close' || operation.op === 'ioctl');
}

const who = (by: string | undefined): { readonly by?: string } => (by === undefined ? {} : { by });

const window = (start: Term, pageShift: number): IovaWindow => ({ start, pageShift, at: (offset) => plus(start, offset) });
