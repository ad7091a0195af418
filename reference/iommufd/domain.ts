import type { PagingDescription } from '../iommu-drivers.js';
import { AreaMap } from './state/areas.js';
import { trailingZeros } from '../memory/process.js';
import type { HardwareDomain, Interval } from './state/context.js';

/* A page table as the usual drivers make it: it takes any page of its apertures, and an access goes by what it has. */

/** A run of pages as they were entered. */
interface Run extends Interval {
  readonly real: bigint;
  readonly readable: boolean;
  readonly writeable: boolean;
}

/** An empty page table. */
export function makeDomain(driver: string, { apertures, pageSizes }: Pick<PagingDescription, 'apertures' | 'pageSizes'>, tellsDirty: boolean): HardwareDomain {
  const runs = new AreaMap<Run>();
  return {
    driver,
    apertures,
    pageSizes,
    ...(tellsDirty && { dirty: { tracking: false, pages: new Set<bigint>() } }),
    map({ iova, length, real, readable, writeable }) {
      runs.add({ first: iova, last: iova + length - 1n, real, readable, writeable });
      return 0;
    },
    unmap({ iova, length }) {
      for (const run of [...runs.within({ first: iova, last: iova + length - 1n })]) runs.delete(run);
    },
    translate(iova, direction) {
      const run = runs.at(iova);
      if (run === undefined || !(direction === 'read' ? run.readable : run.writeable)) return undefined;
      return run.real + (iova - run.first);
    },
  };
}

/** A page that was written. */
export interface DirtyPage {
  /** Its first IOVA. */
  readonly first: bigint;
  /** Its number, in pages of the smallest size. */
  readonly number: bigint;
}

const shiftOf = ({ pageSizes }: HardwareDomain): bigint => BigInt(trailingZeros(pageSizes));

/** The pages of a range that were written. */
export function dirtyWithin(domain: HardwareDomain, { first, last }: Interval): DirtyPage[] {
  const shift = shiftOf(domain);
  return [...(domain.dirty?.pages ?? [])].map((number) => ({ first: number << shift, number })).filter((page) => page.first >= first && page.first <= last);
}

/** A device wrote there. */
export function markDirty(domain: HardwareDomain, iova: bigint): void {
  if (domain.dirty?.tracking === true) domain.dirty.pages.add(iova >> shiftOf(domain));
}
