import type { Operation } from '../../doors/operations.js';
import type { Term } from '../../doors/term.js';
import type { Guard, Violation } from '../../rules.js';
import { E } from '../../uapi/errno.js';
import { HWPT_DATA_PPC64_WINDOWS, WINDOW_LAYOUT } from '../../uapi/iommufd-ppc64.js';
import { boundWithIoas } from '../bound-device.js';
import type { Ioas } from '../state/context.js';
import { planned } from './plan.js';
import { isWindowsDomain } from './paging-domain.js';
import { windowsOverlap } from './windows.js';
import type { WindowsData, WindowsFault } from './windows-data.js';

/*
 * What the windows that are described to IOMMU_HWPT_ALLOC are refused for. Where the plan names no error: as VFIO's
 * SPAPR_TCE_CREATE answers.
 */

const NAME = 'IOMMU_HWPT_ALLOC';

const MAIL = 'J. Gunthorpe to S. G. Bhat, 27 Jan 2026 (driver data at HWPT creation); shivaprasadbhat/qemu iommufd-wip';
const proposed = planned('proposed', MAIL);
const open = planned('open', `our suggestion; ${MAIL}`);

/** The capability of a kernel as planned. */
export const AS_PLANNED = 'ppc64-paging';

const WINDOWS: Term = { from: 'windows.address' };

/** A window as the words of 8 bytes that its structure has. */
export const windowWords = (size: bigint, pageShift: bigint, levels: bigint, start: Term): Term[] => [size, pageShift, levels, start];

/** A window of 64 MiB of 64 KiB pages at the start of the default one. */
const USUAL = windowWords(1n << 26n, 16n, 1n, { from: 'pe0.dma32.start' });

const described = (...words: readonly Term[]): Violation => ({
  requires: [AS_PLANNED],
  instead: [
    ...boundWithIoas('pe0.dev0'),
    { door: 'user', op: 'map', length: 0x1_0000n, protection: 'rw', as: 'windows' },
    { door: 'user', op: 'store', address: WINDOWS, wordBytes: 8, words },
  ] satisfies readonly Operation[],
  args: { data_type: BigInt(HWPT_DATA_PPC64_WINDOWS), data_len: BigInt(8 * words.length), data_uptr: WINDOWS },
});

/** What the checks look at. */
export interface WindowsContext {
  readonly windows: WindowsData;
  readonly onto: Ioas | undefined;
}

interface Rule {
  readonly fault: WindowsFault;
  readonly text: string;
  readonly status: number;
  readonly of: ReturnType<typeof planned>;
  readonly violation: Violation;
}

const cut = described(...USUAL);

const RULES: readonly Rule[] = [
  { fault: 'length', text: `Data whose length is no multiple of the ${WINDOW_LAYOUT.bytes} bytes of a window are refused with EINVAL.`, status: E.EINVAL, of: open, violation: { ...cut, args: { ...cut.args, data_len: 24n } } },
  { fault: 'pointer', text: 'Windows that cannot be read are refused with EFAULT.', status: E.EFAULT, of: proposed, violation: { ...cut, args: { ...cut.args, data_uptr: 0n } } },
  { fault: 'count', text: 'More windows than the PE can have are refused with ENOSPC.', status: E.ENOSPC, of: open, violation: described(...USUAL, ...USUAL, ...USUAL) },
  { fault: 'reserved', text: 'A __reserved other than 0 in a window is refused with EOPNOTSUPP.', status: E.EOPNOTSUPP, of: open, violation: described(USUAL[0]!, (1n << 32n) | 16n, 1n, USUAL[3]!) },
  { fault: 'size', text: 'A window whose size is no power of two, or less than a page, is refused with EINVAL.', status: E.EINVAL, of: proposed, violation: described(...windowWords(3n << 24n, 16n, 1n, USUAL[3]!)) },
  { fault: 'page-size', text: 'A page size that IOMMU_GET_HW_INFO does not offer is refused with EINVAL.', status: E.EINVAL, of: proposed, violation: described(...windowWords(1n << 26n, 13n, 1n, USUAL[3]!)) },
  { fault: 'levels', text: 'No levels, or more than IOMMU_GET_HW_INFO offers, are refused with EINVAL.', status: E.EINVAL, of: proposed, violation: described(...windowWords(1n << 26n, 16n, 9n, USUAL[3]!)) },
  { fault: 'start', text: 'A start that IOMMU_GET_HW_INFO does not offer, or a window at the start of the default one that is larger than it, is refused with EINVAL.', status: E.EINVAL, of: open, violation: described(...windowWords(1n << 26n, 16n, 1n, 1n << 40n)) },
  { fault: 'overlap', text: 'Two windows that share a bus address are refused with EINVAL.', status: E.EINVAL, of: open, violation: described(...USUAL, ...USUAL) },
];

/** The other tables of the IOAS have no window where these are. */
export const besideOthers = ({ windows: { windows }, onto }: WindowsContext): boolean =>
  windows !== undefined &&
  onto !== undefined &&
  onto.domains.length > 0 &&
  onto.domains.every((domain) => isWindowsDomain(domain) && domain.tables.windows.every((one) => windows.every((other) => !windowsOverlap([one, other]))));

/** A window of its own beside those of other tables: the fork of the plan. */
const secondTable = <C extends WindowsContext>(): Guard<C> => ({
  ...open(`${NAME}/ppc64-second-table`, 'A table with windows beside those of the IOAS\'s other tables is refused with EADDRINUSE: one table has all windows of a PE. Or it is made, and a device attached to both has the windows of both.'),
  level: 'may',
  choice: { id: 'I30', canonical: true },
  when: besideOthers,
  refuse: [-E.EADDRINUSE],
});

/** What a description of windows is refused for, in order. */
export const windowsChecks = <C extends WindowsContext>(): readonly Guard<C>[] => [
  ...RULES.map(({ fault, text, status, of, violation }): Guard<C> => ({
    ...of(`${NAME}/ppc64-${fault}`, text),
    when: ({ windows }) => windows.fault === fault,
    refuse: [-status],
    violation,
  })),
  secondTable(),
];

/** What the effect does for such a table. */
export const WINDOWS_CLAUSES = [
  proposed(`${NAME}/ppc64-made`, 'A table with the windows that were described, or with the default one where none are: what its IOAS can map is exactly these windows.'),
] as const;
