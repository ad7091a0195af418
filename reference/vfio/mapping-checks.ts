import type { Guard } from '../rules.js';
import type { AddressSpace } from '../memory/process.js';
import { E } from '../uapi/errno.js';
import { arg, BUFFER_BYTES, limitedTo, READY_V2, readContainer, spaprClause, UNREGISTERED_V2, type ContainerContext, type Ioctl } from './checks.js';
import type { Container, Host } from './host.js';
import { cannotMakeDefault, defaultRequest, makePromisedDefault, windowAt } from './windows.js';

/** A range of bus addresses that a call names; bytes. */
export interface BusRange {
  readonly start: bigint;
  readonly size: bigint;
  /** log2 of the I/O page size. */
  readonly pageShift: number;
}

/** A call on entries of a window. The promised default window counts as made: every such call makes it first. */
export interface MappingContext extends ContainerContext {
  readonly iova: bigint;
  readonly size: bigint;
  /** The window that holds `iova`. */
  readonly window: BusRange | undefined;
}

export function readMapping(host: Host, ioctl: Ioctl): MappingContext {
  const c = readContainer(host, ioctl);
  const [iova, size] = [arg(c, 'iova'), arg(c, 'size')];
  return { ...c, iova, size, window: windowOf(c.container, iova) };
}

function windowOf(container: Container, iova: bigint): BusRange | undefined {
  const table = windowAt(container, iova);
  if (table !== undefined) return table.window;
  if (!container.defaultPending) return undefined;
  const { size, pageShift } = defaultRequest(container);
  const promised = { start: BigInt(container.groups[0]!.description.dma32Start), size, pageShift };
  return iova >= promised.start && iova < promised.start + size ? promised : undefined;
}

/** Addresses within an I/O page of the window. */
export const offsetMask = ({ pageShift }: BusRange): bigint => (1n << BigInt(pageShift)) - 1n;

/** v1 was not enabled, or v2 never registered memory. */
export const notEnabled = (call: string): Guard<MappingContext> => ({
  ...spaprClause(`${call}/enabled`, 'Before VFIO_IOMMU_ENABLE (v1), or before any memory was registered (v2), the call is refused with EPERM.'),
  when: (c) => !c.container.enabled,
  refuse: [-E.EPERM],
  violation: { instead: UNREGISTERED_V2 },
});

/** What can keep the promised default window from being made; it stays promised then. */
export const defaultChecks = <C extends ContainerContext>(call: string): readonly Guard<C>[] => [
  {
    ...spaprClause(`${call}/no-default`, 'Where the platform has no default window of 32 bits to make, the call is refused with EINVAL until it is removed.'),
    when: ({ host, container }) => container.defaultPending && host.platform.tableBytes(defaultRequest(container)) === 0n,
    refuse: [-E.EINVAL],
  },
  {
    ...spaprClause(`${call}/default-window`, 'Where the limit of locked memory leaves no room for the table of the default window, the call is refused with ENOMEM.'),
    when: (c) => cannotMakeDefault(c.host, c.container, chargedSpace(c)),
    refuse: [-E.ENOMEM],
    violation: { instead: [...READY_V2, limitedTo(BUFFER_BYTES)] },
  },
  {
    ...spaprClause(`${call}/default-refused`, 'Where firmware refused the PE a window before, the default window may be refused with ENODEV.', FAILED_LIST),
    level: 'may',
    choice: { id: 'V10', canonical: false },
    when: ({ container }) => container.defaultPending && wasRefused(container),
    refuse: [-E.ENODEV],
  },
  {
    ...spaprClause(`${call}/default-shared`, 'Where groups cannot share a window, no default window is made for several groups: EPERM.', SET_WINDOW),
    when: (c) => c.container.defaultPending && cannotShare(c),
    refuse: [-E.EPERM],
  },
];

/** Where a kernel in a partition remembers that firmware refused a PE a window. */
export const FAILED_LIST = 'Linux 7.2 platforms/pseries/iommu.c spapr_tce_create_table, failed_ddw_pdn_list';
const SET_WINDOW = 'Linux 7.2 platforms/pseries/iommu.c spapr_tce_set_window';

/** Firmware refused one of the groups a window once. */
export const wasRefused = ({ groups }: Container): boolean => groups.some(({ table }) => table.refused);

/** Several groups on a platform on which each has windows of its own. */
export const cannotShare = ({ host, container }: ContainerContext): boolean => !host.platform.sharesWindows && container.groups.length > 1;

/** Who pays for a window: the process the container belongs to, or will belong to. */
export const chargedSpace = (c: ContainerContext): AddressSpace => c.container.space ?? c.process.space;

/** A check made after the default window: that stays, whatever becomes of the call. */
export const afterDefault = <C extends ContainerContext>(guard: Guard<C>): Guard<C> => ({
  ...guard,
  damage: (c) => makePromisedDefault(c.host, c.container, chargedSpace(c)),
});

/** The bus address is in no window. */
export const outsideWindows = (call: string): Guard<MappingContext> =>
  afterDefault({
    ...spaprClause(`${call}/iova`, 'A bus address in no window of the container is refused with ENXIO.'),
    when: (c) => c.window === undefined,
    refuse: [-E.ENXIO],
    violation: { args: { iova: { from: 'pe0.dma32.end' } } },
  });

/** A length that is no number of I/O pages. */
export const partialPage = (call: string): Guard<MappingContext> =>
  afterDefault({
    ...spaprClause(`${call}/size`, 'A size that is not a multiple of the I/O page is refused with EINVAL.'),
    when: (c) => (c.size & offsetMask(c.window!)) !== 0n,
    refuse: [-E.EINVAL],
    violation: { args: { size: 0x800n } },
  });

/** No bytes at all. */
export const noBytes = (call: string): Guard<MappingContext> =>
  afterDefault({
    ...spaprClause(`${call}/nothing`, 'A size of 0 is done, to no effect, or refused with EINVAL.'),
    level: 'may',
    choice: { id: 'V12', canonical: false },
    when: (c) => c.size === 0n,
    refuse: [-E.EINVAL],
    violation: { args: { size: 0n } },
  });

/** A bus address within an I/O page. */
export const unalignedIova = (call: string): Guard<MappingContext> =>
  afterDefault({
    ...spaprClause(`${call}/iova-alignment`, 'A bus address that is not a multiple of the I/O page is refused (EINVAL; Linux says 1).'),
    when: (c) => (c.iova & offsetMask(c.window!)) !== 0n,
    refuse: [-E.EINVAL, 1],
    violation: { args: { iova: { from: 'pe0.dma32.start', plus: 0x800n } } },
  });

