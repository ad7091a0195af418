/**
 * The states of a PE. LoPAR numbers them as ibm,read-slot-reset-state2 answers them, VFIO_EEH_PE_GET_STATE uses the same
 * numbers; there is no 3. Source: LoPAR 2.9, sec_rtas_call_defn, PE Reset State; Linux include/uapi/linux/vfio.h.
 */
export const PE_STATES = [
  /** 0: nothing is stopped, no reset is held. */
  'normal',
  /** 1: a reset is held. */
  'reset',
  /** 2: MMIO and DMA are stopped. */
  'stopped',
  /** 4: MMIO goes on, DMA is stopped. */
  'dma-stopped',
  /** MMIO is stopped, DMA goes on: only PowerNV can show it, as 5. */
  'mmio-stopped',
  /** 5 with a time to wait: the platform is busy with it. */
  'unavailable',
  /** 5 without: for good. */
  'failed',
] as const;

export type PeState = (typeof PE_STATES)[number];

/** The states that LoPAR knows. */
export const LOPAR_STATES: readonly PeState[] = PE_STATES.filter((state) => state !== 'mmio-stopped');

/** The number that stands for a state. */
export const STATE_NUMBER: Readonly<Record<PeState, number>> = {
  normal: 0,
  reset: 1,
  stopped: 2,
  'dma-stopped': 4,
  'mmio-stopped': 5,
  unavailable: 5,
  failed: 5,
};

/** Loads reach the device; where they do not, they bring all ones, and stores are dropped. */
export const mmioGoesOn = (state: PeState): boolean => state === 'normal' || state === 'dma-stopped';

/** The device's reads, writes and message interrupts reach memory. */
export const dmaGoesOn = (state: PeState): boolean => state === 'normal' || state === 'mmio-stopped';

/** What comes of one error, with nothing done about it: an error stops both ways, a PE that is out of reach stays so. */
export const afterError = (state: PeState): PeState => (state === 'normal' || state === 'dma-stopped' || state === 'mmio-stopped' ? 'stopped' : state);

/** Which way of a PE an injection from outside stops. */
export type Stop = 'all' | 'mmio' | 'dma';

const STOPPED_BY: Readonly<Record<Stop, PeState>> = { all: 'stopped', mmio: 'mmio-stopped', dma: 'dma-stopped' };

/** The state after one way, or both, of a PE in this state were stopped from outside. */
export function stopped(state: PeState, what: Stop): PeState {
  if (state === 'normal') return STOPPED_BY[what];
  return STOPPED_BY[what] === state ? state : afterError(state);
}
