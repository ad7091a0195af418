import { describe, expect, it } from '@jest/globals';
import { LINUX_POWERNV, LINUX_PSERIES } from '../../adapters/model/machines.js';
import { VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { MachineDescription } from '../description.js';
import type { Program } from '../doors/operations.js';
import { Model } from '../model.js';
import { REFERENCE_RULES } from '../rule-book.js';

const MIB = 1n << 20n;
const GIB = 1n << 30n;

/** The most that the process has locked at any time; bytes. */
function mostLocked(machine: MachineDescription, { operations }: Program): bigint {
  const model = new Model(machine, REFERENCE_RULES);
  const seen = operations.map((operation) => model.answer(operation).observation).flatMap((observation) => (observation.kind === 'values' ? [observation.values['locked'] ?? 0n] : []));
  return seen.reduce((most, pages) => (pages > most ? pages : most), 0n) << BigInt(machine.linux!.pageShift);
}

const program = (write: (p: VfioProgramBuilder) => void): Program => {
  const builder = new VfioProgramBuilder();
  write(builder);
  return builder.finish();
};

/**
 * "4GB guest + 3 IOMMUs: 3 * (2GB+4GB) = 18GB (way too much)": VFIO on sPAPR/POWER, locked memory counter. That is the default
 * window and a window over all the guest's memory, each counted as if every page of it were another page of memory.
 */
describe('the locked memory of a guest of 4 GiB with three host bridges', () => {
  const GUEST = 4n * GIB;
  const GROUPS = ['pe0', 'pe1', 'pe2'] as const;

  it('is 6 GiB for the default windows alone in v1 on PowerNV, and the tables', () => {
    const v1 = program((p) => {
      const memory = p.memory(GUEST);
      for (const group of GROUPS) p.map(p.v1(group), memory.address, p.defaultWindow(group).start, 0x1000n);
    });
    expect(mostLocked(LINUX_POWERNV, v1)).toBe(3n * (2n * GIB + 8n * MIB));
  });

  it('is the memory once and three pairs of tables in v2, with a window over all of it for each', () => {
    const v2 = program((p) => {
      const memory = p.memory(GUEST);
      for (const group of GROUPS) {
        const container = p.v2(group);
        p.register(container, memory).map(container, memory.address, p.create(container, GUEST, 16).start, 16n * MIB);
      }
    });
    expect(mostLocked(LINUX_POWERNV, v2)).toBe(GUEST + 3n * (8n * MIB + MIB));
    expect(mostLocked(LINUX_PSERIES, v2)).toBe(GUEST + 3n * (2n * MIB + MIB / 2n));
  });

  it('is the memory once and one pair of tables where the three groups share a container', () => {
    const shared = program((p) => {
      const memory = p.memory(GUEST);
      const container = p.v2();
      for (const group of GROUPS.slice(1)) p.ioctl(p.open(group, group), 'VFIO_GROUP_SET_CONTAINER', { fd: container.fd });
      p.register(container, memory).map(container, memory.address, p.create(container, GUEST, 16).start, 16n * MIB);
    });
    expect(mostLocked(LINUX_POWERNV, shared)).toBe(GUEST + 9n * MIB);
  });
});

/** vfio-ppc-tests, vfio-iommu-map-unmap.c, as corrected: a window of 1 GiB, a chunk of 64 KiB registered in it (peer flows, VPT-03 and VPT-07). */
describe('the locked memory of one created window', () => {
  const created = program((p) => {
    const container = p.v2();
    const window = p.create(container, GIB, 16);
    p.map(container, p.registered(container, 0x1_0000n).address, window.start, 0x1_0000n);
  });

  it('is 2 × 4 MiB for the default one and 2 × 128 KiB for its own on PowerNV', () => {
    expect(mostLocked(LINUX_POWERNV, created)).toBe(8n * MIB + MIB / 4n + 0x1_0000n);
  });

  it('is 2 MiB for the default one and 128 KiB for its own on pSeries', () => {
    expect(mostLocked(LINUX_PSERIES, created)).toBe(2n * MIB + MIB / 8n + 0x1_0000n);
  });
});
