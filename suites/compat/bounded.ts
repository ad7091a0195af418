import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { V2 } from '../isolation/vfio/device.js';

/*
 * awilliam/tests, pull request 1: 65535 pages mapped one by one and unmapped in one call, ten times. 65535 is how many
 * mappings type1 permits to be live; SPAPR TCE has no such limit.
 */

const MAP = 'VFIO_IOMMU_MAP_DMA';
const UNMAP = 'VFIO_IOMMU_UNMAP_DMA';

const CHUNK = 0x1_0000n;
const CHUNKS = 16;
const ROUNDS = 10;

/** Entries of the default window have 4 KiB: 4096 of them in one call. */
const LARGE = 1n << 24n;
/** So many calls make more than 65535 live mappings. */
const CALLS = 17;

/** AWT-01. */
export const scenarios: readonly Scenario[] = [
  vfioScenario(
    {
      id: 'compat/awt-01/bounded-map-unmap',
      title: `AWT-01: ${CHUNKS} chunks are mapped one by one and unmapped in one call, ${ROUNDS} times`,
      clauses: [`${MAP}/mapped`, `${UNMAP}/unmapped`, 'ledger/locked'],
      requires: V2,
    },
    (p) => {
      const container = p.v2();
      const window = p.defaultWindow();
      const chunks = Array.from({ length: CHUNKS }, () => p.registered(container, CHUNK));
      for (let round = 0; round < ROUNDS; round++) {
        chunks.forEach((chunk, i) => p.map(container, chunk.address, window.at(BigInt(i) * CHUNK), CHUNK));
        p.unmap(container, window.start, BigInt(CHUNKS) * CHUNK);
      }
    },
  ),
  vfioScenario(
    {
      id: 'compat/awt-01/past-65535',
      title: `AWT-01: more than 65535 pages can be mapped at a time; here 16 MiB of memory at ${CALLS} places`,
      clauses: [`${MAP}/mapped`, `${UNMAP}/unmapped`, 'ledger/locked'],
      requires: V2,
    },
    (p) => {
      const container = p.v2();
      const window = p.defaultWindow();
      const memory = p.registered(container, LARGE);
      for (let i = 0; i < CALLS; i++) p.map(container, memory.address, window.at(BigInt(i) * LARGE), LARGE);
      p.unmap(container, window.start, BigInt(CALLS) * LARGE).unregister(container, memory);
    },
  ),
];
