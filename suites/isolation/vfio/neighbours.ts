import { vfioScenario } from '../../../harness/build/scenario-builder.js';
import type { Scenario } from '../../../harness/scenario.js';
import { plus } from '../../../reference/doors/term.js';
import { DATA, fillDevice, LENGTH, openRig, PAGE, reached, refused, TARGET, V2, writes } from './device.js';

const WRITE = 'dma/write-permission';
const TRANSLATED = 'dma/translated';
const BYTES = BigInt(LENGTH);

/** Exactly what is mapped, and not what lies beside it: on the bus, and in memory. */
export const scenarios: readonly Scenario[] = [
  vfioScenario(
    {
      id: 'isolation/vfio/neighbours/one-page',
      title: 'Of three pages of memory side by side the device reaches the one that is mapped, to its first and last byte',
      clauses: [TRANSLATED, WRITE],
      requires: V2,
      claims: [
        reached('write', 'mapped', 'the page is mapped'),
        refused('write', 'before', 'the page before it is not mapped'),
        refused('write', 'after', 'the page after it is not mapped'),
      ],
    },
    (p) => {
      const rig = openRig(p);
      const iova = rig.window.at(TARGET);
      const memory = rig.buffer.at(DATA + PAGE);
      p.map(rig.container, memory, iova, PAGE);
      fillDevice(p, rig);
      writes(p, rig, { as: 'mapped', iova: plus(iova, PAGE - BYTES), memory: plus(memory, PAGE - BYTES) });
      writes(p, rig, { as: 'before', iova: plus(iova, -BYTES), memory: plus(memory, -BYTES) });
      writes(p, rig, { as: 'after', iova: plus(iova, PAGE), memory: plus(memory, PAGE) });
    },
  ),
  vfioScenario(
    {
      id: 'isolation/vfio/neighbours/end-of-window',
      title: 'The last page of the default window is reached to its last byte, and nothing past the window',
      clauses: [TRANSLATED, 'dma/outside-windows'],
      requires: V2,
      claims: [
        reached('write', 'last', 'the last page of the window is mapped'),
        refused('write', 'past', 'there is no window any more', 'dma/outside-windows'),
      ],
    },
    (p) => {
      const rig = openRig(p);
      const end = { from: 'pe0.dma32.end' };
      const memory = rig.buffer.at(DATA);
      p.map(rig.container, memory, plus(end, -PAGE), PAGE);
      fillDevice(p, rig);
      writes(p, rig, { as: 'last', iova: plus(end, -BYTES), memory: plus(memory, PAGE - BYTES) });
      writes(p, rig, { as: 'past', iova: end, memory: plus(memory, PAGE) });
    },
  ),
  vfioScenario(
    {
      id: 'isolation/vfio/neighbours/one-of-three-unmapped',
      title: 'After the middle one of three mapped pages was unmapped the device reaches the outer two alone',
      clauses: ['VFIO_IOMMU_UNMAP_DMA/unmapped', TRANSLATED, WRITE],
      requires: V2,
      claims: [
        reached('write', 'before', 'the page before it is still mapped'),
        reached('write', 'after', 'the page after it is still mapped'),
        refused('write', 'unmapped', 'the page was unmapped'),
      ],
    },
    (p) => {
      const rig = openRig(p);
      const [iova, memory] = [rig.window.at(TARGET), rig.buffer.at(DATA)];
      p.map(rig.container, memory, iova, 3n * PAGE);
      fillDevice(p, rig);
      p.unmap(rig.container, plus(iova, PAGE), PAGE);
      writes(p, rig, { as: 'before', iova, memory });
      writes(p, rig, { as: 'after', iova: plus(iova, 2n * PAGE), memory: plus(memory, 2n * PAGE) });
      writes(p, rig, { as: 'unmapped', iova: plus(iova, PAGE), memory: plus(memory, PAGE) });
    },
  ),
];
