import { vfioScenario } from '../../../harness/build/scenario-builder.js';
import type { Scenario } from '../../../harness/scenario.js';
import { VFIO_IOAS } from '../../../reference/uapi/iommufd.js';
import { AS_PLANNED } from '../../../reference/iommufd/ppc64/hwpt-checks.js';
import { freeze, shown } from '../../eeh/steps.js';
import { attach, bound, destroy, detach, map, PAGE, table } from '../device-steps.js';
import { filled, HIGH, HIGH_WINDOW, LOW_WINDOW, plannedScenario, ranges, ready, withWindows } from './steps.js';

const ALLOC = 'IOMMU_HWPT_ALLOC';
const ATTACH = 'VFIO_DEVICE_ATTACH_IOMMUFD_PT';
const BIND = 'VFIO_DEVICE_BIND_IOMMUFD';
const OF_GROUP = 'group-device-of-iommufd';
const ALLOW = 'IOMMU_IOAS_ALLOW_IOVAS';
const DISK = 'disk0.dev0';

/** How a PE comes to a program and goes back to the host; what a program asks for before; what is in the way. */
export const scenarios: readonly Scenario[] = [
  vfioScenario(
    { id: 'iommufd/ppc64/q01-bind', title: 'Without the parameter allow_unsafe_interrupts a PE cannot be bound, unless the kernel holds its interrupts to be isolated', clauses: [`${BIND}/ppc64-isolated`], requires: [AS_PLANNED, 'no-unsafe-interrupts'], tentative: true },
    (p) => {
      const fd = p.iommu();
      const device = bound(p, fd);
      attach(p, device, p.ioas(fd));
      p.v2('pe1');
    },
  ),
  vfioScenario(
    { id: 'iommufd/ppc64/q28-group-path-safe', title: 'The same of a device of a group that works with /dev/iommu', clauses: [`${OF_GROUP}/ppc64-isolated`], requires: [AS_PLANNED, 'no-unsafe-interrupts'], tentative: true },
    (p) => {
      const [fd, group] = [p.iommu(), p.open('pe0', 'group')];
      p.ioctl(group, 'VFIO_GROUP_SET_CONTAINER', { fd });
      p.device({ fd, group });
    },
  ),
  plannedScenario({ id: 'iommufd/ppc64/q13-given-back', title: "A page table that was only made, a program that ends: the PE is the host's again, its driver works, and VFIO has its default window", clauses: [`${ALLOC}/ppc64-made`, `${BIND}/blocked`, 'VFIO_IOMMU_MAP_DMA/mapped', 'dma/translated'], requires: ['bind', 'disk', `device:${DISK}`] }, (p) => {
    p.disk(DISK).bind(DISK, 'vfio-pci');
    const r = ready(p, DISK);
    table(p, r.fd, r.device, r.ioas, 'default');
    attach(p, r.device, r.ioas);
    p.close(r.device.fd).close(r.fd).bind(DISK, 'host').disk(DISK);
    const other = ready(p);
    withWindows(p, other, 'windows', HIGH_WINDOW, LOW_WINDOW);
    p.close(other.device.fd).close(other.fd);
    const container = p.v2();
    const buffer = p.registered(container);
    p.map(container, buffer.address, p.defaultWindow().start, PAGE);
    p.deviceWrites(p.device(container), p.defaultWindow().start).load(buffer.address, 16);
  }),
  plannedScenario({ id: 'iommufd/ppc64/q23-no-room', title: 'Entries that the platform has no room for are refused, whichever way they come, and nothing of them is mapped', clauses: ['IOMMU_IOAS_MAP', 'IOMMU_IOAS_MAP_FILE', 'IOMMU_IOAS_COPY', 'TYPE1_MAP_DMA'].map((call) => `${call}/ppc64-room`) }, (p) => {
    const r = ready(p);
    const size = 1n << 34n;
    withWindows(p, r, 'large', { ...HIGH_WINDOW, size }, LOW_WINDOW);
    const [buffer, file] = [p.memory(), p.file(PAGE)];
    p.iommufd(r.fd, 'IOMMU_VFIO_IOAS', { op: VFIO_IOAS.SET, ioas_id: r.ioas });
    for (let at = 0n; at < size; at += size / 16n) map(p, r.fd, r.ioas, buffer.address, HIGH + at);
    p.iommufd(r.fd, 'IOMMU_IOAS_MAP_FILE', { flags: 7n, ioas_id: r.ioas, fd: file, length: PAGE, iova: HIGH + PAGE });
    p.iommufd(r.fd, 'IOMMU_IOAS_COPY', { flags: 7n, dst_ioas_id: r.ioas, src_ioas_id: r.ioas, length: PAGE, src_iova: HIGH, dst_iova: 0n });
    p.ioctl(r.fd, 'VFIO_IOMMU_MAP_DMA', { flags: 3n, vaddr: buffer.address, iova: PAGE, size: PAGE });
    p.iommufd(r.fd, 'IOMMU_IOAS_UNMAP', { ioas_id: r.ioas, iova: 0n, length: (1n << 64n) - 1n });
  }),
  plannedScenario({ id: 'iommufd/ppc64/q28-group-path', title: 'A device of a group that works with /dev/iommu has the default window of its IOAS: a program of type 1 maps in it', clauses: [`${OF_GROUP}/opened`, 'VFIO_GROUP_SET_CONTAINER/iommufd', 'TYPE1_MAP_DMA/mapped', 'TYPE1_MAP_DMA/reserved', 'dma/translated'] }, (p) => {
    const [fd, group, buffer] = [p.iommu(), p.open('pe0', 'group'), filled(p, 0x2d)];
    p.ioctl(group, 'VFIO_GROUP_SET_CONTAINER', { fd }).ioctl(fd, 'VFIO_SET_IOMMU', { value: 3n });
    const device = p.device({ fd, group });
    p.ioctl(fd, 'VFIO_IOMMU_GET_INFO');
    for (const iova of [PAGE, HIGH]) p.ioctl(fd, 'VFIO_IOMMU_MAP_DMA', { flags: 3n, vaddr: buffer.address, iova, size: PAGE });
    p.deviceReads(device, PAGE).deviceWrites(device, PAGE + 0x1000n).load(buffer.at(0x1000n), 16);
    p.close(device.fd).deviceWrites(device, PAGE);
  }),
  plannedScenario({ id: 'iommufd/ppc64/q29-reset', title: 'Attaching while the device is being reset: EBUSY or done, and done afterwards; detaching is never refused', clauses: [`${ATTACH}/resetting`, `${ATTACH}/attached`, 'VFIO_DEVICE_DETACH_IOMMUFD_PT/detached'] }, (p) => {
    const r = ready(p);
    for (let i = 0; i < 4; i++) {
      p.together({ door: 'vfio', op: 'ioctl', fd: r.device.fd, call: 'VFIO_DEVICE_RESET', args: {} }, { door: 'vfio', op: 'ioctl', fd: r.device.fd, call: ATTACH, args: { pt_id: r.ioas } });
      attach(p, r.device, r.ioas);
      p.together({ door: 'vfio', op: 'ioctl', fd: r.device.fd, call: 'VFIO_DEVICE_RESET', args: {} }, { door: 'vfio', op: 'ioctl', fd: r.device.fd, call: 'VFIO_DEVICE_DETACH_IOMMUFD_PT', args: {} });
    }
  }),
  plannedScenario({ id: 'iommufd/ppc64/q29-stopped', title: 'A stopped PE is attached and detached as any other: its state is another matter', clauses: [`${ATTACH}/attached`, `${ATTACH}/replaced`, 'eeh-host/state'], requires: ['eeh', 'freeze'] }, (p) => {
    const r = ready(p);
    const other = p.ioas(r.fd);
    freeze(p);
    for (const ioas of [r.ioas, other]) attach(p, r.device, ioas);
    shown(p, 'pe0.dev0');
    detach(p, r.device);
  }),
  plannedScenario({ id: 'iommufd/ppc64/p09-without-windows', title: 'Promised IOVAs beyond its default window, and a PE that can have no other: no page table, until the promise is taken back', clauses: [`${ATTACH}/aperture`, `${ALLOC}/aperture`, `${ALLOW}/allowed`, `${ATTACH}/attached`], requires: ['pe:plain0', 'device:plain0.dev0'] }, (p) => {
    const r = ready(p, 'plain0.dev0');
    const array = p.memory(PAGE).address;
    const low = [0n, LOW_WINDOW.size - 1n];
    p.store(array, [...low, HIGH, HIGH + HIGH_WINDOW.size - 1n]);
    for (const ranges of [2n, 1n]) {
      p.iommufd(r.fd, ALLOW, { ioas_id: r.ioas, num_iovas: ranges, allowed_iovas: array });
      table(p, r.fd, r.device, r.ioas, `made${ranges}`);
      attach(p, r.device, r.ioas);
    }
  }),
  plannedScenario({ id: 'iommufd/ppc64/p14-virtual-function', title: 'A PE without a default window has one window, wherever that can be, and no page table without a description', clauses: [`${ALLOC}/ppc64-no-default`, `${ALLOC}/ppc64-count`, `${ALLOC}/ppc64-start`, `${ALLOC}/ppc64-made`, `${ATTACH}/paging`], requires: ['pe:vf0', 'device:vf0.dev0'] }, (p) => {
    const r = ready(p, 'vf0.dev0');
    table(p, r.fd, r.device, r.ioas, 'default');
    attach(p, r.device, r.ioas);
    withWindows(p, r, 'two', HIGH_WINDOW, { ...HIGH_WINDOW, start: 0n });
    withWindows(p, r, 'low', { ...HIGH_WINDOW, start: 0n });
    const made = withWindows(p, r, 'high', HIGH_WINDOW);
    const buffer = filled(p, 0x35);
    map(p, r.fd, r.ioas, buffer.address, HIGH);
    attach(p, r.device, made);
    ranges(p, r);
    p.deviceReads(r.device, HIGH).deviceWrites(r.device, HIGH + 0x1000n).load(buffer.at(0x1000n), 16);
    detach(p, r.device);
    destroy(p, r.fd, made);
  }),
  plannedScenario({ id: 'iommufd/ppc64/q27-reserve-memory', title: 'Memory that is mapped with RESERVE is pinned and reached by no device; a copy of it is reached where it is placed', clauses: ['IOMMU_IOAS_MAP/ppc64-reserve', 'IOMMU_IOAS_MAP/ppc64-reserved', 'IOMMU_IOAS_COPY/copied', 'IOMMU_IOAS_UNMAP/unmapped', 'dma/translated', 'ledger/locked'] }, (p) => {
    const r = ready(p);
    const buffer = filled(p, 0x51);
    map(p, r.fd, r.ioas, buffer.address, 0n, PAGE, 15n);
    attach(p, r.device, r.ioas);
    map(p, r.fd, r.ioas, buffer.address, PAGE, PAGE, 15n);
    p.deviceWrites(r.device, 0n).deviceWrites(r.device, PAGE).load(buffer.address, 16);
    map(p, r.fd, r.ioas, buffer.address, 0n);
    p.iommufd(r.fd, 'IOMMU_IOAS_COPY', { flags: 7n, dst_ioas_id: r.ioas, src_ioas_id: r.ioas, length: PAGE, src_iova: 0n, dst_iova: 4n * PAGE });
    p.deviceReads(r.device, 4n * PAGE).deviceWrites(r.device, 4n * PAGE + 0x1000n).load(buffer.at(0x1000n), 16);
    detach(p, r.device);
    for (const iova of [0n, 4n * PAGE, PAGE]) p.iommufd(r.fd, 'IOMMU_IOAS_UNMAP', { ioas_id: r.ioas, iova, length: PAGE });
    map(p, r.fd, r.ioas, p.memory().at(-0x1_0000n), 0n, PAGE, 15n);
  }),
];
