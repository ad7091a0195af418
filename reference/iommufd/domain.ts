import type { PagingDescription } from '../iommu-drivers.js';
import { AreaMap } from './state/areas.js';
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
