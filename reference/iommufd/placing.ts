import type { Chooser } from '../chooser.js';
import type { Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { addAreas, removeArea } from './domains.js';
import { LARGEST, type IoasContext } from './checks.js';
import { misplaced, placesFor } from './automatic.js';
import { isWindowsDomain } from './ppc64/paging-domain.js';
import { planned } from './ppc64/plan.js';
import { iovaAlignment, meets, pageBytes } from './ranges.js';
import type { Area, Pages } from './state/context.js';
import { merged } from '../vfio/checks.js';

/*
 * What every call that puts areas into an IOAS has in common: where they go, and that their memory is pinned.
 * Source: Linux 7.2 drivers/iommu/iommufd/io_pagetable.c iopt_map_pages.
 */

/** A piece of memory that is to be mapped, after others of the same call. */
export interface Part {
  readonly pages: Pages;
  /** Bytes from the start of the pages. */
  readonly offset: bigint;
  readonly length: bigint;
}

/** What the checks of such a call look at. `ioas` is where the areas go. */
export interface Placing extends IoasContext {
  /** The user says where; else the kernel chooses. */
  readonly fixed: boolean;
  readonly iova: bigint;
  readonly length: bigint;
  readonly readable: boolean;
  readonly writeable: boolean;
  readonly parts: readonly Part[];
  /** The memory is to be pinned, and to be in no page table. */
  readonly reserve?: boolean;
}

const clause = merged('Linux 7.2 drivers/iommu/iommufd/io_pagetable.c iopt_alloc_area_pages, iopt_alloc_iova, iopt_check_iova, iopt_insert_area');

const alignment = (c: Placing): bigint => iovaAlignment(c.host, c.ioas!);
const range = (c: Placing): { readonly first: bigint; readonly last: bigint } => ({ first: c.iova, last: c.iova + c.length - 1n });

/** Where the first of the memory is, in the process or in the file: the kernel aligns by it. */
const addressOf = ([{ pages, offset }]: readonly [Part]): bigint => pages.source.start + offset;

const placed = (c: Placing): { readonly address: bigint; readonly length: bigint } => ({ address: addressOf(c.parts as readonly [Part]), length: c.length });

const places = (c: Placing): readonly (bigint | undefined)[] => placesFor(c.host, c.ioas!, placed(c));

/** Half of all IOVAs, from where the kernel's own rounding could overflow. */
const HALF = LARGEST / 2n;

/** Where the kernel chooses. */
const automatic = <C extends Placing>(call: string): readonly Guard<C>[] => [
  {
    ...clause(`${call}/half`, 'Where the kernel chooses the place, half of all IOVAs and more are refused with EOVERFLOW.'),
    when: (c) => !c.fixed && c.length >= HALF,
    refuse: [-E.EOVERFLOW],
  },
  {
    ...clause(`${call}/address-alignment`, 'Where the kernel chooses the place, memory that is less aligned than the page tables need is refused with EINVAL.'),
    when: (c) => !c.fixed && misplaced(c.host, c.ioas!, placed(c)),
    refuse: [-E.EINVAL],
  },
  {
    ...clause(`${call}/no-room`, 'Where the kernel chooses the place and no hole of the allowed IOVAs is large enough, the call is refused with ENOSPC.'),
    when: (c) => !c.fixed && places(c).every((place) => place === undefined),
    refuse: [-E.ENOSPC],
  },
  {
    ...clause(`${call}/no-aligned-room`, 'Where a hole is large enough only without the alignment that large pages ask for, the call may be refused with ENOSPC.'),
    level: 'may',
    choice: { id: 'I1', canonical: (c) => places(c)[0] === undefined },
    when: (c) => !c.fixed && places(c).includes(undefined),
    refuse: [-E.ENOSPC],
  },
];

/** Where the user says the place. */
const fixedChecks = <C extends Placing>(call: string): readonly Guard<C>[] => [
  {
    ...clause(`${call}/iova-alignment`, 'An IOVA that is less aligned than the page tables need is refused with EINVAL.'),
    when: (c) => c.fixed && c.iova % alignment(c) !== 0n,
    refuse: [-E.EINVAL],
  },
  {
    ...clause(`${call}/end`, 'IOVAs that end beyond 64 bits are refused with EOVERFLOW.'),
    when: (c) => c.fixed && c.iova + c.length - 1n > LARGEST,
    refuse: [-E.EOVERFLOW],
  },
  {
    ...clause(`${call}/reserved`, 'IOVAs of which some are reserved are refused with EINVAL.'),
    when: (c) => c.fixed && c.ioas!.reserved.some((reserved) => meets(reserved, range(c))),
    refuse: [-E.EINVAL],
  },
  {
    ...clause(`${call}/taken`, 'IOVAs of which some are mapped are refused with EEXIST.'),
    when: (c) => c.fixed && c.ioas!.areas.firstIn(range(c)) !== undefined,
    refuse: [-E.EEXIST],
  },
];

/** What is wrong with the first part that cannot become an area. */
function wrongPart(c: Placing): 'written' | 'offset' | undefined {
  const inPage = pageBytes(c.host) - 1n;
  for (const { pages, offset } of c.parts) {
    if (c.writeable && !pages.writeable) return 'written';
    if ((offset & inPage) % alignment(c) !== 0n) return 'offset';
  }
  return undefined;
}

/** What the page tables say; they are left as they were. */
function tried(c: Placing): number {
  if (c.ioas!.domains.length === 0 && c.reserve !== true) return 0;
  const areas = areasOf(c, c.fixed ? c.iova : places(c).find((place) => place !== undefined)!);
  const refused = addAreas(c.host, c.ioas!, areas);
  if (refused === 0) for (const area of areas) removeArea(c.host, c.ioas!, area);
  return refused;
}

const pinning = merged('Linux 7.2 drivers/iommu/iommufd/pages.c iopt_area_fill_domains');

/** What only an IOAS with a page table refuses: without one nobody looks at the memory. */
const pinChecks = <C extends Placing>(call: string, file = false): readonly Guard<C>[] => [
  {
    ...pinning(`${call}/limit`, 'With a page table in the IOAS, memory beyond the limit of locked memory is refused with ENOMEM, and nothing is mapped.'),
    when: (c) => tried(c) === -E.ENOMEM,
    refuse: [-E.ENOMEM],
  },
  {
    ...pinning(`${call}/memory`, `With a page table in the IOAS, memory that cannot be pinned is refused with ${file ? 'EINVAL' : 'EFAULT'}, and nothing is mapped.`),
    when: (c) => tried(c) === (file ? -E.EINVAL : -E.EFAULT),
    refuse: [file ? -E.EINVAL : -E.EFAULT],
  },
];

/** A table of the IOAS has windows of POWER, whose entries take memory of the host, or of the hypervisor. */
const noRoomForEntries = <C extends Placing>(call: string): Guard<C> => ({
  ...planned('open', 'our suggestion; Linux 7.2 platforms/powernv/pci-ioda-tce.c pnv_tce (levels on demand), platforms/pseries/iommu.c (H_RESOURCE)')(`${call}/ppc64-room`, 'Where the platform has no room for the entries the call is refused with ENOMEM or ENOSPC, and nothing is mapped.'),
  level: 'may',
  choice: { id: 'I37', canonical: false },
  when: (c) => c.reserve !== true && c.ioas!.domains.some(isWindowsDomain),
  refuse: [-E.ENOMEM, -E.ENOSPC],
});

/** Checks of the place, then of the memory; `violations` for those that a call can break without a page table. */
export const placeChecks = <C extends Placing>(call: string, kind: { readonly fixed?: true; readonly copy?: true; readonly file?: true; readonly args?: Taken } = {}): readonly Guard<C>[] => [
  {
    ...clause(`${call}/length-alignment`, 'A length that is less aligned than the page tables need is refused with EINVAL.'),
    when: (c) => c.length % alignment(c) !== 0n,
    refuse: [-E.EINVAL],
  },
  ...(kind.fixed === true ? [] : automatic<C>(call)),
  ...fixedChecks<C>(call).map((guard) => ({ ...guard, ...(kind.args && guard.id.endsWith('/end') && { violation: { args: { [kind.args.iova]: LARGEST & ~0xf_ffffn, [kind.args.length]: 0x20_0000n } } }) })),
  ...(kind.copy === true
    ? [
        {
          ...clause(`${call}/written`, 'Memory that was mapped to be read alone and is to be written is refused with EPERM.'),
          when: (c: C) => wrongPart(c) === 'written',
          refuse: [-E.EPERM] as const,
        },
      ]
    : []),
  {
    ...clause(`${call}/offset`, 'Memory whose place in its page is less aligned than the page tables need is refused with EINVAL.'),
    when: (c) => wrongPart(c) === 'offset',
    refuse: [-E.EINVAL],
  },
  ...pinChecks<C>(call, kind.file),
  noRoomForEntries<C>(call),
];

/** What a call's structure calls the place and the length. */
interface Taken {
  readonly iova: string;
  readonly length: string;
}

function areasOf(c: Placing, iova: bigint): Area[] {
  let first = iova;
  return c.parts.map(({ pages, offset, length }) => {
    const area = { first, last: first + length - 1n, pages, offset, readable: c.readable, writeable: c.writeable, locks: 0, ...(c.reserve === true && { reserve: true as const }) };
    first += length;
    return area;
  });
}

/** Puts the areas where they go, and says where; the kernel's choice is the chooser's. */
export function place(c: Placing, index: number, name: string, id: string, chooser?: Chooser): bigint {
  const iova = c.fixed ? c.iova : choosePlace(c, index, name, id, chooser);
  addAreas(c.host, c.ioas!, areasOf(c, iova));
  return iova;
}

function choosePlace(c: Placing, index: number, name: string, id: string, chooser: Chooser | undefined): bigint {
  const possible = places(c).filter((iova): iova is bigint => iova !== undefined);
  const canonical = possible[0]!;
  if (chooser === undefined) return canonical;
  const expects = [...new Set(possible)].map((iova) => `${name} = 0x${iova.toString(16)}`).join(' or ');
  return chooser.adopt({ choice: 'I1', clause: id, name, index, canonical, permitted: (value) => possible.includes(value), expects });
}

