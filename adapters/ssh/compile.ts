import type { DmaOperation, HostOperation, IommufdIoctl, IommufdOperation, KvmHcall, KvmIoctl, KvmOperation, Operation, Program, QueueRead, QueueWrite, UserOperation, VfioIoctl, VfioOperation } from '../../reference/doors/operations.js';
import { DanglingReference, isReference, type Term } from '../../reference/doors/term.js';
import { argumentOf, ioctlRequest } from '../../reference/uapi/ioctl.js';
import { iommufdCall, IOMMUFD_CALLS } from '../../reference/uapi/iommufd.js';
import { u64 } from '../../reference/values.js';
import { termText } from '../../reference/doors/text.js';
import { transferSteps } from './edu.js';
import { EEH_DEBUGFS } from './eeh-debugfs.js';
import { batchesOf, isHcall } from './hcall-batches.js';
import type { DeviceFacts, HostFacts } from './host-facts.js';
import type { ByteOrder, Instruction, Patch, Step, Steps, Value } from './instructions.js';
import { guestSteps, hcallPlace, hcallSteps, MAKES_PROCESSOR, strayHcallSteps, type Processor } from './kvm.js';
import { MAP_ANONYMOUS, MAP_FIXED, MAP_HUGE_SHIFT, MAP_HUGETLB, MAP_PRIVATE, MAP_SHARED, MFD_HUGETLB, PROT } from './mman.js';
import { regionOffset, regionStep } from './regions.js';
import { encodeFor, fieldOf } from './structures.js';

/** Seconds that an operation may take: one that clears a window takes seconds on an emulated machine under load. */
const LIMIT = 60;
/** A transfer of an `edu`, which waits for the device; a driver that starts a device; a disk behind a broken window. */
const DEVICE_LIMIT = 90;
const DISK_SECONDS = 10;
const SECTOR_BYTES = 512;

/** A file that is none of memory, whatever the file systems of the host are. */
const PLAIN_FILE = '/proc/self/status';

/** The process that touches no descriptor of the program: it must not keep a device from changing its driver. */
const BESIDE = '#host';
const MAIN = 'main';

/**
 * Turns a program into what the agent does: one instruction for one operation.
 *
 * @param how `batched`: hypercalls of a guest in one go, where nobody needs to know at once at which of them the host dies
 * @throws DanglingReference, RangeError
 */
export function compile({ operations }: Program, host: HostFacts, how?: 'batched'): Instruction[] {
  const compiler = new Compiler(host);
  const batches = how === 'batched' ? batchesOf(operations) : operations.map((operation) => [operation]);
  return batches.flatMap((batch) => compiler.instructions(batch));
}

class Compiler {
  /** Operations whose results can be referred to. */
  readonly #named = new Map<string, Operation>();
  /** Machines whose guests' code has its memory, as programs refer to them. */
  readonly #coded = new Set<string>();

  constructor(private readonly host: HostFacts) {}

  /** Of an operation, or of hypercalls that are made together. */
  instructions(batch: readonly Operation[]): Instruction[] {
    const instructions = batch.every(isHcall) ? this.#hcalls(batch) : batch.map((operation) => this.#instruction(operation));
    for (const operation of batch) if (operation.as !== undefined) this.#named.set(operation.as, operation);
    return instructions;
  }

  #instruction(operation: Operation): Instruction {
    switch (operation.door) {
      case 'vfio':
        return this.#steps(operation, this.#vfio(operation));
      case 'iommufd':
        return this.#steps(operation, [this.#iommufd(operation)]);
      case 'kvm':
        return { ...this.#steps(operation, this.#kvm(operation)), ...(operation.op === 'guest' && { value: MAKES_PROCESSOR }) };
      case 'user':
        return this.#steps(operation, operation.op === 'map' ? mapSteps(operation, operation.address && this.#value(operation.address)) : [this.#user(operation)]);
      case 'host':
        return this.#host(operation);
      case 'dma':
        return this.#steps(operation, this.#dma(operation), DEVICE_LIMIT);
      default:
        throw new RangeError(`A Linux host has no door '${operation.door}'.`);
    }
  }

  #steps(operation: { readonly as?: string; readonly by?: string }, steps: readonly Step[], limit = LIMIT): Steps {
    return { by: operation.by ?? MAIN, ...(operation.as !== undefined && { name: operation.as }), steps, limit };
  }

  #vfio(operation: VfioOperation): Step[] {
    switch (operation.op) {
      case 'open':
        return [{ do: 'open', path: this.#node(operation.what), flags: ['RDWR'] }];
      case 'close':
        return [{ do: 'close', fd: this.#value(operation.fd) }];
      case 'read': {
        const fd = this.#value(operation.fd);
        const { region, offset, length } = operation;
        return [regionStep(this.host, fd, region), { do: 'pread', fd, offset: regionOffset(0, BigInt(offset)), length }];
      }
      case 'write': {
        const fd = this.#value(operation.fd);
        const bytes = Buffer.alloc(4);
        bytes.writeUInt32LE(operation.value);
        return [regionStep(this.host, fd, operation.region), { do: 'pwrite', fd, offset: regionOffset(0, BigInt(operation.offset)), bytes: bytes.toString('hex') }];
      }
      case 'ioctl':
        return [this.#ioctl(operation)];
    }
  }

  #node(what: string): string {
    const node = what === 'container' ? '/dev/vfio/vfio' : this.host.groups.get(what);
    if (node === undefined) throw new DanglingReference(what);
    return node;
  }

  #ioctl({ fd, call, args, pointer, ...rest }: VfioIoctl | KvmIoctl): Step {
    const { order, architecture } = this.host;
    const common = { do: 'ioctl', fd: this.#value(fd), request: ioctlRequest(call, architecture), ...(pointer && { place: pointer }) } as const;
    switch (argumentOf(call).kind) {
      case 'struct':
        return { ...common, ...encodeFor(order, call, Object.fromEntries(Object.entries(args).map(([name, term]) => [name, this.#value(term)]))) };
      case 'name':
        return { ...common, bytes: Buffer.from(`${this.#deviceName(rest.door === 'vfio' ? rest.device : undefined)}\0`).toString('hex') };
      default:
        return { do: 'ioctl', fd: common.fd, request: common.request, value: this.#value(args['value'] ?? 0n) };
    }
  }

  #iommufd(operation: IommufdOperation): Step {
    switch (operation.op) {
      case 'open':
        return { do: 'open', path: operation.what === 'iommu' ? '/dev/iommu' : this.#deviceNode(operation.what), flags: ['RDWR'] };
      case 'read':
        return { do: 'read', fd: this.#value(operation.fd), length: operation.length, ...roomOf(operation) };
      case 'write':
        return { do: 'write', fd: this.#value(operation.fd), ...this.#words(operation.words, 4), ...roomOf(operation) };
      case 'ioctl':
        return this.#structure(operation);
    }
  }

  #deviceNode(name: string): string {
    const { node } = this.#device(name);
    if (node === undefined) throw new RangeError(`${name} has no node of its own.`);
    return node;
  }

  #structure({ fd, call, args, pointer, beyond }: IommufdIoctl): Step {
    const { order, architecture } = this.host;
    const { test } = iommufdCall(call);
    const size = BigInt(IOMMUFD_CALLS[call].argument.bytes + (beyond?.bytes ?? 0));
    const values = Object.fromEntries(Object.entries({ size, ...(test !== undefined && { op: BigInt(test) }), ...args }).map(([name, term]) => [name, this.#value(term)]));
    const { bytes, patch } = encodeFor(order, call, values);
    const tail = beyond === undefined ? '' : beyond.byte.toString(16).padStart(2, '0').repeat(beyond.bytes);
    return { do: 'ioctl', fd: this.#value(fd), request: ioctlRequest(call, architecture), bytes: bytes + tail, patch, ...(pointer && { place: pointer }) };
  }

  #kvm(operation: KvmOperation): Step[] {
    switch (operation.op) {
      case 'open':
        return [{ do: 'open', path: '/dev/kvm', flags: ['RDWR'] }];
      case 'ioctl':
        return [this.#ioctl(operation)];
      case 'map':
        return [{ do: 'mmap', length: operation.length, protection: PROT.rw, flags: MAP_SHARED, fd: this.#value(operation.fd) }];
      case 'guest': {
        const code = codeOf(operation.vm);
        const steps = guestSteps(this.host, this.#value(operation.vm), operation.processor, this.#coded.has(code) ? { ref: code } : code);
        this.#coded.add(code);
        return steps;
      }
      case 'hcall':
        return this.#hcalls([operation])[0]!.steps as Step[];
    }
  }

  #hcalls(hcalls: readonly KvmHcall[]): Steps[] {
    const processor = this.#processor(hcalls[0]!);
    const steps =
      processor === undefined
        ? hcalls.map((hcall) => strayHcallSteps(this.host, this.#value(hcall.processor)))
        : hcallSteps(this.host, processor, hcalls.map(({ args, ...hcall }) => ({ ...hcall, args: args.map((term) => this.#value(term)) })));
    return hcalls.map((hcall, i) => this.#steps(hcall, steps[i]!));
  }

  /** The processor that an earlier operation has made. */
  #processor({ processor }: KvmHcall): Processor | undefined {
    const maker = isReference(processor) ? this.#named.get(processor.from.replace(/\.fd$/, '')) : undefined;
    if (maker?.door !== 'kvm' || maker.op !== 'guest') return undefined;
    return { number: maker.processor, fd: this.#value(processor), code: { ref: codeOf(maker.vm) } };
  }

  #words(words: readonly Term[], size: 4 | 8, order?: ByteOrder): { readonly bytes: string; readonly patch: readonly Patch[]; readonly order?: ByteOrder } {
    return { bytes: '00'.repeat(words.length * size), patch: words.map((word, i) => [i * size, size, this.#value(word)] as const), ...(order && { order }) };
  }

  /** A device of the machine, or whatever the program says. */
  #deviceName = (device = ''): string => this.host.devices.get(device)?.address ?? device;

  #device(name: string): DeviceFacts {
    const device = this.host.devices.get(name);
    if (device === undefined) throw new DanglingReference(name);
    return device;
  }

  #user(operation: Exclude<UserOperation, { op: 'map' }>): Step {
    switch (operation.op) {
      case 'file': {
        const { kind, length, hugePages } = operation;
        const huge = hugePages === undefined ? 0 : MFD_HUGETLB + hugePages * 2 ** MAP_HUGE_SHIFT;
        return kind === 'plain' ? { do: 'open', path: PLAIN_FILE, flags: ['RDONLY'] } : { do: 'memfd', length, flags: huge | 0 };
      }
      case 'unmap':
        return { do: 'munmap', address: this.#value(operation.address), length: operation.length };
      case 'fill':
        return { do: 'fill', address: this.#value(operation.address), length: operation.length, byte: operation.byte };
      case 'store':
        return { do: 'copy', address: this.#value(operation.address), ...this.#words(operation.words, operation.wordBytes, operation.order) };
      case 'load':
        return { do: 'load', address: this.#value(operation.address), length: operation.length };
    }
  }

  #host(operation: HostOperation): Instruction {
    const by = operation.by ?? MAIN;
    switch (operation.op) {
      case 'fork':
        return { by, fork: operation.as, name: operation.as, limit: LIMIT };
      case 'exit':
      case 'kill':
        return { by, end: operation.op, limit: LIMIT };
      case 'limit':
        return this.#steps(operation, [{ do: 'limit', bytes: this.#value(operation.bytes) }]);
      case 'ledger':
        return this.#steps(operation, [{ do: 'locked' }]);
      case 'bind':
        return this.#beside(operation, { do: 'bind', device: this.#device(operation.device).address, driver: operation.driver === 'none' ? '' : operation.driver });
      case 'disk':
        return this.#beside(operation, { do: 'sector', device: this.#device(operation.device).address, length: SECTOR_BYTES, seconds: DISK_SECONDS });
      case 'log':
        return { log: true };
      case 'witness':
        return { pause: true };
      case 'together':
        return { together: [this.#half(operation.left), this.#half(operation.right)], limit: DEVICE_LIMIT };
      case 'freeze':
        return { pause: true };
      case 'eeh':
        return this.#beside(operation, { do: 'attribute', path: `${EEH_DEBUGFS}/eeh_dev_${operation.what}`, text: this.#device(operation.device).address });
      case 'eeh-limit':
        return this.#beside(operation, { do: 'setting', path: `${EEH_DEBUGFS}/eeh_max_freezes`, text: operation.errors.toString() });
      case 'eeh-state': {
        const { within, device } = operation;
        const step: Step = { do: 'pe_state', device: this.#device(device).address, ...(within !== undefined && { within }) };
        return { ...this.#beside(operation, step), limit: DEVICE_LIMIT + (within ?? 0) };
      }
      case 'eeh-resets':
        return this.#beside(operation, { do: 'resets' });
      case 'eeh-notify':
        throw new RangeError(`This target cannot do '${operation.op}': a scenario that does it needs a target with the capability.`);
    }
  }

  #beside = (operation: Operation, step: Step): Steps => ({ ...this.#steps(operation, [step], DEVICE_LIMIT), by: BESIDE });

  #half(operation: Operation): Instruction {
    const instruction = this.instructions([operation])[0]!;
    if ('steps' in instruction || 'end' in instruction || 'pause' in instruction) return instruction;
    throw new RangeError(`'${operation.op}' cannot be one of two operations at the same time.`);
  }

  #dma(operation: DmaOperation): Step[] {
    const { edu } = this.#device(operation.device);
    if (operation.fd === undefined) throw new RangeError('On a Linux host a device is driven through its descriptor: the operation has no `fd`.');
    if (edu === undefined) throw new RangeError(`${operation.device} is no device that does DMA on command.`);
    return transferSteps(this.host, edu, operation, this.#value(operation.fd), this.#value(operation.iova));
  }

  #value(term: Term): Value {
    if (!isReference(term)) return u64(term);
    const { from, plus = 0n } = term;
    const fact = this.host.facts.get(from);
    if (fact !== undefined) return u64(fact + plus);
    const dot = from.indexOf('.');
    const name = from.slice(0, dot);
    const place = placeOf(this.#named.get(name), from.slice(dot + 1));
    if (place === undefined) throw new DanglingReference(from);
    return { ref: name, ...place, ...(plus !== 0n && { plus }) };
  }
}

/** The memory that a queue's records are to lie in, where it ends early. */
const roomOf = ({ room }: QueueRead | QueueWrite): { readonly room?: number } => (room === undefined ? {} : { room });

/** The name under which the memory of a machine's guest code is kept. */
const codeOf = (vm: Term): string => `${termText(vm)}#code`;

/** Where the agent has a result of an operation; see `field` of the observations. */
function placeOf(operation: Operation | undefined, name: string): object | undefined {
  if (operation === undefined) return undefined;
  if (operation.door === 'host' && operation.op === 'ledger') return name === 'locked' ? {} : undefined;
  const field = operation.op === 'ioctl' && 'call' in operation ? fieldOf(operation.call, name) : undefined;
  if (field !== undefined) return field;
  if (['result', 'fd', 'address'].includes(name)) return {};
  if (operation.door === 'iommufd' && operation.op === 'read') return wordPlace(name);
  return operation.door === 'kvm' && operation.op === 'hcall' ? hcallPlace(name) : undefined;
}

/** Where a word of 32 bits is in what was read. */
function wordPlace(name: string): object | undefined {
  const word = /^word(\d+)$/.exec(name)?.[1];
  return word === undefined ? undefined : { at: 4 * Number(word), size: 4 };
}

/** Bytes before and after a program's memory that are nobody's: what programs do past its ends is what they are after. */
const NOBODYS = 1n << 21n;

/** Memory, with nothing beside it, where the program does not say itself where it is to be. Huge pages come where the kernel has them. */
function mapSteps({ length, hugePages, protection }: Extract<UserOperation, { op: 'map' }>, address?: Value): Step[] {
  const huge = hugePages === undefined ? 0 : MAP_HUGETLB + hugePages * 2 ** MAP_HUGE_SHIFT;
  const flags = MAP_PRIVATE + MAP_ANONYMOUS;
  const map = (at?: Value): Step => ({ do: 'mmap', length, protection: PROT[protection], flags: (flags + huge + (at === undefined ? 0 : MAP_FIXED)) | 0, ...(at !== undefined && { address: at }) });
  if (address !== undefined || hugePages !== undefined) return [map(address)];
  return [{ do: 'mmap', length: u64(length + 2n * NOBODYS), protection: PROT.none, flags }, map({ ref: '#0', plus: NOBODYS })];
}
