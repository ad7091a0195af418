import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import type { Operation } from '../doors/operations.js';
import type { WindowRequest } from '../platform/table-group.js';
import {
  arg,
  badPointer,
  BUFFER_BYTES,
  byChild,
  CONTAINER,
  foreignProcess,
  limitedTo,
  otherVersion,
  READY_V2,
  readContainer,
  readOnly,
  spaprClause,
  tooShort,
  unknownFlags,
  UNREGISTERED_V2,
  type ContainerContext,
  type Ioctl,
  type IoctlInput,
} from './checks.js';
import type { Host } from './host.js';
import { afterDefault, cannotShare, defaultChecks, FAILED_LIST, wasRefused } from './mapping-checks.js';
import { cannotLockWindow, chooseStart, freeSlot, isDefaultWindow, makePromisedDefault, makeWindowOf } from './windows.js';

const NAME = 'VFIO_IOMMU_SPAPR_TCE_CREATE';

const CREATE_TABLE = 'Linux 7.2 platforms/pseries/iommu.c spapr_tce_create_table';

/** A call that makes the promised default window and changes nothing else. */
const MADE: Operation = { door: 'vfio', op: 'ioctl', fd: CONTAINER, call: 'VFIO_IOMMU_UNMAP_DMA', args: { iova: { from: 'pe0.dma32.start' }, size: 0x1000n } };

interface Create extends ContainerContext {
  readonly request: WindowRequest;
}

function readCreate(host: Host, ioctl: Ioctl): Create {
  const c = readContainer(host, ioctl);
  return { ...c, request: { pageShift: Number(arg(c, 'page_shift')), size: arg(c, 'window_size'), levels: Number(arg(c, 'levels')) } };
}

/** What the promised default window leaves. */
const slotsLeft = ({ container }: Create): number => container.tables.filter((table) => table === undefined).length - (container.defaultPending ? 1 : 0);

/** The slot that the window would take while a window that is not the default one has the other. */
function slotBesideDynamic({ host, container }: Create): number | undefined {
  if (!host.platform.oneDynamicWindow || container.defaultPending) return undefined;
  const slot = freeSlot(container);
  if (slot === undefined) return undefined;
  const other = container.tables[1 - slot];
  return other !== undefined && !isDefaultWindow(container, 1 - slot, other) ? slot : undefined;
}

const noSlot: Guard<Create> = afterDefault({
  ...spaprClause(`${NAME}/slots`, 'A container with two windows refuses a third with ENOSPC.'),
  when: (c) => slotsLeft(c) === 0,
  refuse: [-E.ENOSPC],
  violation: { setup: [{ door: 'vfio', op: 'ioctl', fd: CONTAINER, call: NAME, args: { page_shift: 16n, window_size: 1n << 26n, levels: 1n } }] },
});

const badPageShift: Guard<Create> = afterDefault({
  ...spaprClause(`${NAME}/page-size`, 'A page size that VFIO_IOMMU_SPAPR_TCE_GET_INFO does not offer is refused with EINVAL.'),
  when: ({ container, request }) => request.pageShift > 63 || ((container.groups[0]!.description.pageSizes >> BigInt(request.pageShift)) & 1n) === 0n,
  refuse: [-E.EINVAL],
  violation: { args: { page_shift: 13n } },
});

const badSize: Guard<Create> = afterDefault({
  ...spaprClause(`${NAME}/window-size`, 'A window whose size is no power of two is refused with EINVAL.'),
  when: ({ request: { size } }) => size === 0n || (size & (size - 1n)) !== 0n,
  refuse: [-E.EINVAL],
  violation: { args: { window_size: (1n << 26n) + 0x1_0000n } },
});

/** What firmware says reaches the caller as it is: any refusal will do (choice V2). */
const REFUSALS = [-E.ENOMEM, -E.EINVAL, -E.ENODEV, -E.ENOSPC, -E.EPERM, -E.ESRCH, -E.EINTR] as const;

/** Firmware has refused; where the kernel remembers that, no reset of the window brings it back. */
function firmwareRefuses(c: Create): void {
  makePromisedDefault(c.host, c.container, c.space);
  if (!c.host.platform.oneDynamicWindow) return;
  for (const { table } of c.container.groups) table.refused = true;
  c.host.machine.scars.add('refused-window');
}

const belowPage: Guard<Create> = {
  ...spaprClause(`${NAME}/below-page`, 'A window smaller than a page is refused: EINVAL, or what firmware says.'),
  when: ({ request: { size, pageShift } }) => size < 1n << BigInt(pageShift),
  refuse: [-E.EINVAL, -E.ENODEV, -E.ENOMEM],
  damage: firmwareRefuses,
};

const noLevels: Guard<Create> = afterDefault({
  ...spaprClause(`${NAME}/no-levels`, 'A table of no levels is refused with EINVAL; where tables have one level it may be taken for that.'),
  choice: { id: 'V5', canonical: (c) => !c.host.platform.takesNoLevels },
  when: ({ request }) => request.levels === 0,
  refuse: [-E.EINVAL],
  violation: { args: { levels: 0n } },
});

const tooManyLevels: Guard<Create> = afterDefault({
  ...spaprClause(`${NAME}/levels`, 'More levels than VFIO_IOMMU_SPAPR_TCE_GET_INFO reports are refused with EINVAL (or ENOMEM).'),
  when: ({ container, request }) => request.levels > container.groups[0]!.description.levels,
  refuse: [-E.EINVAL, -E.ENOMEM],
  violation: { args: { levels: 6n } },
});

const noSuchTable: Guard<Create> = afterDefault({
  ...spaprClause(`${NAME}/table`, 'A window for which the platform has no table of so many levels is refused with EINVAL.'),
  when: ({ host, request }) => request.levels > 0 && host.platform.tableBytes(request) === 0n,
  refuse: [-E.EINVAL],
});

const unaffordable: Guard<Create> = afterDefault({
  ...spaprClause(`${NAME}/limit`, 'A window whose table would exceed the limit of locked memory is refused with ENOMEM.'),
  when: (c) => cannotLockWindow(c.host, c.container, c.space, c.request),
  refuse: [-E.ENOMEM],
  violation: { instead: [...READY_V2, MADE, limitedTo(BUFFER_BYTES)], args: { window_size: 1n << 30n } },
});

/** Bytes of a table beyond which a platform may well have none, in all and in one piece. */
const LARGE_TABLE = 1n << 28n;
const LARGE_PIECE = 1n << 24n;

const beyondResources: Guard<Create> = {
  ...spaprClause(`${NAME}/resources`, 'A window for which the platform has no memory or no TCEs left is refused; how large that is the platform knows.'),
  level: 'may',
  choice: { id: 'V6', canonical: false },
  when: ({ host: { platform }, request }) => platform.tableBytes(request) >= LARGE_TABLE || platform.tablePiece(request) >= LARGE_PIECE,
  refuse: REFUSALS,
  damage: firmwareRefuses,
};

const refusedBefore: Guard<Create> = afterDefault({
  ...spaprClause(`${NAME}/refused-before`, 'Where firmware refused the PE a window before, another may be refused with ENODEV.', FAILED_LIST),
  level: 'may',
  choice: { id: 'V10', canonical: false },
  when: ({ container }) => wasRefused(container),
  refuse: [-E.ENODEV],
});

const firstBesideDynamic: Guard<Create> = {
  ...spaprClause(`${NAME}/first-again`, 'While a created window is the second one, the first may be refused with EPERM, the default one too.', CREATE_TABLE),
  level: 'may',
  choice: { id: 'V9', canonical: true },
  when: (c) => slotBesideDynamic(c) === 0,
  refuse: [-E.EPERM],
};

const secondBesideDynamic: Guard<Create> = {
  ...spaprClause(`${NAME}/second-created`, 'While a created window is the first one, a second may be refused, with EEXIST as a rule.', CREATE_TABLE),
  level: 'may',
  choice: { id: 'V9', canonical: true },
  when: (c) => slotBesideDynamic(c) === 1,
  refuse: [-E.EEXIST, -E.EINVAL, -E.ENODEV, -E.ENOSPC],
  damage: firmwareRefuses,
};

const notShared: Guard<Create> = {
  ...spaprClause(`${NAME}/shared`, 'Where groups cannot share a window, none is made for several groups: EPERM.', 'Linux 7.2 platforms/pseries/iommu.c spapr_tce_set_window'),
  when: cannotShare,
  refuse: [-E.EPERM],
};

/** VFIO_IOMMU_SPAPR_TCE_CREATE: a window of its own for the program; the platform says where it starts. */
export const tceCreate = defineCall<Create, IoctlInput>({
  name: NAME,
  parameters: ['argsz', 'flags', 'page_shift', '__resv1', 'window_size', 'levels', '__resv2', 'start_addr'],
  read: readCreate,
  guards: [
    foreignProcess(NAME, { ...byChild, instead: READY_V2 }),
    otherVersion(NAME, 2),
    badPointer(NAME),
    tooShort(NAME, 40n),
    unknownFlags(NAME),
    ...defaultChecks<Create>(NAME),
    noSlot,
    badPageShift,
    badSize,
    belowPage,
    noLevels,
    tooManyLevels,
    noSuchTable,
    unaffordable,
    refusedBefore,
    firstBesideDynamic,
    secondBesideDynamic,
    beyondResources,
    notShared,
    readOnly(NAME),
  ],
  effect: {
    clauses: [
      spaprClause(`${NAME}/created`, 'The window exists beside the default one that was promised; its table is charged to the process.'),
      spaprClause(`${NAME}/start`, 'The window starts at a multiple of its page size and overlaps no other window of the container.'),
    ],
    apply(c, chooser) {
      makePromisedDefault(c.host, c.container, c.space);
      const slot = freeSlot(c.container) ?? 1;
      const start = chooseStart(c.host, c.container, c.request, slot, chooser);
      makeWindowOf(c.host, c.container, c.space, c.request, slot, start);
      return { clause: `${NAME}/created`, status: 0, outputs: [{ index: 7, name: 'start_addr', value: start, clause: `${NAME}/start` }] };
    },
  },
  sample: {
    fd: CONTAINER,
    setup: UNREGISTERED_V2,
    args: { argsz: 40n, flags: 0n, page_shift: 16n, window_size: 1n << 26n, levels: 1n },
  },
});
