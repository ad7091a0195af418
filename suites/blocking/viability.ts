import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { DATA, fillDevice, openRig, PAGE, reached, TARGET, V2, writes } from '../isolation/vfio/device.js';

const DISK = 'disk0.dev0';
const OTHER = 'pair0.dev1';
/** A disk of the host's, in a group with a device that programs can have. */
const SHARED = 'mixed0.dev1';
const STATUS = 'VFIO_GROUP_GET_STATUS';
const TRANSLATED = 'dma/translated';

/** Groups that a program may have, and groups that it may not. */
export const scenarios: readonly Scenario[] = [
  vfioScenario(
    {
      id: 'blocking/viability/with-the-host',
      title: 'A group whose only device is with the host cannot be opened',
      clauses: ['open-group/driver', 'driver/works'],
    },
    (p) => {
      p.disk().do({ door: 'vfio', op: 'open', what: 'disk0' }).disk();
    },
  ),
  vfioScenario(
    {
      id: 'blocking/viability/host-again-while-open',
      title: 'A group that a program opened before the host took its only device back is gone: it says nothing, and no container takes it',
      clauses: [`${STATUS}/gone`, 'VFIO_GROUP_SET_CONTAINER/gone', 'driver/bound', 'driver/works'],
    },
    (p) => {
      p.disk().bind(DISK, 'vfio-pci');
      const [container, group] = [p.open('container', 'container'), p.open('disk0', 'group')];
      p.ioctl(group, STATUS).bind(DISK, 'host').ioctl(group, STATUS);
      p.ioctl(group, 'VFIO_GROUP_SET_CONTAINER', { fd: container }).disk().close(group).close(container).disk();
    },
  ),
  vfioScenario(
    {
      id: 'blocking/viability/no-driver-at-all',
      title: 'A group none of whose devices has a driver cannot be opened',
      clauses: ['open-group/driver', 'driver/bound'],
    },
    (p) => {
      p.bind('pair0.dev0', 'none').bind(OTHER, 'none').do({ door: 'vfio', op: 'open', what: 'pair0' });
      p.bind('pair0.dev0', 'vfio-pci').bind(OTHER, 'vfio-pci');
    },
  ),
  vfioScenario(
    {
      id: 'blocking/viability/one-without-driver',
      title: 'A group of two devices one of which has no driver is viable: the other reaches memory, and this one cannot be opened',
      clauses: [`${STATUS}/answer`, 'VFIO_GROUP_SET_CONTAINER/blocked', 'VFIO_GROUP_GET_DEVICE_FD/name', TRANSLATED],
      requires: V2,
      claims: [reached('write', 'write', 'the group maps the page')],
    },
    (p) => {
      p.bind(OTHER, 'none');
      const rig = openRig(p, { group: 'pair0' });
      const [iova, memory] = [rig.window.at(TARGET), rig.buffer.at(DATA)];
      p.ioctl(rig.container.group, STATUS).device(rig.container, OTHER);
      p.map(rig.container, memory, iova, PAGE);
      fillDevice(p, rig);
      writes(p, rig, { as: 'write', iova, memory });
      p.close(rig.device.fd).close(rig.container.group).bind(OTHER, 'vfio-pci');
    },
  ),
  vfioScenario(
    {
      id: 'blocking/viability/driver-comes-and-goes',
      title: 'While a program has a group, a device of it that it does not use can leave its driver and come back, and be used then',
      clauses: ['driver/bound', 'VFIO_GROUP_GET_DEVICE_FD/name', 'VFIO_GROUP_GET_DEVICE_FD/opened', TRANSLATED],
      requires: V2,
      claims: [reached('write', 'second', 'the group maps the page')],
    },
    (p) => {
      const first = openRig(p, { group: 'pair0' });
      const [iova, memory] = [first.window.at(TARGET), first.buffer.at(DATA)];
      p.map(first.container, memory, iova, PAGE);
      p.bind(OTHER, 'none').device(first.container, OTHER);
      p.bind(OTHER, 'vfio-pci');
      const second = { ...first, device: p.device(first.container, OTHER) };
      fillDevice(p, second);
      writes(p, second, { as: 'second', iova, memory });
    },
  ),
  vfioScenario(
    {
      id: 'blocking/viability/shared-with-the-host',
      title: "A group of which the host uses a device cannot be taken; once the host let go of it the other device reaches memory, and afterwards the host's works as before",
      clauses: ['VFIO_GROUP_SET_CONTAINER/viable', 'VFIO_GROUP_SET_CONTAINER/blocked', TRANSLATED, 'driver/works'],
      requires: V2,
      claims: [reached('write', 'write', 'the group maps the page')],
    },
    (p) => {
      p.disk(SHARED);
      const [fd, group] = [p.open('container', 'container'), p.open('mixed0', 'group')];
      p.ioctl(group, STATUS).ioctl(group, 'VFIO_GROUP_SET_CONTAINER', { fd }).disk(SHARED).close(group);
      p.bind(SHARED, 'none');
      const rig = openRig(p, { group: 'mixed0' });
      const [iova, memory] = [rig.window.at(TARGET), rig.buffer.at(DATA)];
      p.map(rig.container, memory, iova, PAGE);
      fillDevice(p, rig);
      writes(p, rig, { as: 'write', iova, memory });
      p.close(rig.device.fd).close(rig.container.group).bind(SHARED, 'host').disk(SHARED);
    },
  ),
];
