import { describe, expect, test } from '@jest/globals';
import { PARTITION, Partition } from './partition.fixture.js';
import { endRedirections, invalidateCopies, liveCopies } from './redirections.js';
import { copyInUse } from './rtce-checks.js';

/** A client's entry 3 and the server's copy of it, entry 8 of table 0x10. */
function copied(bitBucket: boolean) {
  const vios = PARTITION.vios.map((vio) => ({ ...vio, bitBucket }));
  const partition = new Partition({ ...PARTITION, vios });
  partition.call('H_PUT_TCE', 0x20n, 0x3000n, 0x3003n);
  partition.call('H_PUT_RTCE', 0x31n, 0x3000n, 0x10n, 0x8000n, 1n);
  const { machine } = partition.model;
  const window = machine.windows.get(0x20)!;
  return { partition, machine, window, change: { window, index: 3, entry: 0n } };
}

describe('a copy of a redirected entry', () => {
  test('is live until either side changes', () => {
    const { partition, machine, window } = copied(true);
    expect(liveCopies(machine, window, 3)).toEqual([{ liobn: 0x10, index: 8 }]);
    partition.call('H_PUT_TCE', 0x10n, 0x8000n, 0x3001n);
    expect(liveCopies(machine, window, 3)).toEqual([]);
  });

  test('is looked at through both panes', () => {
    const { machine } = copied(true);
    expect(liveCopies(machine, machine.windows.get(0x31)!, 3)).toHaveLength(1);
  });

  test.each([
    [0n, 0, []],
    [0x3000n, 0, []],
    [0xffff_ffff_ffff_f002n, 5, []],
    [0x3003n, 0, ['H_GET_TCE/value']],
  ])('once invalidated, reads as a page fault or a bit bucket: %s', (r4, status, departures) => {
    const { partition, machine, change } = copied(true);
    invalidateCopies(machine, [change]);
    expect(partition.judge(status, r4, 'H_GET_TCE', 0x10n, 0x8000n)).toEqual(departures);
  });

  test('without a bit bucket may stay for a while', () => {
    const { partition, machine, change } = copied(false);
    invalidateCopies(machine, [change]);
    expect(partition.judge(0, 0x3003n, 'H_GET_TCE', 0x10n, 0x8000n)).toEqual([]);
  });

  test('holds off a change of its original where there is no bit bucket', () => {
    const inUse = copyInUse('H_PUT_TCE', (c: ReturnType<typeof copied>) => [c.change]);
    expect([copied(true), copied(false)].map((c) => inUse.when(c))).toEqual([false, true]);
    expect(inUse.refuse).toEqual([-16]);
  });

  test('ends with the connection', () => {
    const { partition, machine, window } = copied(true);
    endRedirections(machine);
    expect(liveCopies(machine, window, 3)).toEqual([]);
    expect(partition.entry(0x10n, 0x8000n)).not.toBe(0x3003n);
  });
});
