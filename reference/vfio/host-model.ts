import { canonical, FollowingChooser, type Departure } from '../chooser.js';
import type { MachineDescription } from '../description.js';
import type { Observation, SyscallObservation } from '../doors/observation.js';
import type { DmaOperation, HostOperation, Operation, UserOperation, VfioIoctl, VfioOperation } from '../doors/operations.js';
import type { Term } from '../doors/term.js';
import { answerClauses, compare, conforms, crashed, departs, judgeBytes, withMessage } from '../judging.js';
import type { Judgement } from '../judgement.js';
import { perform, type Answer, type AnyCall, type RuleBook, type Status } from '../rules.js';
import { E, syscallResultName } from '../uapi/errno.js';
import { decode, encode, fieldsOf, withFields } from '../uapi/structure.js';
import { VFIO_CALLS } from '../uapi/vfio.js';
import { LATCHING, served } from './calls.js';
import { answerRegion, judgeRegion } from './device-region.js';
import { deviceAccess } from './device-access.js';
import { buildHost, type ContainerFile, type Host, type Process } from './host.js';
import { answerEeh, isEeh, performEeh } from './eeh-host.js';
import { answerNotify, judgeNotify } from './eeh-notify.js';
import { hostAnswer, performHost } from './host-operations.js';
import { deviceOwnCall } from './other-calls.js';
import { adopt, badAddress, canonicalAddress, fill, load, mapAt, unmapAt } from './user-memory.js';

/** The operations of a Linux kernel's doors. */
export type LinuxOperation = VfioOperation | UserOperation | Exclude<HostOperation, { op: 'together' }> | DmaOperation;

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
    const judgement = this.#judge(operation, observed, passOver);
    return this.host.diverged ? { ...judgement, departures: [] } : judgement;
  }

  /** From now on two threads make these operations at the same time; none: no longer. */
  race(...operations: readonly Operation[]): void {
    this.host.racing = operations.map((operation) => (operation.door === 'vfio' && operation.op === 'ioctl' ? operation.call : operation.op));
  }

  #judge(operation: LinuxOperation, observed: Observation, passOver: number): Judgement {
    if (operation.door === 'vfio' && !isRegion(operation)) return this.#judgeCall(operation, observed, passOver);
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

  #answerCall(operation: VfioCallOperation): Answered {
    const invoked = this.#invoke(operation);
    const answer = perform(invoked.call, invoked.context, canonical);
    if (answer.status === 'crash') return { observation: { kind: 'crashed', message: answer.clause }, clauses: [answer.clause] };
    const fields = operation.op === 'ioctl' && operation.pointer !== 'unmapped' ? invoked.after(answer) : undefined;
    return { observation: { kind: 'syscall', result: BigInt(answer.status), ...(fields && { fields }) }, clauses: answerClauses(answer) };
  }

  #judgeCall(operation: VfioCallOperation, observed: Observation, passOver: number): Judgement {
    const invoked = this.#invoke(operation);
    const seen = observed.kind === 'syscall' ? { status: Number(observed.result), outputs: invoked.seen(observed) } : { status: 'crash' as const, outputs: [] };
    const chooser = new FollowingChooser(seen, observed, statusName, passOver);
    const answer = perform(invoked.call, invoked.context, chooser);
    const departures = [...chooser.departures];
    if (departures.length === 0 && observed.kind === 'syscall') departures.push(...invoked.differences(answer, observed));
    return { departures: withMessage(departures, observed), allowed: chooser.allowed, clauses: answerClauses(answer), undecided: chooser.undecided };
  }

  #invoke(operation: VfioCallOperation): Invocation {
    const process = this.#process(operation.by);
    if (operation.op === 'open') {
      const call = this.#rule(operation.what === 'container' ? 'open-container' : 'open-group');
      return plainInvocation(call, call.read(this.host, { process, what: operation.what }));
    }
    const fd = this.#descriptor(operation.fd);
    if (operation.op === 'close') {
      const call = this.#rule('close');
      return plainInvocation(call, call.read(this.host, { process, fd }));
    }
    return this.#ioctl(operation, process, fd);
  }

  #ioctl(operation: VfioIoctl, process: Process, fd: number): Invocation {
    const file = process.files.get(fd);
    const name = served(file, operation.call);
    const call = this.#rule(name);
    const values = Object.fromEntries(Object.entries(operation.args).map(([field, term]) => [field, this.value(term)]));
    const given = encode(operation.call, values);
    const args = name in VFIO_CALLS ? { ...values, ...decode(name as VfioIoctl['call'], given) } : values;
    const { device, pointer } = operation;
    const c: unknown = call.read(this.host, { process, file: file!, args, ...(device && { device }), ...(pointer && { pointer }) });
    if (file?.kind === 'container') latch(name, file, process);
    return ioctlInvocation(call, c, operation, given);
  }

  #user(operation: UserOperation): Observation {
    const process = this.#process(operation.by);
    switch (operation.op) {
      case 'map': {
        const fixed = operation.address === undefined ? undefined : this.value(operation.address);
        const address = canonicalAddress(this.host, process, operation, fixed);
        mapAt(this.host, process, operation, address);
        return { kind: 'syscall', result: address };
      }
      case 'unmap':
        unmapAt(process, operation, this.value(operation.address));
        return { kind: 'syscall', result: 0n };
      case 'fill':
        return { kind: 'syscall', result: BigInt(fill(this.host, process, operation, this.value(operation.address))) };
      case 'load': {
        const bytes = load(this.host, process, operation, this.value(operation.address));
        if (bytes === undefined) return { kind: 'syscall', result: BigInt(-E.EFAULT) };
        adopt(this.host, process, this.value(operation.address), bytes.values);
        return { kind: 'bytes', bytes: bytes.values };
      }
    }
  }

  #judgeUser(operation: UserOperation, observed: Observation): Judgement {
    const process = this.#process(operation.by);
    if (operation.op === 'map') return this.#judgeMap(operation, process, observed);
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
    return wrong === undefined ? AS_IT_SHOULD : departs('user/memory', wrong, `0x${result.toString(16)}`);
  }

  #dma = (operation: DmaOperation): readonly string[] => deviceAccess(this.host, this.#rule('dma'), operation, this.value(operation.iova));
}

/** Operations of the door that are calls of the kernel's VFIO; the others are a device's own. */
type VfioCallOperation = Exclude<VfioOperation, { op: 'read' | 'write' }>;

const isRegion = (operation: VfioOperation): operation is Exclude<VfioOperation, VfioCallOperation> => operation.op === 'read' || operation.op === 'write';

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

const plainInvocation = (call: AnyCall, context: unknown): Invocation => ({
  call,
  context,
  after: () => ({}),
  seen: () => [],
  differences: (answer, observed) => compare(answer, { status: Number(observed.result), outputs: [] }, statusName),
});

function ioctlInvocation(call: AnyCall, context: unknown, operation: VfioIoctl, given: Uint8Array): Invocation {
  const serving = call.name in VFIO_CALLS ? (call.name as VfioIoctl['call']) : operation.call;
  const after = (answer: Answer): Record<string, bigint> => decode(operation.call, withFields(serving, given, answer.outputs ?? []));
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
