import { canonical, FollowingChooser, type Chooser, type Seen } from './chooser.js';
import type { MachineDescription } from './description.js';
import type { Observation } from './doors/observation.js';
import type { Hcall, Operation, RtasCall } from './doors/operations.js';
import type { Term } from './doors/term.js';
import { buildMachine, type Machine } from './machine.js';
import { answerClauses, compare, conforms, crashed, judgeBytes, withMessage } from './judging.js';
import { performPlatform, takeBusy } from './outside.js';
import { HANDED_CLAUSE, handsOn, judgeHanded } from './papr/handed.js';
import { encodeProperty, judgeProperty } from './papr/properties.js';
import type { Judgement } from './judgement.js';
import { perform, type Answer, type AnyCall, type RuleBook, type Status } from './rules.js';
import { partitionAccess } from './papr/device-access.js';
import { hcallStatusName } from './uapi/hcall.js';
import { rtasStatus, rtasStatusName, statusCell } from './uapi/rtas.js';

/** The operations of a partition's doors: what its operating system meets. */
export type PartitionOperation = Exclude<Operation, { door: 'vfio' | 'iommufd' | 'kvm' | 'user' | 'host' }>;

/** The reference of a partition: answers and judges the operations of the doors `papr`, `memory`, `dma` and `platform`. */
export class PartitionModel {
  #machine: Machine;

  constructor(
    readonly description: MachineDescription,
    readonly rules: RuleBook,
    /** The value of a term at this point of the program. */
    readonly value: (term: Term) => bigint,
  ) {
    this.#machine = buildMachine(description);
  }

  /** The state, to look at. */
  get machine(): Machine {
    return this.#machine;
  }

  #call(operation: Hcall | RtasCall, chooser: Chooser): Answer {
    const call = this.#rule(operation.call);
    const mask = operation.op === 'rtas' ? 32 : 64;
    const args = operation.args.map((term) => BigInt.asUintN(mask, this.value(term)));
    const answer = perform(call, call.read(this.#machine, args, operation.op === 'rtas' ? operation.nret : 0), chooser);
    takeBusy(this.#machine, answer.clause);
    return answer;
  }

  #rule(name: string): AnyCall {
    const call = this.rules.get(name);
    if (call === undefined) throw new Error(`The reference has no call '${name}'.`);
    return call;
  }

  /** The model's own answer: at every choice the canonical one. */
  answer(operation: PartitionOperation): { observation: Observation; clauses: readonly string[] } {
    if (operation.door === 'papr' && operation.op !== 'property') {
      const answer = this.#call(operation, canonical);
      if (operation.op === 'hcall' && handsOn(this.description, answer)) return { observation: { kind: 'handed', registers: this.#registers(operation) }, clauses: [HANDED_CLAUSE.id] };
      return { observation: observe(operation, answer, this.#machine), clauses: answerClauses(answer) };
    }
    if (operation.door === 'papr') {
      const bytes = encodeProperty(this.description, operation);
      return { observation: { kind: 'bytes', bytes }, clauses: judgeProperty(this.description, operation, bytes).clauses };
    }
    if (operation.door === 'memory' && operation.op === 'load') {
      const { values } = this.#machine.memory.load(Number(operation.address), operation.length);
      this.#machine.memory.store(Number(operation.address), values);
      return { observation: { kind: 'bytes', bytes: values }, clauses: [] };
    }
    const clauses = operation.door === 'platform' && operation.op === 'reboot' ? ['reboot/default-restored'] : [];
    return { observation: { kind: 'done' }, clauses: [...clauses, ...this.#silent(operation)] };
  }

  /** R4 to R12 as a call is given them. */
  #registers({ args }: Hcall): bigint[] {
    return Array.from({ length: REGISTERS }, (_, i) => BigInt.asUintN(64, this.value(args[i] ?? 0n)));
  }

  /** Operations that report nothing. Returns the clauses they exercise. */
  #silent(operation: PartitionOperation): readonly string[] {
    const { memory } = this.#machine;
    if (operation.door === 'dma') {
      return partitionAccess(this.#machine, this.#rule('dma'), operation, this.value(operation.iova));
    }
    if (operation.door === 'memory' && operation.op === 'fill') {
      memory.store(Number(operation.address), new Uint8Array(operation.length).fill(operation.byte));
    }
    if (operation.door === 'memory' && operation.op === 'store') {
      const bytes = Buffer.alloc(operation.doublewords.length * 8);
      operation.doublewords.forEach((term, i) => bytes.writeBigUInt64BE(this.value(term), i * 8));
      memory.store(Number(operation.address), bytes);
    }
    if (operation.door === 'platform') {
      const terms = operation.op === 'rescind-table' ? this.value(operation.liobn) : 0n;
      this.#machine = performPlatform(this.#machine, operation, terms);
    }
    return [];
  }

  /** Judges what a system answered, and follows it. */
  judge(operation: PartitionOperation, observed: Observation): Judgement {
    if (operation.door === 'platform' && operation.op === 'reboot') return this.#judgeReboot(operation, observed);
    if (observed.kind === 'crashed' && !isCall(operation)) return crashed(observed.message);
    if (observed.kind === 'handed') return judgeHanded(this.#machine, operation.op === 'hcall' ? operation.call : operation.op, operation.op === 'hcall' ? this.#registers(operation) : []);
    if (isCall(operation)) return this.#judgeCall(operation, observed);
    if (operation.door === 'papr') {
      return judgeProperty(this.description, operation, observed.kind === 'bytes' ? observed.bytes : new Uint8Array());
    }
    if (operation.door === 'memory' && operation.op === 'load') return this.#judgeLoad(operation, observed);
    return conforms(...this.#silent(operation));
  }

  #judgeLoad(operation: { address: bigint; length: number }, observed: Observation): Judgement {
    const bytes = observed.kind === 'bytes' ? observed.bytes : new Uint8Array();
    const expected = this.#machine.memory.load(Number(operation.address), operation.length);
    this.#machine.memory.store(Number(operation.address), bytes);
    return judgeBytes(expected, bytes, operation.address, 'memory/contents');
  }

  #judgeReboot(operation: PartitionOperation, observed: Observation): Judgement {
    const status = observed.kind === 'crashed' ? 'crash' : 0;
    const chooser = new FollowingChooser({ status, outputs: [] }, observed, (s) => (s === 0 ? 'the machine comes up again' : 'crashed'));
    const call = this.#rule('reboot');
    const answer = perform(call, call.read(this.#machine, [], 0), chooser);
    if (status === 0) this.#silent(operation);
    return { departures: withMessage(chooser.departures, observed), allowed: chooser.allowed, clauses: answerClauses(answer) };
  }

  #judgeCall(operation: Hcall | RtasCall, observed: Observation): Judgement {
    const name = operation.op === 'hcall' ? hcallStatusName : rtasStatusName;
    const chooser = new FollowingChooser(seen(operation, observed), observed, (status) => statusName(status, name));
    const answer = this.#call(operation, chooser);
    const departures = [...chooser.departures];
    if (departures.length === 0) departures.push(...compare(answer, chooser.seen, chooser.statusName));
    return {
      departures: withMessage(departures, observed),
      allowed: chooser.allowed,
      clauses: answerClauses(answer),
    };
  }
}

/** R4 to R12. */
const REGISTERS = 9;

const isCall = (operation: PartitionOperation): operation is Hcall | RtasCall =>
  operation.door === 'papr' && operation.op !== 'property';

const statusName = (status: Status, name: (status: number) => string): string =>
  status === 'crash' ? 'crashed' : name(status);

function seen(operation: Hcall | RtasCall, observed: Observation): Seen {
  if (observed.kind === 'hcall') return { status: Number(observed.status), outputs: observed.registers };
  if (observed.kind === 'rtas') {
    const at = operation.op === 'rtas' ? statusCell(operation.call) : 0;
    return { status: rtasStatus(observed.rets[at] ?? 0), outputs: observed.rets.filter((_, i) => i !== at).map(BigInt) };
  }
  return { status: 'crash', outputs: [] };
}

/** The answer as the door shows it. */
function observe(operation: Hcall | RtasCall, answer: Answer, machine: Machine): Observation {
  if (answer.status === 'crash') return { kind: 'crashed', message: answer.clause };
  const outputs = answer.outputs ?? [];
  const at = (index: number): bigint | undefined => outputs.find((output) => output.index === index)?.value;
  const busy = answer.clause.endsWith('/busy') ? machine.busy.status : 0;
  const status = busy === 0 ? answer.status : busy;
  if (operation.op === 'hcall') return { kind: 'hcall', status: BigInt(status), registers: [at(0) ?? 0n] };
  const cells = Array.from({ length: Math.max(0, operation.nret - 1) }, (_, i) => Number(at(i) ?? 0n));
  return { kind: 'rtas', hcall: 0n, rets: cells.toSpliced(statusCell(operation.call), 0, status >>> 0).slice(0, operation.nret) };
}
