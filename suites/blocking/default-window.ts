import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { IovaWindow } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { DATA, fillDevice, likeDefault, openRig, PAGE, reached, TARGET, V2, WINDOW_BYTES, writes } from '../isolation/vfio/device.js';

const REMOVED = 'VFIO_IOMMU_SPAPR_TCE_REMOVE/removed';
const CREATED = 'VFIO_IOMMU_SPAPR_TCE_CREATE/created';

/** No platform has I/O pages of 8 KiB. */
const NO_PAGE_SHIFT = 13;

/** The default window goes, another takes its place, and it comes back. */
export const scenarios: readonly Scenario[] = [
  vfioScenario(
    {
      id: 'blocking/default-window/replaced-and-brought-back',
      title: 'A device reaches memory through the default window, through a smaller one in its place, and through the default one again',
      clauses: [REMOVED, CREATED, 'dma/translated'],
      requires: [...V2, 'page-size:12'],
      claims: ['default', 'replaced', 'brought-back'].map((as) => reached('write', as, 'the window of that moment maps the page')),
    },
    (p) => {
      const rig = openRig(p);
      const memory = rig.buffer.at(DATA);
      fillDevice(p, rig);
      const use = (window: IovaWindow, as: string): void => {
        p.map(rig.container, memory, window.at(TARGET), PAGE);
        writes(p, rig, { as, iova: window.at(TARGET), memory });
        p.remove(rig.container, window.start);
      };
      use(rig.window, 'default');
      use(p.create(rig.container, WINDOW_BYTES, 12), 'replaced');
      use(likeDefault(p, rig.container), 'brought-back');
    },
  ),
  vfioScenario(
    {
      id: 'blocking/default-window/many-times',
      title: 'The default window is removed and brought back ten times, and each time is mapped in and paid for as before',
      clauses: [REMOVED, CREATED, 'VFIO_IOMMU_MAP_DMA/mapped', 'ledger/locked'],
      requires: V2,
    },
    (p) => {
      const container = p.v2();
      const buffer = p.registered(container);
      p.map(container, buffer.address, p.defaultWindow().start, buffer.length);
      for (let i = 0; i < 10; i++) {
        p.remove(container, p.defaultWindow().start);
        const window = likeDefault(p, container);
        p.map(container, buffer.address, window.start, buffer.length);
      }
    },
  ),
  vfioScenario(
    {
      id: 'blocking/default-window/creation-refused',
      title: 'After the default window was removed and the window that was to replace it was refused, the default one can be brought back and mapped in',
      clauses: ['VFIO_IOMMU_SPAPR_TCE_REMOVE/promise-dropped', 'VFIO_IOMMU_SPAPR_TCE_CREATE/page-size', 'VFIO_IOMMU_MAP_DMA/iova', CREATED, 'VFIO_IOMMU_MAP_DMA/mapped'],
      requires: V2,
    },
    (p) => {
      const container = p.v2();
      const buffer = p.registered(container);
      p.remove(container, 0n);
      p.create(container, WINDOW_BYTES, NO_PAGE_SHIFT);
      p.map(container, buffer.address, p.defaultWindow().start, buffer.length);
      p.map(container, buffer.address, likeDefault(p, container).start, buffer.length);
    },
  ),
];
