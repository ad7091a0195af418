import type { Observation } from '../../reference/doors/observation.js';
import type { Operation } from '../../reference/doors/operations.js';
import { E } from '../../reference/uapi/errno.js';
import type { HostFacts } from './host-facts.js';
import { observeGuest, observeHcall } from './kvm.js';
import type { AloneAnswer, Answer, StepAnswer } from './messages.js';
import { noteworthy } from './kernel-log.js';
import { decodeFrom } from './structures.js';

const syscall = (result: bigint): Observation => ({ kind: 'syscall', result });

/** What the agent's answer to an operation shows. */
export function observe(operation: Operation, answer: Answer, host: HostFacts): Observation {
  if ('pair' in answer) {
    if (operation.door !== 'host' || operation.op !== 'together') throw new Error('The agent answered twice to one operation.');
    const [left, right] = answer.pair;
    return { kind: 'pair', left: observe(operation.left, left, host), right: observe(operation.right, right, host) };
  }
  return observeAlone(operation, answer, host);
}

function observeAlone(operation: Operation, answer: AloneAnswer, host: HostFacts): Observation {
  if ('steps' in answer) return observeSteps(operation, answer.steps, host);
  if ('log' in answer) return { kind: 'lines', lines: noteworthy(answer.log) };
  if ('ended' in answer) return syscall(0n);
  // The process is gone, or what the operation refers to never came about.
  if ('gone' in answer || 'unknown' in answer) return syscall(BigInt(-E.ESRCH));
  return { kind: 'done' };
}

function observeSteps(operation: Operation, steps: readonly StepAnswer[], host: HostFacts): Observation {
  const [, result, bytes] = steps.at(-1)!;
  if (operation.door === 'dma') return observeTransfer(steps);
  if (operation.door === 'kvm' && operation.op === 'guest') return observeGuest(steps);
  if (operation.door === 'kvm' && operation.op === 'hcall') return observeHcall(operation, steps, host);
  if ((operation.door === 'vfio' || operation.door === 'iommufd' || operation.door === 'kvm') && operation.op === 'ioctl') {
    const fields = bytes === null ? {} : decodeFrom(host.order, operation.call, bytes);
    return { kind: 'syscall', result, ...(Object.keys(fields).length > 0 && { fields }) };
  }
  if (result < 0n) return syscall(result);
  if (operation.door === 'host' && operation.op === 'ledger') return { kind: 'values', values: { locked: result, ...(bytes !== null && { pinned: wordOf(bytes, host) }) } };
  if (operation.door === 'host' && operation.op === 'eeh-state') return { kind: 'values', values: peState(result, bytes, host) };
  if (operation.door === 'host' && operation.op === 'eeh-resets') return { kind: 'values', values: { resets: result } };
  if (isRead(operation)) return { kind: 'bytes', bytes: bytes ?? new Uint8Array() };
  // A transfer of memory that went well is no number worth comparing.
  return syscall(operation.door === 'user' && (operation.op === 'fill' || operation.op === 'store') ? 0n : result);
}

/** A word of 8 bytes in the host's order. */
function wordOf(bytes: Uint8Array, { order }: HostFacts): bigint {
  const buffer = Buffer.from(bytes);
  return order === 'big' ? buffer.readBigUInt64BE(0) : buffer.readBigUInt64LE(0);
}

/** Whether the device is there, and the two words of its PE. */
function peState(present: bigint, bytes: Uint8Array | null, { order }: HostFacts): Record<string, bigint> {
  const buffer = Buffer.from(bytes ?? new Uint8Array(16));
  const word = (at: number): bigint => (order === 'big' ? buffer.readBigUInt64BE(at) : buffer.readBigUInt64LE(at));
  return { present, firmware: word(0), software: word(8) };
}

const isRead = ({ door, op }: Operation): boolean =>
  ((door === 'vfio' || door === 'iommufd') && op === 'read') || (door === 'user' && op === 'load') || (door === 'host' && op === 'disk');

/** A device says nothing of its transfer; but it is to end, and its registers are to be there. */
function observeTransfer(steps: readonly StepAnswer[]): Observation {
  const failed = steps.find(([, result]) => result < 0n);
  if (failed === undefined) return { kind: 'done' };
  if (failed[1] === BigInt(-E.ETIMEDOUT)) return { kind: 'crashed', message: 'the device did not end its transfer' };
  return syscall(failed[1]);
}

