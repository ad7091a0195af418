import type { HardwareDomain } from '../state/context.js';
import { PPC64_DRIVER_NAME } from '../../iommu-drivers.js';

/**
 * A run of a guest's memory: pinned, and where it really is. Bytes; as numbers, for the fast path: both addresses are below
 * 2^52.
 */
export interface PinnedRun {
  /** The guest's addresses: the first, and the first after it. */
  readonly first: number;
  readonly end: number;
  /** What makes a real address of one of the guest's. */
  readonly toReal: number;
  readonly readable: boolean;
  readonly writeable: boolean;
}

/** What rests on a guest's memory: tables of the guest. Addresses are the guest's. */
export interface OnParent {
  /** Some entry maps memory of that range. */
  uses(address: bigint, length: bigint): boolean;
  /** That memory goes: no entry maps it any more. */
  forget(address: bigint, length: bigint): void;
  /** The runs have changed. */
  lookAgain(): void;
}

/** A guest's memory lies here: a TCE names pages of 4 KiB by 52 bits, and no machine has more. */
export const GUEST_MEMORY = { first: 0n, last: (1n << 52n) - 1n } as const;

/**
 * What a guest's tables rest on: the guest's memory, pinned by being mapped here (`IOMMU_HWPT_ALLOC_NEST_PARENT`). No device
 * translates by it.
 */
export interface ParentDomain extends HardwareDomain {
  /** In ascending order. */
  readonly runs: PinnedRun[];
  /** The guest's tables on it. */
  readonly guests: Set<OnParent>;
}

export const isParentDomain = (domain: object): domain is ParentDomain => 'guests' in domain;

/** log2 of the smallest pages that a TCE can name. */
const SMALLEST_PAGE_SHIFT = 12n;

export function makeParentDomain(): ParentDomain {
  const runs: PinnedRun[] = [];
  const guests = new Set<OnParent>();
  return {
    driver: PPC64_DRIVER_NAME,
    apertures: [GUEST_MEMORY],
    pageSizes: 1n << SMALLEST_PAGE_SHIFT,
    runs,
    guests,
    map({ iova, length, real, readable, writeable }) {
      const [from, to] = [Number(iova), Number(iova + length)];
      const at = runs.findIndex((run) => run.first > from);
      runs.splice(at < 0 ? runs.length : at, 0, { first: from, end: to, toReal: Number(real) - from, readable, writeable });
      return 0;
    },
    unmap({ iova, length }) {
      for (const guest of guests) guest.forget(iova, length);
      const kept = runs.filter(({ first }) => first < iova || first >= iova + length);
      runs.splice(0, runs.length, ...kept);
      for (const guest of guests) guest.lookAgain();
    },
    translate: () => undefined,
  };
}

/** The run that holds a guest's address, by halving. */
export function runAt(runs: readonly PinnedRun[], address: number): PinnedRun | undefined {
  let [low, high] = [0, runs.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const run = runs[middle]!;
    if (address < run.first) high = middle - 1;
    else if (address >= run.end) low = middle + 1;
    else return run;
  }
  return undefined;
}
