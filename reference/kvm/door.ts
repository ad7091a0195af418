import type { Chooser } from '../chooser.js';
import { canonical, FollowingChooser } from '../chooser.js';
import type { Observation } from '../doors/observation.js';
import type { KvmHcall } from '../doors/operations.js';
import type { Judgement } from '../judgement.js';
import { answerClauses, compare, withMessage } from '../judging.js';
import { perform, type Answer, type AnyCall, type RuleBook, type Status } from '../rules.js';
import { E } from '../uapi/errno.js';
import { hcallStatusName } from '../uapi/hcall.js';
import { H_TOO_HARD } from '../uapi/kvm.js';
import type { Host, Process, ProcessorFile } from '../vfio/host.js';
import { TCE_HCALLS } from './enable-cap.js';
import { kvmOtherHcall } from './other-hcall.js';

/* A hypercall of the guest: answered by KVM, or handed to whoever runs the machine. */

/** R4 to R12. */
const REGISTERS = 9;

/** A hypercall made ready. */
export interface MadeHcall {
  readonly host: Host;
  readonly rules: RuleBook;
  readonly operation: KvmHcall;
  readonly process: Process;
  readonly processor: number;
  readonly args: readonly bigint[];
}

const callOf = ({ operation, rules }: MadeHcall): AnyCall => {
  const name = (TCE_HCALLS as readonly string[]).includes(operation.call) ? `kvm/${operation.call}` : kvmOtherHcall.name;
  return rules.get(name)!;
};

/** The registers as the guest had them. */
const registersOf = ({ args }: MadeHcall): bigint[] => Array.from({ length: REGISTERS }, (_, i) => BigInt.asUintN(64, args[i] ?? 0n));

/** The processor, where the process may run it. */
function runnable({ process, processor }: MadeHcall): ProcessorFile | undefined {
  const file = process.files.get(processor);
  return file?.kind === 'kvm-processor' && file.vm.space === process.space ? file : undefined;
}

function made(hcall: MadeHcall, chooser: Chooser): Answer | undefined {
  const file = runnable(hcall);
  if (file === undefined) return undefined;
  const call = callOf(hcall);
  return perform(call, call.read(hcall.host, file.vm, registersOf(hcall)), chooser);
}

/** What the model itself answers. */
export function answerHcall(hcall: MadeHcall): { readonly observation: Observation; readonly clauses: readonly string[] } {
  const answer = made(hcall, canonical);
  if (answer === undefined) return { observation: { kind: 'syscall', result: BigInt(-E.EBADF) }, clauses: [] };
  const registers = registersOf(hcall);
  if (answer.status === H_TOO_HARD) return { observation: { kind: 'handed', registers }, clauses: answerClauses(answer) };
  for (const { index, value } of answer.outputs ?? []) registers[index] = value;
  if (answer.status === 'crash') return { observation: { kind: 'crashed', message: answer.clause }, clauses: [answer.clause] };
  return { observation: { kind: 'hcall', status: BigInt(answer.status), registers }, clauses: answerClauses(answer) };
}

const statusName = (status: Status): string => (status === 'crash' ? 'crashed' : status === H_TOO_HARD ? 'handed to the monitor' : hcallStatusName(status));

/** Judges what was seen, and follows it. */
export function judgeHcall(hcall: MadeHcall, observed: Observation): Judgement {
  const seen = seenIn(observed);
  const chooser = new FollowingChooser(seen, observed, statusName);
  const answer = made(hcall, chooser);
  if (answer === undefined) return { departures: [], allowed: [], clauses: [] };
  const departures = [...chooser.departures];
  if (departures.length === 0) departures.push(...compare(withRegisters(answer, hcall), seen, statusName));
  return { departures: withMessage(departures, observed), allowed: chooser.allowed, clauses: answerClauses(answer), undecided: chooser.undecided };
}

/** A call that is handed on keeps every register; of one that is answered only the outputs mean something. */
const withRegisters = (answer: Answer, hcall: MadeHcall): Answer =>
  answer.status === H_TOO_HARD ? { ...answer, outputs: registersOf(hcall).map((value, index) => ({ index, name: `R${index + 4}`, value, clause: answer.clause })) } : answer;

function seenIn(observed: Observation): { readonly status: Status; readonly outputs: readonly bigint[] } {
  if (observed.kind === 'handed') return { status: H_TOO_HARD, outputs: observed.registers };
  if (observed.kind === 'hcall') return { status: Number(observed.status), outputs: observed.registers };
  return { status: 'crash', outputs: [] };
}
