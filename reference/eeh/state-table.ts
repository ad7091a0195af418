import { syscallResultName } from '../uapi/errno.js';
import { rtasStatusName } from '../uapi/rtas.js';
import { LOPAR_TABLE, RTAS_OPERATIONS, type RtasCell } from './lopar-table.js';
import { LOPAR_STATES, PE_STATES, STATE_NUMBER, type PeState } from './states.js';
import { PE_OPERATIONS, VFIO_TABLE, type Cell } from './vfio-table.js';

/** A cell of the tables of states, in words: what a report shows beside what a system did. */
export interface StateCell {
  /** Whose operation: a partition's RTAS call, or VFIO's on either platform. */
  readonly door: 'rtas' | 'vfio:pseries' | 'vfio:powernv';
  readonly operation: string;
  readonly state: PeState;
  /** What the specification allows, the usual first: `0 → dma-stopped (4)`. */
  readonly allowed: readonly string[];
  /** The scenario that shows it; absent where no program can come to that state by itself. */
  readonly scenario?: string;
}

const becomes = (result: string, next: PeState): string => `${result} → ${next} (${STATE_NUMBER[next]})`;

const rtasWords = ({ status, next, also = [] }: RtasCell): string[] => [
  becomes(rtasStatusName(status), next),
  ...also.filter((other) => other !== status).map((other) => becomes(rtasStatusName(other), other === 0 ? 'normal' : next)),
];

const vfioWords = (cell: Cell): string[] => cell.map(({ result, next }) => becomes(syscallResultName(result), next));

/** VFIO has no operation that makes a PE unavailable. */
const BEYOND_VFIO: readonly PeState[] = ['unavailable', 'failed'];

/** Every cell: the tables that the model works by, and that the suites are made from. */
export const STATE_TABLE: readonly StateCell[] = [
  ...RTAS_OPERATIONS.flatMap((operation) =>
    LOPAR_STATES.map((state): StateCell => ({
      door: 'rtas',
      operation,
      state,
      allowed: rtasWords(LOPAR_TABLE[operation][state as Exclude<PeState, 'mmio-stopped'>]),
      scenario: `eeh/papr/cell/${state}/${operation}`,
    })),
  ),
  ...(['pseries', 'powernv'] as const).flatMap((platform) =>
    PE_OPERATIONS.flatMap((operation) =>
      (platform === 'pseries' ? LOPAR_STATES : PE_STATES).map((state): StateCell => ({
        door: `vfio:${platform}`,
        operation,
        state,
        allowed: vfioWords(VFIO_TABLE[platform][operation][state]),
        ...(!BEYOND_VFIO.includes(state) && { scenario: `eeh/vfio/cell/${state}/${operation}` }),
      })),
    ),
  ),
];
