import { describe, expect, it } from '@jest/globals';
import { FUNCTIONS } from '../eeh/injection.js';
import type { PeState } from '../eeh/states.js';
import { outcomes } from '../eeh/vfio-table.js';
import { OPAL } from '../uapi/opal-windows.js';
import { ACTION, errInject, FREEZE, freezeClear, freezeOf, freezeSet, freezeStatus, frozenByError, KERNEL_STEPS, pciReset, SCOPE, stateOf } from './eeh.js';

const STATES: readonly PeState[] = ['normal', 'stopped', 'dma-stopped', 'mmio-stopped'];

describe('the freeze state of a PE', () => {
  it.each([
    ['normal', FREEZE.NOT_FROZEN],
    ['mmio-stopped', FREEZE.MMIO],
    ['dma-stopped', FREEZE.DMA],
    ['stopped', FREEZE.MMIO_DMA],
  ] as const)('%s is numbered %i, and there and back again', (state, number) => {
    expect([freezeStatus(3, 512, freezeOf(state)).freeze, stateOf(freezeOf(state))]).toEqual([number, state]);
  });

  it('of a PE that the bridge does not have is refused', () => {
    expect([freezeStatus(512, 512, freezeOf('normal')), freezeSet(512, 512, ACTION.ALL, freezeOf('normal')).status]).toEqual([{ status: OPAL.PARAMETER }, OPAL.PARAMETER]);
  });

  it('is set for an action that there is, and for no other', () => {
    expect([0, 1, 2, 3, 4].map((action) => freezeSet(0, 1, action, freezeOf('normal')).status === OPAL.SUCCESS)).toEqual([false, true, true, true, false]);
    expect(stateOf(freezeSet(0, 1, ACTION.DMA, freezeOf('mmio-stopped')).freeze)).toBe('stopped');
  });

  it('is cleared way by way', () => {
    expect(stateOf(freezeClear(ACTION.MMIO, freezeOf('stopped')).freeze)).toBe('dma-stopped');
    expect(stateOf(freezeClear(ACTION.DMA, freezeOf('stopped')).freeze)).toBe('mmio-stopped');
  });

  it('outlives a reset of the root port, and not one of the whole bridge', () => {
    expect([SCOPE.HOT, SCOPE.FUNDAMENTAL, SCOPE.PHB_COMPLETE].map((scope) => stateOf(pciReset(scope, true, freezeOf('stopped')).freeze))).toEqual(['stopped', 'stopped', 'normal']);
    expect(pciReset(7, true, freezeOf('normal')).status).toBe(OPAL.UNSUPPORTED);
  });

  it('is that of both ways after an error', () => {
    expect(STATES.map((state) => stateOf(frozenByError(freezeOf(state))))).toEqual(STATES.map(() => 'stopped'));
  });
});

describe("the kernel's operations, made of OPAL's calls", () => {
  it.each(Object.keys(KERNEL_STEPS) as (keyof typeof KERNEL_STEPS)[])('%s leads where the table of VFIO says', (operation) => {
    for (const state of STATES) {
      const { next } = outcomes('powernv', operation, state)[0];
      // A reset that is held shows as a stop.
      expect([state, stateOf(KERNEL_STEPS[operation](freezeOf(state)))]).toEqual([state, next === 'reset' ? 'stopped' : next]);
    }
  });
});

describe('an injected error', () => {
  it('is one of configuration space, or unsupported; of I/O space it is no parameter', () => {
    const statuses = FUNCTIONS.map((_, func) => errInject(0, 512, 0, func));
    expect(statuses.flatMap((status, func) => (status === OPAL.SUCCESS ? [func] : []))).toEqual([4, 5, 10, 11]);
    expect(statuses.flatMap((status, func) => (status === OPAL.PARAMETER ? [func] : []))).toEqual([2, 3, 8, 9]);
  });

  it('of a type, a function or a PE that there is not is refused', () => {
    expect([errInject(0, 512, 2, 4), errInject(0, 512, 0, 20), errInject(512, 512, 0, 4)]).toEqual([OPAL.PARAMETER, OPAL.PARAMETER, OPAL.PARAMETER]);
  });
});
