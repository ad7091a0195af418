import type { Clause, Guard, Violation } from '../../rules.js';
import { E } from '../../uapi/errno.js';
import { IOMMU_TYPE } from '../../uapi/vfio.js';
import { arg } from '../../vfio/checks.js';
import { makeContainer, type Host, type IommufdFile, type VfioGroup } from '../../vfio/host.js';
import { attachGroup } from '../../vfio/windows.js';
import type { IoasContext } from '../checks.js';
import { AS_PLANNED } from './hwpt-checks.js';
import { isPlanned, planned } from './plan.js';

/*
 * The ioctls of SPAPR TCE on /dev/iommu, as a file of their own beside those of type 1: VFIO_SET_IOMMU says whose the numbers are
 * before any structure is read. What they answer is what a container answers (`../../vfio`): a program must not see a difference.
 */

const MAIL = 'J. Gunthorpe to S. G. Bhat, 3 Feb 2026 (the compat code knows the type before it decodes), 27 Jan 2026 (its own .c file, maybe not worthwhile)';
const proposed = planned('proposed', MAIL);
const open = planned('open', `our suggestion: as a container of VFIO; ${MAIL}`);

const SET = 'TYPE1_SET_IOMMU';

const SPAPR_TYPES: readonly bigint[] = [IOMMU_TYPE.SPAPR_TCE, IOMMU_TYPE.SPAPR_TCE_V2].map(BigInt);

/** A kernel as planned is asked for SPAPR TCE. */
export const asksForSpapr = (c: IoasContext): boolean => SPAPR_TYPES.includes(arg(c, 'value')) && isPlanned(c.host);

const isFirstVersion = (c: IoasContext): boolean => arg(c, 'value') === BigInt(IOMMU_TYPE.SPAPR_TCE);

/** Groups that work with the context. */
const groupsOf = ({ host, context }: IoasContext): VfioGroup[] => [...host.groups.values()].filter(({ iommufd }) => iommufd?.context === context);

const isSpapr = ({ file }: IoasContext): boolean => (file as IommufdFile).spapr?.container.version !== undefined;

const PLANNED: Violation = { requires: [AS_PLANNED], args: { value: 7n } };

/** Before all other checks of VFIO_SET_IOMMU on /dev/iommu. */
export const SPAPR_CHOICE: Guard<IoasContext> = {
  ...proposed(`${SET}/ppc64-spapr`, 'SPAPR TCE, in both versions, is refused with EINVAL as in Linux 7.2; or it is served.'),
  level: 'may',
  choice: { id: 'I34', canonical: false },
  when: asksForSpapr,
  refuse: [-E.EINVAL],
  violation: PLANNED,
};

/** After it is known that an IOAS is VFIO's. */
export const SPAPR_CHECKS: readonly Guard<IoasContext>[] = [
  {
    ...open(`${SET}/ppc64-once`, 'Where SPAPR TCE is served, any further kind of IOMMU is refused with EINVAL; and SPAPR TCE is so where no group works with the context, or in version 2 one whose PE can have no window made.'),
    when: (c) => isSpapr(c) || (asksForSpapr(c) && (groupsOf(c).length === 0 || (!isFirstVersion(c) && groupsOf(c).some(({ description }) => description.windows === 0)))),
    refuse: [-E.EINVAL],
  },
  {
    ...open(`${SET}/ppc64-busy`, 'SPAPR TCE is refused with EBUSY where several groups work with the context, in version 1, or one of them has a device open.'),
    when: (c) => asksForSpapr(c) && ((isFirstVersion(c) && groupsOf(c).length > 1) || groupsOf(c).some(({ devices }) => devices > 0)),
    refuse: [-E.EBUSY],
  },
];

/** What the effect does for SPAPR TCE. */
export const SPAPR_CLAUSES: readonly Clause[] = [
  proposed(`${SET}/ppc64-set`, 'The numbers 12 to 21 are those of SPAPR TCE from now on, 12 and 17 too, which type 1 has as well; what they answer is what a container of that version answers.'),
];

/** From now on the descriptor stands for a container with the groups of its context. */
export function serveSpapr(c: IoasContext): void {
  const container = makeContainer();
  container.version = isFirstVersion(c) ? 1 : 2;
  for (const group of groupsOf(c)) {
    c.host.platform.takeOwnership(group.table);
    group.container = container;
    attachGroup(c.host, container, group);
  }
  (c.file as IommufdFile).spapr = { kind: 'container', container, users: 0 };
}

export const EXTENSION_CLAUSE: Clause = proposed('TYPE1_CHECK_EXTENSION/ppc64-spapr', 'A kernel as planned says 1 for SPAPR TCE, and for EEH where the platform has it, or 0 as Linux 7.2.');

/** Extensions that such a kernel may say it has. */
export const offersSpapr = (host: Host, value: bigint): boolean => [...SPAPR_TYPES, ...(host.linux.eeh ? [BigInt(IOMMU_TYPE.EEH)] : [])].includes(value) && isPlanned(host);
