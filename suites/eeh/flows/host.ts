import type { VfioProgramBuilder } from '../../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../../harness/scenario.js';
import { USUAL_LIMIT } from '../../../reference/eeh/recovery.js';
import { breakDevice, check, eehScenario, freeze, hostError, limit, pe, resets, rule, settled, shown, state } from '../steps.js';

/*
 * op-test (OpTestEEH.py), avocado (io/pci/EEH.py) and the kernel's own selftests (powerpc/eeh): errors of PEs that the host holds.
 * They search the kernel log and sleep; here the state is asked for until the PE is as it should be, with a deadline.
 * A PE is stopped from outside, which any machine of the lab can do; how it is done on theirs, their injections say.
 */

const RECOVERED = 'eeh-host/recovered';
const REMOVED = 'eeh-host/removed';
const COUNTED = 'eeh-host/counted';
const STATE = 'eeh-host/state';
const LIMIT = 'eeh-host/limit';
const LEFT_ALONE = 'eeh-host/left-alone';

const HOST = ['eeh', 'eeh-debugfs'] as const;
const WITH_VFIO = [...HOST, 'spapr-v2'] as const;
const NEIGHBOUR = ['pe:pe1', 'device:pe1.dev0'] as const;
const PAIR = ['pe:pair0', 'device:pair0.dev1'] as const;

/** PEs that stand for all of one host bridge: the suites' machines have one on each. */
const SOME = ['pe0', 'pe1'] as const;

const all = (p: VfioProgramBuilder, look: (p: VfioProgramBuilder, device: string) => unknown): void => {
  for (const name of SOME) look(p, `${name}.dev0`);
};

const flow = (id: string, title: string, clauses: readonly string[], requires: readonly string[], write: (p: VfioProgramBuilder) => void): Scenario =>
  eehScenario({ id: `eeh/${id}`, title, clauses, requires }, write);

const opTest: readonly Scenario[] = [
  flow('opt-01/preparation', 'OPT-01: before an injection every PE is normal, nothing is counted; the limit can be set and put back', [STATE, COUNTED, LIMIT], [...HOST, ...NEIGHBOUR], (p) => {
    all(p, shown);
    limit(limit(resets(p), 1), USUAL_LIMIT);
  }),
  flow(
    'opt-02/fenced-phb-basic',
    'OPT-02: every PE of the bridges fails at once; all are recovered and all devices are there; one that a program holds stays stopped for it; the counter has grown by the others',
    [RECOVERED, LEFT_ALONE, COUNTED, STATE, rule('get-state'), rule('enable')],
    [...WITH_VFIO, ...NEIGHBOUR, 'pe:pe2', 'device:pe2.dev0'],
    (p) => {
      const container = p.v2('pe2');
      p.device(container, 'pe2.dev0');
      for (const name of [...SOME, 'pe2']) freeze(p, name);
      all(p, check);
      check(p, 'pe2.dev0');
      all(p, settled);
      state(resets(p), container);
      state(pe(p, container, 'enable'), container);
    },
  ),
  flow('opt-03/fenced-phb-max', 'OPT-03: with a limit of 1 the first error is recovered, the second removes the device; no third recovery, other bridges untouched', [RECOVERED, REMOVED, COUNTED, LIMIT, STATE], [...HOST, ...NEIGHBOUR], (p) => {
    limit(p, 1);
    for (let i = 0; i < 2; i++) hostError(p, 'pe0');
    settled(check(resets(p), 'pe0.dev0'), 'pe0.dev0');
    shown(resets(p), 'pe1.dev0');
  }),
  flow('opt-04/frozen-pe-matrix', `OPT-04: five errors are recovered, exactly the sixth removes the device; nothing more is injected into a PE that was removed`, [RECOVERED, REMOVED, COUNTED, STATE], HOST, (p) => {
    for (let hit = 1; hit <= USUAL_LIMIT + 1; hit++) {
      hostError(p, 'pe0');
      resets(p);
    }
  }),
  flow('opt-05/frozen-pe-max', 'OPT-05: with a limit of 1 the second hit takes both functions of the PE away, and no PE beside it', [RECOVERED, REMOVED, LIMIT, STATE], [...HOST, ...PAIR], (p) => {
    limit(p, 1);
    hostError(p, 'pair0');
    settled(p, 'pair0.dev1');
    hostError(p, 'pair0');
    shown(settled(p, 'pair0.dev1'), 'pe0.dev0');
  }),
  flow('opt-06/counter', 'OPT-06: the counter grows by one for an error that the host handles, and not for one of a PE that a program holds', [COUNTED, RECOVERED, LEFT_ALONE], [...WITH_VFIO, ...NEIGHBOUR], (p) => {
    const container = p.v2();
    p.device(container);
    check(freeze(p), 'pe0.dev0');
    resets(p);
    hostError(p, 'pe1');
    pe(resets(p), container, 'enable');
  }),
];

const avocado: readonly Scenario[] = [
  flow('avo-01/gate', 'AVO-01: a host with EEH is told by the extension and by its devices, whose PEs are normal', ['VFIO_CHECK_EXTENSION/answer', STATE], [...HOST, ...NEIGHBOUR], (p) => {
    p.ioctl(p.open('container', 'container'), 'VFIO_CHECK_EXTENSION', { value: 5n });
    all(p, shown);
  }),
  flow('avo-02/inject-bare-metal', 'AVO-02: on PowerNV each injected error is a hit: the PE is found stopped, counted and recovered; a miss is no success', [RECOVERED, COUNTED], [...HOST, 'platform:powernv'], (p) => {
    for (const what of ['all', 'mmio', 'dma'] as const) resets(settled(check(freeze(p, 'pe0', what), 'pe0.dev0'), 'pe0.dev0'));
  }),
  flow('avo-03/inject-powervm', 'AVO-03: in a partition the error of a load stops the PE; recovery is over when the PE is normal, its device is there and works', ['eeh-host/broken', RECOVERED, COUNTED, rule('get-state')], [...WITH_VFIO, 'platform:pseries'], (p) => {
    resets(settled(check(breakDevice(p, 'pe0.dev0'), 'pe0.dev0'), 'pe0.dev0'));
    const container = p.v2();
    p.device(container);
    state(p, container);
  }),
  ...[1, 3].map((errors) =>
    flow(`avo-04/threshold/${errors}`, `AVO-04: with a threshold of ${errors} the removal comes at hit ${errors + 1}, not at hit ${errors}`, [RECOVERED, REMOVED, LIMIT, STATE], HOST, (p) => {
      limit(p, errors);
      for (let hit = 0; hit <= errors; hit++) shown(freezeAndSettle(p), 'pe0.dev0');
    }),
  ),
  flow('avo-05/use-after-recovery', 'AVO-05: a disk holds the same after each of three recoveries', [RECOVERED, 'driver/works'], [...HOST, 'disk'], (p) => {
    p.disk();
    for (let i = 0; i < 3; i++) {
      hostError(p, 'disk0');
      p.disk();
    }
  }),
  flow('avo-06/pair', 'AVO-06: an error of one PE leaves the PE beside it alone, while it is handled and after', [RECOVERED, STATE, COUNTED], [...HOST, ...NEIGHBOUR], (p) => {
    freeze(p);
    shown(p, 'pe1.dev0');
    shown(settled(check(p, 'pe0.dev0'), 'pe0.dev0'), 'pe1.dev0');
    resets(p);
  }),
];

function freezeAndSettle(p: VfioProgramBuilder): VfioProgramBuilder {
  hostError(p, 'pe0');
  return p;
}

const selftests: readonly Scenario[] = [
  flow('kse-01/prepare', 'KSE-01: the limit is raised for the test; many errors are borne then, and the usual number again afterwards', [LIMIT, RECOVERED, COUNTED], HOST, (p) => {
    limit(p, 5000);
    for (let i = 0; i < USUAL_LIMIT + 2; i++) hostError(p, 'pe0');
    limit(resets(p), USUAL_LIMIT);
  }),
  flow('kse-02/healthy', 'KSE-02: a PE is healthy where both of its words say so, read at once; stopped it is not', [STATE, 'eeh-host/outside'], WITH_VFIO, (p) => {
    shown(p, 'pe0.dev0');
    const container = p.v2();
    p.device(container);
    shown(freeze(p), 'pe0.dev0');
    shown(pe(p, container, 'unfreeze-io'), 'pe0.dev0');
    shown(pe(p, container, 'enable'), 'pe0.dev0');
  }),
  flow('kse-03/break-every-device', 'KSE-03: each device in turn is broken, found stopped, recovered and counted once; the devices are those that there were', ['eeh-host/broken', RECOVERED, COUNTED, STATE], [...HOST, ...NEIGHBOUR], (p) => {
    all(p, (_, device) => {
      check(breakDevice(p, device), device);
      resets(settled(p, device));
    });
    all(p, shown);
  }),
  flow('kse-04/aware-driver', 'KSE-04: a PE whose driver knows what to do about errors, vfio-pci with nobody at it, is recovered in place and can be used', [RECOVERED, 'VFIO_GROUP_GET_DEVICE_FD/opened', COUNTED], WITH_VFIO, (p) => {
    const group = p.open('pe0', 'group');
    hostError(p, 'pe0');
    const fd = p.open('container', 'container');
    p.ioctl(group, 'VFIO_GROUP_SET_CONTAINER', { fd }).ioctl(fd, 'VFIO_SET_IOMMU', { value: 7n });
    p.device({ fd, group });
    resets(p);
  }),
  flow('kse-05/unaware-driver', 'KSE-05: a device without a driver is there and healthy after the recovery', [RECOVERED, 'driver/bound', STATE, COUNTED], [...HOST, 'bind'], (p) => {
    p.bind('pe0.dev0', 'none');
    hostError(p, 'pe0');
    shown(resets(p), 'pe0.dev0');
    p.bind('pe0.dev0', 'vfio-pci');
  }),
  flow('kse-06/shared-pe', 'KSE-06: two functions of a PE are stopped at once, recovered once, counted once', [RECOVERED, COUNTED, STATE], [...HOST, ...PAIR], (p) => {
    freeze(p, 'pair0');
    for (const device of ['pair0.dev0', 'pair0.dev1']) check(p, device);
    for (const device of ['pair0.dev0', 'pair0.dev1']) settled(p, device);
    resets(p);
  }),
  flow('kse-06/again-in-recovery', 'KSE-06: an error of the other function during a recovery ends with the PE healthy or given up, never stuck', [STATE], [...HOST, ...PAIR], (p) => {
    check(freeze(p, 'pair0'), 'pair0.dev0');
    check(freeze(p, 'pair0'), 'pair0.dev1');
    for (const device of ['pair0.dev0', 'pair0.dev1']) settled(p, device);
  }),
  flow('kse-06/one-held', 'KSE-06: one function is held by a program, the other by nobody: both show the same, and what the program does helps both', [LEFT_ALONE, STATE, rule('get-state'), rule('enable')], [...WITH_VFIO, ...PAIR, 'bind'], (p) => {
    p.bind('pair0.dev1', 'none');
    const container = p.v2('pair0');
    p.device(container, 'pair0.dev0');
    freeze(p, 'pair0');
    for (const device of ['pair0.dev0', 'pair0.dev1']) shown(check(p, device), device);
    state(p, container);
    state(pe(p, container, 'enable'), container);
    for (const device of ['pair0.dev0', 'pair0.dev1']) shown(p, device);
    p.bind('pair0.dev1', 'vfio-pci');
  }),
];

/** OPT-01 to OPT-06, AVO-01 to AVO-06, KSE-01 to KSE-06. */
export const scenarios: readonly Scenario[] = [...opTest, ...avocado, ...selftests];
