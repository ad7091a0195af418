/*
 * What the kernel does about an error of a PE that no user program holds. Source: Linux arch/powerpc/kernel/eeh_driver.c
 * eeh_handle_normal_event, eeh_pe.c eeh_pe_update_time_stamp.
 */

/** Errors of a PE that the kernel bears within an hour (eeh_max_freezes). */
export const USUAL_LIMIT = 5;

/** After so long the count begins anew; seconds. */
export const HOUR = 3600;

/** Seconds that the kernel waits for a PE that is unavailable, at most, and that a PE needs after a reset. */
export const LONGEST_WAIT = 300;

/** Times that a recovery needs, in milliseconds: a reset is held, and the bus settles after it. */
export const RESET_HELD = 250;
export const SETTLED = 1800;

/** Deadline for a recovery to end, seconds: three resets, and the wait for the PE after each, are rare; one is usual. */
export const DEADLINE = 120;

/** What the kernel has counted of one PE. */
export interface Count {
  /** Errors since the first of this hour. */
  readonly errors: number;
  /** When that was; seconds. */
  readonly since: number;
}

/** What the kernel does with an error. */
export interface Handled {
  readonly count: Count;
  readonly ends: 'recovered' | 'removed';
}

/** Counts an error. The count goes with the PE through its resets; one more than the limit within an hour ends it. */
export function handleError(before: Count | undefined, now: number, limit: number): Handled {
  const again = before === undefined || now - before.since > HOUR;
  const count = again ? { errors: 1, since: now } : { errors: before.errors + 1, since: before.since };
  return { count, ends: count.errors > limit ? 'removed' : 'recovered' };
}

/** What the drivers of a PE's devices can do about an error. */
export type DriverAnswer = 'none' | 'can-recover' | 'need-reset' | 'disconnect';

/** The way that a recovery takes. */
export type Way = 'plug-again' | 'release' | 'reset' | 'give-up';

const WEIGHT: readonly DriverAnswer[] = ['none', 'can-recover', 'need-reset', 'disconnect'];
const WAYS: Readonly<Record<DriverAnswer, Way>> = { none: 'plug-again', 'can-recover': 'release', 'need-reset': 'reset', disconnect: 'give-up' };

/** Each driver is told and answers; the gravest answer decides. Without any answer the devices are removed and found again. */
export function wayOf(answers: readonly DriverAnswer[]): Way {
  const gravest = answers.reduce<DriverAnswer>((worst, answer) => (WEIGHT.indexOf(answer) > WEIGHT.indexOf(worst) ? answer : worst), 'none');
  return WAYS[gravest];
}

/** Software flags of eeh_pe_state. Source: Linux arch/powerpc/include/asm/eeh.h. */
export const SOFTWARE = { ISOLATED: 1n, RECOVERING: 2n, CFG_BLOCKED: 4n } as const;

/** Firmware flags of eeh_pe_state. Source: the same. */
export const FIRMWARE = { UNAVAILABLE: 1n, NOT_SUPPORT: 2n, RESET_ACTIVE: 4n, MMIO_ACTIVE: 8n, DMA_ACTIVE: 16n, MMIO_ENABLED: 32n, DMA_ENABLED: 64n } as const;

/** What the host's kernel knows of its PEs. */
export interface HostRecovery {
  limit: number;
  /** Errors handled since the program began. */
  resets: bigint;
  readonly counts: Map<string, Count>;
  /** PEs that were given up: their devices are gone. */
  readonly removed: Set<string>;
  /** Stopped PEs whose state was read since, for known defects. The specification never looks at them. */
  readonly read: Set<string>;
  /** PEs that a known defect keeps isolated, whatever their state. The specification has none. */
  readonly isolated: Set<string>;
}

export const makeHostRecovery = (): HostRecovery => ({ limit: USUAL_LIMIT, resets: 0n, counts: new Map(), removed: new Set(), read: new Set(), isolated: new Set() });
