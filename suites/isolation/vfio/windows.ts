import { vfioScenario } from '../../../harness/build/scenario-builder.js';
import type { Scenario } from '../../../harness/scenario.js';
import { DATA, fillDevice, openRig, OTHER, PAGE, reached, refused, secondWindow, TARGET, TWO_WINDOWS, WINDOW_BYTES, writes } from './device.js';

const TRANSLATED = 'dma/translated';
const OUTSIDE = 'dma/outside-windows';

/** Two windows of one container. */
export const scenarios: readonly Scenario[] = [
  vfioScenario(
    {
      id: 'isolation/vfio/windows/both',
      title: 'The device reaches memory through the default window and through the last page of a second one, at its high addresses',
      clauses: ['VFIO_IOMMU_SPAPR_TCE_CREATE/created', TRANSLATED],
      requires: TWO_WINDOWS,
      claims: [reached('write', 'default', 'the default window maps the page'), reached('write', 'second', 'the second window maps the page')],
    },
    (p) => {
      const rig = openRig(p);
      const low = rig.window.at(TARGET);
      const high = secondWindow(p, rig.container).at(WINDOW_BYTES - PAGE);
      p.map(rig.container, rig.buffer.at(DATA), low, PAGE).map(rig.container, rig.buffer.at(OTHER), high, PAGE);
      fillDevice(p, rig);
      writes(p, rig, { as: 'default', iova: low, memory: rig.buffer.at(DATA) });
      writes(p, rig, { as: 'second', iova: high, memory: rig.buffer.at(OTHER) });
    },
  ),
  vfioScenario(
    {
      id: 'isolation/vfio/windows/one-removed',
      title: 'After the second of two windows was removed the device reaches memory through the default one alone',
      clauses: ['VFIO_IOMMU_SPAPR_TCE_REMOVE/removed', TRANSLATED, OUTSIDE],
      requires: TWO_WINDOWS,
      claims: [reached('write', 'default', 'the default window is still there'), refused('write', 'second', 'the second window is gone', OUTSIDE)],
    },
    (p) => {
      const rig = openRig(p);
      const low = rig.window.at(TARGET);
      const second = secondWindow(p, rig.container);
      p.map(rig.container, rig.buffer.at(DATA), low, PAGE).map(rig.container, rig.buffer.at(OTHER), second.at(TARGET), PAGE);
      fillDevice(p, rig);
      p.remove(rig.container, second.start);
      writes(p, rig, { as: 'default', iova: low, memory: rig.buffer.at(DATA) });
      writes(p, rig, { as: 'second', iova: second.at(TARGET), memory: rig.buffer.at(OTHER) });
    },
  ),
];
