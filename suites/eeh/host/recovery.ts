import type { VfioProgramBuilder } from '../../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../../harness/scenario.js';
import { USUAL_LIMIT } from '../../../reference/eeh/recovery.js';
import { breakDevice, check, eehScenario, freeze, hostError, limit, pe, resets, rule, settled, shown, state } from '../steps.js';

const HOST = ['eeh', 'eeh-debugfs'] as const;
const RECOVERED = 'eeh-host/recovered';
const LEFT_ALONE = 'eeh-host/left-alone';
const REMOVED = 'eeh-host/removed';
const COUNTED = 'eeh-host/counted';
const STATE = 'eeh-host/state';

const recovered: readonly Scenario[] = [
  eehScenario(
    {
      id: 'eeh/host/recovered',
      title: 'A PE that nobody holds and that is stopped is recovered by the kernel, and the error is counted once',
      clauses: [RECOVERED, COUNTED, STATE],
      requires: HOST,
    },
    (p) => {
      shown(resets(p), 'pe0.dev0');
      hostError(p, 'pe0');
      resets(p);
    },
  ),
  ...(['mmio', 'dma'] as const).map((what) =>
    eehScenario(
      {
        id: `eeh/host/recovered-${what}`,
        title: `A PE that nobody holds and of which only ${what.toUpperCase()} is stopped is recovered by the kernel`,
        clauses: [RECOVERED, COUNTED, STATE],
        requires: [...HOST, 'platform:powernv'],
      },
      (p) => {
        settled(check(freeze(p, 'pe0', what), 'pe0.dev0'), 'pe0.dev0');
        resets(p);
      },
    ),
  ),
  eehScenario(
    {
      id: 'eeh/host/usable-afterwards',
      title: 'After the kernel recovered a PE a user program has it as ever: opened, mapped, its state normal',
      clauses: [RECOVERED, rule('get-state'), 'VFIO_IOMMU_MAP_DMA/mapped'],
      requires: [...HOST, 'spapr-v2'],
    },
    (p) => {
      hostError(p, 'pe0');
      use(p);
    },
  ),
  eehScenario(
    {
      id: 'eeh/host/nothing-wrong',
      title: 'A look at a PE with which nothing is wrong changes nothing and counts nothing',
      clauses: ['eeh-host/nothing-wrong', STATE, COUNTED],
      requires: HOST,
    },
    (p) => {
      for (let i = 0; i < 3; i++) settled(check(p, 'pe0.dev0'), 'pe0.dev0');
      resets(p);
    },
  ),
  eehScenario(
    {
      id: 'eeh/host/read-first',
      title: 'A stopped PE whose state was read before the kernel looked is handled as any other: to read is to change nothing',
      clauses: [RECOVERED, COUNTED, STATE],
      requires: HOST,
    },
    (p) => {
      shown(freeze(p), 'pe0.dev0');
      resets(check(p, 'pe0.dev0'));
    },
  ),
  eehScenario(
    {
      id: 'eeh/host/two-devices',
      title: 'Two devices of a PE show the same error, and both are as they should be after one recovery, whichever was looked at',
      clauses: [RECOVERED, COUNTED, STATE],
      requires: [...HOST, 'pe:pair0', 'device:pair0.dev1'],
    },
    (p) => {
      for (const device of ['pair0.dev0', 'pair0.dev1']) {
        check(freeze(p, 'pair0'), device);
        for (const shownBy of ['pair0.dev0', 'pair0.dev1']) settled(p, shownBy);
        check(p, 'pair0.dev0');
        resets(p);
      }
    },
  ),
  eehScenario(
    {
      id: 'eeh/host/two-pes',
      title: 'Two PEs that are stopped at once are recovered both, and counted one by one',
      clauses: [RECOVERED, COUNTED, STATE],
      requires: [...HOST, 'pe:pe1', 'device:pe1.dev0'],
    },
    (p) => {
      freeze(freeze(p), 'pe1');
      for (const device of ['pe0.dev0', 'pe1.dev0']) check(p, device);
      for (const device of ['pe0.dev0', 'pe1.dev0']) settled(p, device);
      resets(p);
    },
  ),
  eehScenario(
    {
      id: 'eeh/host/broken',
      title: 'A device that is broken on demand stops its PE; the kernel finds it, recovers it and counts it',
      clauses: ['eeh-host/broken', RECOVERED, COUNTED],
      requires: HOST,
    },
    (p) => {
      resets(settled(check(breakDevice(p, 'pe0.dev0'), 'pe0.dev0'), 'pe0.dev0'));
    },
  ),
  eehScenario(
    {
      id: 'eeh/host/disk',
      title: "After the kernel recovered a disk's PE its driver reads the same from it",
      clauses: [RECOVERED, 'driver/works'],
      requires: [...HOST, 'disk'],
    },
    (p) => {
      p.disk();
      hostError(p, 'disk0');
      p.disk();
    },
  ),
];

/** Shows that a PE can be had and used, and gives it back. */
function use(p: VfioProgramBuilder): void {
  const container = p.v2();
  const device = p.device(container);
  const buffer = p.registered(container);
  p.map(container, buffer.address, p.defaultWindow().start, 0x1000n);
  state(p, container).close(device.fd).close(container.group).close(container.fd);
}

/** How a user program gets a PE, and who does the telling. */
const held: readonly Scenario[] = [
  eehScenario(
    {
      id: 'eeh/host/left-alone',
      title: 'An error of a PE that a user program holds is not handled by the kernel, however often it looks; the program recovers it',
      clauses: [LEFT_ALONE, COUNTED, rule('get-state'), rule('hot-reset')],
      requires: [...HOST, 'spapr-v2'],
    },
    (p) => {
      const container = p.v2();
      p.device(container);
      freeze(p);
      for (let i = 0; i < 3; i++) check(p, 'pe0.dev0');
      shown(p, 'pe0.dev0');
      state(resets(p), container);
      state(pe(p, container, 'hot-reset', 'deactivate', 'configure'), container);
      shown(resets(p), 'pe0.dev0');
    },
  ),
  eehScenario(
    {
      id: 'eeh/host/let-go-by-owner',
      title: 'A PE whose owner let it go without a reset, and left, is as any other: nothing is isolated, and its next error is handled',
      clauses: [STATE, RECOVERED, COUNTED, rule('unfreeze-io'), rule('unfreeze-dma')],
      requires: [...HOST, 'spapr-v2'],
    },
    (p) => {
      const container = p.v2();
      const device = p.device(container);
      state(pe(freeze(p), container, 'unfreeze-io', 'unfreeze-dma'), container);
      p.close(device.fd).close(container.group).close(container.fd);
      shown(p, 'pe0.dev0');
      resets(check(freeze(p), 'pe0.dev0'));
    },
  ),
  eehScenario(
    {
      id: 'eeh/host/left-alone-beyond-limit',
      title: 'Errors that a user program recovers do not count towards the limit: with a limit of 1 it may have three, and the kernel one more',
      clauses: [LEFT_ALONE, RECOVERED, COUNTED, 'eeh-host/limit'],
      requires: [...HOST, 'spapr-v2'],
    },
    (p) => {
      limit(p, 1);
      const container = p.v2();
      const device = p.device(container);
      for (let i = 0; i < 3; i++) {
        check(freeze(p), 'pe0.dev0');
        state(pe(p, container, 'enable'), container);
      }
      p.close(device.fd).close(container.group).close(container.fd);
      hostError(p, 'pe0');
      use(resets(p));
    },
  ),
  eehScenario(
    {
      id: 'eeh/host/one-of-two-held',
      title: 'Of two devices of a PE a user program holds one: the kernel leaves the PE to it, also when it looks at the other, and both see the recovery',
      clauses: [LEFT_ALONE, COUNTED, STATE, rule('enable')],
      requires: [...HOST, 'spapr-v2', 'pe:pair0', 'device:pair0.dev1'],
    },
    (p) => {
      const container = p.v2('pair0');
      p.device(container, 'pair0.dev0');
      freeze(p, 'pair0');
      for (const device of ['pair0.dev1', 'pair0.dev0']) shown(check(p, device), device);
      state(p, container);
      state(pe(p, container, 'enable'), container);
      for (const device of ['pair0.dev1', 'pair0.dev0']) shown(p, device);
      resets(p);
    },
  ),
  eehScenario(
    {
      id: 'eeh/host/neighbour-recovered',
      title: 'While the kernel recovers one PE the PE beside it, which a user program holds, stays as it is, stopped or not',
      clauses: [RECOVERED, rule('get-state'), COUNTED],
      requires: [...HOST, 'spapr-v2', 'pe:pe1', 'device:pe1.dev0'],
    },
    (p) => {
      const container = p.v2();
      p.device(container);
      for (const stop of [false, true]) {
        if (stop) freeze(p);
        hostError(p, 'pe1');
        state(p, container);
      }
      pe(resets(p), container, 'enable');
    },
  ),
];

/** Errors up to the limit and past it. */
const thresholds = [1, 2, USUAL_LIMIT].map((errors) =>
  eehScenario(
    {
      id: `eeh/host/limit/${errors}`,
      title: `With a limit of ${errors} a PE is recovered ${errors === 1 ? 'once' : `${errors} times`}; one error more, and its device is gone for good`,
      clauses: [RECOVERED, REMOVED, COUNTED, 'eeh-host/limit', 'open-group/driver'],
      requires: HOST,
    },
    (p) => {
      limit(p, errors);
      for (let i = 0; i < errors; i++) hostError(p, 'pe0');
      use(resets(p));
      hostError(p, 'pe0');
      p.open('pe0', 'gone');
      settled(check(resets(p), 'pe0.dev0'), 'pe0.dev0');
    },
  ),
);

const removed: readonly Scenario[] = [
  eehScenario(
    {
      id: 'eeh/host/limit/usual',
      title: `Left as it is, the limit is ${USUAL_LIMIT} errors an hour: the sixth removes the device, not the fifth`,
      clauses: [RECOVERED, REMOVED, COUNTED],
      requires: HOST,
    },
    (p) => {
      for (let i = 0; i <= USUAL_LIMIT; i++) resets(shown(hostErrorThen(p), 'pe0.dev0'));
    },
  ),
  eehScenario(
    {
      id: 'eeh/host/limit/whole-pe',
      title: 'A PE that is given up takes both of its devices along, and no other PE',
      clauses: [REMOVED, STATE, COUNTED],
      requires: [...HOST, 'spapr-v2', 'pe:pair0', 'device:pair0.dev1'],
    },
    (p) => {
      limit(p, 1);
      for (let i = 0; i < 2; i++) hostError(p, 'pair0');
      settled(settled(p, 'pair0.dev1'), 'pe0.dev0');
      p.open('pair0', 'gone');
      use(resets(p));
    },
  ),
  eehScenario(
    {
      id: 'eeh/host/limit/each-pe',
      title: 'Each PE has a count of its own: errors of one do not use up the limit of another',
      clauses: [RECOVERED, COUNTED],
      requires: [...HOST, 'pe:pe1', 'device:pe1.dev0'],
    },
    (p) => {
      limit(p, 1);
      for (const name of ['pe0', 'pe1']) hostError(p, name);
      resets(p);
    },
  ),
];

function hostErrorThen(p: VfioProgramBuilder): VfioProgramBuilder {
  hostError(p, 'pe0');
  return p;
}

/** The kernel's own recovery, and its limits. */
export const scenarios: readonly Scenario[] = [...recovered, ...held, ...thresholds, ...removed];
