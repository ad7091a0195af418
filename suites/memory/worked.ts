import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { IO_PAGE, PAGE, TWO_WINDOWS, V2 } from '../vfio/steps.js';

const GROUPS = ['pe0', 'pe1', 'pe2'] as const;
const PES = GROUPS.map((group) => `pe:${group}`);

/** Bytes of memory of the guest, as far as a small machine can stand for one. */
const GUEST = 256n * PAGE;

/**
 * What a guest with three host bridges of its own costs the process that runs it. The figures of the problem: "4GB guest + 3 IOMMUs:
 * 3 * (2GB+4GB) = 18GB" (VFIO on sPAPR/POWER, locked memory counter). v2 charges the guest's memory once.
 */
export const scenarios: readonly Scenario[] = [
  vfioScenario(
    { id: 'memory/worked/three-groups-v1', title: 'Three groups of one process in v1 are charged three whole windows, although they map the same memory', clauses: ['VFIO_IOMMU_ENABLE/enabled', 'VFIO_IOMMU_MAP_DMA/mapped', 'ledger/locked'], requires: PES },
    (p) => {
      const memory = p.memory(GUEST);
      for (const group of GROUPS) p.map(p.v1(group), memory.address, p.defaultWindow(group).start, 16n * PAGE);
    },
  ),
  vfioScenario(
    { id: 'memory/worked/three-groups-v2', title: 'Three groups of one process in v2 are charged the memory of the guest once, and a table each', clauses: ['VFIO_IOMMU_SPAPR_REGISTER_MEMORY/registered', 'VFIO_IOMMU_MAP_DMA/mapped', 'ledger/locked'], requires: [...V2, ...PES] },
    (p) => {
      const memory = p.memory(GUEST);
      for (const group of GROUPS) {
        const container = p.v2(group);
        p.register(container, memory).map(container, memory.address, p.defaultWindow(group).start, 16n * PAGE);
      }
    },
  ),
  vfioScenario(
    { id: 'memory/worked/three-groups-ddw', title: 'With a window over all the memory of the guest for each of three groups, two tables each are charged and the memory once', clauses: ['VFIO_IOMMU_SPAPR_TCE_CREATE/created', 'VFIO_IOMMU_MAP_DMA/mapped', 'ledger/locked'], requires: [...TWO_WINDOWS, ...PES] },
    (p) => {
      const memory = p.memory(GUEST);
      for (const group of GROUPS) {
        const container = p.v2(group);
        p.register(container, memory);
        p.map(container, memory.address, p.create(container, 1n << 28n).start, memory.length);
      }
    },
  ),
  vfioScenario(
    { id: 'memory/worked/one-container', title: 'Three groups that share one container, where they can, share its tables: the memory and the tables are charged once', clauses: ['VFIO_GROUP_SET_CONTAINER/blocked', 'VFIO_IOMMU_MAP_DMA/mapped', 'ledger/locked'], requires: [...TWO_WINDOWS, ...PES, 'platform:powernv'] },
    (p) => {
      const memory = p.memory(GUEST);
      const container = p.v2();
      p.register(container, memory).map(container, memory.address, p.defaultWindow().start, 16n * PAGE);
      for (const group of GROUPS.slice(1)) p.ioctl(p.open(group, `joined-${group}`), 'VFIO_GROUP_SET_CONTAINER', { fd: container.fd });
      p.map(container, memory.address, p.create(container, 1n << 28n).start, memory.length).unmap(container, p.defaultWindow().start, 16n * PAGE);
    },
  ),
  vfioScenario(
    { id: 'memory/worked/chunks', title: 'Memory registered and mapped chunk by chunk, unmapped at once and given back chunk by chunk leaves the tables alone charged', clauses: ['VFIO_IOMMU_SPAPR_REGISTER_MEMORY/registered', 'VFIO_IOMMU_UNMAP_DMA/unmapped', 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY/unregistered', 'ledger/locked'], requires: V2 },
    (p) => {
      const container = p.v2();
      const chunks = Array.from({ length: 12 }, () => p.memory(PAGE));
      const { start, at } = p.defaultWindow();
      chunks.forEach((chunk, i) => p.register(container, chunk).map(container, chunk.address, at(BigInt(i) * PAGE), PAGE));
      p.unmap(container, start, 1n << 24n).unmap(container, start, 1n << 24n);
      for (const chunk of chunks) p.unregister(container, chunk);
      p.map(container, chunks[0]!.address, start, IO_PAGE);
    },
  ),
];
