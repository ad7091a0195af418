import type { Scenario } from '../../../harness/scenario.js';
import { DATA, fillDevice, LENGTH, mappedRig, openPair, openRig, OTHER, OTHER_BYTE, PAGE, reached, refused, secondWindow, TARGET, writes } from '../../isolation/vfio/device.js';
import { BAR0, differ, eehScenario, freeze, IDENTIFICATION, loadWord, pe, rule, same, state, step, STOPS } from '../steps.js';

const MMIO = 'eeh/stopped-mmio';
const DMA = 'eeh/stopped-dma';

/** Tables are memory: a stopped PE does not keep its owner from changing them. */
const tables: readonly Scenario[] = [
  eehScenario(
    {
      id: 'eeh/vfio/stopped/map-and-unmap',
      title: 'While a PE is stopped memory can be mapped and unmapped; after the recovery its device meets what is mapped then',
      clauses: ['VFIO_IOMMU_MAP_DMA/mapped', 'VFIO_IOMMU_UNMAP_DMA/unmapped', 'dma/translated', 'dma/write-permission'],
      requires: STOPS,
      claims: [reached('write', 'mapped', 'it was mapped meanwhile'), refused('write', 'unmapped', 'it was unmapped meanwhile')],
    },
    (p) => {
      const rig = openRig(p);
      const [first, second] = [rig.window.at(TARGET), rig.window.at(TARGET + 0x1_0000n)];
      p.map(rig.container, rig.buffer.at(DATA), first, PAGE);
      fillDevice(p, rig);
      freeze(p);
      p.unmap(rig.container, first, PAGE).map(rig.container, rig.buffer.at(OTHER), second, PAGE);
      state(p, rig.container);
      step(p, rig.container, 'unfreeze-io', 'hot-reset', 'deactivate', 'configure');
      fillDevice(p, rig);
      writes(p, rig, { as: 'mapped', iova: second, memory: rig.buffer.at(OTHER) });
      writes(p, rig, { as: 'unmapped', iova: first, memory: rig.buffer.at(DATA) });
    },
  ),
  eehScenario(
    {
      id: 'eeh/vfio/stopped/windows',
      title: 'While a PE is stopped a window can be made, mapped and removed, and the locked memory is as it should be',
      clauses: ['VFIO_IOMMU_SPAPR_TCE_CREATE/created', 'VFIO_IOMMU_SPAPR_TCE_REMOVE/removed', 'ledger/locked', rule('get-state')],
      requires: ['spapr-v2', 'eeh', 'second-window', 'page-size:12'],
    },
    (p) => {
      const rig = openRig(p);
      state(freeze(p), rig.container);
      const second = secondWindow(p, rig.container);
      p.map(rig.container, rig.buffer.at(OTHER), second.at(TARGET), PAGE);
      state(p, rig.container);
      p.remove(rig.container, second.start).remove(rig.container, rig.window.start);
      state(p, rig.container);
      step(p, rig.container, 'hot-reset', 'deactivate', 'configure');
    },
  ),
  eehScenario(
    {
      id: 'eeh/vfio/stopped/removed-under-it',
      title: 'A window that is removed while its PE is stopped is gone after the recovery: the device writes no memory',
      clauses: ['VFIO_IOMMU_SPAPR_TCE_REMOVE/removed', 'dma/outside-windows'],
      requires: STOPS,
      claims: [refused('write', 'after', 'the window is gone', 'dma/outside-windows')],
    },
    (p) => {
      const { rig, iova, memory } = mappedRig(p);
      freeze(p);
      p.remove(rig.container, rig.window.start);
      step(p, rig.container, 'hot-reset', 'deactivate');
      writes(p, rig, { as: 'after', iova, memory });
    },
  ),
  eehScenario(
    {
      id: 'eeh/vfio/stopped/blocked',
      title: 'A PE that is stopped while its container has no window yet can be recovered, and gets its window afterwards',
      clauses: [rule('get-state'), rule('enable'), 'VFIO_IOMMU_MAP_DMA/mapped'],
    },
    (p) => {
      const container = p.v2();
      p.device(container);
      state(freeze(p), container);
      step(p, container, 'hot-reset', 'deactivate', 'configure', 'enable');
      const buffer = p.registered(container);
      p.map(container, buffer.address, p.defaultWindow().start, PAGE);
    },
  ),
  eehScenario(
    {
      id: 'eeh/vfio/stopped/while-mapping',
      title: 'A PE that is stopped while memory is being mapped: the mapping is made, and the PE is stopped',
      clauses: [rule('get-state'), 'VFIO_IOMMU_MAP_DMA/mapped', 'eeh-host/outside'],
    },
    (p) => {
      const rig = openRig(p);
      p.together(
        { door: 'host', op: 'freeze', pe: 'pe0', what: 'all' },
        { door: 'vfio', op: 'ioctl', fd: rig.container.fd, call: 'VFIO_IOMMU_MAP_DMA', args: { flags: 3n, vaddr: rig.buffer.at(DATA), iova: rig.window.at(TARGET), size: PAGE } },
      );
      state(p, rig.container);
      p.unmap(rig.container, rig.window.at(TARGET), PAGE);
      step(p, rig.container, 'enable');
    },
  ),
  eehScenario(
    {
      id: 'eeh/vfio/stopped/while-removing',
      title: 'A PE that is stopped while its window is being removed: the window is gone, and the PE is stopped',
      clauses: [rule('get-state'), 'VFIO_IOMMU_SPAPR_TCE_REMOVE/removed', 'eeh-host/outside'],
    },
    (p) => {
      const rig = openRig(p);
      p.together(
        { door: 'host', op: 'freeze', pe: 'pe0', what: 'all' },
        { door: 'vfio', op: 'ioctl', fd: rig.container.fd, call: 'VFIO_IOMMU_SPAPR_TCE_REMOVE', args: { start_addr: rig.window.start } },
      );
      state(p, rig.container);
      step(p, rig.container, 'enable');
    },
  ),
];

const apart: readonly Scenario[] = [
  eehScenario(
    {
      id: 'eeh/vfio/stopped/neighbour',
      title: 'A PE beside a stopped one is untouched: its state is normal, its device answers and writes memory',
      clauses: [rule('get-state'), 'dma/translated', DMA],
      requires: [...STOPS, 'pe:pe1', 'device:pe1.dev0'],
      claims: [
        reached('write', 'neighbour', 'its PE is normal'),
        refused('write', 'stopped', 'its PE is stopped', DMA),
        same('before', 'after', 'its PE is normal', rule('get-state')),
      ],
    },
    (p) => {
      const [first, second] = [openRig(p), openRig(p, { group: 'pe1' })];
      for (const rig of [first, second]) {
        p.map(rig.container, rig.buffer.at(DATA), rig.window.at(TARGET), PAGE);
        fillDevice(p, rig, rig === first ? undefined : OTHER_BYTE);
      }
      loadWord(p, second.device, BAR0, IDENTIFICATION, 'before');
      freeze(p);
      state(state(p, first.container), second.container);
      loadWord(p, second.device, BAR0, IDENTIFICATION, 'after');
      writes(p, second, { as: 'neighbour', iova: second.window.at(TARGET), memory: second.buffer.at(DATA) });
      writes(p, first, { as: 'stopped', iova: first.window.at(TARGET), memory: first.buffer.at(DATA) });
    },
  ),
  eehScenario(
    {
      id: 'eeh/vfio/stopped/two-at-once',
      title: 'Two PEs that are stopped at once are recovered each by itself, one in the middle of the other',
      clauses: [rule('get-state'), rule('hot-reset'), rule('deactivate'), rule('enable')],
      requires: ['spapr-v2', 'eeh', 'pe:pe1', 'device:pe1.dev0'],
    },
    (p) => {
      const [first, second] = [p.v2(), p.v2('pe1')];
      p.device(first);
      p.device(second, 'pe1.dev0');
      freeze(freeze(p), 'pe1');
      const both = (): unknown => state(state(p, first), second);
      both();
      pe(p, first, 'hot-reset');
      both();
      pe(p, second, 'unfreeze-io');
      both();
      pe(p, first, 'deactivate');
      both();
      pe(p, second, 'enable');
      both();
    },
  ),
  eehScenario(
    {
      id: 'eeh/vfio/stopped/two-devices',
      title: 'Two devices of one PE are stopped and recovered together, whichever of them the error came from',
      clauses: [MMIO, DMA, rule('get-state'), 'dma/translated'],
      requires: [...STOPS, 'pe:pair0'],
      claims: [
        refused('write', 'first', 'the PE is stopped', DMA),
        refused('write', 'second', 'the PE is stopped', DMA),
        reached('write', 'second-after', 'the PE is normal'),
        differ('before', 'stopped', 'the PE of both is stopped', MMIO),
        same('before', 'after', 'the PE of both is normal', rule('deactivate')),
      ],
    },
    (p) => {
      const { first, second, iova, memory } = openPair(p);
      loadWord(p, second.device, BAR0, IDENTIFICATION, 'before');
      freeze(p, 'pair0');
      state(p, first.container);
      loadWord(p, second.device, BAR0, IDENTIFICATION, 'stopped');
      writes(p, first, { as: 'first', iova, memory });
      writes(p, second, { as: 'second', iova, memory });
      step(p, first.container, 'hot-reset', 'deactivate', 'configure');
      loadWord(p, second.device, BAR0, IDENTIFICATION, 'after');
      fillDevice(p, second, OTHER_BYTE);
      writes(p, second, { as: 'second-after', iova, memory });
      p.load(memory, LENGTH);
    },
  ),
];

/** What a stopped PE leaves alone. */
export const scenarios: readonly Scenario[] = [...tables, ...apart];
