import type { Scenario } from '../../harness/scenario.js';
import { attach, destroy, detach } from '../iommufd/device-steps.js';
import { HIGH, HIGH_WINDOW, LOW_WINDOW, plannedScenario } from '../iommufd/ppc64/steps.js';
import { enter, guest, guestTable, MEMORY } from './steps.js';

const ENTERED = 'IOMMU_HWPT_INVALIDATE/ppc64-entered';
const REFUSED = 'IOMMU_HWPT_INVALIDATE/ppc64-refused';
const REPLACED = 'VFIO_DEVICE_ATTACH_IOMMUFD_PT/replaced';

const arrived = (...loads: readonly [string, string]) => [{ says: 'the device has written what it read', clause: 'memory/contents', holds: 'equal', loads }] as const;
const stayed = (...loads: readonly [string, string]) => [{ says: "the guest's memory is as it was", clause: ENTERED, holds: 'equal', loads }] as const;

/** Tables of guests, resolved by a software walk against pinned memory; and going over from one to another. */
export const scenarios: readonly Scenario[] = [
  plannedScenario({ id: 'nesting/enter', title: "A device reaches the guest's memory where the guest's entries say", clauses: ['IOMMU_HWPT_ALLOC/nested-made', ENTERED, 'dma/translated'], claims: arrived('from', 'to') }, (p) => {
    const g = guest(p);
    const own = guestTable(p, g, 'own', LOW_WINDOW);
    attach(p, g.device, own);
    p.fill(g.memory(0x3000n), 0x1000, 0x42);
    enter(p, g, own, [0x1000n, 0x3001n], [0x2000n, 0x8003n]);
    p.deviceReads(g.device, 0x1000n).deviceWrites(g.device, 0x2000n).load(g.memory(0x3000n), 16, 'from').load(g.memory(0x8000n), 16, 'to');
    enter(p, g, own, [0x2000n, 0n]);
    p.deviceWrites(g.device, 0x2000n);
  }),
  plannedScenario({ id: 'nesting/refused', title: "Entries for memory that the guest has not, or outside its windows, are refused and change nothing", clauses: [REFUSED, ENTERED, 'IOMMU_HWPT_INVALIDATE/counted'] }, (p) => {
    const g = guest(p);
    const own = guestTable(p, g, 'own', LOW_WINDOW, HIGH_WINDOW);
    attach(p, g.device, own);
    enter(p, g, own, [0n, 0x3003n]);
    for (const bad of [[0n, MEMORY + 3n], [0n, (1n << 60n) + 3n], [1n << 40n, 0x3003n], [0x800n, 0x3003n], [HIGH, MEMORY - 0x1000n + 3n + 0x1000n], [LOW_WINDOW.size - 0x1000n, 0x3003n, 2n]] as const) enter(p, g, own, bad);
    enter(p, g, own, [0x1000n, 0x4003n], [0x2000n, MEMORY + 3n], [0x3000n, 0x5003n]);
    for (const iova of [0n, 0x1000n, 0x2000n, 0x3000n]) p.deviceReads(g.device, iova).load(g.memory(0x3000n), 16);
  }),
  plannedScenario({ id: 'nesting/read-only-memory', title: 'What the program maps for reading alone, the guest cannot let a device write', clauses: [REFUSED] }, (p) => {
    const g = guest(p);
    const own = guestTable(p, g, 'own', LOW_WINDOW);
    const rom = p.memory();
    p.iommufd(g.fd, 'IOMMU_IOAS_MAP', { flags: 5n, ioas_id: g.ioas, user_va: rom.address, length: rom.length, iova: 2n * MEMORY });
    for (const permission of [1n, 2n, 3n]) enter(p, g, own, [0n, 2n * MEMORY + permission]);
  }),
  plannedScenario({ id: 'nesting/large-pages', title: 'A page of 64 KiB is entered where all of it is memory of the guest', clauses: [ENTERED, REFUSED], claims: arrived('from', 'to') }, (p) => {
    const g = guest(p);
    const own = guestTable(p, g, 'own', HIGH_WINDOW);
    attach(p, g.device, own);
    p.fill(g.memory(0x1_8000n), 0x1000, 0x31);
    enter(p, g, own, [HIGH, 0x1_0003n]);
    enter(p, g, own, [HIGH + 0x1_0000n, MEMORY + 3n]);
    p.deviceReads(g.device, HIGH + 0x8000n).deviceWrites(g.device, HIGH + 0x9000n).load(g.memory(0x1_8000n), 16, 'from').load(g.memory(0x1_9000n), 16, 'to');
  }),
  plannedScenario({ id: 'nesting/switch', title: 'The guest creates its window: the device goes over to a table with both, and all low entries are still there', clauses: [REPLACED, ENTERED, 'dma/translated'], claims: arrived('from', 'to') }, (p) => {
    const g = guest(p);
    const [before, after] = [guestTable(p, g, 'before', LOW_WINDOW), guestTable(p, g, 'after', LOW_WINDOW, HIGH_WINDOW)];
    const low = [[0x1000n, 0x3003n], [0x5000n, 0x4003n]] as const;
    enter(p, g, before, ...low);
    attach(p, g.device, before);
    p.fill(g.memory(0x3000n), 0x1000, 0x42).deviceReads(g.device, 0x1000n);
    enter(p, g, after, ...low);
    attach(p, g.device, after);
    p.deviceWrites(g.device, 0x5000n).load(g.memory(0x3000n), 16, 'from').load(g.memory(0x4000n), 16, 'to');
    p.deviceWrites(g.device, HIGH);
    destroy(p, g.fd, before);
    enter(p, g, after, [HIGH, 0x2_0003n]);
    p.deviceReads(g.device, HIGH).load(g.memory(0x2_0000n), 16);
  }),
  plannedScenario({ id: 'nesting/reset', title: 'After a reset the device goes by a new default table: every earlier entry is gone', clauses: [REPLACED, 'dma/read-permission'], claims: stayed('before', 'after') }, (p) => {
    const g = guest(p);
    const [desired, fresh] = [guestTable(p, g, 'desired', LOW_WINDOW, HIGH_WINDOW), guestTable(p, g, 'fresh', LOW_WINDOW)];
    attach(p, g.device, desired);
    enter(p, g, desired, [0x1000n, 0x3003n], [HIGH, 0x2_0003n]);
    p.fill(g.memory(0x3000n), 0x1000, 0x61).load(g.memory(0x3000n), 16, 'before');
    attach(p, g.device, fresh);
    for (const iova of [0x1000n, HIGH]) p.deviceReads(g.device, iova).deviceWrites(g.device, iova);
    p.load(g.memory(0x3000n), 16, 'after');
    destroy(p, g.fd, desired);
  }),
  plannedScenario({ id: 'nesting/detached', title: "Detached, a device reaches nothing of the guest's memory", clauses: ['VFIO_DEVICE_DETACH_IOMMUFD_PT/detached', 'dma/outside-windows'], claims: stayed('before', 'after') }, (p) => {
    const g = guest(p);
    const own = guestTable(p, g, 'own', LOW_WINDOW);
    attach(p, g.device, own);
    enter(p, g, own, [0n, 0x3003n]);
    p.fill(g.memory(0x3000n), 0x1000, 0x61).load(g.memory(0x3000n), 16, 'before');
    detach(p, g.device);
    p.deviceWrites(g.device, 0n).load(g.memory(0x3000n), 16, 'after');
  }),
  plannedScenario({ id: 'nesting/unmap-used', title: "Memory that the guest's entries map does not go from under them", clauses: ['IOMMU_IOAS_UNMAP/ppc64-guest', 'IOMMU_IOAS_UNMAP/unmapped'] }, (p) => {
    const g = guest(p);
    const own = guestTable(p, g, 'own', LOW_WINDOW);
    attach(p, g.device, own);
    enter(p, g, own, [0n, 0x3003n]);
    p.iommufd(g.fd, 'IOMMU_IOAS_UNMAP', { ioas_id: g.ioas, iova: 0n, length: MEMORY });
    p.deviceReads(g.device, 0n);
    enter(p, g, own, [0n, 0n]);
    p.iommufd(g.fd, 'IOMMU_IOAS_UNMAP', { ioas_id: g.ioas, iova: 0n, length: MEMORY });
    enter(p, g, own, [0n, 0x3003n]);
  }),
  plannedScenario({ id: 'nesting/lifetime', title: "A guest's table keeps its parent, and the device keeps the table", clauses: ['IOMMU_DESTROY/in-use', 'IOMMU_DESTROY/destroyed'] }, (p) => {
    const g = guest(p);
    const own = guestTable(p, g, 'own', LOW_WINDOW);
    attach(p, g.device, own);
    for (const id of [own, g.parent, g.ioas]) destroy(p, g.fd, id);
    detach(p, g.device);
    for (const id of [own, g.parent, g.ioas]) destroy(p, g.fd, id);
  }),
];
