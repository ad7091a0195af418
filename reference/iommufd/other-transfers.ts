import { defineCall, type AnyCall } from '../rules.js';
import { otherTransferChecks, type Transfer, type TransferInput } from './reading.js';

const never = (name: string): never => {
  throw new Error(`${name} has no effect: a check before it always decides.`);
};

const other = (op: 'read' | 'write'): AnyCall =>
  defineCall<Transfer, TransferInput>({
    name: `${op}-other`,
    parameters: [],
    read: (_host, transfer) => transfer,
    guards: otherTransferChecks(op),
    effect: { clauses: [otherTransferChecks(op)[1]], apply: () => never(`${op}-other`) },
    sample: { args: {} },
  });

/** read of what cannot be read. */
export const readOther = other('read');

/** write of what cannot be written. */
export const writeOther = other('write');
