import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { BufferHandle, ContainerHandle, IovaWindow, VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { plus, type Term } from '../../reference/doors/term.js';
import { DATA, fillDevice, furnish, PAGE, reached, refused, TARGET, TWO_WINDOWS, V2, writes, type Rig } from '../isolation/vfio/device.js';

/*
 * vfio-ppc-tests, vfio-iommu-map-unmap.c: a window of 1 GiB, and chunks of 64 KiB in it, mapped and unmapped in rounds. The
 * original has 16384 chunks and no end; here it is as many as a small machine has memory for, and as many rounds as
 * reach every step.
 */

const GIB = 1n << 30n;
const CHUNK = 0x1_0000n;

const CREATE = 'VFIO_IOMMU_SPAPR_TCE_CREATE';
const REGISTER = 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY';
const UNREGISTER = 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY';
const MAP = 'VFIO_IOMMU_MAP_DMA';
const UNMAP = 'VFIO_IOMMU_UNMAP_DMA';
const REMOVE = 'VFIO_IOMMU_SPAPR_TCE_REMOVE';

const chunkAt = (window: IovaWindow, i: number): Term => window.at(BigInt(i) * CHUNK);

const newChunks = (p: VfioProgramBuilder, count: number): readonly BufferHandle[] => Array.from({ length: count }, () => p.memory(CHUNK));

/** Registers and maps every chunk. */
function mapChunks(p: VfioProgramBuilder, container: ContainerHandle, window: IovaWindow, chunks: readonly BufferHandle[]): void {
  chunks.forEach((chunk, i) => p.register(container, chunk).map(container, chunk.address, chunkAt(window, i), CHUNK));
}

/** One call for all chunks, for the whole of the default window. */
const unmapDefault = (p: VfioProgramBuilder, { fd }: ContainerHandle): VfioProgramBuilder =>
  p.ioctl(fd, UNMAP, { iova: { from: 'pe0.dma32.start' }, size: { from: 'pe0.dma32.size' } });

/** The device, and a way to its buffer where no chunk lies. */
const furnishBeside = (p: VfioProgramBuilder, container: ContainerHandle): Rig => {
  const beside = 0x200_0000n;
  const { start, pageShift } = p.defaultWindow();
  return furnish(p, container, { window: () => ({ start: plus(start, beside), pageShift, at: (offset) => plus(start, beside + offset) }) });
};

const created: readonly Scenario[] = [
  ...[12, 16].map((shift) =>
    vfioScenario(
      {
        id: `compat/vpt-03/create-2^${shift}`,
        title: `VPT-03: creating a window of 1 GiB with pages of 2^${shift} bytes makes the default one that was promised as well, and takes its start from it`,
        clauses: [`${CREATE}/created`, `${CREATE}/start`, 'ledger/locked'],
        requires: ['spapr-v2', 'second-window', `page-size:${shift}`],
      },
      (p) => {
        const container = p.v2();
        p.create(container, GIB, shift);
        const chunk = p.registered(container, CHUNK);
        p.map(container, chunk.address, p.defaultWindow().start, CHUNK);
      },
    ),
  ),
  vfioScenario(
    {
      id: 'compat/vpt-03/create-refused',
      title: 'VPT-03: a page size that is not offered, a size that is no power of two and a third window are refused, and what exists goes on',
      clauses: [`${CREATE}/page-size`, `${CREATE}/window-size`, `${CREATE}/slots`, `${MAP}/mapped`],
      requires: TWO_WINDOWS,
    },
    (p) => {
      const container = p.v2();
      p.create(container, GIB, 13);
      p.create(container, GIB + CHUNK, 12);
      p.create(container, GIB, 12);
      p.create(container, GIB, 12);
      const chunk = p.registered(container, CHUNK);
      p.map(container, chunk.address, p.defaultWindow().start, CHUNK);
    },
  ),
  vfioScenario(
    {
      id: 'compat/vpt-03/default-is-mapped',
      title: 'VPT-03: a program that does not look where its window starts maps memory in the default one, which is all that the device reaches',
      clauses: [`${CREATE}/created`, 'dma/translated', 'dma/write-permission'],
      requires: ['spapr-v2', 'second-window', 'page-size:16'],
      claims: [
        reached('write', 'default', 'the page was mapped in the default window'),
        refused('write', 'created', 'nothing was mapped in the window that the program created'),
      ],
    },
    (p) => {
      const container = p.v2();
      const created = p.create(container, GIB, 16);
      const rig = furnish(p, container);
      const memory = rig.buffer.at(DATA);
      p.map(container, memory, rig.window.at(TARGET), CHUNK);
      fillDevice(p, rig);
      writes(p, rig, { as: 'default', iova: rig.window.at(TARGET), memory });
      writes(p, rig, { as: 'created', iova: created.at(TARGET), memory });
    },
  ),
];

/** Of 16384 in the original; registering and mapping them is 640 steps. */
const MANY = 128;
const SOME = 32;

const chunks: readonly Scenario[] = [
  vfioScenario(
    {
      id: 'compat/vpt-04/register-map-chunks',
      title: `VPT-04: ${MANY} chunks of 64 KiB, each memory of its own, are registered and mapped one by one, and the device reaches them`,
      clauses: [`${MAP}/enabled`, `${REGISTER}/registered`, `${REGISTER}/already`, `${MAP}/mapped`, `${MAP}/iova`, 'dma/translated', 'ledger/locked'],
      requires: V2,
      claims: [reached('write', 'write', 'the chunk is mapped')],
    },
    (p) => {
      const container = p.v2();
      const all = newChunks(p, MANY);
      const [first, one] = [all[0]!, all[77]!];
      p.map(container, first.address, p.defaultWindow().start, CHUNK);
      mapChunks(p, container, p.defaultWindow(), all);
      p.register(container, first).map(container, first.address, { from: 'pe0.dma32.end' }, CHUNK);
      const rig = furnishBeside(p, container);
      fillDevice(p, rig);
      writes(p, rig, { as: 'write', iova: plus(chunkAt(p.defaultWindow(), 77), CHUNK - PAGE), memory: one.at(CHUNK - PAGE) });
    },
  ),
  vfioScenario(
    {
      id: 'compat/vpt-05/unmap-all-unregister-all',
      title: `VPT-05: one call unmaps ${SOME} chunks, each is unregistered by itself, and then there is nothing to unmap, to unregister or to map`,
      clauses: [`${UNMAP}/unmapped`, `${UNREGISTER}/unregistered`, `${UNREGISTER}/unknown`, `${MAP}/registered`, 'dma/write-permission', 'ledger/locked'],
      requires: V2,
      claims: [refused('write', 'write', 'the chunk was unmapped')],
    },
    (p) => {
      const container = p.v2();
      const all = newChunks(p, SOME);
      mapChunks(p, container, p.defaultWindow(), all);
      const rig = furnishBeside(p, container);
      fillDevice(p, rig);
      unmapDefault(p, container);
      writes(p, rig, { as: 'write', iova: chunkAt(p.defaultWindow(), 7), memory: all[7]!.address });
      for (const chunk of all) p.unregister(container, chunk);
      unmapDefault(p, container).unregister(container, all[0]!);
      p.map(container, all[0]!.address, p.defaultWindow().start, CHUNK);
    },
  ),
  vfioScenario(
    {
      id: 'compat/vpt-05/unregister-mapped',
      title: 'VPT-05: a chunk is unregistered while it is mapped, or that is refused; unmapped and closed, nothing of it stays locked',
      clauses: [`${UNREGISTER}/mapped`, `${UNMAP}/unmapped`, 'ledger/locked'],
      requires: V2,
    },
    (p) => {
      const container = p.v2();
      const chunk = p.registered(container, CHUNK);
      p.map(container, chunk.address, p.defaultWindow().start, CHUNK).unregister(container, chunk);
      unmapDefault(p, container).unregister(container, chunk);
    },
  ),
];

/** The original takes new memory in round 30; with that one, the last, it is 31. */
const ROUNDS = 30;
const FEW = 3;

/** Gives a chunk's memory back and takes new memory at the same address. */
const renew = (p: VfioProgramBuilder, { address, length }: BufferHandle): unknown =>
  p.do({ door: 'user', op: 'unmap', address, length }).do({ door: 'user', op: 'map', address, length, protection: 'rw' });

const rounds: readonly Scenario[] = [
  vfioScenario(
    {
      id: 'compat/vpt-06/rounds-with-new-memory',
      title: `VPT-06: ${FEW} chunks are mapped and unmapped in ${ROUNDS} rounds that all end alike, and once more with new memory, which the device reaches`,
      clauses: [`${REGISTER}/registered`, `${MAP}/mapped`, `${UNMAP}/unmapped`, `${UNREGISTER}/unregistered`, 'dma/translated', 'ledger/locked'],
      requires: V2,
      claims: [reached('write', 'write', 'the new memory is mapped')],
    },
    (p) => {
      const container = p.v2();
      const few = newChunks(p, FEW);
      for (let round = 0; round < ROUNDS; round++) {
        mapChunks(p, container, p.defaultWindow(), few);
        unmapDefault(p, container);
        for (const chunk of few) p.unregister(container, chunk);
      }
      for (const chunk of few) renew(p, chunk);
      mapChunks(p, container, p.defaultWindow(), few);
      const rig = furnishBeside(p, container);
      fillDevice(p, rig);
      writes(p, rig, { as: 'write', iova: p.defaultWindow().start, memory: few[0]!.address });
    },
  ),
  vfioScenario(
    {
      id: 'compat/vpt-07/created-window',
      title: 'VPT-07: chunks are mapped at the start of the window that the program created, which ends where it should, goes with its chunks and comes back empty',
      clauses: [`${MAP}/mapped`, `${MAP}/iova`, `${REMOVE}/removed`, `${UNREGISTER}/unregistered`, `${CREATE}/created`, 'dma/translated', 'dma/write-permission'],
      requires: TWO_WINDOWS,
      claims: [
        reached('write', 'mapped', 'the chunk is mapped in the window'),
        refused('write', 'again', 'nothing was mapped in the new window'),
        refused('write', 'default', 'the chunk was not mapped in the default window'),
      ],
    },
    (p) => {
      const container = p.v2();
      const few = newChunks(p, FEW);
      const [first, one] = [few[0]!, few[1]!];
      const window = p.create(container, GIB, 12);
      mapChunks(p, container, window, few);
      p.map(container, first.address, window.at(GIB), CHUNK).map(container, first.address, p.defaultWindow().start, CHUNK);
      const rig = furnishBeside(p, container);
      fillDevice(p, rig);
      writes(p, rig, { as: 'mapped', iova: chunkAt(window, 1), memory: one.address });
      p.remove(container, window.start).map(container, one.address, chunkAt(window, 1), CHUNK).unregister(container, one);
      const again = p.create(container, GIB, 12);
      writes(p, rig, { as: 'again', iova: chunkAt(again, 1), memory: one.address });
      writes(p, rig, { as: 'default', iova: chunkAt(p.defaultWindow(), 1), memory: one.address });
    },
  ),
  vfioScenario(
    {
      id: 'compat/vpt-07/created-window-2^16',
      title: 'VPT-07: in a created window of 64 KiB pages chunks of huge pages are mapped, whatever the page of the system is',
      clauses: [`${MAP}/mapped`, `${MAP}/iova`, `${REMOVE}/removed`, 'ledger/locked'],
      requires: ['spapr-v2', 'second-window', 'page-size:16'],
    },
    (p) => {
      const container = p.v2();
      const huge = p.memory(1n << 21n, { hugePages: 21 });
      const few = [0n, 1n, 2n].map((i): BufferHandle => ({ address: huge.at(i * CHUNK), length: CHUNK, at: (offset) => huge.at(i * CHUNK + offset) }));
      const window = p.create(container, GIB, 16);
      mapChunks(p, container, window, few);
      p.map(container, huge.address, window.at(GIB), CHUNK).remove(container, window.start);
      for (const chunk of few) p.unregister(container, chunk);
    },
  ),
];

/** VPT-03 to VPT-07. */
export const scenarios: readonly Scenario[] = [...created, ...chunks, ...rounds];
