import type { Operation, Program } from './operations.js';
import { isReference, type Term } from './term.js';

/** Every term of an operation, in order. */
export function termsOf(operation: Operation): readonly Term[] {
  switch (operation.door) {
    case 'papr':
      return operation.op === 'property' ? [] : operation.args;
    case 'memory':
      return operation.op === 'store' ? operation.doublewords : [];
    case 'dma':
      return [operation.iova];
    case 'platform':
      return operation.op === 'rescind-table' ? [operation.liobn] : [];
  }
}

/** The first parts of the names an operation refers to: operations (`w1`) or machine parts (`pe0`). */
export const referredNames = (operation: Operation): string[] =>
  termsOf(operation)
    .filter(isReference)
    .map(({ from }) => from.slice(0, from.indexOf('.')));

/** The first name that a program uses before anything gives it; undefined where the program is whole. */
export function danglingName(program: Program, facts: ReadonlySet<string>): string | undefined {
  const known = new Set(facts);
  for (const operation of program.operations) {
    const missing = referredNames(operation).find((name) => !known.has(name));
    if (missing !== undefined) return missing;
    if (operation.as !== undefined) known.add(operation.as);
  }
  return undefined;
}
