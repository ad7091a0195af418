/**
 * Encodes a batch of slots and decodes what the guest made of it, in one reusable pair of buffers.
 *
 * This is a hot place: hundreds of thousands of hypercalls pass through it, so it reads and writes the
 * buffers in place and allocates nothing per hypercall but the values asked for.
 */

import { Growable } from './growable.js';
import { DATA_BYTES, SLOT_BYTES, SLOTS_PER_POST, SlotKind, SlotState, type Layout } from './layout.js';
import {
  isComputed,
  type Argument,
  type Computed,
  type CopyFields,
  type PollFields,
  type RtasCall,
  type SkipFields,
  type SlotIndex,
} from './requests.js';
import { CopyBytesSlot, CopySlot, HcallSlot, PollSlot, registerOffset, SkipSlot, Slot } from './slot-format.js';

/** QEMU `KVMPPC_H_RTAS`: r4 = address of an RTAS argument block. */
const H_RTAS = 0xf000n;
const ALL_ONES = 0xffff_ffff_ffff_ffffn;
const CELL = 4;
/** token, nargs, nret (LoPAR 7.2.7). */
const RTAS_HEADER_CELLS = 3;
/** Register of the first argument of a hypercall. */
const FIRST_ARGUMENT = 4;

export class Batch {
  readonly #slots = new Growable(64 * SLOT_BYTES);
  readonly #data = new Growable(0x1000);
  #refersToSlots = false;

  constructor(readonly layout: Layout) {}

  /** Number of slots so far. */
  get length(): number {
    return this.#slots.used / SLOT_BYTES;
  }

  /** Empties the batch for the next use; addresses and results given out before are void. */
  clear(): this {
    this.#slots.clear();
    this.#data.clear();
    this.#refersToSlots = false;
    return this;
  }

  /** The encoded slots; the machine writes this and reads the results back into it. */
  slotBytes(): Buffer {
    if (this.#refersToSlots && this.length > SLOTS_PER_POST) {
      throw new RangeError(`a batch whose slots refer to each other holds ${SLOTS_PER_POST} slots, not ${this.length}`);
    }
    return this.#slots.bytes;
  }

  /** The used part of the data area, in both directions. */
  dataBytes(): Buffer {
    return this.#data.bytes;
  }

  /**
   * Adds a hypercall, after the slots that work out its computed arguments.
   *
   * @param args r4 and onwards, at most nine; the registers left over are 0
   * @returns the slot of the call itself
   */
  hcall(opcode: bigint, ...args: Argument[]): SlotIndex {
    return this.#call(SlotKind.hcall, opcode, args);
  }

  /** Adds a hypercall that is repeated until its r4 is as wanted. */
  poll(fields: PollFields, opcode: bigint, ...args: Argument[]): SlotIndex {
    const slot = this.#call(SlotKind.poll, opcode, args);
    this.#field(slot, PollSlot.mask, fields.mask);
    this.#field(slot, PollSlot.value, fields.value);
    this.#field(slot, PollSlot.tries, BigInt(fields.tries));
    this.#field(slot, PollSlot.spins, BigInt(fields.spins ?? 0));
    this.#field(slot, PollSlot.cedeTicks, BigInt(fields.cedeTicks ?? 0));
    return slot;
  }

  /**
   * Adds an RTAS call, after the slots that work out its computed arguments. Its argument block lies in the
   * data area.
   *
   * @param token from the device tree
   * @param args one 32-bit cell each
   * @param nret number of output cells, the status among them
   */
  rtas(token: number, args: readonly (number | Computed)[], nret: number): RtasCall {
    const block = this.reserve((RTAS_HEADER_CELLS + args.length + nret) * CELL);
    const offset = this.#dataOffset(block, 0);
    [token, args.length, nret, ...args].forEach((cell, i) => {
      const at = i * CELL;
      if (typeof cell === 'number') this.#data.view.setUint32(offset + at, cell);
      else this.copy({ ...cell, destination: block + BigInt(at), destinationSize: CELL });
    });
    return { slot: this.hcall(H_RTAS, block), block, nargs: args.length, nret };
  }

  copy(fields: CopyFields): SlotIndex {
    const slot = this.#add(SlotKind.copy);
    this.#field(slot, CopySlot.high, fields.high ?? 0n);
    this.#field(slot, CopySlot.source, fields.source);
    this.#field(slot, CopySlot.sourceSize, BigInt(fields.sourceSize ?? (fields.high === undefined ? 8 : 4)));
    this.#field(slot, CopySlot.shift, BigInt(fields.shift ?? 0));
    this.#field(slot, CopySlot.mask, fields.mask ?? ALL_ONES);
    this.#field(slot, CopySlot.addend, fields.addend ?? 0n);
    this.#field(slot, CopySlot.destination, fields.destination);
    this.#field(slot, CopySlot.destinationSize, BigInt(fields.destinationSize ?? 8));
    return slot;
  }

  /** Adds a forward copy of `count` bytes between guest addresses. */
  copyBytes(source: bigint, destination: bigint, count: number): SlotIndex {
    const slot = this.#add(SlotKind.copyBytes);
    this.#field(slot, CopyBytesSlot.source, source);
    this.#field(slot, CopyBytesSlot.destination, destination);
    this.#field(slot, CopyBytesSlot.count, BigInt(count));
    return slot;
  }

  /** Adds a slot that places these bytes at a guest address when its turn comes. */
  poke(destination: bigint, bytes: Uint8Array): SlotIndex {
    return this.copyBytes(this.stage(bytes), destination, bytes.length);
  }

  /** Adds a slot that takes a snapshot of guest memory; returns its address, for `bytes` after the exchange. */
  peek(source: bigint, count: number): bigint {
    const snapshot = this.reserve(count);
    this.copyBytes(source, snapshot, count);
    return snapshot;
  }

  skip(fields: SkipFields): SlotIndex {
    this.#refersToSlots = true;
    const slot = this.#add(SlotKind.skip);
    this.#field(slot, SkipSlot.source, fields.source);
    this.#field(slot, SkipSlot.sourceSize, BigInt(fields.sourceSize ?? 8));
    this.#field(slot, SkipSlot.mask, fields.mask ?? ALL_ONES);
    this.#field(slot, SkipSlot.expected, fields.expected);
    this.#field(slot, SkipSlot.whenEqual, fields.when === 'equal' ? 1n : 0n);
    this.#field(slot, SkipSlot.count, BigInt(fields.count));
    return slot;
  }

  /** Adds the end of the batch; slots after it are not executed. */
  stop(): SlotIndex {
    this.#refersToSlots = true;
    return this.#add(SlotKind.stop);
  }

  /** Reserves zeroed bytes in the data area, and returns their guest address. */
  reserve(count: number, alignment = 8): bigint {
    const start = Math.ceil(this.#data.used / alignment) * alignment;
    if (start + count > DATA_BYTES) {
      throw new RangeError(`the data of a batch must fit in ${DATA_BYTES} bytes, not ${start + count}`);
    }
    this.#data.extendTo(start + count);
    return BigInt(this.layout.data + start);
  }

  /** Puts bytes into the data area, there from the start of the batch, and returns their guest address. */
  stage(bytes: Uint8Array, alignment = 8): bigint {
    const address = this.reserve(bytes.length, alignment);
    this.#data.set(bytes, this.#dataOffset(address, bytes.length));
    return address;
  }

  /** Guest address of register 3 to 12 of a `hcall` or `poll`: an argument before it, a result after it. */
  registerAddress(slot: SlotIndex, register: number): bigint {
    this.#refersToSlots = true;
    return BigInt(this.layout.slots + slot * SLOT_BYTES + registerOffset(register));
  }

  /** Guest address of output cell `i` of an RTAS call (0 is the status), for use as a computed value. */
  returnAddress(call: RtasCall, i: number): bigint {
    return call.block + BigInt((RTAS_HEADER_CELLS + call.nargs + i) * CELL);
  }

  /** After the exchange: a `SlotState`, or the vector of the interrupt that the slot caused. */
  state(slot: SlotIndex): number {
    return this.#slots.view.getUint32(slot * SLOT_BYTES + Slot.state);
  }

  executed(slot: SlotIndex): boolean {
    return this.state(slot) !== SlotState.notExecuted;
  }

  /** Register 3 to 12 as the call left it, unsigned. */
  register(slot: SlotIndex, register: number): bigint {
    return this.#slots.view.getBigUint64(slot * SLOT_BYTES + registerOffset(register));
  }

  /** r3 of a call: the hcall status, signed. */
  status(slot: SlotIndex): bigint {
    return this.#slots.view.getBigInt64(slot * SLOT_BYTES + registerOffset(3));
  }

  /** The output cells of an RTAS call, unsigned; the first is the status. */
  returns(call: RtasCall): number[] {
    const first = this.#dataOffset(call.block, 0) + (RTAS_HEADER_CELLS + call.nargs) * CELL;
    return Array.from({ length: call.nret }, (_, i) => this.#data.view.getUint32(first + i * CELL));
  }

  /** The value a `copy` stored. */
  copied(slot: SlotIndex): bigint {
    return this.#slots.view.getBigUint64(slot * SLOT_BYTES + CopySlot.result);
  }

  /** Bytes of the data area at a guest address; a view, void after `clear`. */
  bytes(address: bigint, count: number): Buffer {
    const offset = this.#dataOffset(address, count);
    return this.#data.bytes.subarray(offset, offset + count);
  }

  #call(kind: number, opcode: bigint, args: readonly Argument[]): SlotIndex {
    if (args.length >= HcallSlot.registerCount) throw new RangeError(`a hypercall takes at most 9 arguments, not ${args.length}`);
    if (args.some(isComputed)) this.#workOut(args);
    const slot = this.#add(kind);
    this.#field(slot, HcallSlot.registers, opcode);
    for (let i = 0; i < args.length; i++) {
      const value = args[i];
      if (typeof value === 'bigint') this.#field(slot, HcallSlot.registers + 8 * (i + 1), value);
    }
    return slot;
  }

  /** Adds a copy for each computed argument of the call that is to follow them. */
  #workOut(args: readonly Argument[]): void {
    const slot = this.length + args.filter(isComputed).length;
    args.forEach((value, i) => {
      if (isComputed(value)) this.copy({ ...value, destination: this.registerAddress(slot, FIRST_ARGUMENT + i) });
    });
  }

  #add(kind: number): SlotIndex {
    const slot = this.length;
    this.#slots.extendTo(this.#slots.used + SLOT_BYTES);
    this.#slots.view.setUint32(slot * SLOT_BYTES + Slot.kind, kind);
    return slot;
  }

  #field(slot: SlotIndex, offset: number, value: bigint): void {
    this.#slots.view.setBigUint64(slot * SLOT_BYTES + offset, value);
  }

  #dataOffset(address: bigint, count: number): number {
    const offset = Number(address) - this.layout.data;
    if (offset < 0 || offset + count > this.#data.used) {
      throw new RangeError(`0x${address.toString(16)} is not ${count} bytes of this batch's data`);
    }
    return offset;
  }
}
