import { canonical, FollowingChooser, type Departure } from './chooser.js';
import type { MachineDescription } from './description.js';
import { wordsOf, type Observation, type SyscallObservation } from './doors/observation.js';
import type { DmaOperation, HostOperation, IommufdIoctl, IommufdOperation, KvmHcall, KvmIoctl, KvmOperation, Operation, QueueRead, QueueWrite, UserFile, UserLoad, UserOperation, VfioIoctl, VfioOperation } from './doors/operations.js';
import type { Term } from './doors/term.js';
import { servedByIommufd } from './iommufd/calls.js';
import { domainAccess } from './iommufd/domain-access.js';
import { inForce } from './iommufd/groups.js';
import { transferCall } from './iommufd/reading.js';
import { isKvmFile, servedByKvm } from './kvm/calls.js';
import { answerHcall, judgeHcall, type MadeHcall } from './kvm/door.js';
import { answerClauses, compare, conforms, crashed, departs, judgeBytes, withMessage } from './judging.js';
import type { Judgement } from './judgement.js';
import type { OpenBytes } from './memory/bytes.js';
import { freeAddress } from './memory/process.js';
import { perform, type Answer, type AnyCall, type Expected, type RuleBook, type Status } from './rules.js';
import { E, syscallResultName } from './uapi/errno.js';
import { isIoctl, type IoctlName } from './uapi/ioctl.js';
import { iommufdCall, IOMMUFD_CALLS, isIommufdCall } from './uapi/iommufd.js';
import { decode, encode, fieldsOf, withFields } from './uapi/structure.js';
import type { Field } from './uapi/vfio.js';
import { addressee, LATCHING, served } from './vfio/calls.js';
import { deviceAccess, openAtFirst } from './vfio/device-access.js';
import { answerRegion, judgeRegion } from './vfio/device-region.js';
import { answerEeh, isEeh, performEeh } from './vfio/eeh-host.js';
import { answerNotify, judgeNotify } from './vfio/eeh-notify.js';
import { buildHost, type ContainerFile, type Host, type OpenFile, type Process } from './vfio/host.js';
import { openFile, releaseUnmapped } from './vfio/files.js';
import { hostAnswer, performHost } from './vfio/host-operations.js';
import { deviceOwnCall } from './vfio/other-calls.js';
import { adopt, badAddress, canonicalAddress, fileOf, fill, load, mapAt, store, unmapAt } from './vfio/user-memory.js';

/** The operations of a Linux kernel's doors. */
export type LinuxOperation = VfioOperation | IommufdOperation | KvmOperation | UserOperation | Exclude<HostOperation, { op: 'together' }> | DmaOperation;

/** System calls: what has a rule table. */
type CallOperation = Exclude<VfioOperation, { op: 'read' | 'write' }> | IommufdOperation | Exclude<KvmOperation, KvmHcall>;

/** What an operation exercised, and what the model answers by itself. */
export interface Answered {
  readonly observation: Observation;
  readonly clauses: readonly string[];
}

/** The reference of a Linux kernel: answers and judges the operations of its doors. */
export class HostModel {
  readonly host: Host;

  constructor(
    description: MachineDescription,
    readonly rules: RuleBook,
    /** The value of a term at this point of the program. */
    readonly value: (term: Term) => bigint,
  ) {
    this.host = buildHost(description);
  }

  /** The model's own answer: at every choice the canonical one. */
  answer(operation: LinuxOperation): Answered {
    switch (operation.door) {
      case 'iommufd':
        return this.#answerCall(operation);
      case 'kvm':
        return operation.op === 'hcall' ? answerHcall(this.#hcall(operation)) : this.#answerCall(operation);
      case 'vfio':
        return isRegion(operation) ? answerRegion(this.host, this.#process(operation.by), operation, this.#descriptor(operation.fd)) : this.#answerCall(operation);
      case 'user':
        return { observation: this.#user(operation), clauses: [] };
      case 'dma':
        return { observation: { kind: 'done' }, clauses: this.#dma(operation) };
      case 'host':
        if (isEeh(operation)) return answerEeh(this.host, operation, this.rules);
        if (operation.op === 'eeh-notify') return answerNotify(this.host, operation, this.value(operation.serial ?? 0n));
        return hostAnswer(this.host, operation, this.#process(operation.by), this.value);
    }
  }

  /**
   * Judges what a system answered, and follows it.
   *
   * @param passOver how many rules that leave it undecided which of them refused are taken not to have
   */
  judge(operation: LinuxOperation, observed: Observation, passOver = 0): Judgement {
    if (operation.door === 'kvm' && operation.op === 'hcall') return judgeHcall(this.#hcall(operation), observed);
    if (operation.door === 'iommufd' || operation.door === 'kvm' || (operation.door === 'vfio' && !isRegion(operation))) return this.#judgeCall(operation, observed, passOver);
    if (observed.kind === 'crashed') return crashed(observed.message);
    switch (operation.door) {
      case 'vfio':
        return judgeRegion(this.host, this.#process(operation.by), operation, this.#descriptor(operation.fd), observed);
      case 'user':
        return this.#judgeUser(operation, observed);
      case 'dma':
        return conforms(...this.#dma(operation));
      case 'host':
        if (isEeh(operation)) return performEeh(this.host, operation, observed, this.rules);
        if (operation.op === 'eeh-notify') return judgeNotify(this.host, operation, this.value(operation.serial ?? 0n), observed);
        return performHost(this.host, operation, this.#process(operation.by), this.value, observed);
    }
  }

  /** The bytes that a load may bring, open ones among them; undefined where the memory is not there. */
  loadable = (operation: UserLoad): OpenBytes | undefined => load(this.host, this.#process(operation.by), operation, this.value(operation.address));

  /** From now on two threads make these operations at the same time; none: no longer. */
  race(...operations: readonly Operation[]): void {
    this.host.racing = operations.map((operation) => (operation.door === 'vfio' && operation.op === 'ioctl' ? operation.call : operation.op));
  }

  #process(name = 'main'): Process {
    const process = this.host.processes.get(name);
    if (process === undefined) throw new Error(`The program has no process '${name}'.`);
    return process;
  }

  #descriptor = (fd: Term): number => Number(BigInt.asIntN(32, this.value(fd)));

  #rule(name: string): AnyCall {
    const call = this.rules.get(name);
    if (call === undefined) throw new Error(`The reference has no call '${name}'.`);
    return call;
  }

  #answerCall(operation: CallOperation): Answered {
    const invoked = this.#invoke(operation);
    const answer = perform(invoked.call, invoked.context, canonical);
    if (answer.status === 'crash') return { observation: { kind: 'crashed', message: answer.clause }, clauses: [answer.clause] };
    if (operation.op === 'read' && answer.status >= 0) return { observation: { kind: 'bytes', bytes: bytesOf(answer) }, clauses: answerClauses(answer) };
    const fields = operation.op === 'ioctl' && operation.pointer !== 'unmapped' && operation.pointer !== 'cut' ? invoked.after(answer) : undefined;
    return { observation: { kind: 'syscall', result: BigInt(answer.status), ...(fields && { fields }) }, clauses: answerClauses(answer) };
  }

  #judgeCall(operation: CallOperation, observed: Observation, passOver: number): Judgement {
    const invoked = this.#invoke(operation);
    const returned = asSyscall(observed);
    const seen = returned === undefined ? { status: 'crash' as const, outputs: [] } : { status: Number(returned.result), outputs: invoked.seen(returned) };
    const chooser = new FollowingChooser(seen, observed, statusName, passOver);
    const answer = perform(invoked.call, invoked.context, chooser);
    const departures = [...chooser.departures];
    if (departures.length === 0 && returned !== undefined) departures.push(...invoked.differences(answer, returned));
    return { departures: withMessage(departures, observed), allowed: chooser.allowed, clauses: answerClauses(answer), undecided: chooser.undecided };
  }

  #invoke(operation: CallOperation): Invocation {
    const process = this.#process(operation.by);
    if (operation.op === 'guest') {
      const call = this.#rule('kvm/guest');
      return plainInvocation(call, call.read(this.host, { process, file: process.files.get(this.#descriptor(operation.vm)), processor: operation.processor }));
    }
    if (operation.op === 'open') {
      const call = this.#rule(openCall(operation));
      return plainInvocation(call, call.read(this.host, { process, ...('what' in operation && { what: operation.what }) }));
    }
    const fd = this.#descriptor(operation.fd);
    if (operation.op === 'close') {
      const call = this.#rule('close');
      return plainInvocation(call, call.read(this.host, { process, fd }));
    }
    if (operation.op === 'map') {
      const { call, length } = { call: this.#rule('kvm/map'), length: operation.length };
      return plainInvocation(call, call.read(this.host, { process, file: process.files.get(fd), length, free: freeAddress(process.space, length, this.host.linux.pageShift) }));
    }
    return operation.op === 'ioctl' ? this.#ioctl(operation, process, fd) : this.#transfer(operation, process.files.get(fd));
  }

  #hcall(operation: KvmHcall): MadeHcall {
    const { host, rules } = this;
    return { host, rules, operation, process: this.#process(operation.by), processor: this.#descriptor(operation.processor), args: operation.args.map((term) => this.value(term)) };
  }

  #transfer(operation: QueueRead | QueueWrite, file: OpenFile | undefined): Invocation {
    const call = this.#rule(transferCall(file, operation.op));
    const words = operation.op === 'read' ? [] : operation.words.map((word) => BigInt.asUintN(32, this.value(word)));
    const count = operation.op === 'read' ? operation.length : 4 * words.length;
    return plainInvocation(call, call.read(this.host, { file, count, room: operation.room ?? Infinity, words }));
  }

  #ioctl(operation: VfioIoctl | IommufdIoctl | KvmIoctl, process: Process, fd: number): Invocation {
    const file = addressee(process.files.get(fd), operation.call);
    const name = this.#serving(file, operation.call);
    const call = this.#rule(name);
    const values = Object.fromEntries(Object.entries(operation.args).map(([field, term]) => [field, this.value(term)]));
    const given = structureOf(operation, values);
    const layout = isIoctl(name) ? name : operation.call;
    const args = { ...values, ...readable(layout, decode(layout, given)) };
    const { door: _door, op: _op, ...extras } = operation;
    const c: unknown = call.read(this.host, { ...extras, process, file: file!, args });
    if (file?.kind === 'container') latch(name, file, process);
    return ioctlInvocation(call, c, operation, given);
  }

  #serving(file: OpenFile | undefined, name: IoctlName): string {
    if (isKvmFile(file)) return servedByKvm(file, name);
    return file?.kind === 'iommufd' ? servedByIommufd(name, this.host.linux.iommufd?.mock) : served(file, name);
  }

  #user(operation: UserOperation): Observation {
    const process = this.#process(operation.by);
    switch (operation.op) {
      case 'map': {
        const fixed = operation.address === undefined ? undefined : this.value(operation.address);
        const address = canonicalAddress(this.host, process, operation, fixed);
        mapAt(this.host, process, operation, address);
        releaseUnmapped(this.host);
        return { kind: 'syscall', result: address };
      }
      case 'unmap':
        unmapAt(process, operation, this.value(operation.address));
        releaseUnmapped(this.host);
        return { kind: 'syscall', result: 0n };
      case 'fill':
        return { kind: 'syscall', result: BigInt(fill(this.host, process, operation, this.value(operation.address))) };
      case 'store':
        return { kind: 'syscall', result: BigInt(store(this.host, process, operation, this.value(operation.address), operation.words.map((word) => this.value(word)))) };
      case 'load': {
        const bytes = load(this.host, process, operation, this.value(operation.address));
        if (bytes === undefined) return { kind: 'syscall', result: BigInt(-E.EFAULT) };
        adopt(this.host, process, this.value(operation.address), bytes.values);
        return { kind: 'bytes', bytes: bytes.values };
      }
      case 'file':
        return { kind: 'syscall', result: BigInt(openFile(process, fileOf(this.host, operation), canonical)) };
    }
  }

  #judgeUser(operation: UserOperation, observed: Observation): Judgement {
    const process = this.#process(operation.by);
    if (operation.op === 'map') return this.#judgeMap(operation, process, observed);
    if (operation.op === 'file') return this.#judgeFile(operation, process, observed);
    if (operation.op === 'load') {
      const address = this.value(operation.address);
      const bytes = load(this.host, process, operation, address);
      if (bytes === undefined || observed.kind !== 'bytes') return sameKind(bytes === undefined, observed.kind === 'syscall' && observed.result < 0n);
      adopt(this.host, process, address, observed.bytes);
      return judgeBytes(bytes, observed.bytes, address, 'memory/contents');
    }
    const expected = this.#user(operation);
    return sameKind(isFailure(expected), isFailure(observed));
  }

  #judgeMap(operation: Extract<UserOperation, { op: 'map' }>, process: Process, observed: Observation): Judgement {
    const result = observed.kind === 'syscall' ? observed.result : -1n;
    // A machine may have no huge pages left: then the program has none either.
    if (result < 0n) return operation.hugePages === undefined ? sameKind(false, true) : NOTHING;
    const fixed = operation.address === undefined ? undefined : this.value(operation.address);
    const wrong = badAddress(this.host, process, operation, fixed, result);
    mapAt(this.host, process, operation, result);
    releaseUnmapped(this.host);
    return wrong === undefined ? AS_IT_SHOULD : departs('user/memory', wrong, `0x${result.toString(16)}`);
  }

  #judgeFile(operation: UserFile, process: Process, observed: Observation): Judgement {
    const result = observed.kind === 'syscall' ? observed.result : -1n;
    // A machine may have no huge pages left.
    if (result < 0n) return operation.hugePages === undefined ? sameKind(false, true) : NOTHING;
    openFile(process, fileOf(this.host, operation), { ...canonical, status: () => Number(result) });
    return AS_IT_SHOULD;
  }

  #dma(operation: DmaOperation): readonly string[] {
    const [domain, iova] = [inForce(this.host.iommuGroups.get(operation.device.split('.')[0]!)!), this.value(operation.iova)];
    if (typeof domain !== 'object') return deviceAccess(this.host, this.#rule('dma'), operation, iova);
    openAtFirst(this.host, operation.device);
    return domainAccess(this.host, domain, operation, iova);
  }
}

/** Which call opening a node is. */
function openCall(operation: Extract<CallOperation, { op: 'open' }>): string {
  if (operation.door === 'kvm') return 'open-kvm';
  const { door, what } = operation;
  return door === 'iommufd' ? (what === 'iommu' ? 'open-iommu' : 'open-device') : what === 'container' ? 'open-container' : 'open-group';
}

/** The structure as the program lays it. */
function structureOf({ call, ...operation }: VfioIoctl | IommufdIoctl | KvmIoctl, values: Readonly<Record<string, bigint>>): Uint8Array {
  if (operation.door !== 'iommufd' || !isIommufdCall(call)) return encode(call, values);
  const size = BigInt(IOMMUFD_CALLS[call].argument.bytes + (operation.beyond?.bytes ?? 0));
  const { test } = iommufdCall(call);
  return encode(call, { size, ...(test !== undefined && { op: BigInt(test) }), ...values });
}

/** The fields as the kernel has them: those beyond the size that the program tells are zero (IOMMUFD). */
function readable(name: IoctlName, fields: Readonly<Record<string, bigint>>): Record<string, bigint> {
  if (!isIommufdCall(name)) return { ...fields };
  const size = Number(fields['size']);
  return Object.fromEntries(fieldsOf(name).map((field) => [field.name, fits(field, size) ? fields[field.name]! : 0n]));
}

const fits = ({ offset, bytes }: Field, size: number): boolean => offset === 0 || offset + bytes <= size;

const isRegion = (operation: VfioOperation): operation is Extract<VfioOperation, { op: 'read' | 'write' }> => operation.op === 'read' || operation.op === 'write';

/** A call made ready: its rules, what they look at, and how its structure is read. */
interface Invocation {
  readonly call: AnyCall;
  readonly context: unknown;
  /** The fields of the structure after the model's own answer. */
  readonly after: (answer: Answer) => Record<string, bigint>;
  /** What was seen, as the serving call's fields. */
  readonly seen: (observed: SyscallObservation) => readonly bigint[];
  /** What was seen and should not have been. */
  readonly differences: (answer: Answer, observed: SyscallObservation) => Departure[];
}

/** A call without a structure; what a read brings are words. */
const plainInvocation = (call: AnyCall, context: unknown): Invocation => ({
  call,
  context,
  after: () => ({}),
  seen: ({ fields = {} }) => Object.values(fields),
  differences: (answer, { result, fields = {} }) => compare(answer, { status: Number(result), outputs: Object.values(fields) }, statusName),
});

/** What was read, in the order of its words. */
const bytesOf = ({ outputs = [] }: Answer): Uint8Array => new Uint8Array(Uint32Array.from(outputs, ({ value }) => Number(value)).buffer);

/** What a call returned; bytes as their number, and as words. */
const asSyscall = (observed: Observation): SyscallObservation | undefined =>
  observed.kind === 'bytes' ? { kind: 'syscall', result: BigInt(observed.bytes.length), fields: wordsOf(observed.bytes) } : observed.kind === 'syscall' ? observed : undefined;

function ioctlInvocation(call: AnyCall, context: unknown, operation: VfioIoctl | IommufdIoctl | KvmIoctl, given: Uint8Array): Invocation {
  const serving = isIoctl(call.name) ? call.name : operation.call;
  const size = isIommufdCall(serving) ? Number(decode(serving, given)['size']) : Infinity;
  const written = ({ outputs = [] }: Answer): readonly Expected[] => outputs.filter(({ index }) => fits(fieldsOf(serving)[index]!, size));
  const after = (answer: Answer): Record<string, bigint> => decode(operation.call, withFields(serving, given, written(answer)));
  return {
    call,
    context,
    after,
    seen: ({ fields = {} }) => Object.values(decode(serving, encode(operation.call, { argsz: 0n, ...fields }))),
    differences(answer, observed) {
      const { fields } = observed;
      const status = Number(observed.result);
      // What a call of a device's own writes is its own business.
      if (answer.status !== status || fields === undefined || call.name === deviceOwnCall.name) return compare({ ...answer, outputs: [] }, { status, outputs: [] }, statusName);
      const expected = after(answer);
      const outputs = fieldsOf(operation.call).map(({ name }, index) => ({ index, name, value: expected[name]!, clause: clauseOf(answer, name) }));
      return compare({ ...answer, outputs }, { status, outputs: fieldsOf(operation.call).map(({ name }) => fields[name] ?? 0n) }, statusName);
    },
  };
}

const clauseOf = (answer: Answer, name: string): string => answer.outputs?.find((output) => output.name === name)?.clause ?? answer.clause;

const statusName = (status: Status): string => (status === 'crash' ? 'crashed' : syscallResultName(status));

/** The container becomes the caller's with the first call that charges or registers anything. */
function latch(name: string, { container }: ContainerFile, process: Process): void {
  if (LATCHING[name] === container.version && container.version !== undefined) container.space ??= process.space;
}

const NOTHING = conforms();

const isFailure = (observation: Observation): boolean => observation.kind === 'syscall' && observation.result < 0n;

/** Memory of a user program is as it should be. */
const AS_IT_SHOULD = conforms('user/memory');

const sameKind = (shouldFail: boolean, failed: boolean): Judgement =>
  shouldFail === failed ? AS_IT_SHOULD : departs('user/memory', shouldFail ? 'an error' : 'success', failed ? 'an error' : 'success');
