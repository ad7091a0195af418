import type { Observation } from '../../reference/doors/observation.js';
import type { Operation, Program } from '../../reference/doors/operations.js';
import { operationText } from '../../reference/doors/text.js';
import { TargetLost } from '../target.js';
import type { HostFacts } from './host-facts.js';
import { firstTrouble } from './kernel-log.js';
import type { Answer, Broken } from './messages.js';
import { observe } from './observe.js';
import type { Outcome } from './session.js';

/** Exit status of a test process that the agent itself has lost; wait(2) has it in the second byte. */
const OWN_FAULT = 70;

/** The observations of a program, to its end or to the system's. @throws TargetLost when it ended for reasons that are not the system's */
export function observations(program: Program, outcome: Outcome, host: HostFacts): Observation[] {
  const { operations } = program;
  const { broken, after } = outcome;
  const seen = answered(operations, outcome.answers, host);
  if (broken) return crashedAt(operations, seen, brokenText(operations[seen.length], outcome));
  // What a program leaves behind shows when its processes end, after its last operation.
  return after ? crashedAt(operations, seen.slice(0, -1), `after the program ${after}`) : seen;
}

/** Observations of what was answered. */
export const answered = (operations: readonly Operation[], answers: readonly Answer[], host: HostFacts): Observation[] =>
  answers.map((answer, i) => observe(operations[i]!, answer, host));

/** The observations so far, then the death of the system, and nothing after it. */
export function crashedAt(operations: readonly Operation[], seen: readonly Observation[], message: string): Observation[] {
  return operations.map((_, i) => seen[i] ?? (i === seen.length ? { kind: 'crashed', message } : { kind: 'not-run' }));
}

/** @throws TargetLost */
function brokenText(operation: Operation | undefined, { broken, log = [], after }: Outcome): string {
  const what = operation === undefined ? 'the program' : operationText(operation);
  const trouble = firstTrouble(log);
  const reason = 'died' in broken! ? deathText(broken, what) : hangText(broken!, what, operation?.door === 'kvm', after ?? trouble);
  return trouble === undefined ? reason : `${reason}: ${trouble}`;
}

/** Signals that kernels send to a process they have broken, and the usual ones. */
const SIGNALS: Readonly<Record<number, string>> = { 4: 'SIGILL', 6: 'SIGABRT', 7: 'SIGBUS', 9: 'SIGKILL', 11: 'SIGSEGV', 15: 'SIGTERM' };

function deathText({ died, status }: Extract<Broken, { died: string }>, what: string): string {
  const signal = status & 0x7f;
  if (signal === 0 && status >> 8 === OWN_FAULT) throw new TargetLost(`expected the agent to carry out '${what}', but its process ${died} failed; report this as a fault of the suite`);
  const how = signal === 0 ? `status ${status >> 8}` : (SIGNALS[signal] ?? `signal ${signal}`);
  return `the process ${died} ended with ${how} in '${what}'`;
}

/** A process that waits in the kernel and cannot be interrupted is the kernel's fault; one that can may only be slow. */
function hangText({ hung, state, wchan }: Extract<Broken, { hung: string }>, what: string, isGuest: boolean, seen: string | undefined): string {
  const where = wchan === undefined || wchan === '0' ? '' : ` in ${wchan}`;
  const text = `hung: ${what} (process ${hung}, state ${state}${where})`;
  // What a guest's processor does is the project's own and comes to an end, unless the kernel does not let it.
  if (state === 'D' || isGuest || seen !== undefined) return text;
  throw new TargetLost(`expected '${what}' to end, but its process ${hung} is in state ${state}${where} and can be ended; is the host overloaded?`);
}
