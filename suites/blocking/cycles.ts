import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { BufferHandle, VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { DATA, fillDevice, openRig, PAGE, reached, secondWindow, TARGET, TWO_WINDOWS, V2, v2By, writes } from '../isolation/vfio/device.js';

/** How often a program takes a group and gives it back. Ten such programs make a hundred times. */
const TIMES = 10;

interface Cycle {
  readonly name: string;
  /** Follows "ten times". */
  readonly text: string;
  readonly requires?: readonly string[];
  /** One time; memory, where the cycle needs some, is the same in all of them. */
  readonly once: (p: VfioProgramBuilder, memory: () => BufferHandle, round: number) => void;
}

const CYCLES: readonly Cycle[] = [
  {
    name: 'claimed',
    text: 'put in a container and taken out before it has an IOMMU',
    once(p) {
      const { fd, group } = p.attached();
      p.ioctl(group, 'VFIO_GROUP_UNSET_CONTAINER').close(group).close(fd);
    },
  },
  {
    name: 'second-version',
    text: 'taken for v2 and given back by closing group and container',
    requires: V2,
    once(p) {
      const { fd, group } = p.v2();
      p.close(group).close(fd);
    },
  },
  {
    name: 'first-version',
    text: 'taken for v1, enabled, and given back by closing container and group',
    once(p) {
      const { fd, group } = p.v1();
      p.close(fd).close(group);
    },
  },
  {
    name: 'device',
    text: 'taken, its device opened and closed, and given back',
    requires: V2,
    once(p) {
      const container = p.v2();
      p.close(p.device(container).fd).close(container.group).close(container.fd);
    },
  },
  {
    name: 'device-last',
    text: 'taken and given back by closing its device, which was kept open longest',
    requires: V2,
    once(p) {
      const container = p.v2();
      const device = p.device(container);
      p.close(container.fd).close(container.group).close(device.fd);
    },
  },
  {
    name: 'second-window',
    text: 'taken, mapped in a second window, and given back with everything mapped',
    requires: TWO_WINDOWS,
    once(p, memory) {
      const container = p.v2();
      p.register(container, memory()).map(container, memory().address, secondWindow(p, container).at(TARGET), PAGE);
      p.close(container.group).close(container.fd);
    },
  },
  {
    name: 'default-replaced',
    text: 'taken, its default window replaced by another, and given back',
    requires: V2,
    once(p) {
      const container = p.v2();
      p.remove(container, 0n);
      p.create(container, 1n << 26n, 12);
      p.close(container.group).close(container.fd);
    },
  },
  {
    name: 'in-turn',
    text: 'put into the same container, of v1 and of v2 in turn, and taken out',
    requires: V2,
    once(p, _memory, round) {
      const [fd, group] = round === 0 ? [p.open('container', 'container'), p.open('pe0', 'group')] : [{ from: 'container.fd' }, { from: 'group.fd' }];
      p.ioctl(group, 'VFIO_GROUP_SET_CONTAINER', { fd }).ioctl(fd, 'VFIO_SET_IOMMU', { value: round % 2 === 0 ? 2n : 7n });
      p.ioctl(group, 'VFIO_GROUP_UNSET_CONTAINER');
    },
  },
  {
    name: 'killed',
    text: 'taken by another process, mapped, and given back by killing that process',
    requires: V2,
    once(p) {
      const by = p.fork();
      const container = v2By(p, by);
      const buffer = p.memory(undefined, { by });
      p.register(container, buffer, by);
      p.ioctl(container.fd, 'VFIO_IOMMU_MAP_DMA', { flags: 3n, vaddr: buffer.address, iova: p.defaultWindow().at(TARGET), size: PAGE }, { by });
      p.kill(by);
    },
  },
];

const cycles = CYCLES.map(({ name, text, requires = [], once }) =>
  vfioScenario(
    {
      id: `blocking/cycles/${name}`,
      title: `Ten times a group is ${text}; nothing of it stays locked`,
      clauses: ['VFIO_GROUP_SET_CONTAINER/blocked', 'ledger/locked', 'log/quiet'],
      requires,
    },
    (p) => {
      let memory: BufferHandle | undefined;
      for (let round = 0; round < TIMES; round++) once(p, () => (memory ??= p.memory()), round);
    },
  ),
);

/** The tenth of ten: with its device at work afterwards. */
const used = vfioScenario(
  {
    id: 'blocking/cycles/mapped',
    title: 'Ten times a group is taken, mapped in its default window and given back with everything mapped; then its device reaches memory',
    clauses: ['VFIO_GROUP_SET_CONTAINER/blocked', 'close/closed', 'dma/translated', 'ledger/locked'],
    requires: V2,
    claims: [reached('write', 'write', 'the group is as good as new')],
  },
  (p) => {
    const buffer = p.memory();
    for (let round = 0; round < TIMES; round++) {
      const container = p.v2();
      p.register(container, buffer).map(container, buffer.address, p.defaultWindow().at(TARGET), buffer.length);
      p.close(container.group).close(container.fd);
    }
    const rig = openRig(p, { buffer });
    const [iova, memory] = [rig.window.at(TARGET), buffer.at(DATA)];
    p.map(rig.container, memory, iova, PAGE);
    fillDevice(p, rig);
    writes(p, rig, { as: 'write', iova, memory });
  },
);

/** Ownership taken and given back a hundred times, in ten ways. */
export const scenarios: readonly Scenario[] = [...cycles, used];
