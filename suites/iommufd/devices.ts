import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { attach, bind, bound, destroy, detach, node } from './device-steps.js';

const BIND = 'VFIO_DEVICE_BIND_IOMMUFD';

/** Devices with nodes of their own: opened, bound, closed. */
export const scenarios: readonly Scenario[] = [
  vfioScenario(
    { id: 'iommufd/devices/bind-size', title: 'A program that knows a longer structure can bind where the rest is 0; one that knows a shorter one, too', clauses: [`${BIND}/bound`, `${BIND}/beyond`, `${BIND}/argsz`] },
    (p) => {
      const iommu = p.iommu();
      const fds = [0, 1, 2, 3].map((i) => node(p, 'pe0.dev0', `node${i}`));
      const bindWith = (i: number, args: Readonly<Record<string, bigint>>): void => void p.ioctl(fds[i]!, BIND, { iommufd: iommu, ...args }).close(fds[i]!);
      bindWith(0, { argsz: 32n, beyond: 1n });
      bindWith(1, { argsz: 32n });
      bindWith(2, { argsz: 16n, beyond: 1n });
      bindWith(3, { argsz: 15n });
    },
  ),
  vfioScenario(
    { id: 'iommufd/devices/before-bind', title: 'Before it is bound a node refuses every call, and a node can be open many times', clauses: ['open-device/opened', 'device-unbound/bind-first'] },
    (p) => {
      const fds = [node(p), node(p, 'pe0.dev0', 'again')];
      for (const fd of fds) {
        for (const call of ['VFIO_DEVICE_GET_INFO', 'VFIO_DEVICE_RESET', 'VFIO_DEVICE_ATTACH_IOMMUFD_PT', 'VFIO_DEVICE_DETACH_IOMMUFD_PT', 'VFIO_UNKNOWN'] as const) p.ioctl(fd, call);
      }
    },
  ),
  vfioScenario(
    { id: 'iommufd/devices/bind', title: 'A bound device has a number, its own calls, and cannot be bound again or destroyed', clauses: [`${BIND}/bound`, `${BIND}/blocked`, `${BIND}/once`, `${BIND}/elsewhere`, 'IOMMU_DESTROY/in-use'] },
    (p) => {
      const iommu = p.iommu();
      const device = bound(p, iommu);
      p.ioctl(device.fd, 'VFIO_DEVICE_GET_INFO');
      bind(p, iommu, device.fd, 'again');
      bind(p, iommu, node(p, 'pe0.dev0', 'other'), 'elsewhere');
      destroy(p, iommu, device.id);
      bound(p, iommu, 'pe1.dev0');
    },
  ),
  vfioScenario(
    { id: 'iommufd/devices/keeps-context', title: 'A bound device keeps its context alive when the descriptor of /dev/iommu is closed', clauses: [`${BIND}/bound`, 'VFIO_DEVICE_ATTACH_IOMMUFD_PT/attached', 'VFIO_DEVICE_DETACH_IOMMUFD_PT/detached'] },
    (p) => {
      const iommu = p.iommu();
      const ioas = p.ioas(iommu);
      const device = bound(p, iommu);
      p.close(iommu);
      attach(p, device, ioas, 'attached');
      detach(p, device);
      detach(p, device);
      p.close(device.fd);
      // The device is free for another context.
      bound(p, p.iommu(), 'pe0.dev0', '-later');
    },
  ),
  vfioScenario(
    { id: 'iommufd/devices/group-and-node', title: 'A group cannot be open while a device of it is bound through its node, and no device bound while its group is open', clauses: ['open-group/node', `${BIND}/group`], requires: ['pe:pe0'] },
    (p) => {
      const iommu = p.iommu();
      const fd = node(p);
      const group = p.open('pe0', 'group');
      bind(p, iommu, fd, 'refused');
      p.close(group);
      bind(p, iommu, fd, 'granted');
      p.open('pe0', 'refused-group');
      p.close(fd);
      p.open('pe0', 'granted-group');
    },
  ),
];
