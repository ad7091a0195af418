import type { ContainerHandle, DeviceHandle, VfioProgramBuilder } from '../../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../../harness/scenario.js';
import { drain, mappedRig, reached, reads, refused, writes } from '../../isolation/vfio/device.js';
import { BAR0, CLASS, CONFIGURATION, differ, eehScenario, freeze, IDENTIFICATION, LIVENESS, loadWord, pe, rule, same, state, STOPS, storeWord } from '../steps.js';

const MMIO = 'eeh/stopped-mmio';
const CONFIG = 'eeh/stopped-config';
const DMA = 'eeh/stopped-dma';

/** What was stored before the error, and what must not arrive. */
const BEFORE = 0x1234_5678;
const DROPPED = 0x0bad_0bad;

/** A device of a container, nothing mapped. */
function opened(p: VfioProgramBuilder): { readonly container: ContainerHandle; readonly device: DeviceHandle } {
  const container = p.v2();
  return { container, device: p.device(container) };
}

const mmio: readonly Scenario[] = [
  eehScenario(
    {
      id: 'eeh/vfio/stopped/loads',
      title: 'Loads from a stopped PE bring all ones, and the real values once MMIO is let go',
      clauses: [MMIO, rule('unfreeze-io')],
      requires: STOPS,
      claims: [
        differ('before', 'stopped', 'the PE is stopped', MMIO),
        same('before', 'let-go', 'MMIO was let go', rule('unfreeze-io')),
      ],
    },
    (p) => {
      const { container, device } = opened(p);
      loadWord(p, device, BAR0, IDENTIFICATION, 'before');
      freeze(p);
      loadWord(p, device, BAR0, IDENTIFICATION, 'stopped');
      state(p, container);
      pe(p, container, 'unfreeze-io');
      loadWord(p, device, BAR0, IDENTIFICATION, 'let-go');
    },
  ),
  eehScenario(
    {
      id: 'eeh/vfio/stopped/stores',
      title: 'A store to a stopped PE does not reach the device, then or later',
      clauses: [MMIO, rule('unfreeze-io')],
      requires: STOPS,
      claims: [same('before', 'let-go', 'the store was dropped', MMIO)],
    },
    (p) => {
      const { container, device } = opened(p);
      storeWord(p, device, LIVENESS, BEFORE);
      loadWord(p, device, BAR0, LIVENESS, 'before');
      freeze(p);
      storeWord(p, device, LIVENESS, DROPPED);
      pe(p, container, 'unfreeze-io');
      loadWord(p, device, BAR0, LIVENESS, 'let-go');
    },
  ),
  eehScenario(
    {
      id: 'eeh/vfio/stopped/configuration',
      title: 'The class of a device of a stopped PE, and of one held in reset, reads all ones or not at all, and is itself after the recovery',
      clauses: [CONFIG, rule('deactivate')],
      requires: STOPS,
      claims: [same('before', 'after', 'the PE was recovered', rule('deactivate'))],
    },
    (p) => {
      const { container, device } = opened(p);
      loadWord(p, device, CONFIGURATION, CLASS, 'before');
      freeze(p);
      loadWord(p, device, CONFIGURATION, CLASS);
      pe(p, container, 'hot-reset');
      loadWord(p, device, CONFIGURATION, CLASS);
      pe(p, container, 'deactivate', 'configure');
      loadWord(p, device, CONFIGURATION, CLASS, 'after');
    },
  ),
];

const dma: readonly Scenario[] = [
  eehScenario(
    {
      id: 'eeh/vfio/stopped/dma',
      title: 'A device of a stopped PE neither writes nor reads memory, also not with MMIO let go, and does both once DMA is',
      clauses: [DMA, 'dma/translated', rule('unfreeze-dma')],
      requires: STOPS,
      claims: [
        refused('write', 'stopped', 'the PE is stopped', DMA),
        refused('write', 'let-go', 'DMA is stopped still', DMA),
        reached('write', 'normal', 'the PE is normal'),
        reached('read', 'read', 'the PE is normal'),
      ],
    },
    (p) => {
      const { rig, iova, memory } = mappedRig(p);
      freeze(p);
      writes(p, rig, { as: 'stopped', iova, memory });
      pe(p, rig.container, 'unfreeze-io');
      writes(p, rig, { as: 'let-go', iova, memory });
      state(pe(p, rig.container, 'unfreeze-dma'), rig.container);
      writes(p, rig, { as: 'normal', iova, memory });
      reads(p, rig, { as: 'read', iova, memory });
      drain(p, rig, 'read');
    },
  ),
  eehScenario(
    {
      id: 'eeh/vfio/stopped/dma-in-reset',
      title: 'While a reset is held a device reaches no memory',
      clauses: [DMA, rule('hot-reset')],
      requires: STOPS,
      claims: [refused('write', 'reset', 'a reset is held', DMA)],
    },
    (p) => {
      const { rig, iova, memory } = mappedRig(p);
      state(pe(p, rig.container, 'hot-reset'), rig.container);
      writes(p, rig, { as: 'reset', iova, memory });
      pe(p, rig.container, 'deactivate', 'configure');
    },
  ),
];

/** What a stopped PE is like. */
export const scenarios: readonly Scenario[] = [...mmio, ...dma];
