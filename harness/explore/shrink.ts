import type { Operation, Program } from '../../reference/doors/operations.js';
import { isReference, type Term } from '../../reference/doors/term.js';
import { danglingName } from '../../reference/doors/terms.js';

/** True where the program still shows what we are after. */
export type StillFails = (program: Program) => Promise<boolean>;

/**
 * The smallest program we find that still fails: first whole operations are dropped (delta debugging), then single
 * arguments are made simpler. Asks at most `budget` times, and only while `mayAsk` says so.
 */
export async function shrink(
  program: Program,
  fails: StillFails,
  machineParts: ReadonlySet<string>,
  mayAsk: () => boolean,
  budget = 400,
): Promise<Program> {
  let left = budget;
  const ask = async (candidate: Program): Promise<boolean> => {
    if (left <= 0 || !mayAsk() || danglingName(candidate, machineParts) !== undefined) return false;
    left -= 1;
    return fails(candidate);
  };
  let smallest = await dropOperations(program, ask);
  for (let before = -1; before !== left && left > 0; ) {
    before = left;
    const simpler = await simplify(smallest, ask);
    if (simpler === smallest) break;
    smallest = await dropOperations(simpler, ask);
  }
  return smallest;
}

async function dropOperations(program: Program, fails: StillFails): Promise<Program> {
  let operations = program.operations;
  for (let size = Math.ceil(operations.length / 2); size >= 1; ) {
    let dropped = false;
    for (let at = operations.length - size; at >= 0; at -= size) {
      const candidate = [...operations.slice(0, at), ...operations.slice(at + size)];
      if (candidate.length > 0 && (await fails({ operations: candidate }))) {
        operations = candidate;
        dropped = true;
      }
      if (at > operations.length) at = operations.length;
    }
    if (!dropped || size > operations.length) size = size === 1 ? 0 : Math.floor(size / 2);
  }
  return operations === program.operations ? program : { operations };
}

/** One argument at a time, towards fewer bits and no offset. */
async function simplify(program: Program, fails: StillFails): Promise<Program> {
  for (const [i, operation] of program.operations.entries()) {
    for (const candidate of simpler(operation)) {
      const operations = program.operations.with(i, candidate);
      if (await fails({ operations })) return { operations };
    }
  }
  return program;
}

function simpler(operation: Operation): Operation[] {
  if (operation.door === 'papr' && operation.op !== 'property') {
    return operation.args.flatMap((arg, i) => simplerTerms(arg).map((term) => ({ ...operation, args: operation.args.with(i, term) })));
  }
  if (operation.door === 'memory' && operation.op === 'store') {
    return operation.doublewords.length > 1 ? [{ ...operation, doublewords: operation.doublewords.slice(0, -1) }] : [];
  }
  if (operation.door === 'dma') return simplerTerms(operation.iova).map((iova) => ({ ...operation, iova }));
  return [];
}

/** The referenced value itself; a literal as 0 or 1. */
function simplerTerms(term: Term): Term[] {
  if (isReference(term)) return (term.plus ?? 0n) === 0n ? [] : [{ from: term.from }];
  return term === 0n ? [] : term === 1n ? [0n] : [0n, 1n];
}
