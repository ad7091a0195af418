import { vfioScenario } from '../../../harness/build/scenario-builder.js';
import type { Scenario } from '../../../harness/scenario.js';
import { HW_INFO_LAYOUT } from '../../../reference/uapi/iommufd-ppc64.js';
import { attach, bound, map, PAGE } from '../device-steps.js';
import { filled, HIGH, plannedScenario, ready } from './steps.js';

const HW_INFO = 'IOMMU_GET_HW_INFO';

/** The same PE through VFIO's SPAPR TCE and through /dev/iommu; what a kernel without the plan answers. */
export const scenarios: readonly Scenario[] = [
  plannedScenario({ id: 'iommufd/ppc64/q02-hw-info', title: 'What a PE can do is told cut, whole, or with zeros after it', clauses: [`${HW_INFO}/told`, `${HW_INFO}/capabilities`] }, (p) => {
    const r = ready(p);
    const buffer = filled(p, 0xee);
    for (const bytes of [0, 8, HW_INFO_LAYOUT.bytes, HW_INFO_LAYOUT.bytes + 16]) {
      p.iommufd(r.fd, HW_INFO, { dev_id: r.device.id, data_len: BigInt(bytes), data_uptr: buffer.address });
      p.load(buffer.address, 96);
    }
  }),
  plannedScenario(
    {
      id: 'iommufd/ppc64/q02-same-as-spapr',
      title: 'IOMMU_GET_HW_INFO says of a PE what VFIO_IOMMU_SPAPR_TCE_GET_INFO says of it',
      clauses: [`${HW_INFO}/told`, 'VFIO_IOMMU_SPAPR_TCE_GET_INFO/answer'],
      claims: [{ says: 'both doors say the same of the PE', clause: `${HW_INFO}/told`, holds: 'equal', loads: ['spapr', 'iommufd'] }],
    },
    (p) => {
      const container = p.v2();
      p.ioctl(container.fd, 'VFIO_IOMMU_SPAPR_TCE_GET_INFO', {}, { as: 'info' });
      const [words, bytes] = [p.memory().address, p.memory().address] as { from: string }[];
      p.store(words!, [{ from: 'info.flags' }, { from: 'info.levels' }], 4);
      p.store({ ...words!, plus: 8n }, [{ from: 'info.pgsizes' }, { from: 'info.dma32_window_start' }, { from: 'info.dma32_window_size' }, { from: 'info.max_dynamic_windows_supported' }]);
      p.ioctl(container.group, 'VFIO_GROUP_UNSET_CONTAINER');
      p.close(container.group);
      const r = ready(p);
      p.iommufd(r.fd, HW_INFO, { dev_id: r.device.id, data_len: BigInt(HW_INFO_LAYOUT.bytes), data_uptr: bytes! });
      p.load(words!, 40, 'spapr').load(bytes!, 40, 'iommufd');
    },
  ),
  plannedScenario(
    {
      id: 'iommufd/ppc64/same-tces',
      title: 'A program of SPAPR TCE and its translation to /dev/iommu leave the same entries: the device reaches the same memory',
      clauses: ['VFIO_IOMMU_MAP_DMA/mapped', 'IOMMU_IOAS_MAP/mapped', 'dma/translated'],
      claims: [{ says: 'the device wrote the same by both', clause: 'dma/translated', holds: 'equal', loads: ['spapr', 'iommufd'] }],
    },
    (p) => {
      const container = p.v2();
      const buffer = p.registered(container);
      p.fill(buffer.address, 0x1000, 0x4d);
      p.map(container, buffer.address, { from: 'pe0.dma32.start' }, 2n * PAGE);
      const old = p.device(container);
      p.deviceReads(old, { from: 'pe0.dma32.start' }).deviceWrites(old, { from: 'pe0.dma32.start', plus: PAGE }).load(buffer.at(PAGE), 16, 'spapr');
      for (const fd of [old.fd, container.group, container.fd]) p.close(fd);
      p.fill(buffer.at(PAGE), 0x1000, 0);
      const r = ready(p);
      attach(p, r.device, r.ioas);
      p.iommufd(r.fd, 'IOMMU_IOAS_MAP', { flags: 7n, ioas_id: r.ioas, user_va: buffer.address, length: 2n * PAGE, iova: { from: 'pe0.dma32.start' } });
      p.deviceReads(r.device, { from: 'pe0.dma32.start' }).deviceWrites(r.device, { from: 'pe0.dma32.start', plus: PAGE }).load(buffer.at(PAGE), 16, 'iommufd');
    },
  ),
  plannedScenario({ id: 'iommufd/ppc64/x86-layout', title: "IOVAs as other machines have them do not fit a PE's default window", clauses: ['VFIO_DEVICE_ATTACH_IOMMUFD_PT/aperture', 'IOMMU_IOAS_MAP/reserved'] }, (p) => {
    const r = ready(p);
    const { address } = p.memory();
    map(p, r.fd, r.ioas, address, 0n);
    map(p, r.fd, r.ioas, address, 1n << 32n);
    attach(p, r.device, r.ioas);
    p.iommufd(r.fd, 'IOMMU_IOAS_UNMAP', { ioas_id: r.ioas, iova: 1n << 32n, length: PAGE });
    attach(p, r.device, r.ioas);
    map(p, r.fd, r.ioas, address, 0xfef0_0000n);
  }),
  vfioScenario({ id: 'iommufd/ppc64/power-layout', title: 'IOVAs as POWER has them, with a window at 512 PiB, do not fit an IOMMU of 48 bits', clauses: ['VFIO_DEVICE_ATTACH_IOMMUFD_PT/aperture'], requires: ['paging', 'mock'] }, (p) => {
    const fd = p.iommu();
    const ioas = p.ioas(fd);
    const device = bound(p, fd);
    map(p, fd, ioas, p.memory().address, HIGH);
    attach(p, device, ioas);
  }),
  vfioScenario({ id: 'iommufd/ppc64/q26-spapr-numbers', title: 'The ioctls of SPAPR TCE mean nothing to /dev/iommu, but for those that type 1 has too', clauses: ['type1-unknown/number'] }, (p) => {
    const fd = p.iommu();
    for (const call of ['VFIO_IOMMU_ENABLE', 'VFIO_IOMMU_DISABLE', 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY', 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY', 'VFIO_IOMMU_SPAPR_TCE_CREATE', 'VFIO_IOMMU_SPAPR_TCE_REMOVE'] as const) p.ioctl(fd, call);
    p.ioctl(fd, 'VFIO_IOMMU_SPAPR_TCE_GET_INFO');
  }),
  vfioScenario({ id: 'iommufd/ppc64/q27-reserve', title: 'Memory cannot be reserved without a place: the flag that was thought of means nothing', clauses: ['IOMMU_IOAS_MAP/flags'] }, (p) => {
    const fd = p.iommu();
    map(p, fd, p.ioas(fd), p.memory().address, 0n, PAGE, 15n);
  }),
];
