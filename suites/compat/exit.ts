import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { plus } from '../../reference/doors/term.js';
import { closeRig, drain, fillDevice, LENGTH, openRig, OTHER_BYTE, PAGE, reopen, secondWindow, TARGET, TWO_WINDOWS, v2By, WINDOW_BYTES } from '../isolation/vfio/device.js';

/*
 * All programs of vfio-ppc-tests end without unmapping, unregistering, removing or closing anything: the kernel must do it.
 */

const CLOSED = 'close/closed';

/** A process with both windows, memory mapped in each; the pattern in it is loaded as `theirs`. Returns the process. */
function occupy(p: VfioProgramBuilder, group = 'pe0', as?: string): string {
  const by = p.fork();
  const { fd } = v2By(p, by, group);
  const memory = p.memory(undefined, { by });
  p.fill(memory.address, LENGTH, OTHER_BYTE, by).load(memory.address, LENGTH, as, by);
  p.ioctl(fd, 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY', { vaddr: memory.address, size: memory.length }, { by });
  const created = `${by}-window`;
  p.ioctl(fd, 'VFIO_IOMMU_SPAPR_TCE_CREATE', { page_shift: 12n, window_size: WINDOW_BYTES, levels: 1n }, { as: created, by });
  for (const iova of [p.defaultWindow(group).at(TARGET), plus({ from: `${created}.start_addr` }, TARGET)]) {
    p.ioctl(fd, 'VFIO_IOMMU_MAP_DMA', { flags: 3n, vaddr: memory.address, iova, size: PAGE }, { by });
  }
  return by;
}

const reading = vfioScenario(
  {
    id: 'compat/vpt-12/nothing-left',
    title: 'VPT-12: after a program ended with everything live the next one makes the same windows, and its device reads nothing of the first',
    clauses: [CLOSED, 'VFIO_IOMMU_SPAPR_TCE_CREATE/created', 'dma/read-permission'],
    requires: TWO_WINDOWS,
    claims: ['default', 'second'].map((name) => ({
      says: `nothing is mapped in the ${name} window`,
      clause: 'dma/read-permission',
      holds: 'different' as const,
      loads: ['theirs', name] as const,
    })),
  },
  (p) => {
    const before = openRig(p);
    fillDevice(p, before);
    closeRig(p, before);
    p.exit(occupy(p, 'pe0', 'theirs'));
    const rig = openRig(p, { buffer: before.buffer });
    const second = secondWindow(p, rig.container);
    p.deviceReads(rig.device, rig.window.at(TARGET), LENGTH, LENGTH).deviceReads(rig.device, second.at(TARGET), LENGTH, 2 * LENGTH);
    drain(p, reopen(p, rig), 'default', 'second');
  },
);

/** How a process ends, by itself or not. */
const ENDS = [
  { name: 'exit', text: 'ended' },
  { name: 'kill', text: 'was killed' },
] as const;

const witnessed = ENDS.map(({ name, text }) =>
  vfioScenario(
    {
      id: `compat/vpt-12/witness-${name}`,
      title: `VPT-12: when a program ${text} with everything live every entry was cleared before its window went`,
      clauses: [CLOSED, 'witness/lost', 'witness/mapped'],
      requires: TWO_WINDOWS,
    },
    (p) => {
      const by = occupy(p);
      p.witness()[name](by).witness();
    },
  ),
);

const hosts = ENDS.map(({ name, text }) =>
  vfioScenario(
    {
      id: `compat/vpt-12/host-driver-after-${name}`,
      title: `VPT-12: after a program ${text} with both windows of the disk's group live the host's driver reads from the disk as before`,
      clauses: [CLOSED, 'driver/bound', 'driver/works'],
      requires: TWO_WINDOWS,
    },
    (p) => {
      p.disk().bind('disk0.dev0', 'vfio-pci');
      p[name](occupy(p, 'disk0'));
      p.bind('disk0.dev0', 'host').disk();
    },
  ),
);

/** A thousand times in the original's list of what ought to be done. */
const TIMES = 10;

const repeated = vfioScenario(
  {
    id: 'compat/vpt-12/ten-times',
    title: 'VPT-12: ten programs one after another end with everything live, every second one killed, and the next finds the group free',
    clauses: [CLOSED, 'VFIO_GROUP_SET_CONTAINER/blocked', 'VFIO_IOMMU_SPAPR_TCE_CREATE/created', 'log/quiet'],
    requires: TWO_WINDOWS,
  },
  (p) => {
    for (let i = 0; i < TIMES; i++) p[i % 2 === 0 ? 'exit' : 'kill'](occupy(p));
    secondWindow(p, p.v2());
  },
);

/** VPT-12. */
export const scenarios: readonly Scenario[] = [reading, ...witnessed, ...hosts, repeated];
