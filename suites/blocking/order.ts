import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { PAGE, secondWindow, TARGET, TWO_WINDOWS, V2 } from '../isolation/vfio/device.js';

const BLOCKED = 'VFIO_GROUP_SET_CONTAINER/blocked';

/** What the group says of itself. */
const status = 'VFIO_GROUP_GET_STATUS';

/** Claim, windows, release: in this order, and nothing left over between two steps. */
export const scenarios: readonly Scenario[] = [
  vfioScenario(
    {
      id: 'blocking/order/claim-windows-release',
      title: 'A group is claimed, has no window, one window, two, one, none, and is given back; its status says at every step who has it',
      clauses: [BLOCKED, `${status}/answer`, 'VFIO_GROUP_UNSET_CONTAINER/given-back', 'ledger/locked'],
      requires: TWO_WINDOWS,
    },
    (p) => {
      const [fd, group] = [p.open('container', 'container'), p.open('pe0', 'group')];
      const container = { fd, group };
      p.ioctl(group, status).ioctl(group, 'VFIO_GROUP_SET_CONTAINER', { fd }).ioctl(group, status);
      p.ioctl(fd, 'VFIO_SET_IOMMU', { value: 7n }).ioctl(group, status);
      const buffer = p.registered(container);
      p.map(container, buffer.address, p.defaultWindow().at(TARGET), PAGE);
      const second = secondWindow(p, container);
      p.map(container, buffer.address, second.at(TARGET), PAGE).ioctl(group, status);
      p.remove(container, p.defaultWindow().start).remove(container, second.start).ioctl(group, status);
      p.ioctl(group, 'VFIO_GROUP_UNSET_CONTAINER').ioctl(group, status);
    },
  ),
  vfioScenario(
    {
      id: 'blocking/order/witness',
      title: 'From claim to release the hypervisor sees what the program has mapped and nothing else, and no entry lost with its window',
      clauses: [BLOCKED, 'witness/mapped', 'witness/lost', 'VFIO_GROUP_UNSET_CONTAINER/given-back'],
      requires: TWO_WINDOWS,
    },
    (p) => {
      const container = p.attached();
      p.witness().ioctl(container.fd, 'VFIO_SET_IOMMU', { value: 7n });
      const buffer = p.registered(container);
      p.witness().map(container, buffer.address, p.defaultWindow().at(TARGET), PAGE).witness();
      const second = secondWindow(p, container);
      p.map(container, buffer.address, second.at(TARGET), 2n * PAGE).witness();
      p.remove(container, p.defaultWindow().start).witness();
      p.ioctl(container.group, 'VFIO_GROUP_UNSET_CONTAINER').witness();
    },
  ),
  vfioScenario(
    {
      id: 'blocking/order/no-iommu',
      title: 'A group that was claimed and given back before its container got an IOMMU can be claimed again, and gets its default window',
      clauses: [BLOCKED, 'VFIO_GROUP_UNSET_CONTAINER/given-back', 'VFIO_IOMMU_MAP_DMA/mapped'],
      requires: V2,
    },
    (p) => {
      const container = p.attached();
      p.ioctl(container.group, 'VFIO_GROUP_UNSET_CONTAINER');
      p.ioctl(container.group, 'VFIO_GROUP_SET_CONTAINER', { fd: container.fd }).ioctl(container.fd, 'VFIO_SET_IOMMU', { value: 7n });
      const buffer = p.registered(container);
      p.map(container, buffer.address, p.defaultWindow().at(TARGET), buffer.length);
    },
  ),
];
