import type { IommufdContext } from '../iommufd/checks.js';
import type { NodeContext } from '../iommufd/bound-device.js';
import { attachTables } from '../iommufd/ppc64/tce-tables.js';
import { isWindowsDomain } from '../iommufd/ppc64/paging-domain.js';
import { isGuestDomain } from '../iommufd/ppc64/guest-domain.js';
import type { Ioas } from '../iommufd/state/context.js';
import type { Expected, Guard, RuleBook } from '../rules.js';
import { E } from '../uapi/errno.js';
import { arg, type ContainerContext } from '../vfio/checks.js';
import { withEffect, withGuardBefore, withoutGuard, type Mutant } from './mutant.js';

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
      for (const left of tables ?? []) attachTables(left, group);
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

const isSerial = ({ clause }: Expected): boolean => clause === 'read-events/ppc64-serial';

const NUMBER_17: Omit<Guard<ContainerContext>, 'when'> = {
  id: 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY/number',
  text: 'A kernel that looks at the number alone: 17 is what type 1 does not serve.',
  source: 'invented',
  status: 'open',
  level: 'must',
  refuse: [-E.ENOTTY],
};

/** Faults of kernels with page tables for POWER: of the RFC (historic), and such as the plan makes likely (invented). */
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
    kind: 'invented',
    clauses: [`${DETACH}/detached`],
    change: withWindowsLeft,
  },
  {
    id: 'linux/ppc64-guest-silent',
    title: "a guest's entry that cannot be made is passed over in silence",
    kind: 'invented',
    clauses: [`${INVALIDATE}/ppc64-refused`],
    change: withSilentRefusal,
  },
  {
    id: 'linux/ppc64-any-levels',
    title: 'levels that the PE does not have are taken',
    kind: 'invented',
    clauses: [`${ALLOC}/ppc64-levels`],
    change: (rules) => withoutGuard(rules, `${ALLOC}/ppc64-levels`),
  },
  {
    id: 'linux/ppc64-serial-per-record',
    title: 'the serial number of an error counts its records: two copies of one error look like two errors',
    kind: 'invented',
    clauses: ['read-events/ppc64-serial'],
    change: (rules) =>
      withEffect<unknown>(rules, 'read-events', (effect) => ({
        ...effect,
        apply(c, chooser) {
          const answer = effect.apply(c, chooser);
          const sequenceOf = (index: number): bigint => answer.outputs!.find((output) => output.index === index - 1)!.value;
          return { ...answer, outputs: (answer.outputs ?? []).map((output, i, all) => (isSerial(output) && !isSerial(all[i - 1]!) ? { ...output, value: 1n + sequenceOf(output.index) } : output)) };
        },
      })),
  },
  {
    id: 'linux/ppc64-spapr-number-17',
    title: 'number 17 is DIRTY_PAGES of type 1 on /dev/iommu whatever VFIO_SET_IOMMU asked for: no memory can be registered',
    kind: 'invented',
    clauses: ['TYPE1_SET_IOMMU/ppc64-set'],
    change: (rules) => withGuardBefore<ContainerContext>(rules, 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY/process', { ...NUMBER_17, when: ({ host, container }) => [...host.processes.values()].some(({ files }) => [...files.values()].some((file) => file.kind === 'iommufd' && file.spapr?.container === container)) }),
  },
];
