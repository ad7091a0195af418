import type { OpenBytes } from '../../reference/memory/bytes.js';

/* What the reference says of each operation of a program, as plain data: what a C program compares with. */

/** What an operation may return. */
export type Permitted =
  /** One of these numbers: the reference's own answer first. */
  | { readonly kind: 'values'; readonly values: readonly [bigint, ...bigint[]] }
  /** A descriptor, an address or a count; or one of these errors. */
  | { readonly kind: 'from 0'; readonly errors: readonly bigint[] }
  /** One of these errors, the reference's own answer first; or a count, which means that it was refused, too. */
  | { readonly kind: 'error or count'; readonly errors: readonly [bigint, ...bigint[]] }
  /** Any error. */
  | { readonly kind: 'error' }
  /** So many lines of trouble in the kernel log: none. */
  | { readonly kind: 'quiet' }
  /** Whatever it is, it says nothing of the system; but what follows may rest on its success. */
  | { readonly kind: 'anything' };

/** A field of a structure after the call, or a figure. */
export interface ExpectedField {
  readonly name: string;
  /** `given`: what the program has put there. */
  readonly value: bigint | 'given';
  readonly clause: string;
}

/** What is expected of one operation. */
export interface Expectation {
  readonly result: Permitted;
  /** The clause that the result goes by. */
  readonly clause: string;
  /** What is fixed; what the specification leaves open, or what rests on it, is not among them. */
  readonly fields: readonly ExpectedField[];
  /** Bytes that are read or loaded, those without any permitted value but their own fixed; undefined where none are. */
  readonly bytes?: { readonly expected: OpenBytes; readonly clause: string };
}
