import { describe, expect, it } from '@jest/globals';

import { Batch } from './batch.js';
import { DATA_BYTES, layoutFor, SLOT_BYTES, SLOTS_PER_POST, SlotKind, SlotState } from './layout.js';

const LAYOUT = layoutFor(0x1000_0000);
const H_PUT_TCE = 0x20n;

function doublewords(batch: Batch, slot: number, count: number): bigint[] {
  const bytes = batch.slotBytes().subarray(slot * SLOT_BYTES);
  return Array.from({ length: count }, (_, i) => bytes.readBigUInt64BE(8 + i * 8));
}

/** Plays the guest: puts a result into a register of a slot. */
function answer(batch: Batch, slot: number, register: number, value: bigint): void {
  batch.slotBytes().writeBigInt64BE(value, slot * SLOT_BYTES + 8 + (register - 3) * 8);
}

describe('a hypercall', () => {
  it('is its opcode and arguments in r3 onwards, the other registers zero', () => {
    const batch = new Batch(LAYOUT);
    const slot = batch.hcall(H_PUT_TCE, 0x8000_0000n, 0x1000n, -1n);
    expect(batch.slotBytes().readUInt32BE(slot * SLOT_BYTES)).toBe(SlotKind.hcall);
    const rest = Array.from({ length: 6 }, () => 0n);
    expect(doublewords(batch, slot, 10)).toEqual([H_PUT_TCE, 0x8000_0000n, 0x1000n, 0xffff_ffff_ffff_ffffn, ...rest]);
  });

  it('returns a signed status and unsigned registers', () => {
    const batch = new Batch(LAYOUT);
    const slot = batch.hcall(H_PUT_TCE);
    answer(batch, slot, 3, -4n);
    answer(batch, slot, 4, -1n);
    expect(batch.status(slot)).toBe(-4n);
    expect(batch.register(slot, 4)).toBe(0xffff_ffff_ffff_ffffn);
  });

  it('leaves nothing behind for the next use of the batch', () => {
    const batch = new Batch(LAYOUT);
    batch.hcall(H_PUT_TCE, 1n, 2n, 3n);
    expect(doublewords(batch.clear(), batch.hcall(0x1cn), 4)).toEqual([0x1cn, 0n, 0n, 0n]);
    expect(batch.length).toBe(1);
  });

  it('has at most nine arguments, in registers 3 to 12', () => {
    const batch = new Batch(LAYOUT);
    expect(() => batch.hcall(1n, ...Array.from({ length: 10 }, () => 0n))).toThrow('at most 9 arguments, not 10');
    expect(() => batch.register(0, 13)).toThrow('registers 3 to 12, not 13');
  });
});

describe('a computed argument', () => {
  it('becomes a copy, ahead of the call, into the register of the call', () => {
    const batch = new Batch(LAYOUT);
    const slot = batch.hcall(H_PUT_TCE, { source: 0x5000n, sourceSize: 4 }, { high: 0x5004n, source: 0x5008n, addend: 0x1000n }, 3n);
    expect(slot).toBe(2);
    const allOnes = 0xffff_ffff_ffff_ffffn;
    expect(doublewords(batch, 0, 8)).toEqual([0n, 0x5000n, 4n, 0n, allOnes, 0n, batch.registerAddress(slot, 4), 8n]);
    expect(doublewords(batch, 1, 8)).toEqual([0x5004n, 0x5008n, 4n, 0n, allOnes, 0x1000n, batch.registerAddress(slot, 5), 8n]);
    expect(doublewords(batch, 2, 4)).toEqual([H_PUT_TCE, 0n, 0n, 3n]);
  });

  it('can be a cell of an RTAS call', () => {
    const batch = new Batch(LAYOUT);
    const call = batch.rtas(0x2028, [{ source: 0x5000n, sourceSize: 4 }], 1);
    expect(doublewords(batch, 0, 8).slice(6)).toEqual([call.block + 12n, 4n]);
    expect(call.slot).toBe(1);
  });
});

describe('an RTAS call', () => {
  it('is hypercall 0xf000 with its argument block in the data area', () => {
    const batch = new Batch(LAYOUT);
    const call = batch.rtas(0x2026, [0, 0x800_0000, 0x2000_0000], 2);
    expect(doublewords(batch, call.slot, 2)).toEqual([0xf000n, call.block]);
    const block = batch.bytes(call.block, 32);
    expect(Array.from({ length: 8 }, (_, i) => block.readUInt32BE(i * 4))).toEqual([0x2026, 3, 2, 0, 0x800_0000, 0x2000_0000, 0, 0]);
  });

  it('gives its outputs, and their addresses', () => {
    const batch = new Batch(LAYOUT);
    const call = batch.rtas(0x2026, [7], 2);
    batch.bytes(batch.returnAddress(call, 0), 4).writeInt32BE(-3);
    batch.bytes(batch.returnAddress(call, 1), 4).writeUInt32BE(9);
    expect(batch.returns(call)).toEqual([0xffff_fffd, 9]);
  });
});

describe('the data area', () => {
  it('holds what is placed, aligned as asked', () => {
    const batch = new Batch(LAYOUT);
    batch.stage(Buffer.from([1]));
    const list = batch.stage(Buffer.from([2, 3]), 0x1000);
    expect(list % 0x1000n).toBe(0n);
    expect([...batch.bytes(list, 2)]).toEqual([2, 3]);
  });

  it('has an end', () => {
    expect(() => new Batch(LAYOUT).reserve(DATA_BYTES + 1)).toThrow(`must fit in ${DATA_BYTES} bytes`);
  });

  it('does not give bytes that the batch does not use', () => {
    const batch = new Batch(LAYOUT);
    const address = batch.reserve(8);
    expect(() => batch.bytes(address + 4n, 8)).toThrow('is not 8 bytes of this batch');
  });
});

describe('a batch larger than one posting', () => {
  it('grows as needed', () => {
    const batch = new Batch(LAYOUT);
    for (let i = 0; i <= SLOTS_PER_POST; i++) batch.hcall(H_PUT_TCE, BigInt(i));
    expect(doublewords(batch, SLOTS_PER_POST, 2)).toEqual([H_PUT_TCE, BigInt(SLOTS_PER_POST)]);
    expect(batch.slotBytes().length).toBe((SLOTS_PER_POST + 1) * SLOT_BYTES);
  });

  it('may not have slots that refer to slots', () => {
    const batch = new Batch(LAYOUT);
    batch.registerAddress(0, 4);
    for (let i = 0; i <= SLOTS_PER_POST; i++) batch.hcall(H_PUT_TCE);
    expect(() => batch.slotBytes()).toThrow(`holds ${SLOTS_PER_POST} slots, not ${SLOTS_PER_POST + 1}`);
  });
});

describe('a slot', () => {
  it('counts as executed once the guest has given it a state', () => {
    const batch = new Batch(LAYOUT);
    const slot = batch.copyBytes(0x5000n, 0x6000n, 16);
    expect(batch.executed(slot)).toBe(false);
    batch.slotBytes().writeUInt32BE(SlotState.done, slot * SLOT_BYTES + 4);
    expect(batch.executed(slot)).toBe(true);
  });
});
