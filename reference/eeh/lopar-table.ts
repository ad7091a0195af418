import { RTAS } from '../uapi/rtas.js';
import type { PeState } from './states.js';

/** One cell: what the call answers in that state, what it leaves behind, and what else is permitted. */
export interface RtasCell {
  readonly status: number;
  readonly next: PeState;
  /** Other statuses that LoPAR can be read to permit; 0 among them means that the call may be done. */
  readonly also?: readonly number[];
}

/** The calls that move a PE from state to state, in LoPAR's words. */
export const RTAS_OPERATIONS = ['release-mmio', 'release-dma', 'deactivate', 'hot-reset', 'fundamental-reset', 'permanent-detail'] as const;
export type RtasOperation = (typeof RTAS_OPERATIONS)[number];

type Row = Readonly<Record<Exclude<PeState, 'mmio-stopped'>, RtasCell>>;

const done = (next: PeState): RtasCell => ({ status: RTAS.SUCCESS, next });
const refused = (status: number, next: PeState, also?: readonly number[]): RtasCell => ({ status, next, ...(also && { also }) });

const { UNEXPECTED_STATE, PARAMETER_ERROR } = RTAS;

const OUT_OF_REACH = { unavailable: refused(UNEXPECTED_STATE, 'unavailable'), failed: refused(UNEXPECTED_STATE, 'failed') };

const activate: Row = {
  normal: done('reset'),
  reset: done('reset'),
  stopped: done('reset'),
  'dma-stopped': done('reset'),
  ...OUT_OF_REACH,
};

/** Choice A6: the table of results, R1-…-5 (nothing to do) and R1-…-8 (ends the stop) disagree. */
const A6 = [PARAMETER_ERROR, UNEXPECTED_STATE, RTAS.SUCCESS];

/** LoPAR 2.9, PE State Control: what each call does to a PE in each state. */
export const LOPAR_TABLE: Readonly<Record<RtasOperation, Row>> = {
  'release-mmio': {
    normal: refused(PARAMETER_ERROR, 'normal'),
    reset: refused(UNEXPECTED_STATE, 'reset'),
    stopped: done('dma-stopped'),
    'dma-stopped': refused(PARAMETER_ERROR, 'dma-stopped'),
    ...OUT_OF_REACH,
  },
  'release-dma': {
    normal: refused(PARAMETER_ERROR, 'normal'),
    reset: refused(UNEXPECTED_STATE, 'reset'),
    stopped: refused(UNEXPECTED_STATE, 'stopped'),
    'dma-stopped': done('normal'),
    ...OUT_OF_REACH,
  },
  deactivate: {
    normal: done('normal'),
    reset: done('normal'),
    stopped: refused(UNEXPECTED_STATE, 'stopped', A6),
    'dma-stopped': refused(PARAMETER_ERROR, 'dma-stopped', A6),
    ...OUT_OF_REACH,
  },
  'hot-reset': activate,
  'fundamental-reset': activate,
  'permanent-detail': {
    normal: done('failed'),
    reset: done('failed'),
    stopped: done('failed'),
    'dma-stopped': done('failed'),
    unavailable: done('failed'),
    failed: done('failed'),
  },
};

/** The cell of a call for a PE in that state. */
export const rtasCell = (operation: RtasOperation, state: PeState): RtasCell => LOPAR_TABLE[operation][state === 'mmio-stopped' ? 'stopped' : state];
