import { describe, expect, it } from '@jest/globals';

import { layoutFor, PAYLOAD_END } from './layout.js';
import { buildPayload } from './payload.js';

const payload = buildPayload(layoutFor(0x1000_0000));

/** Where an unconditional branch at an address leads. */
function branchTarget(address: number): number {
  const word = payload.readInt32BE(address);
  expect(word >>> 26).toBe(18);
  return address + ((word << 6) >> 6) - (word & 3);
}

describe('the payload', () => {
  it('fills its part of memory', () => {
    expect(payload.length).toBe(PAYLOAD_END);
  });

  it('is entered at 0x100 with a branch over the vectors', () => {
    expect(branchTarget(0x100)).toBe(0x1000);
  });

  it('takes the interrupts that may end a cede in one handler', () => {
    expect(new Set([0x500, 0x900, 0x980, 0xa00].map(branchTarget)).size).toBe(1);
  });

  it('tells the vector of any other interrupt to one handler', () => {
    expect(payload.readUInt32BE(0x300)).toBe(0x3b00_0300);
    expect(branchTarget(0x304)).toBe(branchTarget(0x704));
  });
});

describe('the layout', () => {
  it('keeps the scenario clear of the payload and of the reserved top', () => {
    const { scenarioStart, scenarioEnd, header, slots, data } = layoutFor(0x1000_0000);
    expect([scenarioStart, scenarioEnd]).toEqual([0x4000n, 0xf00_0000n]);
    expect(header).toBeLessThan(slots);
    expect(slots).toBeLessThan(data);
  });

  it.each([64, 100, 4096])('refuses %d MiB', (mib) => {
    expect(() => layoutFor(mib * 0x10_0000)).toThrow(`in steps of 16, not ${mib} MiB`);
  });
});
