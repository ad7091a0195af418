import type { Chooser } from '../chooser.js';
import type { Observation } from '../doors/observation.js';
import { FUNCTIONS, inPartition, onPhb4, TYPES } from '../eeh/injection.js';
import { keepTo } from '../eeh/pe.js';
import { LOPAR_STATES, PE_STATES, STATE_NUMBER, type PeState } from '../eeh/states.js';
import { INJECT_ERR, outcomes, PE_OPERATIONS, type Outcome, type PeOperation } from '../eeh/vfio-table.js';
import { defineCall, type Clause, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { arg, badPointer, byChild, CONTAINER, foreignProcess, merged, openWith, readContainer, READY_V2, tooShort, unknownFlags, type ContainerContext, type Ioctl, type IoctlInput } from './checks.js';
import { eehOf, raiseIn } from './eeh.js';
import type { Host, VfioGroup } from './host.js';

const NAME = 'VFIO_EEH_PE_OP';

const clause = merged('Linux 7.2 drivers/vfio/vfio_iommu_spapr_tce.c vfio_spapr_ioctl_eeh_pe_op; kernel/eeh.c');

interface PeOp extends ContainerContext {
  /** Undefined where the number is that of an injection, or of nothing. */
  readonly operation: PeOperation | undefined;
  readonly injects: boolean;
  readonly func: number;
}

const read = (host: Host, ioctl: Ioctl): PeOp => {
  const op = Number(ioctl.args['op'] ?? 0n);
  return { ...readContainer(host, ioctl), operation: PE_OPERATIONS[op], injects: op === INJECT_ERR, func: Number(ioctl.args['err_func'] ?? 0n) };
};

const withoutEeh: Guard<PeOp> = {
  ...clause(`${NAME}/no-pe`, 'Where the first group of the container has no EEH every operation is refused with ENODEV, whatever else is wrong.'),
  when: (c) => eehOf(c.container.groups[0]!) === undefined,
  refuse: [-E.ENODEV],
  violation: {
    requires: ['pe:noeeh0'],
    instead: openWith(7n).map((operation) => (operation.door === 'vfio' && operation.op === 'open' && operation.what === 'pe0' ? { ...operation, what: 'noeeh0' } : operation)),
    args: { argsz: 4n },
  },
};

const unknownOperation: Guard<PeOp> = {
  ...clause(`${NAME}/op`, `An operation past ${INJECT_ERR} is refused with EINVAL.`),
  when: (c) => c.operation === undefined && !c.injects,
  refuse: [-E.EINVAL],
  violation: { args: { op: BigInt(INJECT_ERR) + 1n } },
};

const injection = (id: string, text: string): Clause => clause(`${NAME}/${id}`, text, 'Linux 7.2 kernel/eeh.c eeh_pe_inject_err; platforms/powernv/eeh-powernv.c, platforms/pseries/eeh_pseries.c');

/** Bytes of the structure with what an injection is told. */
const WHOLE = 40n;
const INJECT = { op: BigInt(INJECT_ERR), err_type: 0n, err_func: 0n };

const injectionTooShort: Guard<PeOp> = {
  ...injection('inject-argsz', `An injection with argsz below ${WHOLE} is refused with EINVAL.`),
  when: (c) => c.injects && arg(c, 'argsz') < WHOLE,
  refuse: [-E.EINVAL],
  violation: { args: { ...INJECT, argsz: WHOLE - 1n } },
};

const unknownFunction: Guard<PeOp> = {
  ...injection('inject-function', `An error function past ${FUNCTIONS.length - 1} is refused with EINVAL.`),
  when: (c) => c.injects && c.func >= FUNCTIONS.length,
  refuse: [-E.EINVAL],
  violation: { args: { ...INJECT, err_func: BigInt(FUNCTIONS.length) } },
};

const unknownType: Guard<PeOp> = {
  ...injection('inject-type', 'An error type other than 32 or 64 bits is refused with ERANGE or EINVAL.'),
  when: (c) => c.injects && arg(c, 'err_type') >= BigInt(TYPES),
  refuse: [-E.ERANGE, -E.EINVAL],
  violation: { args: { ...INJECT, err_type: BigInt(TYPES) } },
};

const notInPartition: Guard<PeOp> = {
  ...injection('inject-partition', 'In a partition an error that is none of a load or store to memory is refused with ERANGE.'),
  when: (c) => c.injects && c.host.linux.platform === 'pseries' && !inPartition(c.func),
  refuse: [-E.ERANGE],
  violation: { requires: ['platform:pseries'], args: { ...INJECT, err_func: 4n } },
};

const notInjectable: Guard<PeOp> = {
  ...injection('inject-firmware', 'On PowerNV an error that firmware cannot inject is refused with EIO or ENXIO.'),
  level: 'may',
  choice: { id: 'E5', canonical: (c) => !onPhb4(c.func) },
  when: (c) => c.injects && c.host.linux.platform === 'powernv',
  refuse: [-E.EIO, -E.ENXIO],
};

/** One way that an operation on all groups of the container can end. */
interface Ending {
  readonly result: number;
  /** The number of groups that it was done to with 0. */
  readonly done: number;
}

/** What it can come to in one group; undefined where the PE has no EEH. */
function inGroup(c: PeOp, group: VfioGroup): readonly Outcome[] {
  const pe = eehOf(group);
  if (pe === undefined) return [{ result: -E.ENODEV, next: 'normal' }];
  if (c.operation === undefined) return pe.states.map((state) => ({ result: 0, next: state }));
  const { operation } = c;
  const unnoticed = c.host.linux.emulatedEeh === true && GOING_ON.includes(operation);
  return pe.states.flatMap((state) => [...outcomes(c.host.linux.platform, operation, state), ...(unnoticed && state === 'reset' ? [UNNOTICED] : [])]);
}

/** What shows whether a PE is stopped while a reset is held, and what would let it go on. */
const GOING_ON: readonly PeOperation[] = ['get-state', 'unfreeze-io', 'unfreeze-dma'];

/** An emulator's host bridge does not notice that firmware stops a PE for its reset, and shows it going on. */
const UNNOTICED: Outcome = { result: 0, next: 'reset' };

/** Group by group: the first result other than 0 ends it. The usual ending comes first. */
function endings(c: PeOp): readonly [Ending, ...Ending[]] {
  const found: Ending[] = [];
  let usual: Ending | undefined;
  for (const [done, group] of c.container.groups.entries()) {
    const results = [...new Set(inGroup(c, group).map(({ result }) => result))];
    if (usual === undefined && results[0] !== 0) usual = { result: results[0]!, done };
    found.push(...results.filter((result) => result !== 0).map((result) => ({ result, done })));
    if (!results.includes(0)) return [usual ?? found[0]!, ...found];
  }
  const all = { result: 0, done: c.container.groups.length };
  return [usual ?? all, ...found, all];
}

/** Takes the groups that it was done to where it took them; the one that it ended at, too. */
function follow(c: PeOp, { result, done }: Ending): void {
  for (const [i, group] of c.container.groups.slice(0, done + 1).entries()) {
    const pe = eehOf(group);
    const came = i < done ? 0 : result;
    if (pe !== undefined) keepTo(pe, inGroup(c, group).filter((outcome) => outcome.result === came).map(({ next }) => next));
    if (pe !== undefined && c.injects) inject(c, group);
  }
}

/** In a partition the error comes with the call; on PowerNV with the next access of its kind, whoever makes it. */
function inject(c: PeOp, group: VfioGroup): void {
  const pe = eehOf(group)!;
  if (c.host.linux.platform === 'pseries') raiseIn(c.host, pe);
  else pe.armed = FUNCTIONS[c.func]!.access;
}

const came = ({ result }: Ending, observed: Observation): boolean => observed.kind === 'syscall' && Number(observed.result) === result;

/** What GET_STATE showed and must not is what the PE is from then on, so that one departure does not hide the next. */
function resync(c: PeOp, seen: number): void {
  const [group, ...others] = c.container.groups;
  const pe = group && eehOf(group);
  const states = platformStates(c.host).filter((state) => STATE_NUMBER[state] === seen);
  if (c.operation === 'get-state' && others.length === 0 && pe !== undefined && states.length > 0) keepTo(pe, states);
}

const platformStates = ({ linux }: Host): readonly PeState[] => (linux.platform === 'powernv' ? PE_STATES : LOPAR_STATES);

const TEXTS: Readonly<Record<PeOperation | 'inject', string>> = {
  disable: 'DISABLE does nothing: 0.',
  enable: 'ENABLE lets a stopped PE go on both ways, and does nothing to another: 0.',
  'unfreeze-io': 'UNFREEZE_IO lets MMIO of a stopped PE go on, its DMA stays stopped; nothing is done where it goes on already: 0.',
  'unfreeze-dma': 'UNFREEZE_DMA lets DMA go on; a PE whose MMIO is stopped refuses it where the platform does.',
  'get-state': 'GET_STATE returns the state: 0 normal, 1 reset, 2 stopped, 4 DMA stopped, 5 unavailable.',
  deactivate: 'RESET_DEACTIVATE ends a reset: the PE is normal, its devices are set up again.',
  'hot-reset': 'RESET_HOT holds the PE in reset, from whatever state it can be reached in: 0.',
  'fundamental-reset': 'RESET_FUNDAMENTAL holds the PE in reset as RESET_HOT does, which is done in its place where the PE has no other.',
  configure: 'CONFIGURE sets the bridges of the PE up again; the state stays.',
  inject: 'INJECT_ERR brings an error: in a partition at once, on PowerNV with the next access of its kind.',
};

const several = clause(`${NAME}/several-groups`, 'Of several groups in a container each is done in turn; the first result other than 0 ends it and is returned, the groups after it are untouched.');

/** VFIO_EEH_PE_OP: whoever holds the PE of a container's group looks after its errors. */
export const eehPeOp = defineCall<PeOp, IoctlInput>({
  name: NAME,
  parameters: ['argsz', 'flags', 'op', 'err_type', 'err_func', 'err_addr', 'err_mask'],
  read,
  guards: [
    foreignProcess(NAME, { ...byChild, instead: READY_V2 }),
    withoutEeh,
    badPointer(NAME),
    tooShort(NAME, 12n),
    unknownFlags(NAME),
    unknownOperation,
    injectionTooShort,
    unknownFunction,
    unknownType,
    notInPartition,
    notInjectable,
  ],
  effect: {
    clauses: [...(Object.keys(TEXTS) as (PeOperation | 'inject')[]).map((name) => clause(`${NAME}/${name}`, TEXTS[name])), several] as unknown as readonly [Clause, ...Clause[]],
    statuses: (c) => [...new Set(endings(c).map(({ result }) => result))],
    clauseOf,
    resync,
    apply(c, chooser: Chooser) {
      const ending = chooser.oneOf('E3', endings(c), came);
      follow(c, ending);
      return { clause: clauseOf(c), status: ending.result, ...(c.container.groups.length > 1 && { passed: [several.id] }) };
    },
  },
  sample: { fd: CONTAINER, requires: ['eeh'], setup: openWith(7n), args: { argsz: WHOLE, flags: 0n, op: 4n } },
});

function clauseOf(c: PeOp): string {
  return `${NAME}/${c.operation ?? 'inject'}`;
}
