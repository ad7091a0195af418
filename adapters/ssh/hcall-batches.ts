import type { KvmHcall, Operation } from '../../reference/doors/operations.js';
import { isReference, type Term } from '../../reference/doors/term.js';
import { referredNames } from '../../reference/doors/terms.js';
import { MOST_SLOTS } from './guest-payload.js';

/** The operations in order; together those that a guest's processor can carry out before its monitor is asked again: hypercalls that take nothing from one another. */
export function batchesOf(operations: readonly Operation[]): Operation[][] {
  const batches: Operation[][] = [];
  for (const operation of operations) {
    const batch = batches.at(-1);
    if (batch !== undefined && joins(operation, batch)) batch.push(operation);
    else batches.push([operation]);
  }
  return batches;
}

function joins(operation: Operation, batch: readonly Operation[]): boolean {
  const first = batch[0]!;
  if (!isHcall(operation) || !isHcall(first) || batch.length === MOST_SLOTS) return false;
  const names = new Set(batch.map(({ as }) => as));
  const measured = operation.repeat !== undefined || first.repeat !== undefined;
  return !measured && operation.by === first.by && same(operation.processor, first.processor) && !referredNames(operation).some((name) => names.has(name));
}

export const isHcall = (operation: Operation | undefined): operation is KvmHcall => operation?.door === 'kvm' && operation.op === 'hcall';

const same = (one: Term, other: Term): boolean =>
  isReference(one) ? isReference(other) && one.from === other.from && (one.plus ?? 0n) === (other.plus ?? 0n) : one === other;
