import { vfioScenario } from '../../../harness/build/scenario-builder.js';
import type { Scenario } from '../../../harness/scenario.js';
import { DATA, fillDevice, PAGE, reached, refused, TARGET, through, writes } from './device.js';

/** A container of SPAPR TCE v1. */
export const scenarios: readonly Scenario[] = [
  vfioScenario(
    {
      id: 'isolation/vfio/first-version/disabled',
      title: 'In a container of v1 the device reaches what is mapped, disabled or not, and nothing after it was unmapped',
      clauses: ['VFIO_IOMMU_ENABLE/enabled', 'VFIO_IOMMU_DISABLE/disabled', 'dma/translated', 'dma/write-permission'],
      claims: [
        reached('write', 'disabled', 'disabling the container unmaps nothing'),
        refused('write', 'unmapped', 'the page was unmapped'),
      ],
    },
    (p) => {
      const container = p.v1();
      const buffer = p.memory();
      const rig = through(p, { container, buffer, device: p.device(container) }, p.defaultWindow());
      const [iova, memory] = [rig.window.at(TARGET), buffer.at(DATA)];
      p.map(container, memory, iova, PAGE);
      fillDevice(p, rig);
      p.ioctl(container.fd, 'VFIO_IOMMU_DISABLE');
      writes(p, rig, { as: 'disabled', iova, memory });
      p.ioctl(container.fd, 'VFIO_IOMMU_ENABLE').unmap(container, iova, PAGE);
      writes(p, rig, { as: 'unmapped', iova, memory });
    },
  ),
];
