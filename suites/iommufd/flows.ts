import type { VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { attach, bind, bound, detach, map, node, PAGE, table } from './device-steps.js';

const ATTACH = 'VFIO_DEVICE_ATTACH_IOMMUFD_PT';

/** A group works with /dev/iommu, and a device of it is asked for. */
function groupPath(p: VfioProgramBuilder): void {
  const fd = p.iommu();
  const group = p.open('pe0', 'group');
  p.ioctl(group, 'VFIO_GROUP_SET_CONTAINER', { fd }).ioctl(group, 'VFIO_GROUP_GET_DEVICE_FD', {}, { device: 'pe0.dev0' });
}

/* Flows of programs that users of POWER have (VPT-13, 14, 16), and what POWER's IOMMU answers as it is today. What is right differs between machines: the model says. */
export const scenarios: readonly Scenario[] = [
  vfioScenario(
    { id: 'iommufd/flows/cdev-bind', title: 'A device is bound through its own node: once, to a context, and with nothing before', clauses: ['device-unbound/bind-first', 'VFIO_DEVICE_BIND_IOMMUFD/kind'], requires: ['cdev'] },
    (p) => {
      p.open('container', 'unused');
      const fd = node(p);
      const iommu = p.iommu();
      p.ioctl(fd, 'VFIO_DEVICE_GET_INFO');
      bind(p, { from: 'unused.fd' }, fd, 'not-a-context');
      for (const as of ['bound', 'again']) bind(p, iommu, fd, as);
      p.ioctl(fd, 'VFIO_DEVICE_GET_INFO');
    },
  ),
  vfioScenario(
    { id: 'iommufd/flows/cdev-ioas-attach-map', title: 'A device is attached to an IOAS, a mebibyte is mapped where it can be, and unmapped; the device is detached and attached once more', clauses: [`${ATTACH}/attached`], requires: ['cdev'] },
    (p) => {
      const [iommu, ranges] = [p.iommu(), p.memory()];
      const ioas = p.ioas(iommu);
      const device = bound(p, iommu);
      attach(p, device, ioas, 'attached');
      p.iommufd(iommu, 'IOMMU_IOAS_IOVA_RANGES', { ioas_id: ioas, num_iovas: 16n, allowed_iovas: ranges.address }).load(ranges.address, 256);
      const memory = p.memory(0x10_0000n);
      for (const iova of [0n, 0x2000_0000n]) {
        map(p, iommu, ioas, memory.address, iova, memory.length);
        p.deviceReads(device, iova).deviceWrites(device, iova + PAGE).load(memory.at(PAGE), 16);
        p.iommufd(iommu, 'IOMMU_IOAS_UNMAP', { ioas_id: ioas, iova, length: memory.length });
        detach(p, device);
        attach(p, device, ioas, `again-${iova}`);
      }
    },
  ),
  vfioScenario(
    { id: 'iommufd/flows/cdev-device-scan', title: "A device got through its node tells its regions and takes its own calls", clauses: ['VFIO_DEVICE_GET_INFO/answer', 'VFIO_DEVICE_GET_REGION_INFO/answer', 'device-unknown/number'], requires: ['cdev'] },
    (p) => {
      const { fd } = bound(p, p.iommu());
      p.ioctl(fd, 'VFIO_DEVICE_GET_INFO');
      for (let index = 0n; index < 8n; index++) p.ioctl(fd, 'VFIO_DEVICE_GET_REGION_INFO', { index });
      p.do({ door: 'vfio', op: 'read', fd, region: 7, offset: 0, length: 4 });
      p.ioctl(fd, 'VFIO_UNKNOWN');
    },
  ),
  vfioScenario(
    { id: 'iommufd/flows/power-as-it-is', title: "POWER's IOMMU as it is tells nothing of itself, and makes no page table, with flags or without", clauses: ['IOMMU_GET_HW_INFO/told', 'IOMMU_GET_HW_INFO/capabilities', 'IOMMU_HWPT_ALLOC/paging', 'IOMMU_HWPT_ALLOC/plain-driver', `${ATTACH}/paging`], requires: ['cdev', 'no-paging'] },
    (p) => {
      const [iommu, memory] = [p.iommu(), p.memory()];
      const ioas = p.ioas(iommu);
      const device = bound(p, iommu);
      for (const data_len of [0n, 16n]) p.fill(memory.address, 32, 0xff).iommufd(iommu, 'IOMMU_GET_HW_INFO', { dev_id: device.id, data_len, data_uptr: memory.address }).load(memory.address, 32);
      for (const flags of [0n, 1n, 2n, 8n]) table(p, iommu, device, ioas, `refused-${flags}`, { flags });
      table(p, iommu, device, ioas, 'refused-data', { data_type: 5n, data_len: 16n, data_uptr: memory.address });
      attach(p, device, ioas);
      p.deviceReads(device, 0n);
    },
  ),
  vfioScenario(
    { id: 'iommufd/flows/power-group-path', title: "A group of POWER's as it is can work with /dev/iommu, but a device of it cannot be had", clauses: ['VFIO_GROUP_SET_CONTAINER/iommufd', 'group-device-of-iommufd/paging'], requires: ['pe:pe0', 'no-paging', 'unsafe-interrupts'] },
    groupPath,
  ),
  vfioScenario(
    { id: 'iommufd/flows/power-group-path-safe', title: "Where interrupts are not isolated and nobody permits that, a device of a group that works with /dev/iommu is refused with EPERM", clauses: ['VFIO_GROUP_SET_CONTAINER/iommufd', 'group-device-of-iommufd/isolated'], requires: ['pe:pe0', 'no-paging', 'no-unsafe-interrupts', 'iommufd'] },
    groupPath,
  ),
  vfioScenario(
    { id: 'iommufd/dirty/device', title: 'What a device writes is told page for page, where it was written and nowhere else; areas after a hole are passed over', clauses: ['IOMMU_HWPT_GET_DIRTY_BITMAP/told', 'IOMMU_HWPT_SET_DIRTY_TRACKING/set'], requires: ['cdev', 'paging', 'dirty-tracking'] },
    (p) => {
      const [iommu, memory, bits] = [p.iommu(), p.memory(), p.memory(PAGE)];
      const [ioas, iova] = [p.ioas(iommu), 0x2000_0000n];
      const device = bound(p, iommu);
      const telling = table(p, iommu, device, ioas, 'telling', { flags: 2n });
      attach(p, device, telling);
      for (const i of [0n, 1n, 3n]) map(p, iommu, ioas, memory.at(i * PAGE), iova + i * PAGE);
      p.iommufd(iommu, 'IOMMU_HWPT_SET_DIRTY_TRACKING', { hwpt_id: telling, flags: 1n });
      for (const i of [1n, 3n]) p.deviceWrites(device, iova + i * PAGE);
      p.deviceReads(device, iova);
      for (const [from, flags] of [[0n, 1n], [0n, 0n], [3n, 0n], [0n, 0n]] as const) {
        p.store(bits.address, [0n]);
        p.iommufd(iommu, 'IOMMU_HWPT_GET_DIRTY_BITMAP', { hwpt_id: telling, flags, iova: iova + from * PAGE, length: (4n - from) * PAGE, page_size: PAGE, data: bits.address });
        p.load(bits.address, 8);
      }
    },
  ),
];
