/**
 * A value in a program: a literal, or a reference by name to something only known when the program runs —
 * a result of an earlier operation (`w1.liobn`) or a fact of the machine (`pe0.buidHigh`).
 */
export type Term = bigint | Reference;

export interface Reference {
  /** `<operation name>.<field>` or `<machine part>.<fact>`. */
  readonly from: string;
  /** Added to the referenced value, modulo 2^64. */
  readonly plus?: bigint;
}

export const isReference = (term: Term): term is Reference => typeof term !== 'bigint';

/** The term moved by `offset` bytes (or by whatever the unit of the term is). */
export function plus(term: Term, offset: bigint): Term {
  if (!isReference(term)) return BigInt.asUintN(64, term + offset);
  const sum = (term.plus ?? 0n) + offset;
  return sum === 0n ? { from: term.from } : { from: term.from, plus: sum };
}

/** Reads names: first results of this run, then facts of the machine. */
export type Lookup = (name: string) => bigint | undefined;

/** A reference to a name that neither an earlier operation nor the machine provides: the program is not one. */
export class DanglingReference extends Error {
  constructor(readonly reference: string) {
    super(`The program refers to '${reference}', which no earlier operation and no machine fact provides.`);
  }
}

/** The term's value as an unsigned 64-bit number. @throws DanglingReference */
export function resolve(term: Term, lookup: Lookup): bigint {
  if (!isReference(term)) return BigInt.asUintN(64, term);
  const base = lookup(term.from);
  if (base === undefined) throw new DanglingReference(term.from);
  return BigInt.asUintN(64, base + (term.plus ?? 0n));
}
