import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { DeviceHandle, VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import {
  closeRig,
  DATA,
  drain,
  fillDevice,
  likeDefault,
  openRig,
  OTHER,
  PAGE,
  reached,
  reads,
  refused,
  reopen,
  secondWindow,
  TARGET,
  through,
  TWO_WINDOWS,
  V2,
  writes,
  type Rig,
} from '../isolation/vfio/device.js';

const OUTSIDE = 'dma/outside-windows';

/** A way into a container without a window, from one in which the device reached memory. */
interface Blocked {
  readonly name: string;
  readonly title: string;
  readonly clauses: readonly string[];
  /** Closes and opens what it takes; returns the device as it is open then. */
  readonly block: (p: VfioProgramBuilder, rig: Rig) => DeviceHandle;
}

const openAgain = (p: VfioProgramBuilder, rig: Rig): ReturnType<VfioProgramBuilder['v2']> => {
  closeRig(p, rig);
  const container = p.v2();
  p.register(container, rig.buffer);
  return container;
};

const BLOCKED: readonly Blocked[] = [
  {
    name: 'no-window',
    title: 'Attached to a container in which nothing was mapped yet a device writes no memory, registered or not',
    clauses: ['VFIO_GROUP_SET_CONTAINER/blocked', 'VFIO_SET_IOMMU/set'],
    block: (p, rig) => p.device(openAgain(p, rig)),
  },
  {
    name: 'promised-default-removed',
    title: 'After the default window was removed before anything was mapped a device writes no memory',
    clauses: ['VFIO_IOMMU_SPAPR_TCE_REMOVE/promise-dropped'],
    block(p, rig) {
      const container = openAgain(p, rig);
      p.remove(container, 0n);
      return p.device(container);
    },
  },
  {
    name: 'set-again',
    title: 'A group that was taken out of its container and put in again has lost its windows: its device writes no memory',
    clauses: ['VFIO_GROUP_UNSET_CONTAINER/given-back', 'VFIO_GROUP_SET_CONTAINER/blocked'],
    block(p, { container, device }) {
      p.close(device.fd).ioctl(container.group, 'VFIO_GROUP_UNSET_CONTAINER');
      p.ioctl(container.group, 'VFIO_GROUP_SET_CONTAINER', { fd: container.fd }).ioctl(container.fd, 'VFIO_SET_IOMMU', { value: 7n });
      return p.device(container);
    },
  },
  {
    name: 'other-container',
    title: 'A group that was moved to another container has left its windows behind: its device writes no memory',
    clauses: ['VFIO_GROUP_UNSET_CONTAINER/given-back', 'VFIO_GROUP_SET_CONTAINER/blocked'],
    block(p, { container, device }) {
      p.close(device.fd).ioctl(container.group, 'VFIO_GROUP_UNSET_CONTAINER');
      const fd = p.open('container', 'other');
      p.ioctl(container.group, 'VFIO_GROUP_SET_CONTAINER', { fd }).ioctl(fd, 'VFIO_SET_IOMMU', { value: 7n });
      return p.device({ fd, group: container.group });
    },
  },
  {
    name: 'first-version',
    title: 'Attached to a container of v1 in which nothing was mapped yet a device writes no memory',
    clauses: ['VFIO_GROUP_SET_CONTAINER/blocked', 'VFIO_SET_IOMMU/set'],
    block(p, rig) {
      closeRig(p, rig);
      return p.device(p.v1());
    },
  },
];

/** The device reached a page; now there is no window, and it must reach neither this page nor any other. */
const blocked = BLOCKED.map(({ name, title, clauses, block }) =>
  vfioScenario(
    {
      id: `blocking/attached/${name}`,
      title,
      clauses: [...clauses, OUTSIDE],
      requires: V2,
      claims: [refused('write', 'write', 'the container has no window', OUTSIDE)],
    },
    (p) => {
      const rig = openRig(p);
      const [iova, memory] = [rig.window.at(TARGET), rig.buffer.at(DATA)];
      p.map(rig.container, memory, iova, PAGE);
      fillDevice(p, rig);
      writes(p, { device: block(p, rig) }, { as: 'write', iova, memory });
    },
  ),
);

const removed: readonly Scenario[] = [
  vfioScenario(
    {
      id: 'blocking/attached/between-remove-and-create',
      title: 'Between the removal of the last window and the creation of the next a device neither reads nor writes memory',
      clauses: ['VFIO_IOMMU_SPAPR_TCE_REMOVE/removed', 'VFIO_IOMMU_SPAPR_TCE_CREATE/created', OUTSIDE],
      requires: V2,
      claims: [
        refused('write', 'write', 'the container has no window', OUTSIDE),
        refused('read', 'read', 'the container had no window', OUTSIDE),
      ],
    },
    (p) => {
      const rig = openRig(p);
      const [iova, memory] = [rig.window.at(TARGET), rig.buffer.at(DATA)];
      p.map(rig.container, memory, iova, PAGE);
      fillDevice(p, rig);
      p.remove(rig.container, rig.window.start);
      writes(p, rig, { as: 'write', iova, memory });
      reads(p, rig, { as: 'read', iova, memory });
      drain(p, through(p, reopen(p, rig), likeDefault(p, rig.container)), 'read');
    },
  ),
  vfioScenario(
    {
      id: 'blocking/attached/default-removed',
      title: 'After the default one of two windows was removed a device reaches memory through the other alone',
      clauses: ['VFIO_IOMMU_SPAPR_TCE_REMOVE/removed', 'dma/translated', OUTSIDE],
      requires: TWO_WINDOWS,
      claims: [
        reached('write', 'second', 'the second window is still there'),
        refused('write', 'default', 'the default window is gone', OUTSIDE),
      ],
    },
    (p) => {
      const rig = openRig(p);
      const second = secondWindow(p, rig.container);
      p.map(rig.container, rig.buffer.at(DATA), rig.window.at(TARGET), PAGE);
      p.map(rig.container, rig.buffer.at(OTHER), second.at(TARGET), PAGE);
      fillDevice(p, rig);
      p.remove(rig.container, rig.window.start);
      writes(p, rig, { as: 'second', iova: second.at(TARGET), memory: rig.buffer.at(OTHER) });
      writes(p, rig, { as: 'default', iova: rig.window.at(TARGET), memory: rig.buffer.at(DATA) });
    },
  ),
];

/** A device in a container without a window: the blocking domain of POWER. */
export const scenarios: readonly Scenario[] = [...blocked, ...removed];
