import { vfioScenario } from '../../../harness/build/scenario-builder.js';
import type { BufferHandle, ContainerHandle, VfioProgramBuilder } from '../../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../../harness/scenario.js';
import type { Term } from '../../../reference/doors/term.js';
import { closeRig, DATA, drain, fillDevice, LENGTH, MEMORY_BYTE, openRig, OTHER_BYTE, PAGE, reached, refused, reopen, TARGET, V2, v2By, writes } from './device.js';

const TRANSLATED = 'dma/translated';

/** Registers and maps memory for a process. */
function mapBy(p: VfioProgramBuilder, container: ContainerHandle, { memory, iova, by }: { readonly memory: BufferHandle; readonly iova: Term; readonly by: string }): void {
  p.register(container, memory, by);
  p.ioctl(container.fd, 'VFIO_IOMMU_MAP_DMA', { flags: 3n, vaddr: memory.address, iova, size: PAGE }, { by });
}

/** New memory of a process, with a pattern that is loaded as `theirs`. */
function patterned(p: VfioProgramBuilder, by: string): BufferHandle {
  const memory = p.memory(0x1_0000n, { by });
  p.fill(memory.address, LENGTH, OTHER_BYTE, by).load(memory.address, LENGTH, 'theirs', by);
  return memory;
}

/** What the device reads, held against the memory of a process that is dead. */
const readTheirs = (holds: 'equal' | 'different', clause: string, says: string) => ({ says, clause, holds, loads: ['theirs', 'read'] as const });

const dead: readonly Scenario[] = [
  vfioScenario(
    {
      id: 'isolation/vfio/processes/killed',
      title: 'After a process was killed that held the group the device reads nothing where that process had mapped its memory',
      clauses: ['close/closed', 'dma/read-permission'],
      requires: V2,
      claims: [readTheirs('different', 'dma/read-permission', 'the mapping ended with the process')],
    },
    (p) => {
      const before = openRig(p);
      fillDevice(p, before);
      closeRig(p, before);
      const child = p.fork();
      const container = v2By(p, child);
      mapBy(p, container, { memory: patterned(p, child), iova: before.window.at(TARGET), by: child });
      p.kill(child);
      const rig = openRig(p, { buffer: before.buffer });
      p.deviceReads(rig.device, rig.window.at(TARGET), LENGTH, LENGTH);
      drain(p, reopen(p, rig), 'read');
    },
  ),
  vfioScenario(
    {
      id: 'isolation/vfio/processes/killed-while-shared',
      title: 'While another process keeps the container open the device goes on reaching the pinned memory of a process that was killed',
      clauses: ['VFIO_IOMMU_MAP_DMA/process', TRANSLATED],
      requires: V2,
      claims: [readTheirs('equal', TRANSLATED, 'the page is pinned as long as it is mapped')],
    },
    (p) => {
      const container = p.v2();
      const device = p.device(container);
      const own = p.memory();
      const child = p.fork();
      mapBy(p, container, { memory: patterned(p, child), iova: p.defaultWindow().at(TARGET), by: child });
      p.kill(child);
      p.map(container, own.address, p.defaultWindow().start, PAGE);
      p.deviceReads(device, p.defaultWindow().at(TARGET), LENGTH, LENGTH);
      p.close(device.fd).close(container.group).close(container.fd);
      drain(p, openRig(p, { buffer: own }), 'read');
    },
  ),
];

/** A write of the device to the parent's memory, while a child has a copy of it. */
const FORKED = [
  reached('write', 'parent', "the parent's page is mapped"),
  refused('write', 'child', "the child's copy is a page of its own", TRANSLATED),
];

function watchBoth(p: VfioProgramBuilder, child: string, memory: Term, write: () => void): void {
  p.fill(memory, LENGTH, OTHER_BYTE, child).load(memory, LENGTH, 'child-memory', child);
  write();
  p.load(memory, LENGTH, 'child', child).exit(child);
}

const forked: readonly Scenario[] = [
  vfioScenario(
    {
      id: 'isolation/vfio/processes/fork-after-mapping',
      title: "After a fork the device reaches the parent's page, which was mapped before, and not the child's copy",
      clauses: [TRANSLATED, 'memory/contents'],
      requires: V2,
      claims: FORKED,
    },
    (p) => {
      const rig = openRig(p);
      const [iova, memory] = [rig.window.at(TARGET), rig.buffer.at(DATA)];
      p.map(rig.container, memory, iova, PAGE);
      fillDevice(p, rig);
      watchBoth(p, p.fork(), memory, () => writes(p, rig, { as: 'parent', iova, memory }));
    },
  ),
  vfioScenario(
    {
      id: 'isolation/vfio/processes/fork-before-registering',
      title: "The device reaches the parent's page where parent and child shared it until it was registered",
      clauses: ['VFIO_IOMMU_SPAPR_REGISTER_MEMORY/registered', TRANSLATED],
      requires: V2,
      claims: FORKED,
    },
    (p) => {
      const rig = openRig(p);
      fillDevice(p, rig);
      const shared = p.memory(0x1_0000n);
      p.fill(shared.address, LENGTH, MEMORY_BYTE);
      const child = p.fork();
      p.register(rig.container, shared).map(rig.container, shared.address, rig.window.at(TARGET), PAGE);
      watchBoth(p, child, shared.address, () => writes(p, rig, { as: 'parent', iova: rig.window.at(TARGET), memory: shared.address }));
    },
  ),
];

/** Processes that end, and processes that fork. */
export const scenarios: readonly Scenario[] = [...dead, ...forked];
