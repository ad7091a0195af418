import type { Scenario } from '../../../harness/scenario.js';
import { HWPT } from '../../../reference/uapi/iommufd.js';
import { attach, destroy, detach, map, PAGE, table } from '../device-steps.js';
import { HIGH, HIGH_WINDOW, LOW_WINDOW, plannedScenario, ranges, ready, withWindows } from './steps.js';

const ALLOC = 'IOMMU_HWPT_ALLOC';
const TOLD = 'IOMMU_IOAS_IOVA_RANGES/told';
const MAPPED = 'IOMMU_IOAS_MAP/mapped';

/** Windows of page tables: made by description, what can be mapped in them, what is refused. */
export const scenarios: readonly Scenario[] = [
  plannedScenario({ id: 'iommufd/ppc64/q03-default-window', title: 'A page table without a description has the default window, and nothing else can be mapped', clauses: [`${ALLOC}/ppc64-made`, TOLD] }, (p) => {
    const r = ready(p);
    ranges(p, r);
    const made = table(p, r.fd, r.device, r.ioas, 'made');
    ranges(p, r);
    destroy(p, r.fd, made);
    ranges(p, r);
  }),
  plannedScenario({ id: 'iommufd/ppc64/q04-flags', title: 'Page tables of POWER tell nothing of what was written and know no PASIDs', clauses: [`${ALLOC}/driver-flags`, `${ALLOC}/dirty-tracking`] }, (p) => {
    const r = ready(p);
    for (const flags of [HWPT.DIRTY_TRACKING, HWPT.PASID]) table(p, r.fd, r.device, r.ioas, `flags${flags}`, { flags });
  }),
  plannedScenario({ id: 'iommufd/ppc64/q05-window', title: 'A page table with a described window: exactly that window can be mapped', clauses: [`${ALLOC}/ppc64-made`, TOLD, MAPPED, 'IOMMU_IOAS_MAP/reserved'] }, (p) => {
    const r = ready(p);
    withWindows(p, r, 'made', HIGH_WINDOW);
    ranges(p, r);
    const { address } = p.memory();
    map(p, r.fd, r.ioas, address, HIGH);
    map(p, r.fd, r.ioas, address, HIGH + HIGH_WINDOW.size - PAGE);
    for (const outside of [HIGH - PAGE, HIGH + HIGH_WINDOW.size, 0n]) map(p, r.fd, r.ioas, address, outside);
  }),
  plannedScenario({ id: 'iommufd/ppc64/two-windows', title: 'A page table with two windows: both can be mapped, what lies between them cannot, nor be promised', clauses: [`${ALLOC}/ppc64-made`, TOLD, 'IOMMU_IOAS_ALLOW_IOVAS/reserved', 'IOMMU_IOAS_MAP/reserved'] }, (p) => {
    const r = ready(p);
    withWindows(p, r, 'made', HIGH_WINDOW, LOW_WINDOW);
    ranges(p, r);
    const { address } = p.memory();
    for (const iova of [0n, LOW_WINDOW.size - PAGE, HIGH]) map(p, r.fd, r.ioas, address, iova);
    for (const iova of [LOW_WINDOW.size, HIGH - PAGE, 1n << 40n]) map(p, r.fd, r.ioas, address, iova);
    map(p, r.fd, r.ioas, address, LOW_WINDOW.size - 2n * PAGE, 4n * PAGE);
    const array = p.memory(PAGE).address;
    p.store(array, [0n, LOW_WINDOW.size - 1n, HIGH, HIGH + HIGH_WINDOW.size - 1n, LOW_WINDOW.size - PAGE, HIGH]);
    p.iommufd(r.fd, 'IOMMU_IOAS_ALLOW_IOVAS', { ioas_id: r.ioas, num_iovas: 2n, allowed_iovas: array });
    p.iommufd(r.fd, 'IOMMU_IOAS_ALLOW_IOVAS', { ioas_id: r.ioas, num_iovas: 1n, allowed_iovas: { ...(array as { from: string }), plus: 32n } });
  }),
  plannedScenario({ id: 'iommufd/ppc64/q06-attach', title: 'A device attached to an IOAS gets the default window', clauses: ['VFIO_DEVICE_ATTACH_IOMMUFD_PT/attached', TOLD] }, (p) => {
    const r = ready(p);
    attach(p, r.device, r.ioas, 'attached');
    ranges(p, r);
    detach(p, r.device);
    ranges(p, r);
  }),
  plannedScenario({ id: 'iommufd/ppc64/q07-window-end', title: 'The last 4 KiB of the default window can be mapped, those after it cannot', clauses: [MAPPED, 'IOMMU_IOAS_MAP/reserved'] }, (p) => {
    const r = ready(p);
    attach(p, r.device, r.ioas);
    const { address } = p.memory();
    for (const minus of [-0x1000n, 0n]) p.iommufd(r.fd, 'IOMMU_IOAS_MAP', { flags: 7n, ioas_id: r.ioas, user_va: address, length: 0x1000n, iova: { from: 'pe0.dma32.end', plus: minus } });
  }),
  plannedScenario({ id: 'iommufd/ppc64/q14-many', title: 'Page tables made and destroyed many times leave nothing behind', clauses: [`${ALLOC}/ppc64-made`, 'IOMMU_DESTROY/destroyed'] }, (p) => {
    const r = ready(p);
    for (let i = 0; i < 50; i++) destroy(p, r.fd, withWindows(p, r, `made${i}`, HIGH_WINDOW, LOW_WINDOW));
    ranges(p, r);
  }),
  plannedScenario({ id: 'iommufd/ppc64/q17-allowed', title: 'Both windows promised before they are made: a page table with both is made, one with the default window alone is not', clauses: [`${ALLOC}/aperture`, `${ALLOC}/ppc64-made`] }, (p) => {
    const r = ready(p);
    const array = p.memory(PAGE).address;
    p.store(array, [0n, LOW_WINDOW.size - 1n, HIGH, HIGH + HIGH_WINDOW.size - 1n]);
    p.iommufd(r.fd, 'IOMMU_IOAS_ALLOW_IOVAS', { ioas_id: r.ioas, num_iovas: 2n, allowed_iovas: array });
    attach(p, r.device, r.ioas);
    table(p, r.fd, r.device, r.ioas, 'default');
    attach(p, r.device, withWindows(p, r, 'both', LOW_WINDOW, HIGH_WINDOW));
    ranges(p, r);
  }),
  plannedScenario({ id: 'iommufd/ppc64/no-windows', title: 'A PE that can have no window made has its default one, and no other', clauses: [`${ALLOC}/ppc64-count`, `${ALLOC}/ppc64-start`], requires: ['pe:plain0', 'device:plain0.dev0'] }, (p) => {
    const r = ready(p, 'plain0.dev0');
    withWindows(p, r, 'high', { ...HIGH_WINDOW, pageShift: 12 });
    withWindows(p, r, 'both', { ...LOW_WINDOW, start: 0n }, { ...HIGH_WINDOW, pageShift: 12 });
    withWindows(p, r, 'low', { ...LOW_WINDOW, start: 0n });
  }),
  plannedScenario({ id: 'iommufd/ppc64/q19-bad-windows', title: 'Windows that cannot be: every one is refused, and nothing is left of it', clauses: ['size', 'page-size', 'levels', 'start', 'count', 'overlap', 'reserved', 'length', 'pointer'].map((rule) => `${ALLOC}/ppc64-${rule}`).slice(0, 6) }, (p) => {
    const r = ready(p);
    const bad = [{ size: 0n }, { size: 3n << 24n }, { size: 0x8000n }, { pageShift: 13 }, { pageShift: 140 }, { levels: 0n }, { levels: 9n }, { start: 1n << 40n }, { start: 0n, size: 1n << 40n }];
    bad.forEach((change, i) => void withWindows(p, r, `bad${i}`, { ...HIGH_WINDOW, ...change }));
    withWindows(p, r, 'third', LOW_WINDOW, HIGH_WINDOW, HIGH_WINDOW);
    withWindows(p, r, 'twice', HIGH_WINDOW, HIGH_WINDOW);
    ranges(p, r);
  }),
  plannedScenario({ id: 'iommufd/ppc64/q21-large-pages', title: 'A window whose pages are larger than those of the system is no page table for an IOAS', clauses: [`${ALLOC}/page-size`], requires: ['page-size:21'] }, (p) => {
    const r = ready(p);
    withWindows(p, r, 'large', { ...HIGH_WINDOW, pageShift: 21 });
    ranges(p, r);
  }),
  plannedScenario({ id: 'iommufd/ppc64/second-table', title: "A second page table beside the first one's window: one table has all windows, or each has its own", clauses: [`${ALLOC}/ppc64-second-table`] }, (p) => {
    const r = ready(p);
    withWindows(p, r, 'low', LOW_WINDOW);
    map(p, r.fd, r.ioas, p.memory().address, 0n);
    withWindows(p, r, 'high', HIGH_WINDOW);
    ranges(p, r);
  }),
];
