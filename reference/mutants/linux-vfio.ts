import { findRegion, mayLock, type AddressSpace } from '../memory/process.js';
import type { AnyCall, Effect, Guard, RuleBook, Status } from '../rules.js';
import { E } from '../uapi/errno.js';
import { spaprClause, type ContainerContext, type IoctlInput } from '../vfio/checks.js';
import { systemPages, type Host, type Process } from '../vfio/host.js';
import { chargedSpace, type MappingContext } from '../vfio/mapping-checks.js';
import type { MemoryContext } from '../vfio/register-memory.js';
import { NO_TABLE, POWERNV_MAX_LEVELS } from '../tce/table-size.js';
import type { WindowRequest } from '../platform/table-group.js';
import { defaultRequest, makePromisedDefault, makeWindowOf, windowPages } from '../vfio/windows.js';
import { changeCall, refuseAlsoWith, withCondition, withDamage, withEffect, withGuardBefore, withMoreDamage, withoutGuard, type Mutant } from './mutant.js';

const CREATE = 'VFIO_IOMMU_SPAPR_TCE_CREATE';
const MAPPING = ['VFIO_IOMMU_MAP_DMA', 'VFIO_IOMMU_UNMAP_DMA'] as const;
const UNREGISTER = 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY';

interface Create extends ContainerContext {
  readonly request: WindowRequest;
}

/** The rules with something more done where these guards of a call refuse. */
const alsoWhere = (rules: RuleBook, call: string, guards: readonly string[], more: (c: never) => void): RuleBook =>
  changeCall(rules, call, (original: AnyCall) => ({
    ...original,
    guards: (original.guards as readonly Guard<unknown>[]).map((guard) =>
      guards.includes(guard.id.slice(call.length + 1)) ? { ...guard, damage: both(guard.damage, more as (c: unknown) => void) } : guard,
    ),
  }));

const both = (first: Guard<unknown>['damage'], second: (c: unknown) => void) => (c: unknown, status: Status): void => {
  first?.(c, status);
  second(c);
};

/** The table was charged for before the platform refused it. */
function keepCharge(c: Create): void {
  const pages = chargedPages(c);
  if (mayLock(c.space, pages, c.host.linux.pageShift)) c.space.lockedPages += pages;
}

const chargedPages = ({ host, request }: Create): bigint => systemPages(host, tableSize(host, request));

/**
 * What the kernel works out before it looks closer: its shifts come round.
 * Source: Linux platforms/pseries/iommu.c spapr_tce_get_table_size, platforms/powernv/pci-ioda.c pnv_pci_ioda2_get_table_size.
 */
function tableSize({ linux }: Host, request: WindowRequest): bigint {
  const { pageShift, size, levels } = request;
  if (linux.platform === 'pseries') return levels > 1 ? NO_TABLE : size >> ((BigInt(pageShift) - 3n) & SHIFT_BITS);
  if (levels < 1 || levels > POWERNV_MAX_LEVELS || (size & (size - 1n)) !== 0n) return 0n;
  const entriesShift = (size.toString(2).length - 1 - pageShift) >>> 0;
  const levelShift = Math.max((Math.floor(((entriesShift + levels - 1) >>> 0) / levels) + 3) >>> 0, linux.pageShift);
  const direct = BigInt.asUintN(64, 1n << comesRound(levelShift));
  let [level, bytes] = [larger(LEAST_TABLE, (size >> comesRound(pageShift)) * 8n), 0n];
  for (let left = levels; left > 0; left--) {
    bytes += BigInt.asUintN(64, level + direct - 1n) & BigInt.asUintN(64, ~(direct - 1n));
    level = larger(direct === 0n ? 0n : (level / direct) * 8n, direct);
  }
  return BigInt.asUintN(64, bytes * 2n);
}

const LEAST_TABLE = 0x1000n;
const larger = (x: bigint, y: bigint): bigint => (x > y ? x : y);

function keepDefaultCharge(c: ContainerContext): void {
  chargedSpace(c).lockedPages += windowPages(c.host, defaultRequest(c.container));
}

/** Checks of the platform's own, made after the table was charged for. */
const AFTER_CHARGE = ['window-size', 'below-page', 'levels', 'table', 'resources', 'refused-before', 'first-again', 'second-created'];

/** A shift of 128 and more comes round: the processor takes 7 bits of it. */
const SHIFT_BITS = 127n;
const comesRound = (shift: number): bigint => BigInt(shift) & SHIFT_BITS;

/** Firmware does not know the page size; the table was charged for as if it were the one that the low bits give. */
const unknownPageSize: Guard<Create> = {
  ...spaprClause(`${CREATE}/page-size`, 'Linux: a page size of 2^128 bytes and more is one of its low 7 bits until firmware sees it.'),
  when: ({ request }) => request.pageShift > 63,
  refuse: [-E.ENODEV, -E.EINVAL, -E.ENOMEM],
  damage(c) {
    makePromisedDefault(c.host, c.container, c.space);
    keepCharge(c);
    if (!c.host.platform.oneDynamicWindow) return;
    for (const { table } of c.container.groups) table.refused = true;
    c.host.machine.scars.add('refused-window');
  },
};

/** What the kernel says of a region that it cannot give back. */
const REGION_WARNING = /vfio_iommu_spapr_tce\.c|Call Trace/;

/** Regions that nobody has registered any more, and that entries still map, are never given back. */
function keepMapped(host: Host, space: AddressSpace): void {
  for (const region of space.regions) {
    if (region.users > 0 || region.mapped <= 1) continue;
    region.users += 1;
    host.mayLog.push(REGION_WARNING);
  }
}

const keepingMapped = (rules: RuleBook, call: string): RuleBook =>
  withEffect<{ host: Host; process: Process }>(rules, call, (effect) => ({
    ...effect,
    apply(c, chooser) {
      const answer = effect.apply(c, chooser);
      keepMapped(c.host, c.process.space);
      return answer;
    },
  }));

/** A region that entries map is not given back, although its container has let it go. */
const unregistering = (effect: Effect<MemoryContext>): Effect<MemoryContext> => ({
  ...effect,
  apply(c, chooser) {
    const region = findRegion(c.space, c.vaddr, c.size);
    if (region !== undefined && region.users === 1 && region.mapped > 1) region.users += 1;
    return effect.apply(c, chooser);
  },
});

/** The rules of a system that does what nothing here can follow where `meets` says so: what comes after is not judged. */
const afterwardsUnknown = (rules: RuleBook, calls: readonly string[], meets: (c: MappingContext) => boolean): RuleBook =>
  calls.reduce(
    (book, name) =>
      changeCall(book, name, (call: AnyCall) => ({
        ...call,
        read(...input: IoctlInput): ContainerContext {
          const c = call.read(...input) as MappingContext;
          if (meets(c)) c.host.machine.diverged = true;
          return c;
        },
      })),
    rules,
  );

/** Memory that is none of the window's may have been written. */
const crossesEnd = ({ window, iova, size }: MappingContext): boolean =>
  window !== undefined && iova >= window.start && iova + size > window.start + window.size;

/** Two calls at the same time get in each other's way. */
const inTheWay = (rules: RuleBook, calls: readonly string[], meets: (racing: readonly string[], c: ContainerContext) => boolean): RuleBook =>
  afterwardsUnknown(rules, calls, (c) => c.host.racing.length > 0 && meets(c.host.racing, c));

const REGISTER = 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY';
const REMOVE = 'VFIO_IOMMU_SPAPR_TCE_REMOVE';
const LEAVING = ['VFIO_GROUP_UNSET_CONTAINER', 'close', REMOVE];
const FIRST = [...MAPPING, CREATE, REMOVE];

/** Faults of Linux's VFIO for SPAPR TCE, each as seen by running it. */
export const LINUX_VFIO_MUTANTS: readonly Mutant[] = [
  {
    id: 'linux/refused-window-stays-charged',
    title: 'The locked memory of a window that the platform refuses is never given back',
    kind: 'historic',
    clauses: [`${CREATE}/window-size`, `${CREATE}/levels`, 'ledger/locked'],
    change: (rules) => {
      const created = alsoWhere(rules, CREATE, AFTER_CHARGE, keepCharge);
      return [CREATE, ...MAPPING].reduce((book, call) => alsoWhere(book, call, ['default-refused'], keepDefaultCharge), created);
    },
  },
  {
    id: 'linux/page-shift-comes-round',
    title: 'A page shift of 128 and more is taken for one of its low bits, and the PE gets no window any more',
    kind: 'historic',
    clauses: [`${CREATE}/page-size`],
    change: (rules) => {
      const unchecked = withCondition<Create>(
        rules,
        `${CREATE}/page-size`,
        ({ container, request }) => ((container.groups[0]!.description.pageSizes >> comesRound(request.pageShift)) & 1n) === 0n,
      );
      return withGuardBefore<Create>(unchecked, `${CREATE}/window-size`, unknownPageSize);
    },
  },
  {
    id: 'linux/page-shift-undefined',
    title: 'A page shift of 64 and more is refused, after the kernel shifted by it: its own checker complains',
    kind: 'historic',
    clauses: [`${CREATE}/page-size`, 'log/quiet'],
    change: (rules) =>
      alsoWhere(rules, CREATE, ['page-size'], (c: Create) => {
        if (c.request.pageShift > 63) c.host.mayLog.push(/UBSAN|Call Trace/);
      }),
  },
  {
    id: 'linux/unanswered-window-stays',
    title: 'A window whose answer could not be written stays, and its owner does not know where',
    kind: 'historic',
    clauses: [`${CREATE}/answer-pointer`],
    change: (rules) =>
      withDamage<Create>(rules, `${CREATE}/answer-pointer`, (c) => {
        makePromisedDefault(c.host, c.container, c.space);
        const slot = c.container.tables[0] === undefined ? 0 : 1;
        makeWindowOf(c.host, c.container, c.space, c.request, slot, c.host.linux.secondStart);
      }),
  },
  {
    id: 'linux/unregistered-memory-stays',
    title: 'Memory that is let go while entries map it stays pinned and charged when they are gone',
    kind: 'historic',
    clauses: [`${UNREGISTER}/unregistered`, 'close/closed'],
    change: (rules) => {
      const unregistered = withEffect(rules, UNREGISTER, unregistering);
      return ['close', 'VFIO_GROUP_UNSET_CONTAINER'].reduce(keepingMapped, unregistered);
    },
  },
  {
    id: 'linux/map-beyond-window',
    title: 'VFIO_IOMMU_MAP_DMA does not look where the range ends: in a partition the kernel may oops, on PowerNV it writes behind the table',
    kind: 'historic',
    clauses: ['VFIO_IOMMU_MAP_DMA/beyond-window'],
    change: (rules) => afterwardsUnknown(refuseAlsoWith(rules, 'VFIO_IOMMU_MAP_DMA/beyond-window', 'crash'), ['VFIO_IOMMU_MAP_DMA'], crossesEnd),
  },
  {
    id: 'linux/unmap-beyond-window',
    title: 'VFIO_IOMMU_UNMAP_DMA does not look where the range ends',
    kind: 'historic',
    clauses: ['VFIO_IOMMU_UNMAP_DMA/beyond-window'],
    change: (rules) => afterwardsUnknown(withoutGuard(rules, 'VFIO_IOMMU_UNMAP_DMA/beyond-window'), ['VFIO_IOMMU_UNMAP_DMA'], crossesEnd),
  },
  {
    id: 'linux/window-below-page',
    title: 'On PowerNV a window smaller than one of its pages may be made, as large as a page of entries',
    kind: 'historic',
    clauses: [`${CREATE}/below-page`],
    change: (rules) =>
      withMoreDamage<Create>(refuseAlsoWith(rules, `${CREATE}/below-page`, 0), `${CREATE}/below-page`, ({ host }, status) => {
        // How large it is nothing here says.
        if (status === 0) host.machine.diverged = true;
      }),
  },
  {
    id: 'linux/window-below-page-undefined',
    title: 'In a partition a window smaller than one of its pages is refused, after the kernel shifted by a negative number: its own checker complains',
    kind: 'historic',
    clauses: [`${CREATE}/below-page`, 'log/quiet'],
    change: (rules) =>
      alsoWhere(rules, CREATE, ['below-page'], ({ host }: Create) => {
        if (host.linux.platform === 'pseries') host.mayLog.push(/UBSAN|Call Trace/);
      }),
  },
  {
    id: 'linux/first-window-race',
    title: 'Two calls that both make the default window get in each other\'s way: the window is lost, and the PE may get none any more',
    kind: 'historic',
    clauses: ['VFIO_IOMMU_MAP_DMA/mapped', `${CREATE}/created`, 'VFIO_IOMMU_UNMAP_DMA/unmapped'],
    change: (rules) => inTheWay(rules, FIRST, (racing, { container }) => container.defaultPending && racing.every((name) => FIRST.includes(name))),
  },
  {
    id: 'linux/mapping-while-leaving',
    title: 'Memory that is mapped while the group leaves its container, or the window goes, stays pinned and charged',
    kind: 'historic',
    clauses: ['VFIO_GROUP_UNSET_CONTAINER/given-back', 'ledger/locked'],
    change: (rules) => inTheWay(rules, MAPPING, (racing) => racing.some((name) => LEAVING.includes(name))),
  },
  {
    id: 'linux/registering-twice-at-once',
    title: 'Of two containers that register a region at the same time one may be refused with EINVAL',
    kind: 'historic',
    clauses: [`${REGISTER}/registered`],
    change: (rules) => inTheWay(rules, [REGISTER], (racing) => racing.every((name) => name === REGISTER)),
  },
  {
    id: 'linux/registering-nothing-warns',
    title: 'Registering a region of no bytes makes the kernel log a warning, once a boot',
    kind: 'historic',
    clauses: ['VFIO_IOMMU_SPAPR_REGISTER_MEMORY/nothing', 'log/quiet'],
    change: (rules) =>
      withDamage<ContainerContext>(rules, 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY/nothing', (c) => {
        c.host.mayLog.push(/mm\/vmalloc\.c|Call Trace/);
      }),
  },
];
