/**
 * Where things live in the memory of the bare guest, and the shape of its mailbox.
 *
 * ```
 * 0                 ..  0x4000          payload: interrupt vectors and code (rewritten by QEMU at every reset)
 * 0x4000            ..  controlBase     scenario memory: nothing but the program under test touches it
 * controlBase       ..  +0x1000         mailbox header (Header)
 * controlBase+64K   ..  +1 MiB          slots, SLOT_BYTES each
 * controlBase+2 MiB ..  +8 MiB          data: RTAS argument blocks, bytes to place, snapshots
 * memory - 4 MiB    ..  memory          QEMU's: the device tree of each boot
 * ```
 *
 * Every multi-byte value is big-endian, as the guest is.
 */

/** First byte above the payload; below it lies code that QEMU rewrites at reset. */
export const PAYLOAD_END = 0x4000;

/** Bytes at the top of memory taken from the scenario: 12 MiB of ours and 4 MiB left to QEMU. */
const RESERVED_TOP = 0x100_0000;
const SLOTS_OFFSET = 0x1_0000;
const DATA_OFFSET = 0x20_0000;

/** Bytes of one slot: opcode, state and fifteen doublewords. */
export const SLOT_BYTES = 128;
/** Slots that one posting holds; longer batches are posted in several chunks. */
export const SLOTS_PER_POST = 8192;
/** Bytes of the data area, shared by all slots of a batch. */
export const DATA_BYTES = 0x80_0000;

/** Offsets in the mailbox header; each field is a 64-bit doubleword. Guest (G) or host (H) writes it. */
export const Header = {
  /** H: number of the posted batch; the guest starts when it changes. */
  request: 0x00,
  /** H: slots in the posted batch, 1 to SLOTS_PER_POST. */
  count: 0x08,
  /** G: number of the last batch carried out. */
  done: 0x10,
  /** G: index of the slot being executed, so that a death of QEMU can be pinned to it. */
  progress: 0x18,
  /** G: boots so far; a change in the middle of a batch means that the machine was reset. */
  boots: 0x20,
  /** G: guest address of the device tree (r3 at entry). */
  deviceTree: 0x28,
  /** G: READY_MAGIC once the guest polls. */
  ready: 0x30,
  /** H: changes while the host lives; see `orphanTicks`. */
  alive: 0x38,
  /** H: polls of the mailbox before the guest starts to cede; at least 1. */
  spins: 0x40,
  /** H: timebase ticks (512 MHz) of the first cede; the next ones grow up to `cedeMax`. */
  cedeFirst: 0x48,
  /** H: timebase ticks of the longest cede, below 2^31. */
  cedeMax: 0x50,
  /** H: timebase ticks without a sign of the host after which the guest powers off; 0 = never. */
  orphanTicks: 0x58,
  /** H: RTAS argument block of `power-off`, written before `orphanTicks`. */
  powerOff: 0x60,
  /** G: SRR0 of the last unexpected interrupt in the payload itself. */
  faultPc: 0x80,
  /** G: DAR at that moment. */
  faultAddress: 0x88,
  /** H: 1 asks the guest to poll without ceding, as the machine is about to be stopped. */
  park: 0x90,
  /** G: 1 while it does so. */
  parked: 0x98,
} as const;

/** Bytes of the header that carry fields. */
export const HEADER_BYTES = 0xa0;

/** Value of `Header.ready`: "PAPRMBOX". */
export const READY_MAGIC = 0x5041_5052_4d42_4f58n;

/** Frequency of the guest's timebase and decrementer in Hz (QEMU `SPAPR_TIMEBASE_FREQ`). */
export const TIMEBASE_HZ = 512_000_000;

/** What a slot asks for (first word of the slot). The fields of each are in `mailbox.ts`. */
export const SlotKind = { hcall: 1, copy: 2, poll: 3, copyBytes: 4, skip: 5, stop: 6 } as const;

/** What became of a slot (second word). Values from 0x100 are the vector of an unexpected interrupt. */
export const SlotState = { notExecuted: 0, done: 1, pollExhausted: 2 } as const;

/** Guest addresses for one size of memory. All are byte addresses below 4 GiB. */
export interface Layout {
  readonly memoryBytes: number;
  /** The scenario may use `scenarioStart` up to, not including, `scenarioEnd`. */
  readonly scenarioStart: bigint;
  readonly scenarioEnd: bigint;
  readonly header: number;
  readonly slots: number;
  readonly data: number;
}

/**
 * Computes the layout for a machine.
 *
 * @param memoryBytes size of guest memory: 128 MiB (QEMU's least real-mode area) to 2 GiB, a multiple of 16 MiB
 * @throws RangeError when the size is outside that
 */
export function layoutFor(memoryBytes: number): Layout {
  const mib = memoryBytes / 0x10_0000;
  if (mib < 128 || mib > 2048 || mib % 16 !== 0) {
    throw new RangeError(`guest memory must be 128 to 2048 MiB in steps of 16, not ${mib} MiB`);
  }
  const header = memoryBytes - RESERVED_TOP;
  return {
    memoryBytes,
    scenarioStart: BigInt(PAYLOAD_END),
    scenarioEnd: BigInt(header),
    header,
    slots: header + SLOTS_OFFSET,
    data: header + DATA_OFFSET,
  };
}
