import { vfioScenario } from '../../../harness/build/scenario-builder.js';
import type { IovaWindow, VfioProgramBuilder } from '../../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../../harness/scenario.js';
import { DATA, drain, fillDevice, openRig, OTHER_BYTE, PAGE, reached, reads, refused, reopen, secondWindow, TARGET, TWO_WINDOWS, V2, writes, type Rig } from './device.js';

const MAPPED = 'VFIO_IOMMU_MAP_DMA/mapped';
const TRANSLATED = 'dma/translated';
const READ = 1n;
const WRITE = 2n;
const BOTH = 3n;

/** Maps a page with these permissions; the device reads it, and then writes it. */
function readThenWrite(p: VfioProgramBuilder, rig: Rig, window: IovaWindow, permission: bigint): void {
  const [iova, memory] = [window.at(TARGET), rig.buffer.at(DATA)];
  p.map(rig.container, memory, iova, PAGE, permission);
  reads(p, rig, { as: 'read', iova, memory });
  drain(p, rig, 'read');
  writes(p, rig, { as: 'write', iova, memory, byte: OTHER_BYTE, slot: 1 });
}

/** What each permission lets a device do. A device may read what it may write on PowerNV, and only there. */
export const scenarios: readonly Scenario[] = [
  vfioScenario(
    {
      id: 'isolation/vfio/permission/read-only',
      title: 'Memory that a program mapped for reading is read by the device, and not written',
      clauses: [MAPPED, TRANSLATED, 'dma/write-permission', 'memory/contents'],
      requires: V2,
      claims: [reached('read', 'read', 'the page is mapped for reading'), refused('write', 'write', 'the page is not mapped for writing')],
    },
    (p) => {
      const rig = openRig(p);
      readThenWrite(p, rig, rig.window, READ);
    },
  ),
  vfioScenario(
    {
      id: 'isolation/vfio/permission/write-only',
      title: 'Memory that a program mapped for writing is written by the device, and read only where the platform has no writing without reading',
      clauses: [MAPPED, TRANSLATED, 'dma/read-permission', 'memory/contents'],
      requires: V2,
      claims: [reached('write', 'write', 'the page is mapped for writing')],
    },
    (p) => {
      const rig = openRig(p);
      const [iova, memory] = [rig.window.at(TARGET), rig.buffer.at(DATA)];
      p.map(rig.container, memory, iova, PAGE, WRITE);
      fillDevice(p, rig);
      writes(p, rig, { as: 'write', iova, memory });
      reads(p, rig, { as: 'read', iova, memory });
      drain(p, reopen(p, rig), 'read');
    },
  ),
  vfioScenario(
    {
      id: 'isolation/vfio/permission/both',
      title: 'Memory that a program mapped for both is read and written by the device',
      clauses: [MAPPED, TRANSLATED, 'memory/contents'],
      requires: V2,
      claims: [reached('read', 'read', 'the page is mapped for reading'), reached('write', 'write', 'the page is mapped for writing')],
    },
    (p) => {
      const rig = openRig(p);
      readThenWrite(p, rig, rig.window, BOTH);
    },
  ),
  vfioScenario(
    {
      id: 'isolation/vfio/permission/in-created-window',
      title: 'In a window that the program created, too, memory mapped for reading is read by the device and not written',
      clauses: [MAPPED, TRANSLATED, 'dma/write-permission'],
      requires: TWO_WINDOWS,
      claims: [reached('read', 'read', 'the page is mapped for reading'), refused('write', 'write', 'the page is not mapped for writing')],
    },
    (p) => {
      const rig = openRig(p);
      readThenWrite(p, rig, secondWindow(p, rig.container), READ);
    },
  ),
];
