import { scenario } from '../../../harness/build/scenario-builder.js';
import type { Scenario } from '../../../harness/scenario.js';
import { access, deviceOf, fillBuffer, map, pageAt, reached, refused } from '../../isolation/device.js';
import { DATA, mapping, READ, WRITE } from '../../tce/entries.js';
import { error, injectError, open, PERFORM, state, STATE } from './steps.js';

const DMA = 'eeh/stopped-dma';
const STOPS = 'eeh/error-stops';

/** Errors of a device's own making. */
const FAULTS = [
  { name: 'tce-fault', text: 'that no entry maps', entry: 0n, page: 1n },
  { name: 'permission', text: 'that its entry does not permit', entry: mapping(DATA, READ), page: 1n },
  { name: 'outside', text: 'outside every window', entry: 0n, page: 1n << 30n },
] as const;

const faults = FAULTS.map(({ name, text, entry, page }) =>
  scenario(
    {
      id: `eeh/papr/fault/${name}`,
      title: `A write of a device ${text} stops its PE, both its devices with it, and no other PE`,
      clauses: [STOPS, DMA, `${STATE}/state`, 'dma/translated'],
      claims: [
        refused('write', 'first', 'the access is refused', STOPS),
        refused('write', 'second', 'the PE of both devices is stopped', DMA),
        reached('write', 'neighbour', 'its PE is normal'),
      ],
    },
    (p) => {
      const window = p.defaultWindow('eeh0');
      const [first, second] = [deviceOf(window, 'eeh0'), { name: 'eeh0.dev1', via: window }];
      for (const device of [first, second]) fillBuffer(p, device);
      if (page < 16n) map(p, window, page, entry);
      map(p, window, 2n, mapping(DATA, WRITE));
      p.fill(DATA, 64, 0xa5).load(DATA, 64, 'first-memory').deviceWrites(pageAt(window, page), 64, 0, first.name).load(DATA, 64, 'first');
      state(p);
      p.load(DATA, 64, 'second-memory').deviceWrites(pageAt(window, 2n), 64, 0, second.name).load(DATA, 64, 'second');
      state(p, 'eeh1');
      const other = p.defaultWindow('eeh1');
      map(p, other, 1n, mapping(DATA, WRITE));
      access(p, deviceOf(other, 'eeh1'), { direction: 'write', iova: pageAt(other, 1n), memory: DATA, as: 'neighbour' });
    },
  ),
);

const others: readonly Scenario[] = [
  scenario(
    {
      id: 'eeh/papr/dma/entries-survive',
      title: 'What was mapped before an error is mapped after the recovery, and can be changed in between: freeze and reset touch no entry',
      clauses: [DMA, 'dma/translated', 'H_GET_TCE/value', 'H_PUT_TCE/store'],
      claims: [refused('write', 'stopped', 'the PE is stopped', DMA), reached('write', 'after', 'the entry is as it was')],
    },
    (p) => {
      const window = p.defaultWindow('eeh0');
      const device = deviceOf(window, 'eeh0');
      map(p, window, 1n, mapping(DATA, WRITE));
      fillBuffer(p, device);
      error(p);
      p.fill(DATA, 64, 0xa5).load(DATA, 64, 'stopped-memory').deviceWrites(pageAt(window, 1n), 64, 0, device.name).load(DATA, 64, 'stopped');
      p.get(window, 0x1000n).put(window, 0x2000n, mapping(DATA, WRITE));
      PERFORM.deactivate(PERFORM['hot-reset'](p));
      p.get(window, 0x1000n).get(window, 0x2000n);
      access(p, device, { direction: 'write', iova: pageAt(window, 1n), memory: DATA, as: 'after' });
    },
  ),
  scenario(
    {
      id: 'eeh/papr/dma/release-step-by-step',
      title: 'A device writes no memory while its PE is stopped, nor with MMIO let go alone, and does once DMA is let go',
      clauses: [DMA, 'ibm,set-eeh-option/released', 'dma/translated'],
      claims: [reached('write', 'normal', 'DMA was let go')],
    },
    (p) => {
      const window = p.defaultWindow('eeh0');
      const device = deviceOf(window, 'eeh0');
      map(p, window, 1n, mapping(DATA, WRITE));
      fillBuffer(p, device);
      error(p);
      for (const operation of ['release-mmio', 'release-dma'] as const) {
        p.fill(DATA, 64, 0xa5).deviceWrites(pageAt(window, 1n), 64, 0, device.name).load(DATA, 64);
        PERFORM[operation](p);
      }
      access(p, device, { direction: 'write', iova: pageAt(window, 1n), memory: DATA, as: 'normal' });
    },
  ),
  scenario(
    {
      id: 'eeh/papr/dma/injected',
      title: 'An injected error of a DMA write comes with the write and keeps it from memory; a read before it does not bring it',
      clauses: [DMA, 'ibm,errinjct/armed', `${STATE}/state`],
      claims: [refused('write', 'write', 'the error came', DMA)],
    },
    (p) => {
      const window = p.defaultWindow('eeh0');
      const device = deviceOf(window, 'eeh0');
      map(p, window, 1n, mapping(DATA));
      fillBuffer(p, device);
      injectError(open(p), 16);
      p.deviceReads(pageAt(window, 1n), 64, 64, device.name);
      state(p);
      p.fill(DATA, 64, 0xa5).load(DATA, 64, 'write-memory').deviceWrites(pageAt(window, 1n), 64, 0, device.name).load(DATA, 64, 'write');
      state(p);
    },
  ),
];

/** Errors of a device's own making, and what its DMA meets afterwards. */
export const scenarios: readonly Scenario[] = [...faults, ...others];
