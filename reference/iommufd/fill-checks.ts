import type { Guard, Violation } from '../rules.js';
import { E } from '../uapi/errno.js';
import type { Host } from '../vfio/host.js';
import { iommufdClause } from './checks.js';
import { addDomain, removeDomain } from './domains.js';
import type { PagingTable } from './state/context.js';

/*
 * What a new page table is refused for while it is filled with what its IOAS has: tried here, and undone. Memory is pinned with the
 * first table of an IOAS, so what is wrong with it may be told only now. Source: Linux 7.2 drivers/iommu/iommufd/io_pagetable.c.
 */

const clause = iommufdClause('io_pagetable.c iopt_fill_domain; pages.c iopt_area_fill_domain');

/** A table that is to be made, and where. */
export interface Filling {
  readonly host: Host;
  readonly table: PagingTable;
}

/** What filling comes to: 0, or minus an error. Nothing is changed. */
export function triedFilling({ host, table }: Filling): number {
  const refused = addDomain(host, table.ioas, table.domain);
  if (refused === 0) removeDomain(host, table.ioas, table.domain);
  return refused;
}

/** What breaks each of the checks. */
export type FillBreaks = Readonly<Partial<Record<'memory' | 'limit', Violation>>>;

export function fillChecks<C>(call: string, of: (c: C) => Filling | undefined, breaks: FillBreaks = {}): Guard<C>[] {
  const refusedWith = (error: number) => (c: C): boolean => {
    const filling = of(c);
    return filling !== undefined && triedFilling(filling) === -error;
  };
  return [
    {
      ...clause(`${call}/memory`, 'Memory of the IOAS that is not there, or must not be written as was asked, is refused with EFAULT, and nothing changes.'),
      when: refusedWith(E.EFAULT),
      refuse: [-E.EFAULT],
      ...(breaks.memory && { violation: breaks.memory }),
    },
    {
      ...clause(`${call}/limit`, 'Memory of the IOAS beyond what may be locked is refused with ENOMEM, and nothing changes.'),
      when: refusedWith(E.ENOMEM),
      refuse: [-E.ENOMEM],
      ...(breaks.limit && { violation: breaks.limit }),
    },
  ];
}
