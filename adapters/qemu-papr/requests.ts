/** What can be asked of the guest in a batch, and what a batch gives out. */

/** Number of a slot in its batch, from 0. */
export type SlotIndex = number;

/** An RTAS call in a batch: its slot and its argument block in guest memory. */
export interface RtasCall {
  readonly slot: SlotIndex;
  readonly block: bigint;
  readonly nargs: number;
  readonly nret: number;
}

/**
 * A value found in guest memory at the moment of use, typically a result of an earlier slot:
 * `((load(source) >> shift) & mask) + addend`, all in 64 bits.
 */
export interface Computed {
  /** Guest address of a big-endian value. */
  readonly source: bigint;
  /** 8 unless told, or 4 when there is `high`. */
  readonly sourceSize?: 4 | 8;
  /** Guest address of a 32-bit cell that becomes the upper half. */
  readonly high?: bigint;
  /** 0 to 63. */
  readonly shift?: number;
  readonly mask?: bigint;
  readonly addend?: bigint;
}

/** An argument of a hypercall, or a 32-bit cell of an RTAS call. */
export type Argument = bigint | Computed;

export function isComputed(value: Argument): value is Computed {
  return typeof value === 'object';
}

export interface CopyFields extends Computed {
  /** Guest address. */
  readonly destination: bigint;
  /** 8 unless told. */
  readonly destinationSize?: 4 | 8;
}

/** What `poll` waits for: `(r4 & mask) === value`, or a call that fails, or the last try. */
export interface PollFields {
  readonly mask: bigint;
  readonly value: bigint;
  /** 1 or more. */
  readonly tries: number;
  /** Turns of the delay loop between tries. */
  readonly spins?: number;
  /** Timebase ticks (1/512 µs) to cede between tries. */
  readonly cedeTicks?: number;
}

/** When `skip` passes over slots: the value is as expected, or is not. */
export interface SkipFields {
  /** `addend` and `high` are not for use here. */
  readonly source: bigint;
  readonly sourceSize?: 4 | 8;
  readonly mask?: bigint;
  readonly expected: bigint;
  readonly when: 'equal' | 'different';
  /** Slots to pass over. A hypercall takes one, and one more for each computed argument. */
  readonly count: number;
}
