/**
 * The fields of each kind of slot, as byte offsets in the slot. Shared by the payload, which executes
 * them, and the mailbox, which writes them. All fields but the first two are doublewords.
 */

/** Opcode (`SlotKind`) and outcome (`SlotState`): two 32-bit words. */
export const Slot = { kind: 0x00, state: 0x04 } as const;

/** `hcall` and `poll`: r3 to r12 before the call; after it, what the call left in them. */
export const HcallSlot = { registers: 0x08, registerCount: 10 } as const;

/**
 * Offset in the slot of register 3 to 12.
 *
 * @throws RangeError for any other register
 */
export function registerOffset(register: number): number {
  const index = register - 3;
  if (index < 0 || index >= HcallSlot.registerCount) throw new RangeError(`a slot holds registers 3 to 12, not ${register}`);
  return HcallSlot.registers + index * 8;
}

/** `poll`: repeats the call until it fails (r3 not 0), or `(r4 & mask) === value`, or the tries are used up. */
export const PollSlot = {
  mask: 0x58,
  value: 0x60,
  /** Calls at most, at least 1; afterwards the number left. */
  tries: 0x68,
  /** Turns of the delay loop between two tries, DELAY_INSTRUCTIONS each; 0 = none. */
  spins: 0x70,
  /** Timebase ticks to cede between two tries; 0 = none. */
  cedeTicks: 0x78,
} as const;

/** Instructions in one turn of the delay loop. Under `-icount shift=S` a turn takes this many times 2^S ns. */
export const DELAY_INSTRUCTIONS = 65;

/** `copy`: reads a value, transforms it, stores it: `((value >> shift) & mask) + addend`. */
export const CopySlot = {
  /** Guest address of a cell to be the upper 32 bits of the value; 0 = none. */
  high: 0x08,
  source: 0x10,
  /** 4 or 8 bytes. */
  sourceSize: 0x18,
  /** 0 to 63. */
  shift: 0x20,
  mask: 0x28,
  addend: 0x30,
  destination: 0x38,
  /** 4 or 8 bytes. */
  destinationSize: 0x40,
  /** Filled in by the guest: the value stored. */
  result: 0x48,
} as const;

/** `copyBytes`: forward copy, by doublewords as far as the count allows. */
export const CopyBytesSlot = { source: 0x08, destination: 0x10, count: 0x18 } as const;

/** `skip`: passes over `count` slots when `(value & mask) === expected` is as wanted. */
export const SkipSlot = {
  source: 0x08,
  /** 4 or 8 bytes. */
  sourceSize: 0x10,
  mask: 0x18,
  expected: 0x20,
  /** 1: skip when equal; 0: skip when different. */
  whenEqual: 0x28,
  count: 0x30,
} as const;
