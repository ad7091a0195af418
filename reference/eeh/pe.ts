import { afterError, stopped, type PeState, type Stop } from './states.js';

/** What an injected error waits for: an access of this kind. */
export type Access = 'mmio-load' | 'mmio-store' | 'io' | 'config-load' | 'config-store' | 'dma-read' | 'dma-write';

/** The error state of a PE: plain data, the same on both platforms. */
export interface EehPe {
  /**
   * What the PE can be in, the usual one first. More than one only where the platform was left a choice and nobody has
   * looked since.
   */
  states: readonly [PeState, ...PeState[]];
  /** An error that was injected and comes with the next access of the kind. */
  armed: Access | undefined;
  /** It was reset, and its bridges were not configured since. */
  unconfigured: boolean;
  /** How many more answers say that it is unavailable for a time; then it is stopped. */
  busy: number;
  /** Errors since boot. */
  errors: bigint;
}

export const makeEehPe = (): EehPe => ({ states: ['normal'], armed: undefined, unconfigured: false, busy: 0, errors: 0n });

/** Every state that the PE can be in is one of these. */
export const surely = (pe: EehPe, holds: (state: PeState) => boolean): boolean => pe.states.every(holds);

/** Takes each state to another. */
export function moveAll(pe: EehPe, next: (state: PeState) => PeState): void {
  pe.states = distinct(pe.states.map(next));
}

/** Keeps to states, each once. @throws Error where there is none */
export function keepTo(pe: EehPe, states: readonly PeState[]): void {
  pe.states = distinct(states);
}

function distinct(states: readonly PeState[]): readonly [PeState, ...PeState[]] {
  const [first, ...rest] = new Set(states);
  if (first === undefined) throw new Error('A PE is always in some state.');
  return [first, ...rest];
}

/** An error that must stop the PE. */
export function raise(pe: EehPe): void {
  pe.armed = undefined;
  pe.errors += 1n;
  moveAll(pe, afterError);
}

/** An error that the platform may have stopped the PE for. */
export function mayRaise(pe: EehPe): void {
  keepTo(pe, [...pe.states.map(afterError), ...pe.states]);
}

/** Somebody outside stopped one way of the PE, or both. */
export function stopFromOutside(pe: EehPe, what: Stop): void {
  pe.errors += 1n;
  moveAll(pe, (state) => stopped(state, what));
}

/** An access of the kind that an injected error waits for brings it. */
export function trip(pe: EehPe, access: Access): boolean {
  if (pe.armed !== access) return false;
  raise(pe);
  return true;
}
