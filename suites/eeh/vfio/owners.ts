import type { ContainerHandle, VfioProgramBuilder } from '../../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../../harness/scenario.js';
import { CLASS, CONFIGURATION, eehScenario, freeze, IDENTIFICATION, BAR0, loadWord, pe, rule, same, state, step, STOPS } from '../steps.js';
import { v2By } from '../../isolation/vfio/device.js';
import { REACHED } from './cells.js';

const ENDS = [
  { name: 'exit', text: 'ended' },
  { name: 'kill', text: 'was killed' },
] as const;

/** A child with a container of v2 and the device of `pe0` open. */
function owner(p: VfioProgramBuilder): { readonly by: string; readonly container: ReturnType<typeof v2By> } {
  const by = p.fork();
  const container = v2By(p, by);
  p.ioctl(container.group, 'VFIO_GROUP_GET_DEVICE_FD', {}, { device: 'pe0.dev0', by, as: `${by}-device` });
  return { by, container };
}

const dies = ENDS.flatMap(({ name, text }) =>
  REACHED.map((reached) =>
    eehScenario(
      {
        id: `eeh/vfio/owner/${name}/${reached.name}`,
        title: `After the owner of a PE that is ${reached.text} ${text} the next one has it as the table of states says, and can make it normal`,
        clauses: ['VFIO_GROUP_GET_DEVICE_FD/opened', rule('get-state'), rule('deactivate'), 'close/closed'],
        ...(reached.requires && { requires: reached.requires }),
      },
      (p) => {
        const { by, container } = owner(p);
        reached.reach(p, container);
        p[name](by);
        const next = p.v2();
        p.device(next);
        state(p, next);
        step(p, next, 'deactivate', 'enable');
      },
    ),
  ),
);

const closed: readonly Scenario[] = [
  eehScenario(
    {
      id: 'eeh/vfio/owner/device-closed',
      title: 'A stopped PE goes on when its device is closed, and is normal when it is opened again',
      clauses: ['close/closed', rule('get-state')],
    },
    (p) => {
      const container = p.v2();
      const device = p.device(container);
      state(freeze(p), container);
      p.close(device.fd);
      state(p, container);
      p.device(container);
      state(p, container);
    },
  ),
  eehScenario(
    {
      id: 'eeh/vfio/owner/opened-twice',
      title: 'A device that is opened a second time, and closed once, is held still: its PE stays stopped',
      clauses: ['VFIO_GROUP_GET_DEVICE_FD/opened', 'close/closed', rule('get-state')],
    },
    (p) => {
      const container = p.v2();
      p.device(container);
      state(freeze(p), container);
      const second = p.device(container);
      state(p, container).close(second.fd);
      state(p, container);
      step(p, container, 'enable');
    },
  ),
  eehScenario(
    {
      id: 'eeh/vfio/owner/second-device',
      title: 'Opening, or closing, the second device of a stopped PE lets the PE go on, for the first device too',
      clauses: ['VFIO_GROUP_GET_DEVICE_FD/opened', 'close/closed', rule('get-state')],
      requires: ['spapr-v2', 'eeh', 'pe:pair0', 'device:pair0.dev1'],
    },
    (p) => {
      const container = p.v2('pair0');
      p.device(container, 'pair0.dev0');
      state(freeze(p, 'pair0'), container);
      const second = p.device(container, 'pair0.dev1');
      state(p, container);
      state(freeze(p, 'pair0'), container).close(second.fd);
      state(p, container);
    },
  ),
  eehScenario(
    {
      id: 'eeh/vfio/owner/stopped-before',
      title: 'A PE that was stopped before its device is opened is normal once it is',
      clauses: ['VFIO_GROUP_GET_DEVICE_FD/opened', rule('get-state')],
    },
    (p) => {
      freeze(p);
      const container = p.v2();
      state(p, container);
      p.device(container);
      state(p, container);
    },
  ),
  eehScenario(
    { id: 'eeh/vfio/owner/reset-left', title: 'After an owner left with a reset held the next one can open the device, and end the reset', clauses: [rule('hot-reset'), rule('deactivate'), 'VFIO_GROUP_GET_DEVICE_FD/opened'] },
    (p) => {
      const before = p.v2();
      const first = p.device(before);
      pe(p, before, 'hot-reset');
      p.close(first.fd).close(before.group).close(before.fd);
      const after = p.v2();
      p.device(after);
      pe(p, after, 'deactivate');
    },
  ),
  eehScenario(
    {
      id: 'eeh/vfio/owner/reset-left-held',
      title: 'After an owner died with a reset held the next one ends it, and meets the device as it was, its configuration too',
      clauses: [rule('hot-reset'), rule('deactivate')],
      requires: STOPS,
      claims: [
        same('class', 'class-after', 'no reset is held', rule('deactivate')),
        same('identification', 'identification-after', 'no reset is held', rule('deactivate')),
      ],
    },
    (p) => {
      const before = p.v2();
      const first = p.device(before);
      loadWord(p, first, CONFIGURATION, CLASS, 'class');
      loadWord(p, first, BAR0, IDENTIFICATION, 'identification');
      p.close(first.fd).close(before.group).close(before.fd);
      const { by, container } = owner(p);
      p.ioctl(container.fd, 'VFIO_EEH_PE_OP', { argsz: 12n, op: 6n }, { by });
      p.kill(by);
      const next = p.v2();
      const device = p.device(next);
      step(p, next, 'deactivate', 'configure');
      loadWord(p, device, CONFIGURATION, CLASS, 'class-after');
      loadWord(p, device, BAR0, IDENTIFICATION, 'identification-after');
    },
  ),
  eehScenario(
    {
      id: 'eeh/vfio/owner/without-device',
      title: 'Whoever has the group in a container can ask for its state and recover it, no device open',
      clauses: [rule('get-state'), rule('hot-reset'), rule('deactivate')],
    },
    (p) => {
      const container = p.v2();
      state(p, container);
      step(p, container, 'hot-reset', 'deactivate', 'configure', 'disable', 'enable');
    },
  ),
  eehScenario(
    {
      id: 'eeh/vfio/owner/version-1',
      title: 'A container of SPAPR TCE v1 looks after its PE as one of v2 does, enabled or not',
      clauses: [rule('get-state'), rule('enable'), rule('hot-reset')],
      requires: ['eeh'],
    },
    (p) => {
      const container = p.v1();
      p.device(container);
      state(freeze(p), container);
      p.ioctl(container.fd, 'VFIO_IOMMU_DISABLE');
      step(p, container, 'unfreeze-io', 'hot-reset', 'deactivate', 'enable');
    },
  ),
];

/** Two groups in one container. */
const groups: readonly Scenario[] = [
  eehScenario(
    {
      id: 'eeh/vfio/groups/one-stopped',
      title: 'Of two groups in a container one is stopped: the state is its, an operation is done to both',
      clauses: [rule('several-groups'), rule('get-state'), rule('enable')],
      requires: ['spapr-v2', 'eeh', 'pe:pe1'],
    },
    (p) => {
      for (const name of ['pe0', 'pe1']) {
        together(p, `with-${name}`, (container) => {
          state(freeze(p, name), container);
          step(p, container, 'unfreeze-io', 'unfreeze-dma', 'enable');
        });
      }
    },
  ),
  eehScenario(
    {
      id: 'eeh/vfio/groups/both-stopped',
      title: 'Two groups of a container that are both stopped are recovered together',
      clauses: [rule('several-groups'), rule('hot-reset'), rule('deactivate')],
      requires: ['spapr-v2', 'eeh', 'pe:pe1'],
    },
    (p) => {
      together(p, 'joined', (container) => {
        state(freeze(freeze(p), 'pe1'), container);
        step(p, container, 'unfreeze-io', 'hot-reset', 'deactivate', 'configure', 'enable');
      });
    },
  ),
  eehScenario(
    {
      id: 'eeh/vfio/groups/second-without-eeh',
      title: 'Of two groups the second is without EEH: the first is done to, and ENODEV is returned',
      clauses: [rule('several-groups'), rule('get-state')],
      requires: ['spapr-v2', 'eeh', 'pe:noeeh0'],
    },
    (p) => {
      const container = p.attached('pe0');
      const joined = p.open('noeeh0', 'joined');
      p.ioctl(joined, 'VFIO_GROUP_SET_CONTAINER', { fd: container.fd }).ioctl(container.fd, 'VFIO_SET_IOMMU', { value: 7n });
      pe(p, container, 'hot-reset');
      state(p, container);
      pe(p, container, 'deactivate', 'enable');
    },
  ),
  eehScenario(
    {
      id: 'eeh/vfio/groups/first-without-eeh',
      title: 'Of two groups the first is without EEH: ENODEV is returned, and the second is not touched',
      clauses: [rule('no-pe'), rule('get-state')],
      requires: ['spapr-v2', 'eeh', 'pe:noeeh0'],
    },
    (p) => {
      const container = p.attached('noeeh0');
      const joined = p.open('pe0', 'joined');
      p.ioctl(joined, 'VFIO_GROUP_SET_CONTAINER', { fd: container.fd }).ioctl(container.fd, 'VFIO_SET_IOMMU', { value: 7n });
      pe(p, container, 'hot-reset', 'get-state', 'enable');
      p.close(container.group);
      state(p, container);
    },
  ),
];

/** Both groups join before the container has its IOMMU: so any platform takes them. Ends with everything closed. */
function together(p: VfioProgramBuilder, as: string, body: (container: ContainerHandle) => void): void {
  const container = p.attached();
  const joined = p.open('pe1', as);
  p.ioctl(joined, 'VFIO_GROUP_SET_CONTAINER', { fd: container.fd }).ioctl(container.fd, 'VFIO_SET_IOMMU', { value: 7n });
  body(container);
  p.close(joined).close(container.group).close(container.fd);
}

const early = eehScenario(
  {
    id: 'eeh/vfio/owner/too-early',
    title: 'A container without an IOMMU refuses every operation on error states with EINVAL, with and without a group',
    clauses: ['container/no-iommu'],
  },
  (p) => {
    const fd = p.open('container', 'empty');
    pe(p, { fd }, 'enable', 'get-state', 'hot-reset');
    const container = p.attached();
    pe(p, container, 'enable', 'get-state', 'hot-reset');
  },
);

/** Whose a PE is, and what becomes of it. */
export const scenarios: readonly Scenario[] = [...dies, ...closed, ...groups, early];
