import type { ContainerHandle, DeviceHandle, VfioProgramBuilder } from '../../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../../harness/scenario.js';
import { FUNCTIONS, inPartition, onPhb4, TYPES } from '../../../reference/eeh/injection.js';
import type { Access } from '../../../reference/eeh/pe.js';
import { openRig, TARGET } from '../../isolation/vfio/device.js';
import { BAR0, CLASS, CONFIGURATION, EEH, eehScenario, freeze, IDENTIFICATION, inject, LIVENESS, loadWord, rule, state, step, STOPS, storeWord } from '../steps.js';
import { REACHED } from './cells.js';

const INJECT = 'VFIO_EEH_PE_OP';

/** Makes an access of the kind that an injected error waits for; I/O space and stores to the configuration have none here. */
function access(p: VfioProgramBuilder, device: DeviceHandle, kind: Access): void {
  if (kind === 'config-load') loadWord(p, device, CONFIGURATION, CLASS);
  if (kind === 'config-store') p.do({ door: 'vfio', op: 'write', fd: device.fd, region: CONFIGURATION, offset: CLASS, value: 0 });
  if (kind === 'mmio-load') loadWord(p, device, BAR0, IDENTIFICATION);
  if (kind === 'mmio-store') storeWord(p, device, LIVENESS, 0);
}

const decides = (platform: 'pseries' | 'powernv', func: number): string => {
  if (platform === 'pseries') return inPartition(func) ? rule('inject') : `${INJECT}/inject-partition`;
  return onPhb4(func) ? rule('inject') : `${INJECT}/inject-firmware`;
};

/** Each function and type, on each platform, and the access that brings it. */
const matrix = (['pseries', 'powernv'] as const).flatMap((platform) =>
  FUNCTIONS.flatMap(({ name, access: kind }, func) =>
    Array.from({ length: TYPES }, (_, type) =>
      eehScenario(
        {
          id: `eeh/vfio/inject/${platform}/${type === 0 ? '32' : '64'}-bit/${func}`,
          title: `${platform === 'pseries' ? 'In a partition' : 'On PowerNV'} an error of ${type === 0 ? '32' : '64'} bits, ${name} (${func}), is injected or refused as the platform says, and the state shows it`,
          clauses: [decides(platform, func), rule('get-state')],
          requires: [...EEH, `platform:${platform}`],
        },
        (p) => {
          const container = p.v2();
          const device = p.device(container);
          state(inject(p, container, func, type), container);
          access(p, device, kind);
          state(p, container);
          step(p, container, 'hot-reset', 'deactivate', 'enable');
        },
      ),
    ),
  ),
);

const from = REACHED.map(({ name, text, requires, reach }) =>
  eehScenario(
    {
      id: `eeh/vfio/cell/${name}/inject`,
      title: `An error that is injected into a PE that is ${text} leaves it in a state that the table allows`,
      clauses: [rule('inject'), rule('get-state')],
      requires: [...(requires ?? EEH)],
    },
    (p) => {
      const container = p.v2();
      const device = p.device(container);
      reach(p, container);
      // Of the errors that either platform knows, each takes one.
      inject(p, container, 0);
      state(inject(p, container, 4), container);
      access(p, device, 'config-load');
      state(p, container);
    },
  ),
);

/** What is wrong with an injection, beyond what the rules' own scenarios show. */
const refused = eehScenario(
  {
    id: 'eeh/vfio/inject/refused-changes-nothing',
    title: 'Injections that are refused leave the PE normal, and its device working',
    clauses: [`${INJECT}/inject-function`, `${INJECT}/inject-type`, `${INJECT}/inject-argsz`, `${INJECT}/op`, rule('get-state')],
  },
  (p) => {
    const container = p.v2();
    p.device(container);
    for (const func of [20, 21, 0x7fff_ffff, 0xffff_ffff]) inject(p, container, func);
    for (const type of [2, 0xffff_ffff]) inject(p, container, 0, type);
    for (const argsz of [0n, 12n, 39n]) p.ioctl(container.fd, INJECT, { argsz, op: 9n });
    for (const op of [10n, 11n, 0xffff_ffffn]) p.ioctl(container.fd, INJECT, { argsz: 40n, op });
    state(p, container);
  },
);

/** A device's own accesses that are refused. */
const FAULTS = [
  { name: 'tce-fault', text: 'to an entry that maps nothing', map: () => undefined, iova: TARGET, op: 'write' },
  {
    name: 'permission',
    text: 'to a page that it may not write',
    map: (p: VfioProgramBuilder, container: ContainerHandle, memory: ReturnType<VfioProgramBuilder['memory']>, at: ReturnType<typeof openRig>['window']) =>
      p.map(container, memory.address, at.at(TARGET), 0x1000n, 1n),
    iova: TARGET,
    op: 'write',
  },
  { name: 'outside', text: 'outside every window', map: () => undefined, iova: 1n << 40n, op: 'read' },
] as const;

const faults = FAULTS.map(({ name, text, map, iova, op }) =>
  eehScenario(
    {
      id: `eeh/vfio/fault/${name}`,
      title: `An access of a device ${text} may stop its PE; whoever asks sees it, and it can be recovered`,
      clauses: [rule('get-state'), rule('enable'), op === 'read' ? 'dma/outside-windows' : 'dma/write-permission'],
    },
    (p) => {
      const rig = openRig(p);
      map(p, rig.container, rig.buffer, rig.window);
      const at = rig.window.at(iova);
      if (op === 'read') p.deviceReads(rig.device, at, 64, 64);
      else p.deviceWrites(rig.device, at, 64, 0);
      state(state(p, rig.container), rig.container);
      step(p, rig.container, 'unfreeze-io', 'unfreeze-dma', 'enable');
    },
  ),
);

const dma = eehScenario(
  {
    id: 'eeh/vfio/inject/while-stopped',
    title: 'A PE that is stopped already stays so when it has another error',
    clauses: [rule('get-state'), 'eeh-host/outside'],
    requires: STOPS,
  },
  (p) => {
    const container = p.v2();
    const device = p.device(container);
    state(freeze(freeze(p)), container);
    loadWord(p, device, BAR0, IDENTIFICATION);
    state(freeze(p), container);
    step(p, container, 'enable');
  },
);

/** Errors by type and function, and by a device's own access. */
export const scenarios: readonly Scenario[] = [...matrix, ...from, refused, ...faults, dma];
