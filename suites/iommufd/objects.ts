import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';

/** Objects have the lowest numbers that are free, and go with the context. */
export const scenarios: readonly Scenario[] = [
  vfioScenario(
    { id: 'iommufd/objects/numbers', title: 'New objects get the lowest free number, from 1; destroying one frees its number', clauses: ['open-iommu/opened', 'IOMMU_IOAS_ALLOC/made', 'IOMMU_DESTROY/destroyed', 'IOMMU_DESTROY/id'] },
    (p) => {
      const fd = p.iommu();
      const [first, second] = [p.ioas(fd), p.ioas(fd), p.ioas(fd)];
      for (const id of [second, first]) p.iommufd(fd, 'IOMMU_DESTROY', { id });
      p.ioas(fd);
      p.ioas(fd);
      for (const id of [0n, 4n, 0x7fff_ffffn, 0xffff_ffffn]) p.iommufd(fd, 'IOMMU_DESTROY', { id });
    },
  ),
  vfioScenario(
    { id: 'iommufd/objects/contexts', title: 'Each open of /dev/iommu has objects of its own', clauses: ['open-iommu/opened', 'IOMMU_IOAS_ALLOC/made', 'IOMMU_DESTROY/id'] },
    (p) => {
      const [first, second] = [p.iommu(), p.iommu()];
      const id = p.ioas(first);
      p.iommufd(second, 'IOMMU_DESTROY', { id });
      p.ioas(second);
    },
  ),
  vfioScenario(
    { id: 'iommufd/objects/unknown-number', title: 'A number that nobody has is refused with ENOTTY, but a structure that cannot be read with EFAULT before', clauses: ['iommufd-unknown/pointer', 'iommufd-unknown/number'] },
    (p) => {
      const fd = p.iommu();
      p.iommufd(fd, 'IOMMU_UNKNOWN');
      p.iommufd(fd, 'IOMMU_UNKNOWN', {}, { pointer: 'unmapped' });
      p.iommufd(fd, 'IOMMU_UNKNOWN', { size: 0n });
    },
  ),
];
