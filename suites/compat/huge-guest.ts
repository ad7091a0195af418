import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { BufferHandle, VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { plus } from '../../reference/doors/term.js';
import { DATA, fillDevice, furnish, LENGTH, MEMORY_BYTE, PAGE, reached, refused, V2, writes } from '../isolation/vfio/device.js';

/*
 * vfio-ppc-tests, vfio-huge-guest-test.c: a window of 4 GiB with pages of 2 MiB, and huge pages mapped in it. The original
 * has pages of 1 GiB, 2 and then 4 of them; where there are none it is pages of 2 MiB, half as many.
 */

const CREATE = 'VFIO_IOMMU_SPAPR_TCE_CREATE';
const REGISTER = 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY';
const UNREGISTER = 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY';
const MAP = 'VFIO_IOMMU_MAP_DMA';
const INFO = 'VFIO_IOMMU_SPAPR_TCE_GET_INFO';

const WINDOW_SHIFT = 21;
const HUGE = 1n << 21n;
const GIB = 1n << 30n;
const REQUIRES = ['spapr-v2', 'second-window', `page-size:${WINDOW_SHIFT}`] as const;

/** Sizes of the first and the second region; `shift` is that of the huge pages. */
const SIZES = [
  { shift: 21, name: '2 MiB', first: 1n << 21n, second: 1n << 22n },
  { shift: 30, name: '1 GiB', first: 2n * GIB, second: 4n * GIB },
] as const;

const window = vfioScenario(
  {
    id: 'compat/vpt-08/create-2m-window',
    title: 'VPT-08: a window of 4 GiB with pages of 2 MiB is created where the platform has such pages, and what it says of itself stays the same',
    clauses: [`${INFO}/answer`, `${CREATE}/created`, 'ledger/locked'],
    requires: ['spapr-v2', 'second-window'],
  },
  (p) => {
    const container = p.v2();
    p.ioctl(container.fd, INFO);
    p.create(container, 4n * GIB, WINDOW_SHIFT);
    p.ioctl(container.fd, INFO);
  },
);

/** 2 MiB of the system's own pages where huge ones were: nothing but the size of its pages speaks against it. */
function ordinaryMemory(p: VfioProgramBuilder, shift: number): BufferHandle {
  const place = p.memory(1n << BigInt(shift), { hugePages: shift });
  const { address } = place;
  p.munmap(place).do({ door: 'user', op: 'map', address, length: HUGE, protection: 'rw' });
  return { ...place, length: HUGE };
}

const mapped = SIZES.map(({ shift, name, first }) =>
  vfioScenario(
    {
      id: `compat/vpt-09/register-and-map-2^${shift}`,
      title: `VPT-09: memory of huge pages of ${name} is registered and mapped in a window of 2 MiB pages; other memory and an address within a page are refused`,
      clauses: [`${REGISTER}/registered`, `${MAP}/mapped`, `${MAP}/page-size`, `${MAP}/iova-alignment`, 'dma/translated', 'ledger/locked'],
      requires: REQUIRES,
      claims: [reached('write', 'write', 'the memory is mapped')],
    },
    (p) => {
      const container = p.v2();
      const created = p.create(container, 4n * GIB, WINDOW_SHIFT);
      const memory = p.memory(first, { hugePages: shift });
      p.register(container, memory).map(container, memory.address, created.start, first);
      const rig = furnish(p, container);
      const ordinary = ordinaryMemory(p, shift);
      p.register(container, ordinary).map(container, ordinary.address, created.at(2n * GIB), HUGE);
      p.map(container, memory.address, created.at(2n * GIB + PAGE), HUGE);
      fillDevice(p, rig);
      const last = first - BigInt(LENGTH);
      writes(p, rig, { as: 'write', iova: created.at(last), memory: memory.at(last) });
    },
  ),
);

const replaced = SIZES.map(({ shift, name, first, second }) =>
  vfioScenario(
    {
      id: `compat/vpt-10/remap-live-range-2^${shift}`,
      title: `VPT-10: a second region of huge pages of ${name} mapped over the first one replaces it, and the first one can be unregistered`,
      clauses: [`${MAP}/mapped`, `${UNREGISTER}/unregistered`, 'dma/translated', 'ledger/locked'],
      requires: REQUIRES,
      claims: [
        reached('write', 'second', 'the second region is mapped'),
        refused('write', 'first', 'the first region is not mapped any more', 'dma/translated'),
      ],
    },
    (p) => {
      const container = p.v2();
      const { start } = p.create(container, 4n * GIB, WINDOW_SHIFT);
      const one = p.memory(first, { hugePages: shift });
      p.register(container, one).map(container, one.address, start, first);
      const two = p.memory(second, { hugePages: shift });
      p.register(container, two).map(container, two.address, start, second);
      const rig = furnish(p, container);
      fillDevice(p, rig);
      p.fill(one.address, LENGTH, MEMORY_BYTE).load(one.address, LENGTH, 'first-memory');
      writes(p, rig, { as: 'second', iova: start, memory: two.address });
      p.load(one.address, LENGTH, 'first').unregister(container, one);
      p.unmap(container, start, second).unregister(container, two);
    },
  ),
);

/** A part of huge pages, for a region of its own. */
const part = (memory: BufferHandle, offset: bigint, length: bigint): BufferHandle => ({
  address: memory.at(offset),
  length,
  at: (further) => memory.at(offset + further),
});

const hole = vfioScenario(
  {
    id: 'compat/vpt-10/hole-in-the-middle',
    title: 'VPT-10: mapping three pages over live ones, the second of them not registered, is refused; what lies behind it is as before',
    clauses: [`${MAP}/registered`, 'dma/translated', `${UNREGISTER}/unregistered`, 'ledger/locked'],
    requires: REQUIRES,
    claims: [reached('write', 'write', 'the call did not come so far')],
  },
  (p) => {
    const container = p.v2();
    const { start } = p.create(container, 4n * GIB, WINDOW_SHIFT);
    const live = p.memory(3n * HUGE, { hugePages: 21 });
    p.register(container, live).map(container, live.address, start, live.length);
    const rig = furnish(p, container);
    fillDevice(p, rig);
    const holed = p.memory(3n * HUGE, { hugePages: 21 });
    for (const offset of [0n, 2n * HUGE]) p.register(container, part(holed, offset, HUGE));
    p.map(container, holed.address, start, holed.length);
    writes(p, rig, { as: 'write', iova: plus(start, 2n * HUGE), memory: live.at(2n * HUGE) });
    p.unmap(container, start, live.length).unregister(container, live);
  },
);

/** What the original does after its window was refused: it maps more than the default window holds. */
const refusedWindow: readonly Scenario[] = [
  vfioScenario(
    {
      id: 'compat/vpt-11/stop',
      title: 'VPT-11: after a window was refused a program that stops and asks finds the platform as it was, and the default window at its service',
      clauses: [`${CREATE}/page-size`, `${INFO}/answer`, `${MAP}/mapped`],
      requires: V2,
    },
    (p) => {
      const container = p.v2();
      p.ioctl(container.fd, INFO);
      p.create(container, 4n * GIB, 13);
      p.ioctl(container.fd, INFO);
      const memory = p.registered(container, 0x1_0000n);
      p.map(container, memory.address, p.defaultWindow().start, memory.length);
    },
  ),
  vfioScenario(
    {
      id: 'compat/vpt-11/past-the-default-window',
      title: 'VPT-11: a mapping that begins in the last pages of the default window and ends past it is refused and maps nothing',
      clauses: [`${MAP}/beyond-window`, 'dma/write-permission'],
      requires: V2,
      destructive: true,
      claims: [refused('write', 'write', 'the call was refused and maps nothing')],
    },
    (p) => {
      const rig = furnish(p, p.v2());
      const iova = plus({ from: 'pe0.dma32.end' }, -0x1_0000n);
      fillDevice(p, rig);
      p.map(rig.container, rig.buffer.at(DATA), iova, 0x2_0000n);
      writes(p, rig, { as: 'write', iova, memory: rig.buffer.at(DATA) });
    },
  ),
  vfioScenario(
    {
      id: 'compat/vpt-11/original-size',
      title: 'VPT-11: mapping 2 GiB and then 4 GiB from the start of the default window is refused where they do not fit',
      clauses: [`${MAP}/beyond-window`],
      requires: V2,
      destructive: true,
    },
    (p) => {
      const container = p.v2();
      p.create(container, 4n * GIB, 13);
      for (const size of [2n * GIB, 4n * GIB]) {
        const memory = p.memory(size, { hugePages: 30 });
        p.register(container, memory).map(container, memory.address, 0n, size);
      }
    },
  ),
];

/** VPT-08 to VPT-11. */
export const scenarios: readonly Scenario[] = [window, ...mapped, ...replaced, hole, ...refusedWindow];
