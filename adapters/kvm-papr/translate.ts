import type { Observation } from '../../reference/doors/observation.js';
import type { DmaOperation, MemoryOperation, Operation } from '../../reference/doors/operations.js';
import { isReference, type Term } from '../../reference/doors/term.js';
import { u64 } from '../../reference/values.js';
import { syscallResultName } from '../../reference/uapi/errno.js';
import { deviceDescriptor, ownAddress, PROCESSOR } from './set-up.js';

/** What a translation rests on. */
export interface Partition {
  /** What programs refer to: `pe0.liobn`. */
  readonly facts: ReadonlyMap<string, bigint>;
  /** The groups of the host by PE: `pe0`. */
  readonly groups: ReadonlyMap<string, string>;
}

/** An operation of a partition as one of its monitor. @throws RangeError for what the target has no door for */
export function translate(operation: Operation, { facts, groups }: Partition): Operation {
  const own = (term: Term): Term => known(term, facts);
  const as = operation.as === undefined ? {} : { as: operation.as };
  if (operation.door === 'papr' && operation.op === 'hcall') {
    return { door: 'kvm', op: 'hcall', ...as, processor: PROCESSOR, call: operation.call, args: operation.args.map(own) };
  }
  if (operation.door === 'memory') return { ...memory(operation, own), ...as };
  if (operation.door === 'dma') return { ...dma(operation, groups), ...as, iova: own(operation.iova) };
  throw new RangeError(`The target kvm-papr cannot do '${operation.op}' at the door '${operation.door}'.`);
}

/** A fact of the partition is none of the host's. */
function known(term: Term, facts: Partition['facts']): Term {
  const fact = isReference(term) ? facts.get(term.from) : undefined;
  return fact === undefined || !isReference(term) ? term : u64(fact + (term.plus ?? 0n));
}

function memory(operation: MemoryOperation, own: (term: Term) => Term): Operation {
  const address = ownAddress(operation.address);
  switch (operation.op) {
    case 'store':
      return { door: 'user', op: 'store', address, order: 'big', wordBytes: 8, words: operation.doublewords.map(own) };
    case 'fill':
      return { door: 'user', op: 'fill', address, length: operation.length, byte: operation.byte };
    case 'load':
      return { door: 'user', op: 'load', address, length: operation.length };
  }
}

function dma(operation: DmaOperation, groups: Partition['groups']): DmaOperation {
  const [pe = '', device] = operation.device.split('.');
  const group = groups.get(pe);
  if (group === undefined) throw new RangeError(`The partition has no PE '${pe}'.`);
  return { ...operation, device: `${group}.${device}`, fd: deviceDescriptor(operation.device) };
}

/** What was observed of the monitor's operation, as the partition's own shows it. */
export function translateBack(operation: Operation, seen: Observation): Observation {
  if (seen.kind !== 'syscall') return seen;
  if (operation.door === 'memory' && seen.result >= 0n) return { kind: 'done' };
  return { kind: 'crashed', message: `the monitor could not do it: ${syscallResultName(seen.result)}` };
}
