import { vfioScenario } from '../../../harness/build/scenario-builder.js';
import type { BufferHandle, VfioProgramBuilder } from '../../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../../harness/scenario.js';
import type { Term } from '../../../reference/doors/term.js';
import { drain, fillDevice, LENGTH, MEMORY_BYTE, openRig, OTHER_BYTE, PAGE, reached, refused, TARGET, V2, writes, type Rig } from './device.js';

const TRANSLATED = 'dma/translated';
const UNREGISTERED = 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY/mapped';

/** Takes memory away and puts new memory in its place, with another pattern. */
function replace(p: VfioProgramBuilder, memory: BufferHandle): void {
  p.munmap(memory).do({ door: 'user', op: 'map', length: memory.length, protection: 'rw', address: memory.address, as: 'again' });
  p.fill(memory.address, LENGTH, OTHER_BYTE).load(memory.address, LENGTH, 'new-memory');
}

/** Memory that was unregistered while a device could reach it, by the bus address `iova`. */
function unregisterMapped(p: VfioProgramBuilder): { readonly rig: Rig; readonly memory: BufferHandle; readonly iova: Term } {
  const rig = openRig(p);
  const memory = p.registered(rig.container, 0x1_0000n);
  const iova = rig.window.at(TARGET);
  p.map(rig.container, memory.address, iova, PAGE);
  fillDevice(p, rig);
  p.unregister(rig.container, memory);
  return { rig, memory, iova };
}

const NEW_IS_UNTOUCHED = refused('write', 'new', 'new memory at the old address is not mapped', TRANSLATED);

/** Memory that changes while a device can reach it. */
export const scenarios: readonly Scenario[] = [
  vfioScenario(
    {
      id: 'isolation/vfio/memory/unmapped-by-the-program',
      title: 'The device goes on reaching pinned memory that the program gave up, also by a mapping made afterwards, and not the new memory there',
      clauses: [TRANSLATED, 'VFIO_IOMMU_MAP_DMA/mapped'],
      requires: V2,
      claims: [
        { says: 'the page that was registered is mapped', clause: TRANSLATED, holds: 'equal', loads: ['old', 'before'] },
        { says: 'what is mapped is the registered page', clause: TRANSLATED, holds: 'equal', loads: ['old', 'afterwards'] },
        NEW_IS_UNTOUCHED,
      ],
    },
    (p) => {
      const rig = openRig(p);
      const memory = p.registered(rig.container, 0x1_0000n);
      const [iova, other] = [rig.window.at(TARGET), rig.window.at(2n * TARGET)];
      p.fill(memory.address, LENGTH, MEMORY_BYTE).load(memory.address, LENGTH, 'old');
      p.map(rig.container, memory.address, iova, PAGE);
      replace(p, memory);
      p.map(rig.container, memory.address, other, PAGE);
      p.deviceReads(rig.device, iova, LENGTH, LENGTH).deviceReads(rig.device, other, LENGTH, 2 * LENGTH);
      drain(p, rig, 'before', 'afterwards');
      p.deviceWrites(rig.device, iova, LENGTH, LENGTH).load(memory.address, LENGTH, 'new');
    },
  ),
  vfioScenario(
    {
      id: 'isolation/vfio/memory/unregistered',
      title: 'Memory that was unregistered while it was mapped, if that was done at all, is reached by the device as before',
      clauses: [UNREGISTERED, TRANSLATED],
      requires: V2,
      claims: [reached('write', 'write', 'the page is pinned as long as it is mapped')],
    },
    (p) => {
      const { rig, memory, iova } = unregisterMapped(p);
      writes(p, rig, { as: 'write', iova, memory: memory.address });
    },
  ),
  vfioScenario(
    {
      id: 'isolation/vfio/memory/unregistered-and-given-up',
      title: 'Memory that was unregistered while mapped, and given up, is not used again by the system: new memory of the program stays as it is',
      clauses: [UNREGISTERED, TRANSLATED],
      requires: V2,
      claims: [NEW_IS_UNTOUCHED],
    },
    (p) => {
      const { rig, memory, iova } = unregisterMapped(p);
      replace(p, memory);
      p.deviceWrites(rig.device, iova, LENGTH, 0).load(memory.address, LENGTH, 'new');
    },
  ),
];
