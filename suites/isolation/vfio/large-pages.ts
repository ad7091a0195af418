import { vfioScenario } from '../../../harness/build/scenario-builder.js';
import type { Scenario } from '../../../harness/scenario.js';
import { plus } from '../../../reference/doors/term.js';
import { fillDevice, LENGTH, openRig, reached, refused, writes } from './device.js';

const TRANSLATED = 'dma/translated';
const WRITE = 'dma/write-permission';
const BYTES = BigInt(LENGTH);

/** Huge pages of the system: they serve I/O pages of any size up to their own, whatever the system's page is. */
const HUGE_SHIFT = 21;
const HUGE = 1n << 21n;

/** Windows of larger I/O pages: log2 of the page, and where in it the device writes. */
const SIZES = [
  { shift: 16, name: '64 KiB', offset: 0x3_440n },
  { shift: 21, name: '2 MiB', offset: 0x12_3440n },
] as const;

/** Larger I/O pages: the whole page, at the right offset, and not its neighbour. */
export const scenarios: readonly Scenario[] = SIZES.map(({ shift, name, offset }) =>
  vfioScenario(
    {
      id: `isolation/vfio/large-pages/2^${shift}`,
      title: `Through one I/O page of ${name} the device reaches the page of memory at any offset, to its last byte, and not the next page`,
      clauses: ['VFIO_IOMMU_MAP_DMA/mapped', TRANSLATED, WRITE],
      requires: ['spapr-v2', 'second-window', `page-size:${shift}`],
      claims: [
        reached('write', 'inside', 'the page is mapped'),
        reached('write', 'last', 'the page is mapped to its end'),
        refused('write', 'next', 'the next page is not mapped'),
      ],
    },
    (p) => {
      const page = 1n << BigInt(shift);
      const rig = openRig(p);
      const huge = p.memory(2n * HUGE, { hugePages: HUGE_SHIFT });
      p.register(rig.container, huge);
      const iova = p.create(rig.container, 1n << 28n, shift).at(page);
      p.map(rig.container, huge.address, iova, page);
      fillDevice(p, rig);
      writes(p, rig, { as: 'inside', iova: plus(iova, offset), memory: huge.at(offset) });
      writes(p, rig, { as: 'last', iova: plus(iova, page - BYTES), memory: huge.at(page - BYTES) });
      writes(p, rig, { as: 'next', iova: plus(iova, page), memory: huge.at(page) });
    },
  ),
);
