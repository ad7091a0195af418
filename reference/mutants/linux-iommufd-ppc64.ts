import type { IommufdContext } from '../iommufd/checks.js';
import type { NodeContext } from '../iommufd/bound-device.js';
import { attachTables } from '../iommufd/ppc64/tce-tables.js';
import { isWindowsDomain } from '../iommufd/ppc64/paging-domain.js';
import { isGuestDomain } from '../iommufd/ppc64/guest-domain.js';
import type { Ioas } from '../iommufd/state/context.js';
import type { RuleBook } from '../rules.js';
import { arg } from '../vfio/checks.js';
import { withEffect, withoutGuard, type Mutant } from './mutant.js';

const ALLOC = 'IOMMU_HWPT_ALLOC';
const DETACH = 'VFIO_DEVICE_DETACH_IOMMUFD_PT';
const INVALIDATE = 'IOMMU_HWPT_INVALIDATE';

/** What lies after a window begins one IOVA too late. */
function oneTooFar(ioas: Ioas): void {
  const ends = ioas.domains.filter(isWindowsDomain).flatMap(({ apertures }) => apertures.map(({ last }) => last + 1n));
  ioas.reserved.forEach((reservation, i) => {
    if (ends.includes(reservation.first)) ioas.reserved[i] = { ...reservation, first: reservation.first + 1n };
  });
}

const withPastEnd = (rules: RuleBook): RuleBook =>
  withEffect<IommufdContext & { readonly onto: Ioas | undefined }>(rules, ALLOC, (effect) => ({
    ...effect,
    apply(c, chooser) {
      const answer = effect.apply(c, chooser);
      if (c.onto !== undefined) oneTooFar(c.onto);
      return answer;
    },
  }));

const withWindowsLeft = (rules: RuleBook): RuleBook =>
  withEffect<NodeContext>(rules, DETACH, (effect) => ({
    ...effect,
    apply(c, chooser) {
      const { group } = c.bound.device;
      const { tables } = group;
      const answer = effect.apply(c, chooser);
      if (tables !== undefined) attachTables(tables, group);
      return answer;
    },
  }));

/** Entries that are refused are said to be made. */
const withSilentRefusal = (rules: RuleBook): RuleBook =>
  withEffect<IommufdContext>(rules, INVALIDATE, (effect) => ({
    ...effect,
    apply(c, chooser) {
      const answer = effect.apply(c, chooser);
      const object = c.context.objects.get(Number(arg(c, 'hwpt_id')));
      const guests = object?.kind === 'hwpt-nested' && isGuestDomain(object.domain);
      if (!guests || answer.status === 0) return answer;
      return { ...answer, status: 0, outputs: (answer.outputs ?? []).map((output) => (output.name === 'entry_num' ? { ...output, value: arg(c, 'entry_num') } : output)) };
    },
  }));

/** Faults of kernels with page tables for POWER: of the RFC, and such as the plan makes likely. */
export const LINUX_IOMMUFD_PPC64_MUTANTS: readonly Mutant[] = [
  {
    id: 'linux/ppc64-aperture-end',
    title: 'the last IOVA of a window is taken for the first after it (RFC of 27 Jan 2026: aperture_end)',
    kind: 'historic',
    clauses: ['IOMMU_IOAS_IOVA_RANGES/told'],
    change: withPastEnd,
  },
  {
    id: 'linux/ppc64-window-left',
    title: 'detaching leaves the windows in the PE',
    kind: 'historic',
    clauses: [`${DETACH}/detached`],
    change: withWindowsLeft,
  },
  {
    id: 'linux/ppc64-guest-silent',
    title: "a guest's entry that cannot be made is passed over in silence",
    kind: 'historic',
    clauses: [`${INVALIDATE}/ppc64-refused`],
    change: withSilentRefusal,
  },
  {
    id: 'linux/ppc64-any-levels',
    title: 'levels that the PE does not have are taken',
    kind: 'historic',
    clauses: [`${ALLOC}/ppc64-levels`],
    change: (rules) => withoutGuard(rules, `${ALLOC}/ppc64-levels`),
  },
];
