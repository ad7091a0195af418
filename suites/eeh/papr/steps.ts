import { peArgs, type ProgramBuilder } from '../../../harness/build/program-builder.js';
import type { Term } from '../../../reference/doors/term.js';
import type { RtasOperation } from '../../../reference/eeh/lopar-table.js';
import type { PeState } from '../../../reference/eeh/states.js';
import { bufferFor, BUFFER_ADDRESS } from '../../../reference/papr/ibm-errinjct.js';
import { EEH_OPTION } from '../../../reference/papr/ibm-set-eeh-option.js';
import { SLOT_RESET } from '../../../reference/papr/ibm-set-slot-reset.js';
import { DETAIL } from '../../../reference/papr/ibm-slot-error-detail.js';

/* What scenarios on error states at the door of a partition share. */

export const OPTION = 'ibm,set-eeh-option';
export const RESET = 'ibm,set-slot-reset';
export const STATE = 'ibm,read-slot-reset-state2';
export const DETAILS = 'ibm,slot-error-detail';
export const CONFIGURE = 'ibm,configure-pe';

export const option = (p: ProgramBuilder, func: number, pe = 'eeh0'): ProgramBuilder => p.rtas(OPTION, [...peArgs(pe), BigInt(func)], 1);
export const reset = (p: ProgramBuilder, func: number, pe = 'eeh0'): ProgramBuilder => p.rtas(RESET, [...peArgs(pe), BigInt(func)], 1);
export const state = (p: ProgramBuilder, pe = 'eeh0', nret = 4): ProgramBuilder => p.rtas(STATE, peArgs(pe), nret);
export const configure = (p: ProgramBuilder, pe = 'eeh0'): ProgramBuilder => p.rtas(CONFIGURE, peArgs(pe), 1);

/** Where programs want logs. */
const LOG = 0x112_0000n;
export const details = (p: ProgramBuilder, func: number, pe = 'eeh0'): ProgramBuilder => p.rtas(DETAILS, [...peArgs(pe), 0n, 0n, LOG, 1024n, BigInt(func)], 1);

export const error = (p: ProgramBuilder, pe = 'eeh0'): ProgramBuilder => p.platform({ op: 'error', pe });
export const unavailable = (p: ProgramBuilder, answers: number, pe = 'eeh0'): ProgramBuilder => p.platform({ op: 'unavailable', pe, answers });

/** A call of each kind in the table of states. */
export const PERFORM: Readonly<Record<RtasOperation, (p: ProgramBuilder, pe?: string) => ProgramBuilder>> = {
  'release-mmio': (p, pe) => option(p, EEH_OPTION.RELEASE_MMIO, pe),
  'release-dma': (p, pe) => option(p, EEH_OPTION.RELEASE_DMA, pe),
  deactivate: (p, pe) => reset(p, SLOT_RESET.DEACTIVATE, pe),
  'hot-reset': (p, pe) => reset(p, SLOT_RESET.HOT, pe),
  'fundamental-reset': (p, pe) => reset(p, SLOT_RESET.FUNDAMENTAL, pe),
  'permanent-detail': (p, pe) => details(p, DETAIL.PERMANENT, pe),
};

/** How a partition comes to each state. */
export const REACH: Readonly<Record<Exclude<PeState, 'mmio-stopped'>, (p: ProgramBuilder, pe?: string) => unknown>> = {
  normal: () => undefined,
  reset: (p, pe) => PERFORM['hot-reset'](p, pe),
  stopped: (p, pe) => error(p, pe),
  'dma-stopped': (p, pe) => PERFORM['release-mmio'](error(p, pe), pe),
  unavailable: (p, pe) => unavailable(p, 20, pe),
  failed: (p, pe) => PERFORM['permanent-detail'](p, pe),
};

/** Loads a register of the PE's first device. */
export const config = (p: ProgramBuilder, pe = 'eeh0', register = 8n, size = 4n): ProgramBuilder => {
  const [address, ...buid] = peArgs(pe);
  return p.rtas('ibm,read-pci-config', [{ ...(address as { from: string }), plus: register }, ...buid, size], 2);
};

const TOKEN: Term = { from: 'open.ret0' };

export const open = (p: ProgramBuilder): ProgramBuilder => p.rtas('ibm,open-errinjct', [], 2, 'open');
export const close = (p: ProgramBuilder): ProgramBuilder => p.rtas('ibm,close-errinjct', [TOKEN], 1);

/** Injects an error, the address of 64 bits or of 32. */
export const injectError = (p: ProgramBuilder, what: number, pe = 'eeh0', wide = true): ProgramBuilder =>
  p.all(bufferFor(pe, what, { wide })).rtas('ibm,errinjct', [{ from: wide ? 'errinjct.ioaBusError64' : 'errinjct.ioaBusError' }, TOKEN, BUFFER_ADDRESS], 1);
