import { E } from '../uapi/errno.js';
import { PE_STATES, STATE_NUMBER, type PeState } from './states.js';

/** What one of VFIO's operations can come to: what the ioctl returns, and the state afterwards. */
export interface Outcome {
  readonly result: number;
  readonly next: PeState;
}

/** The permitted outcomes, the usual one first. */
export type Cell = readonly [Outcome, ...Outcome[]];

/** VFIO_EEH_PE_OP, in the order of their numbers. Source: Linux include/uapi/linux/vfio.h. */
export const PE_OPERATIONS = ['disable', 'enable', 'unfreeze-io', 'unfreeze-dma', 'get-state', 'deactivate', 'hot-reset', 'fundamental-reset', 'configure'] as const;
export type PeOperation = (typeof PE_OPERATIONS)[number];

/** VFIO_EEH_PE_INJECT_ERR, which has rules of its own. */
export const INJECT_ERR = PE_OPERATIONS.length;

type Platform = 'pseries' | 'powernv';
type Row = Readonly<Record<PeState, Cell>>;

const to = (next: PeState, ...others: readonly Outcome[]): Cell => [{ result: 0, next }, ...others];
const fails = (errno: number, next: PeState): Outcome => ({ result: -errno, next });

/** The same for every state but some. */
const row = (usual: (state: PeState) => Cell, except: Partial<Row> = {}): Row =>
  ({ ...Object.fromEntries(PE_STATES.map((state) => [state, usual(state)])), ...except }) as unknown as Row;

const stays = (state: PeState): Cell => to(state);

/** Choices A16, A17: what VFIO shows of a PE that is unavailable is 2 or 5. */
const shown = (state: PeState): Cell => [{ result: STATE_NUMBER[state], next: state }];
const UNAVAILABLE: Partial<Row> = {
  unavailable: [{ result: 2, next: 'unavailable' }, { result: 5, next: 'unavailable' }],
  failed: [{ result: 2, next: 'failed' }, { result: 5, next: 'failed' }],
};

/** Waiting for a PE that is unavailable ends with it available, or with EIO. */
const waits = (next: PeState): Cell => [fails(E.EIO, 'unavailable'), { result: 0, next }];

/** What a PE in reach comes to after it was told to go on both ways. */
const THAWED: Partial<Row> = { unavailable: waits('normal'), failed: to('failed') };

/**
 * PowerNV: the host bridge keeps the PE stopped while a reset is held, and shows it stopped (A15); either way can be let
 * go by itself, in either order. Source: Linux platforms/powernv/eeh-powernv.c, kernel/eeh.c eeh_pci_enable, eeh_pe_reset.
 */
const POWERNV: Readonly<Record<PeOperation, Row>> = {
  disable: row(stays),
  enable: row(() => to('normal'), THAWED),
  'unfreeze-io': row(stays, { stopped: to('dma-stopped'), reset: to('dma-stopped'), 'mmio-stopped': to('normal'), unavailable: waits('dma-stopped') }),
  'unfreeze-dma': row(stays, {
    stopped: to('mmio-stopped', fails(E.EIO, 'stopped')),
    reset: to('mmio-stopped', fails(E.EIO, 'reset')),
    'dma-stopped': to('normal'),
    unavailable: waits('mmio-stopped'),
  }),
  'get-state': row(shown, { ...UNAVAILABLE, reset: [{ result: 2, next: 'reset' }, { result: 1, next: 'reset' }] }),
  deactivate: row(() => to('normal'), THAWED),
  'hot-reset': row(() => to('reset'), { failed: to('failed') }),
  'fundamental-reset': row(() => to('reset'), { failed: to('failed') }),
  configure: row(stays),
};

/** Firmware's -7, -3 and -1 come through as they are: whoever asked gets them as error numbers (A22). */
const RAW = { unexpected: E.E2BIG, parameter: E.ESRCH, hardware: E.EPERM } as const;

const raw = (state: PeState): Cell => [fails(RAW.unexpected, state), fails(RAW.parameter, state), fails(RAW.hardware, state), fails(E.EIO, state)];

/** Choice A6, through VFIO: refused, or the stop is over. */
const perhapsOver = (state: PeState): Cell => [fails(RAW.unexpected, state), fails(RAW.parameter, state), { result: 0, next: 'normal' }];

/**
 * A partition: firmware's own table decides what Linux asks it for; what Linux takes for done already it does not ask.
 * Source: Linux platforms/pseries/eeh_pseries.c, kernel/eeh.c eeh_pci_enable, eeh_pe_change_owner.
 */
const PSERIES: Readonly<Record<PeOperation, Row>> = {
  disable: row(stays),
  enable: row(() => to('normal'), { ...THAWED, reset: to('reset') }),
  'unfreeze-io': row(stays, { stopped: to('dma-stopped'), 'mmio-stopped': to('normal'), unavailable: waits('dma-stopped') }),
  'unfreeze-dma': row(stays, {
    stopped: [fails(E.EIO, 'stopped'), fails(RAW.unexpected, 'stopped')],
    'dma-stopped': to('normal'),
    unavailable: [fails(E.EIO, 'unavailable')],
  }),
  'get-state': row(shown, UNAVAILABLE),
  deactivate: row(() => to('normal'), {
    stopped: perhapsOver('stopped'),
    'dma-stopped': perhapsOver('dma-stopped'),
    'mmio-stopped': perhapsOver('mmio-stopped'),
    unavailable: raw('unavailable'),
    failed: raw('failed'),
  }),
  'hot-reset': row(() => to('reset'), { unavailable: raw('unavailable'), failed: raw('failed') }),
  'fundamental-reset': row(() => to('reset'), { unavailable: raw('unavailable'), failed: raw('failed') }),
  configure: row((state) => to(state, fails(E.EIO, state), fails(E.EINVAL, state)), { normal: to('normal') }),
};

/** What each operation of VFIO_EEH_PE_OP does to a PE in each state. */
export const VFIO_TABLE: Readonly<Record<Platform, Readonly<Record<PeOperation, Row>>>> = { pseries: PSERIES, powernv: POWERNV };

/** The permitted outcomes of an operation. */
export const outcomes = (platform: Platform, operation: PeOperation, state: PeState): Cell => VFIO_TABLE[platform][operation][state];
