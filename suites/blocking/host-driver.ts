import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { ContainerHandle, IovaWindow, VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { likeDefault, PAGE, secondWindow, TARGET, TWO_WINDOWS, V2, v2By, WINDOW_BYTES } from '../isolation/vfio/device.js';

const DISK = 'disk0.dev0';
const GROUP = 'disk0';

/** Both windows, each with something mapped in it. */
function bothWindows(p: VfioProgramBuilder): { readonly container: ContainerHandle; readonly second: IovaWindow } {
  const container = p.v2(GROUP);
  const buffer = p.registered(container);
  p.map(container, buffer.address, p.defaultWindow(GROUP).at(TARGET), PAGE);
  const second = secondWindow(p, container);
  p.map(container, buffer.address, second.at(TARGET), PAGE);
  return { container, second };
}

const closeBoth = (p: VfioProgramBuilder, { fd, group }: ContainerHandle): unknown => p.close(group).close(fd);

interface Use {
  readonly name: string;
  /** Follows "After a program". */
  readonly text: string;
  readonly requires?: readonly string[];
  readonly use: (p: VfioProgramBuilder) => void;
}

/** What a program does with the disk's group before the host has it back. */
const USES: readonly Use[] = [
  {
    name: 'claimed',
    text: 'claimed its group and did nothing with it',
    use: (p) => closeBoth(p, p.attached(GROUP)),
  },
  {
    name: 'both-windows',
    text: 'mapped memory in both windows of its group and closed everything',
    requires: TWO_WINDOWS,
    use: (p) => closeBoth(p, bothWindows(p).container),
  },
  {
    name: 'default-removed',
    text: 'removed the default window of its group and left the second one',
    requires: TWO_WINDOWS,
    use(p) {
      const { container } = bothWindows(p);
      p.remove(container, p.defaultWindow(GROUP).start);
      closeBoth(p, container);
    },
  },
  {
    name: 'default-then-second-removed',
    text: 'removed the windows of its group, the default one first',
    requires: TWO_WINDOWS,
    use(p) {
      const { container, second } = bothWindows(p);
      p.remove(container, p.defaultWindow(GROUP).start).remove(container, second.start);
      closeBoth(p, container);
    },
  },
  {
    name: 'second-then-default-removed',
    text: 'removed the windows of its group, the default one last',
    requires: TWO_WINDOWS,
    use(p) {
      const { container, second } = bothWindows(p);
      p.remove(container, second.start).remove(container, p.defaultWindow(GROUP).start);
      closeBoth(p, container);
    },
  },
  {
    name: 'default-replaced',
    text: 'replaced the default window of its group, and that by one of the old shape',
    requires: V2,
    use(p) {
      const container = p.v2(GROUP);
      p.remove(container, 0n).remove(container, p.create(container, WINDOW_BYTES, 16).start);
      likeDefault(p, container, GROUP);
      closeBoth(p, container);
    },
  },
  {
    name: 'first-version',
    text: 'had its group for v1 with memory mapped',
    use(p) {
      const container = p.v1(GROUP);
      p.map(container, p.memory().address, p.defaultWindow(GROUP).at(TARGET), PAGE);
      closeBoth(p, container);
    },
  },
  {
    name: 'killed',
    text: 'was killed that had its group with memory mapped',
    requires: V2,
    use(p) {
      const by = p.fork();
      const container = v2By(p, by, GROUP);
      const buffer = p.memory(undefined, { by });
      p.register(container, buffer, by);
      p.ioctl(container.fd, 'VFIO_IOMMU_MAP_DMA', { flags: 3n, vaddr: buffer.address, iova: p.defaultWindow(GROUP).at(TARGET), size: PAGE }, { by });
      p.kill(by);
    },
  },
];

/** The host reads from its disk, gives it to a program, has it back, and reads again. */
const uses = USES.map(({ name, text, requires = [], use }) =>
  vfioScenario(
    {
      id: `blocking/host-driver/${name}`,
      title: `After a program ${text} the host's driver reads from its disk as before`,
      clauses: ['driver/bound', 'driver/works'],
      requires,
    },
    (p) => {
      p.disk().bind(DISK, 'vfio-pci');
      use(p);
      p.bind(DISK, 'host').disk();
    },
  ),
);

const again = vfioScenario(
  {
    id: 'blocking/host-driver/again-and-again',
    title: 'Three times a program has the disk for v2 and the host has it back, and each time the host reads from it as before',
    clauses: ['driver/bound', 'driver/works', 'ledger/locked'],
    requires: V2,
  },
  (p) => {
    p.disk();
    for (let i = 0; i < 3; i++) {
      p.bind(DISK, 'vfio-pci');
      const container = p.v2(GROUP);
      p.close(p.device(container, DISK).fd);
      closeBoth(p, container);
      p.bind(DISK, 'host').disk();
    }
  },
);

/** The host's own DMA after a program had the device. */
export const scenarios: readonly Scenario[] = [...uses, again];
