import type { VfioProgramBuilder } from '../../../harness/build/vfio-program-builder.js';
import { vfioScenario } from '../../../harness/build/scenario-builder.js';
import type { Scenario } from '../../../harness/scenario.js';
import type { Term } from '../../../reference/doors/term.js';
import { DATA, fillDevice, LENGTH, MEMORY_BYTE, openRig, OTHER, PAGE, reached, refused, TARGET, V2, writes, type Rig } from './device.js';

const TRANSLATED = 'dma/translated';

/** Maps one page, does something about it, and lets the device write: to the new page, while the old one is watched. */
function moved(p: VfioProgramBuilder, change: (rig: Rig, iova: Term) => void): void {
  const rig = openRig(p);
  const [iova, old] = [rig.window.at(TARGET), rig.buffer.at(DATA)];
  p.map(rig.container, old, iova, PAGE);
  fillDevice(p, rig);
  p.fill(old, LENGTH, MEMORY_BYTE).load(old, LENGTH, 'old-memory');
  change(rig, iova);
  writes(p, rig, { as: 'new', iova, memory: rig.buffer.at(OTHER) });
  p.load(old, LENGTH, 'old');
}

const MOVED = [
  reached('write', 'new', 'the address maps the new page'),
  refused('write', 'old', 'the address does not map the old page any more', TRANSLATED),
];

/** An address whose mapping changes. */
export const scenarios: readonly Scenario[] = [
  vfioScenario(
    {
      id: 'isolation/vfio/remap/after-unmap',
      title: 'An address that was unmapped and mapped to another page leads the device to the new page',
      clauses: ['VFIO_IOMMU_UNMAP_DMA/unmapped', 'VFIO_IOMMU_MAP_DMA/mapped', TRANSLATED],
      requires: V2,
      claims: MOVED,
    },
    (p) =>
      moved(p, ({ container, buffer }, iova) => {
        p.unmap(container, iova, PAGE).map(container, buffer.at(OTHER), iova, PAGE);
      }),
  ),
  vfioScenario(
    {
      id: 'isolation/vfio/remap/replaced',
      title: 'Mapping another page over a mapped one leads the device to the new page',
      clauses: ['VFIO_IOMMU_MAP_DMA/mapped', TRANSLATED],
      requires: V2,
      claims: MOVED,
    },
    (p) =>
      moved(p, ({ container, buffer }, iova) => {
        p.map(container, buffer.at(OTHER), iova, PAGE);
      }),
  ),
  vfioScenario(
    {
      id: 'isolation/vfio/remap/permission-taken',
      title: 'Mapping the same page again for reading only takes the permission to write',
      clauses: ['VFIO_IOMMU_MAP_DMA/mapped', 'dma/write-permission'],
      requires: V2,
      claims: [refused('write', 'write', 'the last mapping is for reading only')],
    },
    (p) => {
      const rig = openRig(p);
      const [iova, memory] = [rig.window.at(TARGET), rig.buffer.at(DATA)];
      p.map(rig.container, memory, iova, PAGE);
      fillDevice(p, rig);
      p.map(rig.container, memory, iova, PAGE, 1n);
      writes(p, rig, { as: 'write', iova, memory });
    },
  ),
];
