import type { ContainerHandle, VfioProgramBuilder } from '../../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../../harness/scenario.js';
import type { PeState } from '../../../reference/eeh/states.js';
import { PE_OPERATIONS, type PeOperation } from '../../../reference/eeh/vfio-table.js';
import { EEH, eehScenario, freeze, pe, rule, state } from '../steps.js';

/** A state of a PE, and how a program comes to it. */
export interface Reached {
  readonly name: PeState;
  readonly text: string;
  readonly requires?: readonly string[];
  readonly reach: (p: VfioProgramBuilder, container: ContainerHandle, name?: string) => void;
}

/** The states that a user program can meet at VFIO by something it or the target does. */
export const REACHED: readonly Reached[] = [
  { name: 'normal', text: 'normal', reach: () => undefined },
  { name: 'reset', text: 'held in reset', reach: (p, container) => pe(p, container, 'hot-reset') },
  { name: 'stopped', text: 'stopped', reach: (p, _container, name) => freeze(p, name) },
  {
    name: 'dma-stopped',
    text: 'stopped with MMIO let go',
    reach: (p, container, name) => pe(freeze(p, name), container, 'unfreeze-io'),
  },
  { name: 'mmio-stopped', text: 'stopped in MMIO alone', requires: [...EEH, 'platform:powernv'], reach: (p, _container, name) => freeze(p, name, 'mmio') },
];

/** What titles call the operations. */
export const SPOKEN: Readonly<Record<PeOperation, string>> = {
  disable: 'DISABLE',
  enable: 'ENABLE',
  'unfreeze-io': 'UNFREEZE_IO',
  'unfreeze-dma': 'UNFREEZE_DMA',
  'get-state': 'GET_STATE',
  deactivate: 'RESET_DEACTIVATE',
  'hot-reset': 'RESET_HOT',
  'fundamental-reset': 'RESET_FUNDAMENTAL',
  configure: 'CONFIGURE',
};

const cells = REACHED.flatMap(({ name, text, requires, reach }) =>
  PE_OPERATIONS.map((operation) =>
    eehScenario(
      {
        id: `eeh/vfio/cell/${name}/${operation}`,
        title: `${SPOKEN[operation]} of a PE that is ${text} does what the table of states says, and the state afterwards shows it`,
        clauses: [rule(operation), rule('get-state')],
        ...(requires && { requires }),
      },
      (p) => {
        const container = p.v2();
        p.device(container);
        reach(p, container);
        state(p, container);
        pe(p, container, operation);
        state(p, container);
      },
    ),
  ),
);

/** A stop of one way alone, as the host bridge can make it. */
const partial = (['mmio', 'dma'] as const).map((what) =>
  eehScenario(
    {
      id: `eeh/vfio/partial/${what}`,
      title: `A PE of which only ${what.toUpperCase()} was stopped shows it, and both ways go on when they are told to`,
      clauses: [rule('get-state'), rule('unfreeze-io'), rule('unfreeze-dma'), 'eeh-host/outside'],
      requires: [...EEH, 'platform:powernv'],
    },
    (p) => {
      const container = p.v2();
      p.device(container);
      state(freeze(p, 'pe0', what), container);
      for (const operation of ['unfreeze-io', 'unfreeze-dma'] as const) state(pe(p, container, operation), container);
    },
  ),
);

/** Every cell of the table operation × state, at VFIO. */
export const scenarios: readonly Scenario[] = [...cells, ...partial];
