import { FUNCTIONS, onPhb4, TYPES } from '../eeh/injection.js';
import { afterError, dmaGoesOn, mmioGoesOn, type PeState } from '../eeh/states.js';
import { OPAL } from '../uapi/opal-windows.js';

/*
 * Error states of a PE as OPAL has them on a host bridge of POWER9 and later: what the host's kernel sees and does. Source:
 * skiboot hw/phb4.c phb4_eeh_freeze_status, phb4_eeh_freeze_clear, phb4_eeh_freeze_set, phb4_err_inject; include/opal-api.h.
 */

/** OPAL_PCI_EEH_FREEZE_STATUS: freeze states, as numbered there. */
export const FREEZE = { NOT_FROZEN: 0, MMIO: 1, DMA: 2, MMIO_DMA: 3, RESET: 4, UNAVAILABLE: 5, FAILED: 6 } as const;

/** What OPAL_PCI_EEH_FREEZE_CLEAR and _SET are told. */
export const ACTION = { MMIO: 1, DMA: 2, ALL: 3 } as const;

/** OPAL_PCI_RESET: scopes. A hot or fundamental reset is of the root port; the others are of the whole bridge. */
export const SCOPE = { PHB_COMPLETE: 1, LINK: 2, PHB_ERROR: 3, HOT: 4, FUNDAMENTAL: 5, IODA_TABLE: 6 } as const;

/** A PE as the host bridge has it: two bits, one for each way. */
export interface OpalFreeze {
  readonly mmio: boolean;
  readonly dma: boolean;
}

/** What a call leaves behind. */
export interface Frozen {
  readonly status: number;
  readonly freeze: OpalFreeze;
}

/** The two bits of a state. A reset that is held does not show in them: the kernel stops the PE before it. */
export const freezeOf = (state: PeState): OpalFreeze => ({ mmio: !mmioGoesOn(state), dma: !dmaGoesOn(state) });

/** The state that the two bits make. */
export function stateOf({ mmio, dma }: OpalFreeze): PeState {
  if (mmio) return dma ? 'stopped' : 'mmio-stopped';
  return dma ? 'dma-stopped' : 'normal';
}

/** OPAL_PCI_EEH_FREEZE_STATUS: the bits as a number. A PE that the bridge does not have is no parameter. */
export function freezeStatus(pe: number, pes: number, { mmio, dma }: OpalFreeze): { readonly status: number; readonly freeze?: number } {
  if (pe >= pes) return { status: OPAL.PARAMETER };
  return { status: OPAL.SUCCESS, freeze: (mmio ? FREEZE.MMIO : 0) | (dma ? FREEZE.DMA : 0) };
}

/** OPAL_PCI_EEH_FREEZE_CLEAR: lets ways go on; of an action or a PE that there is not, nothing is said. */
export const freezeClear = (action: number, { mmio, dma }: OpalFreeze): Frozen => ({
  status: OPAL.SUCCESS,
  freeze: { mmio: mmio && (action & ACTION.MMIO) === 0, dma: dma && (action & ACTION.DMA) === 0 },
});

/** OPAL_PCI_EEH_FREEZE_SET: stops ways. */
export function freezeSet(pe: number, pes: number, action: number, before: OpalFreeze): Frozen {
  if (pe >= pes || action < ACTION.MMIO || action > ACTION.ALL) return { status: OPAL.PARAMETER, freeze: before };
  return { status: OPAL.SUCCESS, freeze: { mmio: before.mmio || (action & ACTION.MMIO) !== 0, dma: before.dma || (action & ACTION.DMA) !== 0 } };
}

/** OPAL_PCI_RESET: a reset of the root port leaves every PE as it was; of the whole bridge, none is stopped after it. */
export function pciReset(scope: number, assert: boolean, before: OpalFreeze): Frozen {
  if (scope < SCOPE.PHB_COMPLETE || scope > SCOPE.IODA_TABLE) return { status: OPAL.UNSUPPORTED, freeze: before };
  const whole = scope === SCOPE.PHB_COMPLETE || scope === SCOPE.IODA_TABLE;
  return { status: OPAL.SUCCESS, freeze: whole && assert ? { mmio: false, dma: false } : before };
}

/** OPAL_PCI_ERR_INJECT: loads and stores to configuration space alone. */
export function errInject(pe: number, pes: number, type: number, func: number): number {
  const function_ = FUNCTIONS[func];
  if (pe >= pes || type >= TYPES || function_ === undefined || function_.access === 'io') return OPAL.PARAMETER;
  return onPhb4(func) ? OPAL.SUCCESS : OPAL.UNSUPPORTED;
}

/** What the kernel makes of its operations: OPAL's calls in order. Source: Linux kernel/eeh.c eeh_pe_reset, eeh_unfreeze_pe. */
export const KERNEL_STEPS = {
  'unfreeze-io': (freeze: OpalFreeze): OpalFreeze => freezeClear(ACTION.MMIO, freeze).freeze,
  'unfreeze-dma': (freeze: OpalFreeze): OpalFreeze => freezeClear(ACTION.DMA, freeze).freeze,
  'hot-reset': (freeze: OpalFreeze): OpalFreeze => pciReset(SCOPE.HOT, true, freezeSet(0, 1, ACTION.ALL, freeze).freeze).freeze,
  'fundamental-reset': (freeze: OpalFreeze): OpalFreeze => pciReset(SCOPE.FUNDAMENTAL, true, freezeSet(0, 1, ACTION.ALL, freeze).freeze).freeze,
  deactivate: (freeze: OpalFreeze): OpalFreeze => freezeClear(ACTION.DMA, freezeClear(ACTION.MMIO, pciReset(SCOPE.HOT, false, freeze).freeze).freeze).freeze,
  enable: (freeze: OpalFreeze): OpalFreeze => freezeClear(ACTION.DMA, freezeClear(ACTION.MMIO, freeze).freeze).freeze,
} as const;

/** An error stops both ways at once. */
export const frozenByError = (freeze: OpalFreeze): OpalFreeze => freezeOf(afterError(stateOf(freeze)));
