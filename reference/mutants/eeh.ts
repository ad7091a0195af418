import type { Chooser } from '../chooser.js';
import { keepTo, type EehPe } from '../eeh/pe.js';
import type { PeState } from '../eeh/states.js';
import type { PeOperation } from '../eeh/vfio-table.js';
import { PE_SCAR } from '../machine.js';
import type { EehContext } from '../papr/eeh-checks.js';
import type { Answer, Guard, RuleBook } from '../rules.js';
import { E } from '../uapi/errno.js';
import type { ContainerContext, GroupContext } from '../vfio/checks.js';
import type { Look } from '../vfio/eeh-look.js';
import { changeCall, withCondition, withEffect, withGuardBefore, withoutGuard, type Mutant } from './mutant.js';

const OP = 'VFIO_EEH_PE_OP';
const OPTION = 'ibm,set-eeh-option';
const RESET = 'ibm,set-slot-reset';
const GET_DEVICE = 'VFIO_GROUP_GET_DEVICE_FD';

interface PeOp extends ContainerContext {
  readonly operation: PeOperation | undefined;
  readonly injects: boolean;
}

/** The PEs of a container's groups. */
const pesOf = ({ container }: ContainerContext): EehPe[] => container.groups.flatMap(({ table }) => table.pe.eeh ?? []);

/** The rules with something done after a call had its effect; it may answer otherwise. */
const after = <C>(rules: RuleBook, call: string, more: (c: C, answer: Answer, before: readonly PeState[][]) => Answer | undefined, pes: (c: C) => readonly EehPe[]): RuleBook =>
  withEffect<C>(rules, call, (effect) => ({
    ...effect,
    apply(c, chooser: Chooser) {
      const before = pes(c).map(({ states }) => [...states]);
      const answer = effect.apply(c, chooser);
      return more(c, answer, before) ?? answer;
    },
  }));

const afterOperation = (rules: RuleBook, operation: PeOperation | 'inject', more: (c: PeOp, answer: Answer, before: readonly PeState[][]) => Answer | undefined): RuleBook =>
  after<PeOp>(rules, OP, (c, answer, before) => ((c.operation ?? 'inject') === operation ? more(c, answer, before) : undefined), pesOf);

const restore = (pes: readonly EehPe[], before: readonly PeState[][]): undefined => {
  for (const [i, pe] of pes.entries()) keepTo(pe, before[i]!);
};

const all = (pes: readonly EehPe[], state: PeState): undefined => {
  for (const pe of pes) keepTo(pe, [state]);
};

/** The PE of a call of the partition. */
const peOf = (c: EehContext): readonly EehPe[] => (c.eeh === undefined ? [] : [c.eeh]);

const noInjection: Guard<PeOp> = {
  id: `${OP}/inject`,
  text: 'Linux before b0e2b828dfca: a partition cannot inject errors.',
  source: 'Linux b0e2b828dfca powerpc/pseries/eeh: Fix pseries_eeh_err_inject',
  status: 'merged',
  level: 'must',
  when: (c) => c.injects && c.host.linux.platform === 'pseries',
  refuse: [-E.ENOENT],
};

/** A PE that was left with a reset held: its configuration space is blocked, whoever comes next. */
const HELD = `${PE_SCAR}reset-held:`;

const markHeld = (c: PeOp): undefined => {
  for (const { description } of c.container.groups) c.host.machine.scars.add(HELD + description.name);
};

const blocked: Guard<GroupContext> = {
  id: `${GET_DEVICE}/opened`,
  text: 'Linux: the device of a PE on which a reset is held cannot be opened.',
  source: 'Linux arch/powerpc/kernel/eeh.c eeh_pe_reset (EEH_PE_CFG_BLOCKED)',
  status: 'merged',
  level: 'must',
  when: ({ host, group }) => host.machine.scars.has(HELD + group.description.name) && group.devices === 0,
  refuse: [-E.ENODEV],
};

const heldReset = (rules: RuleBook): RuleBook => {
  const held = (['hot-reset', 'fundamental-reset'] as const).reduce((book, operation) => afterOperation(book, operation, markHeld), rules);
  const ended = afterOperation(held, 'deactivate', (c) => {
    for (const { description } of c.container.groups) c.host.machine.scars.delete(HELD + description.name);
    return undefined;
  });
  return changeCall(ended, GET_DEVICE, (call) => ({ ...call, guards: [...call.guards, blocked] }));
};

const ignored = (text: string, source: string, when: Guard<Look>['when']): Guard<Look> => ({ id: 'eeh-host/recovered', text, source, status: 'merged', level: 'must', when, refuse: [0] });

const readFirst = ignored(
  'Linux: a stopped PE whose state was read before the kernel looked is isolated already: nothing is done about it.',
  'Linux platforms/powernv/eeh-powernv.c pnv_eeh_get_pe_state (eeh_pe_mark_isolated), kernel/eeh.c eeh_dev_check_failure',
  ({ host, group, pe }) => host.recovery.read.has(group.description.name) && pe!.states[0] !== 'normal',
);

const stillIsolated = ignored(
  'Linux: a PE that its owner has let go is isolated for ever: nothing is done about its later errors.',
  'Linux kernel/eeh.c eeh_pe_set_option, eeh_pci_enable: EEH_PE_ISOLATED stays',
  ({ host, group }) => host.recovery.isolated.has(group.description.name),
);

/** Letting both ways go leaves the PE isolated; ENABLE of a stopped one and the end of a reset do not. */
const leftIsolated = (rules: RuleBook): RuleBook => {
  const marks = (c: PeOp, _: Answer, before: readonly PeState[][]): undefined => {
    for (const [i, { description, table }] of c.container.groups.entries()) {
      if (table.pe.eeh?.states[0] === 'normal' && before[i]?.[0] !== 'normal') c.host.recovery.isolated.add(description.name);
    }
  };
  const clears = (c: PeOp): undefined => {
    for (const { description } of c.container.groups) c.host.recovery.isolated.delete(description.name);
  };
  const both = (['unfreeze-io', 'unfreeze-dma'] as const).reduce((book, operation) => afterOperation(book, operation, marks), rules);
  return withGuardBefore<Look>(afterOperation(both, 'deactivate', clears), 'eeh-host/nothing-wrong', stillIsolated);
};

/** Faults that Linux had. */
export const EEH_MUTANTS: readonly Mutant[] = [
  {
    id: 'linux/eeh-reset-left-held',
    title: 'Who leaves a PE with a reset held leaves a device that nobody can open any more: ENODEV',
    kind: 'historic',
    clauses: [`${GET_DEVICE}/opened`],
    change: heldReset,
  },
  {
    id: 'linux/eeh-read-isolates',
    title: 'A stopped PE whose state somebody reads before the kernel has looked is never recovered',
    kind: 'historic',
    clauses: ['eeh-host/recovered', 'eeh-host/counted'],
    change: (rules) => withGuardBefore<Look>(rules, 'eeh-host/nothing-wrong', readFirst),
  },
  {
    id: 'linux/eeh-left-isolated',
    title: 'A PE that its owner has let go stays isolated after him: its next error is never recovered',
    kind: 'historic',
    clauses: ['eeh-host/state', 'eeh-host/recovered', 'eeh-host/counted'],
    change: leftIsolated,
  },
  {
    id: 'linux/eeh-no-injection-in-partition',
    title: 'In a partition no error can be injected: ENOENT',
    kind: 'historic',
    clauses: [`${OP}/inject`, `${OP}/inject-partition`],
    fix: 'b0e2b828dfca powerpc/pseries/eeh: Fix pseries_eeh_err_inject',
    change: (rules) => withGuardBefore<PeOp>(rules, `${OP}/inject-function`, noInjection),
  },
  {
    id: 'linux/eeh-never-given-up',
    title: 'A PE with more errors than the limit is not taken out of use: its driver meets it again and again',
    kind: 'historic',
    clauses: ['eeh-host/removed'],
    fix: 'd1679b4fa172 powerpc/eeh: Permanently disable the removed device',
    change: (rules) => withoutGuard(rules, 'eeh-host/removed'),
  },
];

/** Faults that any system could have: one for each way in which a state can be wrong. */
export const EEH_SYSTEMATIC: readonly Mutant[] = [
  {
    id: 'eeh/states-swapped',
    title: 'GET_STATE says 4 of a PE that is stopped both ways, and 2 of one whose MMIO goes on',
    clauses: [`${OP}/get-state`],
    change: (rules: RuleBook) => afterOperation(rules, 'get-state', (_, answer) => ({ ...answer, status: answer.status === 2 ? 4 : answer.status === 4 ? 2 : answer.status })),
  },
  { id: 'eeh/always-normal', title: 'GET_STATE says 0 whatever the state is', clauses: [`${OP}/get-state`], change: (rules: RuleBook) => afterOperation(rules, 'get-state', (_, answer) => ({ ...answer, status: 0 })) },
  { id: 'eeh/io-lets-dma-go', title: 'UNFREEZE_IO lets DMA go on too', clauses: [`${OP}/unfreeze-io`], change: (rules: RuleBook) => afterOperation(rules, 'unfreeze-io', (c) => all(pesOf(c), 'normal')) },
  { id: 'eeh/io-does-nothing', title: 'UNFREEZE_IO says 0 and does nothing', clauses: [`${OP}/unfreeze-io`], change: (rules: RuleBook) => afterOperation(rules, 'unfreeze-io', (c, _, before) => restore(pesOf(c), before)) },
  { id: 'eeh/dma-does-nothing', title: 'UNFREEZE_DMA says 0 and does nothing', clauses: [`${OP}/unfreeze-dma`], change: (rules: RuleBook) => afterOperation(rules, 'unfreeze-dma', (c, _, before) => restore(pesOf(c), before)) },
  { id: 'eeh/enable-does-nothing', title: 'ENABLE does not let a stopped PE go on', clauses: [`${OP}/enable`], change: (rules: RuleBook) => afterOperation(rules, 'enable', (c, _, before) => restore(pesOf(c), before)) },
  { id: 'eeh/disable-stops', title: 'DISABLE stops the PE', clauses: [`${OP}/disable`], change: (rules: RuleBook) => afterOperation(rules, 'disable', (c) => all(pesOf(c), 'stopped')) },
  { id: 'eeh/reset-not-held', title: 'A hot reset ends by itself: the PE is normal while it ought to be held', clauses: [`${OP}/hot-reset`], change: (rules: RuleBook) => afterOperation(rules, 'hot-reset', (c) => all(pesOf(c), 'normal')) },
  { id: 'eeh/fundamental-not-held', title: 'A fundamental reset ends by itself', clauses: [`${OP}/fundamental-reset`], change: (rules: RuleBook) => afterOperation(rules, 'fundamental-reset', (c) => all(pesOf(c), 'normal')) },
  { id: 'eeh/left-stopped', title: 'RESET_DEACTIVATE leaves the PE stopped', clauses: [`${OP}/deactivate`], change: (rules: RuleBook) => afterOperation(rules, 'deactivate', (c) => all(pesOf(c), 'stopped')) },
  { id: 'eeh/configure-resets', title: 'CONFIGURE holds the PE in reset again', clauses: [`${OP}/configure`], change: (rules: RuleBook) => afterOperation(rules, 'configure', (c) => all(pesOf(c), 'reset')) },
  {
    id: 'eeh/first-group-only',
    title: 'An operation is done to the first group of a container alone',
    clauses: [`${OP}/several-groups`],
    change: (rules: RuleBook) => after<PeOp>(rules, OP, (c, _, before) => restore(pesOf(c).slice(1), before.slice(1)), pesOf),
  },
  {
    id: 'eeh/injected-never-comes',
    title: 'An error is said to be injected and never comes',
    clauses: [`${OP}/inject`],
    change: (rules: RuleBook) =>
      afterOperation(rules, 'inject', (c, _, before) => {
        restore(pesOf(c), before);
        for (const pe of pesOf(c)) pe.armed = undefined;
        return undefined;
      }),
  },
  {
    id: 'eeh/opened-stopped',
    title: 'Opening a device does not let its stopped PE go on',
    clauses: ['VFIO_GROUP_GET_DEVICE_FD/opened'],
    change: (rules: RuleBook) => after<GroupContext>(rules, 'VFIO_GROUP_GET_DEVICE_FD', (c, _, before) => restore(peOfGroup(c), before), peOfGroup),
  },
  { id: 'eeh/limit-too-early', title: 'The error that reaches the limit gives the PE up, not the one past it', clauses: ['eeh-host/removed'], change: (rules: RuleBook) => withCondition<Look>(rules, 'eeh-host/removed', ({ host, group }) => (host.recovery.counts.get(group.description.name)?.errors ?? 0) + 1 >= host.recovery.limit) },
  { id: 'eeh/held-recovered', title: 'The kernel recovers a PE that a user program holds', clauses: ['eeh-host/left-alone'], change: (rules: RuleBook) => withoutGuard(rules, 'eeh-host/left-alone') },
  { id: 'eeh/every-look-counted', title: 'The kernel counts every look, also at a PE with which nothing is wrong', clauses: ['eeh-host/nothing-wrong', 'eeh-host/counted'], change: (rules: RuleBook) => withoutGuard(rules, 'eeh-host/nothing-wrong') },
  { id: 'eeh/said-recovered', title: 'The kernel counts an error and leaves the PE stopped', clauses: ['eeh-host/recovered'], change: (rules: RuleBook) => after<Look>(rules, 'eeh-host', (c, _, before) => restore([c.pe!], before), (c) => (c.pe === undefined ? [] : [c.pe])) },
  { id: 'rtas/both-released', title: 'Letting MMIO go lets DMA go too', clauses: [`${OPTION}/released`], change: (rules: RuleBook) => after<EehContext>(rules, OPTION, (c) => (c.func === 2 ? all(peOf(c), 'normal') : undefined), peOf) },
  { id: 'rtas/dma-first', title: 'DMA can be let go before MMIO', clauses: [`${OPTION}/unexpected-state`], change: (rules: RuleBook) => withoutGuard(rules, `${OPTION}/unexpected-state`) },
  { id: 'rtas/releases-what-runs', title: 'Letting go what is not stopped is taken', clauses: [`${OPTION}/not-stopped`], change: (rules: RuleBook) => withoutGuard(rules, `${OPTION}/not-stopped`) },
  { id: 'rtas/stop-outlives-reset', title: 'A PE is stopped still after its reset', clauses: [`${RESET}/ended`], change: (rules: RuleBook) => after<EehContext>(rules, RESET, (c) => (c.func === 0 ? all(peOf(c), 'stopped') : undefined), peOf) },
  { id: 'rtas/hot-for-fundamental', title: 'A PE without a fundamental reset is reset hot, and nobody is told', clauses: [`${RESET}/fundamental`], change: (rules: RuleBook) => withoutGuard(rules, `${RESET}/fundamental`) },
  {
    id: 'rtas/not-given-up',
    title: 'A PE is in use still after the platform was told to give it up',
    clauses: ['ibm,slot-error-detail/permanent'],
    change: (rules: RuleBook) => after<EehContext>(rules, 'ibm,slot-error-detail', (c, _, before) => restore(peOf(c), before), peOf),
  },
  {
    id: 'rtas/configuring-releases',
    title: 'Configuring a stopped PE makes it normal',
    clauses: ['ibm,configure-pe/nothing-to-do'],
    change: (rules: RuleBook) => after<EehContext>(rules, 'ibm,configure-pe', (c) => all(peOf(c), 'normal'), peOf),
  },
].map((mutant): Mutant => ({ ...mutant, kind: 'invented' }));

const peOfGroup = ({ group }: GroupContext): readonly EehPe[] => (group.table.pe.eeh === undefined ? [] : [group.table.pe.eeh]);
