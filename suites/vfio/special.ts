import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { info, ofType, PAGE, setIommu, TYPE_V1, TYPE_V2 } from './steps.js';

const CREATE = 'VFIO_IOMMU_SPAPR_TCE_CREATE';

/** PEs that lack what others have. */
export const scenarios: readonly Scenario[] = [
  vfioScenario(
    { id: 'vfio/special/no-windows', title: 'A PE for which no window can be created is refused v2 with EINVAL, and takes v1', clauses: ['VFIO_SET_IOMMU/windows', 'VFIO_SET_IOMMU/set'], requires: ['pe:plain0'] },
    (p) => {
      const container = p.attached('plain0');
      setIommu(p, container.fd, TYPE_V2);
      setIommu(p, container.fd, TYPE_V1);
      info(p, container).ioctl(container.fd, 'VFIO_IOMMU_ENABLE').map(container, p.memory(PAGE).address, p.defaultWindow('plain0').start, PAGE);
    },
  ),
  vfioScenario(
    { id: 'vfio/special/no-default-v1', title: 'A PE whose only window lies above 4 GiB has nothing that v1 could enable', clauses: ['VFIO_IOMMU_ENABLE/window'], requires: ['pe:vf0'] },
    (p) => {
      const container = ofType(p, TYPE_V1, 'vf0');
      info(p, container).ioctl(container.fd, 'VFIO_IOMMU_ENABLE').map(container, p.memory(PAGE).address, 0n, PAGE);
    },
  ),
  vfioScenario(
    { id: 'vfio/special/no-default-v2', title: 'A PE with a single window above 4 GiB maps nothing until its default window was removed and a window created', clauses: ['VFIO_IOMMU_MAP_DMA/no-default', 'VFIO_IOMMU_UNMAP_DMA/no-default', `${CREATE}/no-default`, `${CREATE}/created`], requires: ['pe:vf0', 'page-size:12'] },
    (p) => {
      const container = p.v2('vf0');
      const buffer = p.registered(container);
      info(p, container).map(container, buffer.address, 0n, PAGE).unmap(container, 0n, PAGE);
      p.create(container);
      p.remove(container, 0n);
      const window = p.create(container, 1n << 28n);
      p.map(container, buffer.address, window.start, buffer.length).unmap(container, window.start, buffer.length).remove(container, window.start);
      p.create(container, 1n << 28n);
    },
  ),
];
