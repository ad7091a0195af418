import { vfioScenario } from '../../../harness/build/scenario-builder.js';
import type { ContainerHandle, IovaWindow, VfioProgramBuilder } from '../../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../../harness/scenario.js';
import {
  closeRig,
  DATA,
  drain,
  fillDevice,
  likeDefault,
  openRig,
  PAGE,
  reads,
  refused,
  reopen,
  secondWindow,
  TARGET,
  TWO_WINDOWS,
  V2,
  writes,
} from './device.js';

const REMOVED = 'VFIO_IOMMU_SPAPR_TCE_REMOVE/removed';
const CREATED = 'VFIO_IOMMU_SPAPR_TCE_CREATE/created';
const WRITE = 'dma/write-permission';
const READ = 'dma/read-permission';

/** Many entries that nobody clears by hand. */
const MANY = 16n * PAGE;

/** Nothing of a window outlives it: clear before unset, from inside the window that comes next, and from outside. */
const fromInside: readonly Scenario[] = [
  vfioScenario(
    {
      id: 'isolation/vfio/stale/window-again',
      title: 'A window that was removed with its mappings and created again maps nothing, for reading or for writing',
      clauses: [REMOVED, CREATED, WRITE, READ, 'memory/contents'],
      requires: TWO_WINDOWS,
      claims: [
        refused('write', 'write', 'nothing was mapped in the new window'),
        refused('read', 'read', 'nothing was mapped in the new window'),
      ],
    },
    (p) => {
      const rig = openRig(p);
      const memory = rig.buffer.at(DATA);
      const first = secondWindow(p, rig.container);
      p.map(rig.container, memory, first.at(TARGET), PAGE);
      fillDevice(p, rig);
      p.remove(rig.container, first.start);
      const again = secondWindow(p, rig.container);
      writes(p, rig, { as: 'write', iova: again.at(TARGET), memory });
      reads(p, rig, { as: 'read', iova: again.at(TARGET), memory });
      drain(p, reopen(p, rig), 'read');
    },
  ),
  vfioScenario(
    {
      id: 'isolation/vfio/stale/default-again',
      title: 'The default window, removed with its mappings and created again in the same shape, maps nothing',
      clauses: [REMOVED, CREATED, WRITE],
      requires: V2,
      claims: [refused('write', 'write', 'nothing was mapped in the new window')],
    },
    (p) => {
      const rig = openRig(p);
      const memory = rig.buffer.at(DATA);
      p.map(rig.container, memory, rig.window.at(TARGET), PAGE);
      fillDevice(p, rig);
      p.remove(rig.container, rig.window.start);
      const again = likeDefault(p, rig.container);
      writes(p, rig, { as: 'write', iova: again.at(TARGET), memory });
    },
  ),
  vfioScenario(
    {
      id: 'isolation/vfio/stale/opened-again',
      title: 'A program that closes everything and opens it again finds none of its mappings',
      clauses: ['close/closed', WRITE],
      requires: V2,
      claims: [refused('write', 'write', 'the mapping ended with the container')],
    },
    (p) => {
      const first = openRig(p);
      const memory = first.buffer.at(DATA);
      p.map(first.container, memory, first.window.at(TARGET), PAGE);
      fillDevice(p, first);
      closeRig(p, first);
      const again = openRig(p, { buffer: first.buffer });
      writes(p, again, { as: 'write', iova: again.window.at(TARGET), memory });
    },
  ),
];

interface Windowed {
  readonly container: ContainerHandle;
  readonly second: IovaWindow;
}

/** Ways in which windows go that still map something; the hypervisor sees whether any entry did. */
const ENDS: readonly { readonly name: string; readonly title: string; readonly clause: string; readonly end: (p: VfioProgramBuilder, container: Windowed) => void }[] = [
  {
    name: 'remove',
    title: 'Removing a window that still maps pages clears every entry before the window goes',
    clause: REMOVED,
    end: (p, { container, second }) => {
      p.remove(container, second.start);
    },
  },
  {
    name: 'unset',
    title: 'Taking a group out of its container clears every entry of both windows before they go',
    clause: 'VFIO_GROUP_UNSET_CONTAINER/given-back',
    end: (p, { container }) => {
      p.ioctl(container.group, 'VFIO_GROUP_UNSET_CONTAINER');
    },
  },
  {
    name: 'close',
    title: 'Closing group and container clears every entry of both windows before they go',
    clause: 'close/closed',
    end: (p, { container }) => {
      p.close(container.fd).close(container.group);
    },
  },
];

const fromOutside = ENDS.map(({ name, title, clause, end }) =>
  vfioScenario(
    { id: `isolation/vfio/stale/witness-${name}`, title, clauses: [clause, 'witness/lost', 'witness/mapped'], requires: TWO_WINDOWS },
    (p) => {
      const container = p.v2();
      const buffer = p.registered(container);
      const second = secondWindow(p, container);
      p.map(container, buffer.address, p.defaultWindow().at(TARGET), MANY).map(container, buffer.address, second.at(TARGET), MANY);
      p.witness();
      end(p, { container, second });
      p.witness();
    },
  ),
);

export const scenarios: readonly Scenario[] = [...fromInside, ...fromOutside];
