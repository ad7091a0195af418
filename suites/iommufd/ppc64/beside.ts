import type { Scenario } from '../../../harness/scenario.js';
import { attach, destroy, detach, map, PAGE } from '../device-steps.js';
import { filled, HIGH, HIGH_WINDOW, LOW_WINDOW, plannedScenario, ranges, ready, withWindows } from './steps.js';

/*
 * A window of a page table of its own beside those of another (the fork of the plan, choice I30). The model refuses the second table;
 * a kernel that makes it is followed.
 */

const SECOND = 'IOMMU_HWPT_ALLOC/ppc64-second-table';

export const scenarios: readonly Scenario[] = [
  plannedScenario({ id: 'iommufd/ppc64/beside-attached', title: 'A device attached to two page tables with a window each has both; where the second is refused, the first alone', clauses: [SECOND, 'VFIO_DEVICE_ATTACH_IOMMUFD_PT/attached', 'dma/translated'] }, (p) => {
    const r = ready(p);
    const [low, high, buffer] = [withWindows(p, r, 'low', LOW_WINDOW), withWindows(p, r, 'high', HIGH_WINDOW), filled(p, 0x63)];
    ranges(p, r);
    map(p, r.fd, r.ioas, buffer.address, 0n);
    map(p, r.fd, r.ioas, buffer.at(PAGE), HIGH);
    map(p, r.fd, r.ioas, buffer.address, 1n << 40n);
    attach(p, r.device, low);
    p.deviceReads(r.device, 0n).deviceWrites(r.device, HIGH).load(buffer.at(PAGE), 16);
    attach(p, r.device, high);
    p.deviceReads(r.device, 0n).deviceWrites(r.device, HIGH).load(buffer.at(PAGE), 16);
    for (const table of [low, high]) destroy(p, r.fd, table);
    detach(p, r.device);
    p.deviceWrites(r.device, HIGH + 0x1000n).deviceWrites(r.device, 0n).load(buffer.address, 16);
  }),
  plannedScenario({ id: 'iommufd/ppc64/beside-removed', title: 'A window that goes with its page table leaves the other window and all that it has', clauses: [SECOND, 'IOMMU_IOAS_MAP/mapped', 'dma/translated', 'ledger/locked'] }, (p) => {
    const r = ready(p);
    const [low, high, buffer] = [withWindows(p, r, 'low', LOW_WINDOW), withWindows(p, r, 'high', HIGH_WINDOW), filled(p, 0x64)];
    for (const [i, iova] of [0n, HIGH].entries()) map(p, r.fd, r.ioas, buffer.at(BigInt(i) * PAGE), iova);
    destroy(p, r.fd, high);
    ranges(p, r);
    map(p, r.fd, r.ioas, buffer.address, HIGH + PAGE);
    map(p, r.fd, r.ioas, buffer.address, PAGE);
    attach(p, r.device, low);
    p.deviceReads(r.device, 0n).deviceWrites(r.device, PAGE + 0x1000n).load(buffer.at(0x1000n), 16);
    detach(p, r.device);
    destroy(p, r.fd, low);
  }),
];
