import type { ContainerHandle, VfioProgramBuilder } from '../../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../../harness/scenario.js';
import { IOMMU_TYPE } from '../../../reference/uapi/vfio.js';
import { DATA, fillDevice, openRig, OTHER, PAGE, reached, refused, TARGET, writes, type Rig } from '../../isolation/vfio/device.js';
import {
  BAR0,
  breakDevice,
  check,
  CLASS,
  CONFIGURATION,
  differ,
  EEH,
  eehScenario,
  freeze,
  IDENTIFICATION,
  inject,
  loadWord,
  pe,
  resets,
  rule,
  same,
  state,
  STOPS,
} from '../steps.js';

/*
 * vfio-ppc-tests, vfio-spapr-eeh-test.c (test 1) and vfio-spapr-eeh-test2.c (test 2): enable, inject, detect, let MMIO go,
 * reset, configure. What they print is asked here, and what they leave out is added.
 */

const MMIO = 'eeh/stopped-mmio';
const DMA = 'eeh/stopped-dma';
const CONFIG = 'eeh/stopped-config';

/** The first words of the device's registers, and of its configuration the one that VFIO does not make up. */
function look(p: VfioProgramBuilder, rig: Pick<Rig, 'device'>, as: string): void {
  loadWord(p, rig.device, BAR0, IDENTIFICATION, `register-${as}`);
  loadWord(p, rig.device, CONFIGURATION, CLASS, `class-${as}`);
  // Vendor and device are VFIO's own: they never show an error, which is all that test 2 looks at.
  loadWord(p, rig.device, CONFIGURATION, 0);
}

const baseline = eehScenario(
  {
    id: 'eeh/vpt-17/enable-and-baseline',
    title: 'VPT-17: EEH is offered and enabled, the PE is normal, its registers and its configuration read the same twice, DMA runs',
    clauses: ['VFIO_CHECK_EXTENSION/answer', rule('enable'), rule('get-state'), 'dma/translated'],
    claims: [
      reached('write', 'write', 'the page is mapped'),
      same('register-first', 'register-second', 'nothing happened in between', rule('enable')),
      same('class-first', 'class-second', 'nothing happened in between', rule('enable')),
    ],
  },
  (p) => {
    const rig = openRig(p);
    p.ioctl(rig.container.fd, 'VFIO_CHECK_EXTENSION', { value: BigInt(IOMMU_TYPE.EEH) });
    look(p, rig, 'first');
    state(pe(p, rig.container, 'enable'), rig.container);
    look(p, rig, 'second');
    p.map(rig.container, rig.buffer.at(DATA), rig.window.at(TARGET), PAGE);
    fillDevice(p, rig);
    writes(p, rig, { as: 'write', iova: rig.window.at(TARGET), memory: rig.buffer.at(DATA) });
  },
);

/** The errors that the two tests inject: a load from memory (0), a load from configuration (4). */
const injections = (['pseries', 'powernv'] as const).map((platform) =>
  eehScenario(
    {
      id: `eeh/vpt-18/inject/${platform}`,
      title: `VPT-18: ${platform === 'pseries' ? 'in a partition a load from memory fails at once, a load from configuration is refused' : 'on PowerNV a load from configuration fails when it is made, and the state says so after it'}; wrong injections are refused and change nothing`,
      clauses: [rule('inject'), rule('get-state'), 'VFIO_EEH_PE_OP/inject-type', 'VFIO_EEH_PE_OP/inject-function', 'VFIO_EEH_PE_OP/inject-argsz', 'VFIO_EEH_PE_OP/op'],
      requires: [...EEH, `platform:${platform}`],
    },
    (p) => {
      const container = p.v2();
      const device = p.device(container);
      state(pe(p, container, 'enable'), container);
      p.ioctl(container.fd, 'VFIO_EEH_PE_OP', { argsz: 12n, op: 9n }).ioctl(container.fd, 'VFIO_EEH_PE_OP', { argsz: 40n, op: 10n });
      inject(inject(p, container, 0, 2), container, 20);
      state(p, container);
      state(inject(p, container, platform === 'pseries' ? 0 : 4), container);
      loadWord(p, device, CONFIGURATION, CLASS);
      state(inject(p, container, platform === 'pseries' ? 4 : 20), container);
      pe(p, container, 'enable');
    },
  ),
);

/** A program in the middle of VPT-17: DMA mapped, everything looked at; then the PE is stopped. */
function stopped(p: VfioProgramBuilder, group = 'pe0'): Rig {
  const rig = openRig(p, { group });
  p.map(rig.container, rig.buffer.at(DATA), rig.window.at(TARGET), PAGE);
  fillDevice(p, rig);
  pe(p, rig.container, 'enable');
  look(p, rig, 'before');
  freeze(p, group);
  return rig;
}

const write = (p: VfioProgramBuilder, rig: Rig, as: string): void => writes(p, rig, { as, iova: rig.window.at(TARGET), memory: rig.buffer.at(DATA) });

const detected = eehScenario(
  {
    id: 'eeh/vpt-19/detect',
    title: 'VPT-19: a stopped PE shows in its state, in every register and in the class of its configuration, and to the second device; tables can be edited, DMA is stopped',
    clauses: [rule('get-state'), MMIO, CONFIG, DMA, 'VFIO_IOMMU_MAP_DMA/mapped', 'VFIO_IOMMU_UNMAP_DMA/unmapped'],
    requires: [...STOPS, 'pe:pair0', 'device:pair0.dev1'],
    claims: [differ('register-before', 'register-stopped', 'the PE is stopped', MMIO), refused('write', 'write', 'the PE is stopped', DMA)],
  },
  (p) => {
    const rig = stopped(p, 'pair0');
    const second = p.device(rig.container, 'pair0.dev1');
    freeze(p, 'pair0');
    state(p, rig.container);
    look(p, rig, 'stopped');
    loadWord(p, second, BAR0, IDENTIFICATION);
    state(p, rig.container);
    write(p, rig, 'write');
    p.map(rig.container, rig.buffer.at(OTHER), rig.window.at(TARGET + 0x1_0000n), PAGE).unmap(rig.container, rig.window.at(TARGET + 0x1_0000n), PAGE);
    state(p, rig.container);
  },
);

const released = eehScenario(
  {
    id: 'eeh/vpt-20/unfreeze-io',
    title: 'VPT-20: after UNFREEZE_IO only DMA is stopped, registers and configuration are themselves; on a PE that is normal it does nothing',
    clauses: [rule('unfreeze-io'), rule('get-state'), DMA],
    requires: STOPS,
    claims: [
      same('register-before', 'register-after', 'MMIO was let go', rule('unfreeze-io')),
      same('class-before', 'class-after', 'MMIO was let go', rule('unfreeze-io')),
      refused('write', 'write', 'DMA is stopped still', DMA),
    ],
  },
  (p) => {
    const rig = stopped(p);
    state(pe(p, rig.container, 'unfreeze-io'), rig.container);
    look(p, rig, 'after');
    write(p, rig, 'write');
    state(pe(p, rig.container, 'enable'), rig.container);
    state(pe(p, rig.container, 'unfreeze-io'), rig.container);
  },
);

const resetAndWait = (['hot-reset', 'fundamental-reset'] as const).map((operation) =>
  eehScenario(
    {
      id: `eeh/vpt-21/${operation}`,
      title: `VPT-21: a ${operation.replace('-', ' ')} is held until it is ended: the state is never normal meanwhile, and the configuration is out of reach`,
      clauses: [rule(operation), rule('get-state'), CONFIG],
      requires: STOPS,
    },
    (p) => {
      const rig = stopped(p);
      state(pe(p, rig.container, 'unfreeze-io', operation), rig.container);
      loadWord(p, rig.device, CONFIGURATION, CLASS);
      for (let i = 0; i < 3; i++) state(p, rig.container);
      pe(p, rig.container, 'deactivate', 'configure');
    },
  ),
);

/** The rest of a recovery, and that everything is as it was. */
function recover(p: VfioProgramBuilder, rig: Rig): void {
  pe(p, rig.container, 'unfreeze-io', 'hot-reset');
  finish(p, rig.container);
  look(p, rig, 'after');
  fillDevice(p, rig);
  write(p, rig, 'after');
}

const finish = (p: VfioProgramBuilder, container: ContainerHandle): VfioProgramBuilder => state(pe(p, container, 'deactivate', 'configure'), container);

const asBefore = [
  same('register-before', 'register-after', 'the PE was recovered', rule('deactivate')),
  same('class-before', 'class-after', 'the PE was recovered', rule('configure')),
  reached('write', 'after', 'neither error nor reset touches a table'),
] as const;

const verified = eehScenario(
  {
    id: 'eeh/vpt-22/deactivate-configure-verify',
    title: 'VPT-22: after RESET_DEACTIVATE and CONFIGURE the PE is normal, registers and configuration are as before, DMA runs by the old mapping; a second RESET_DEACTIVATE does nothing',
    clauses: [rule('deactivate'), rule('configure'), rule('get-state'), 'dma/translated'],
    requires: STOPS,
    claims: asBefore,
  },
  (p) => {
    const rig = stopped(p);
    recover(p, rig);
    finish(p, rig.container);
  },
);

const broken = eehScenario(
  {
    id: 'eeh/vpt-23/break-by-debugfs',
    title: 'VPT-23: a device that the host breaks while a program holds it is left to the program: the host neither recovers nor counts, and the program recovers it without waiting',
    clauses: ['eeh-host/broken', 'eeh-host/left-alone', 'eeh-host/counted', rule('get-state'), rule('deactivate')],
    requires: [...STOPS, 'eeh-debugfs'],
    claims: asBefore,
  },
  (p) => {
    const rig = openRig(p);
    p.map(rig.container, rig.buffer.at(DATA), rig.window.at(TARGET), PAGE);
    fillDevice(p, rig);
    pe(p, rig.container, 'enable');
    look(p, rig, 'before');
    check(breakDevice(p, 'pe0.dev0'), 'pe0.dev0');
    state(resets(p), rig.container);
    recover(p, rig);
    resets(check(p, 'pe0.dev0'));
  },
);

/** VPT-17 to VPT-23. */
export const scenarios: readonly Scenario[] = [baseline, ...injections, detected, released, ...resetAndWait, verified, broken];
