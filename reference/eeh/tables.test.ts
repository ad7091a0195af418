import { describe, expect, it } from '@jest/globals';
import { FUNCTIONS, inPartition, onPhb4 } from './injection.js';
import { LOPAR_TABLE, rtasCell, RTAS_OPERATIONS } from './lopar-table.js';
import { handleError, HOUR, USUAL_LIMIT, wayOf, type Count } from './recovery.js';
import { afterError, dmaGoesOn, LOPAR_STATES, mmioGoesOn, PE_STATES, stopped, type PeState } from './states.js';
import { outcomes, PE_OPERATIONS, VFIO_TABLE } from './vfio-table.js';

describe("LoPAR's table of states", () => {
  it.each(RTAS_OPERATIONS)('%s: a call that is refused leaves the state alone', (operation) => {
    for (const state of LOPAR_STATES) {
      const { status, next } = rtasCell(operation, state);
      // eslint-disable-next-line jest/no-conditional-expect -- of the cells that refuse
      if (status !== 0) expect(next).toBe(state);
    }
  });

  it('leads from stopped to normal only by way of DMA stopped or of a reset', () => {
    const direct = RTAS_OPERATIONS.filter((operation) => rtasCell(operation, 'stopped').next === 'normal');
    expect(direct).toEqual([]);
  });

  it('has no way back from a permanent failure', () => {
    expect(RTAS_OPERATIONS.map((operation) => LOPAR_TABLE[operation].failed.next)).toEqual(RTAS_OPERATIONS.map(() => 'failed'));
  });
});

describe.each(['pseries', 'powernv'] as const)("VFIO's table of states on %s", (platform) => {
  /** States that can be reached by doing these operations, taking each usual outcome. */
  const walk = (from: PeState, ...operations: readonly (typeof PE_OPERATIONS)[number][]): PeState =>
    operations.reduce((state, operation) => outcomes(platform, operation, state)[0].next, from);

  it('leads from stopped to normal by the documented order', () => {
    expect(walk('stopped', 'unfreeze-io', 'hot-reset', 'deactivate', 'configure')).toBe('normal');
  });

  it('leads from every state in reach to normal by a reset', () => {
    for (const state of PE_STATES.filter((name) => name !== 'unavailable' && name !== 'failed')) expect(walk(state, 'hot-reset', 'deactivate')).toBe('normal');
  });

  it('fails only with the state as it was', () => {
    for (const operation of PE_OPERATIONS) {
      for (const state of PE_STATES) {
        const failures = VFIO_TABLE[platform][operation][state].filter(({ result }) => result < 0);
        expect(failures.map(({ next }) => next)).toEqual(failures.map(() => state));
      }
    }
  });

  it('does nothing to a PE that is normal but by a reset', () => {
    const moving = PE_OPERATIONS.filter((operation) => outcomes(platform, operation, 'normal').some(({ next }) => next !== 'normal'));
    expect(moving).toEqual(['hot-reset', 'fundamental-reset']);
  });
});

describe('a PE', () => {
  it('lets nothing through after an error, in any state', () => {
    for (const state of PE_STATES) expect([mmioGoesOn(afterError(state)), dmaGoesOn(afterError(state))]).toEqual([false, false]);
  });

  it('is stopped both ways once both were stopped one by one', () => {
    expect([stopped(stopped('normal', 'mmio'), 'dma'), stopped(stopped('normal', 'dma'), 'mmio')]).toEqual(['stopped', 'stopped']);
  });

  it('is stopped as before when the same way is stopped again', () => {
    expect([stopped('mmio-stopped', 'mmio'), stopped('dma-stopped', 'dma'), stopped('reset', 'all')]).toEqual(['mmio-stopped', 'dma-stopped', 'reset']);
  });
});

describe('the count of errors', () => {
  const errors = (times: readonly number[], limit = USUAL_LIMIT): string[] => {
    let count: Count | undefined;
    return times.map((now) => {
      const handled = handleError(count, now, limit);
      count = handled.count;
      return handled.ends;
    });
  };

  it('bears as many as the limit, and gives the PE up at the next', () => {
    expect(errors([0, 1, 2, 3, 4, 5])).toEqual(['recovered', 'recovered', 'recovered', 'recovered', 'recovered', 'removed']);
  });

  it('begins anew after an hour, counted from the first error', () => {
    expect(errors([0, 10, HOUR + 1, HOUR + 2], 2)).toEqual(['recovered', 'recovered', 'recovered', 'recovered']);
    expect(errors([0, 10, HOUR], 2)).toEqual(['recovered', 'recovered', 'removed']);
  });
});

describe("the drivers' answers", () => {
  it.each([
    ['none knows what to do', [], 'plug-again'],
    ['all go on', ['can-recover', 'can-recover'], 'release'],
    ['one wants a reset', ['can-recover', 'need-reset', 'none'], 'reset'],
    ['one gives up', ['disconnect', 'need-reset'], 'give-up'],
  ] as const)('%s', (_, answers, way) => {
    expect(wayOf(answers)).toBe(way);
  });
});

describe('the functions of an injected error', () => {
  it('are twenty, numbered as everywhere', () => {
    expect([FUNCTIONS.length, FUNCTIONS[4]?.access, FUNCTIONS[15]?.name, FUNCTIONS[19]?.access]).toEqual([20, 'config-load', 'DMA read, target abort', 'dma-write']);
  });

  it('are those that each platform knows', () => {
    const numbers = FUNCTIONS.map((_, i) => i);
    expect([numbers.filter(inPartition), numbers.filter(onPhb4)]).toEqual([[0, 1, 6, 7], [4, 5, 10, 11]]);
  });
});
