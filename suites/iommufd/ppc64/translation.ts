import type { Scenario } from '../../../harness/scenario.js';
import { attach, bound, destroy, detach, map, PAGE, table } from '../device-steps.js';
import { filled, HIGH, HIGH_WINDOW, LOW_WINDOW, plannedScenario, ready, withWindows } from './steps.js';

const ATTACH = 'VFIO_DEVICE_ATTACH_IOMMUFD_PT';
const TRANSLATED = 'dma/translated';
const BLOCKED = 'dma/outside-windows';

const arrived = (loads: readonly [string, string], says = 'the device has written what it read') => [{ says, clause: 'memory/contents', holds: 'equal', loads }] as const;
const stayed = (loads: readonly [string, string]) => [{ says: 'what the device wrote did not arrive', clause: BLOCKED, holds: 'equal', loads }] as const;

/** Page tables of POWER as devices see them. */
export const scenarios: readonly Scenario[] = [
  plannedScenario({ id: 'iommufd/ppc64/q08-part-of-page', title: 'Four KiB within a system page are mapped by themselves, the neighbours are not', clauses: ['IOMMU_IOAS_MAP/mapped', TRANSLATED, 'dma/read-permission'], claims: arrived(['from', 'to']) }, (p) => {
    const r = ready(p);
    attach(p, r.device, r.ioas);
    const buffer = p.memory();
    p.fill(buffer.at(0x1000n), 0x1000, 0x5a);
    const target = p.memory();
    p.iommufd(r.fd, 'IOMMU_IOAS_MAP', { flags: 7n, ioas_id: r.ioas, user_va: buffer.at(0x1000n), length: 0x1000n, iova: 0x1000n });
    map(p, r.fd, r.ioas, target.address, 0x10_0000n);
    p.deviceReads(r.device, 0x1000n).deviceWrites(r.device, 0x10_0000n);
    p.load(buffer.at(0x1000n), 16, 'from').load(target.address, 16, 'to');
    p.deviceReads(r.device, 0x2000n);
  }),
  plannedScenario({ id: 'iommufd/ppc64/q09-write-only', title: 'What a device may write it may read as well, where it is mapped for writing alone', clauses: ['IOMMU_IOAS_MAP/mapped', TRANSLATED], claims: arrived(['from', 'to']) }, (p) => {
    const r = ready(p);
    attach(p, r.device, r.ioas);
    const [source, target] = [filled(p, 0x3c), p.memory()];
    map(p, r.fd, r.ioas, source.address, 0n, PAGE, 3n);
    map(p, r.fd, r.ioas, target.address, PAGE, PAGE, 3n);
    p.deviceReads(r.device, 0n).deviceWrites(r.device, PAGE);
    p.load(source.address, 16, 'from').load(target.address, 16, 'to');
  }),
  plannedScenario({ id: 'iommufd/ppc64/q09-read-only', title: 'What is mapped for reading alone no device writes', clauses: ['dma/write-permission'], claims: [{ says: 'what the device wrote did not arrive', clause: 'dma/write-permission', holds: 'equal', loads: ['before', 'after'] }] }, (p) => {
    const r = ready(p);
    attach(p, r.device, r.ioas);
    const [source, kept] = [filled(p, 0x3c), filled(p, 0x77)];
    map(p, r.fd, r.ioas, source.address, 0n);
    map(p, r.fd, r.ioas, kept.address, PAGE, PAGE, 5n);
    p.deviceReads(r.device, 0n).load(kept.address, 16, 'before').deviceWrites(r.device, PAGE).load(kept.address, 16, 'after');
  }),
  plannedScenario({ id: 'iommufd/ppc64/q10-blocked', title: 'Detached, a device reaches no memory: the windows are gone, whatever the IOAS still has', clauses: ['VFIO_DEVICE_DETACH_IOMMUFD_PT/detached', BLOCKED], claims: stayed(['before', 'after']) }, (p) => {
    const r = ready(p);
    attach(p, r.device, table(p, r.fd, r.device, r.ioas, 'made'));
    const [source, kept] = [filled(p, 0x11), filled(p, 0x22)];
    map(p, r.fd, r.ioas, source.address, 0n);
    map(p, r.fd, r.ioas, kept.address, PAGE);
    p.deviceReads(r.device, 0n).load(kept.address, 16, 'before');
    detach(p, r.device);
    p.deviceWrites(r.device, PAGE).load(kept.address, 16, 'after');
  }),
  plannedScenario({ id: 'iommufd/ppc64/bound-is-blocked', title: 'Bound and not attached, a device reaches no memory', clauses: ['VFIO_DEVICE_BIND_IOMMUFD/blocked', BLOCKED] }, (p) => {
    const r = ready(p);
    map(p, r.fd, r.ioas, p.memory().address, 0n);
    p.deviceWrites(r.device, 0n);
  }),
  plannedScenario({ id: 'iommufd/ppc64/q11-again', title: 'Attached again, a device reaches what it reached before', clauses: [`${ATTACH}/attached`, TRANSLATED], claims: arrived(['from', 'to']) }, (p) => {
    const r = ready(p);
    const [source, target] = [filled(p, 0x6b), p.memory()];
    map(p, r.fd, r.ioas, source.address, 0n);
    map(p, r.fd, r.ioas, target.address, PAGE);
    attach(p, r.device, r.ioas);
    detach(p, r.device);
    attach(p, r.device, r.ioas);
    p.deviceReads(r.device, 0n).deviceWrites(r.device, PAGE).load(source.address, 16, 'from').load(target.address, 16, 'to');
  }),
  plannedScenario({ id: 'iommufd/ppc64/q12-replace', title: 'Two page tables of one IOAS: replaced by one another, both have all that is mapped', clauses: [`${ATTACH}/replaced`, TRANSLATED], claims: arrived(['from', 'to']) }, (p) => {
    const r = ready(p);
    const [a, b] = ['a', 'b'].map((as) => withWindows(p, r, as, LOW_WINDOW, HIGH_WINDOW)) as [never, never];
    const [source, target] = [filled(p, 0x44), p.memory()];
    map(p, r.fd, r.ioas, source.address, 0n);
    attach(p, r.device, a);
    map(p, r.fd, r.ioas, target.address, HIGH);
    attach(p, r.device, b);
    p.deviceReads(r.device, 0n);
    attach(p, r.device, a);
    p.deviceWrites(r.device, HIGH).load(source.address, 16, 'from').load(target.address, 16, 'to');
    destroy(p, r.fd, a);
    destroy(p, r.fd, b);
  }),
  plannedScenario({ id: 'iommufd/ppc64/q15-functions', title: 'A second function of the PE goes by the same page table, and by no other', clauses: [`${ATTACH}/group`, TRANSLATED], requires: ['device:pair0.dev1'], claims: arrived(['from', 'to']) }, (p) => {
    const r = ready(p, 'pair0.dev0');
    const second = bound(p, r.fd, 'pair0.dev1');
    const [made, other] = ['made', 'other'].map((as) => table(p, r.fd, r.device, r.ioas, as)) as [never, never];
    const [source, target] = [filled(p, 0x21), p.memory()];
    map(p, r.fd, r.ioas, source.address, 0n);
    map(p, r.fd, r.ioas, target.address, PAGE);
    attach(p, r.device, made);
    attach(p, second, other);
    attach(p, second, made);
    p.deviceReads(second, 0n).deviceWrites(second, PAGE).load(source.address, 16, 'from').load(target.address, 16, 'to');
  }),
  plannedScenario({ id: 'iommufd/ppc64/q16-two-pes', title: 'Two PEs attached to one page table reach the same memory', clauses: [`${ATTACH}/attached`, TRANSLATED], requires: ['device:pe1.dev0'], claims: arrived(['from', 'to']) }, (p) => {
    const r = ready(p);
    const other = bound(p, r.fd, 'pe1.dev0');
    const made = table(p, r.fd, r.device, r.ioas, 'made');
    for (const device of [r.device, other]) attach(p, device, made);
    const [source, target] = [filled(p, 0x65), p.memory()];
    map(p, r.fd, r.ioas, source.address, 0n);
    map(p, r.fd, r.ioas, target.address, PAGE);
    p.deviceReads(other, 0n).deviceWrites(other, PAGE).load(source.address, 16, 'from').load(target.address, 16, 'to');
    p.iommufd(r.fd, 'IOMMU_IOAS_UNMAP', { ioas_id: r.ioas, iova: PAGE, length: PAGE });
    for (const device of [r.device, other]) p.deviceWrites(device, PAGE);
  }),
  plannedScenario({ id: 'iommufd/ppc64/q22-alloc-alone', title: 'A page table that is only made changes nothing of what a device reaches', clauses: ['IOMMU_HWPT_ALLOC/ppc64-made', TRANSLATED], claims: arrived(['from', 'to']) }, (p) => {
    const r = ready(p);
    const other = p.ioas(r.fd);
    const [source, target] = [filled(p, 0x19), p.memory()];
    map(p, r.fd, r.ioas, source.address, 0n);
    map(p, r.fd, r.ioas, target.address, PAGE);
    attach(p, r.device, r.ioas);
    table(p, r.fd, r.device, other, 'other');
    map(p, r.fd, other, target.address, 0n);
    p.deviceReads(r.device, 0n).deviceWrites(r.device, PAGE).load(source.address, 16, 'from').load(target.address, 16, 'to');
  }),
];
