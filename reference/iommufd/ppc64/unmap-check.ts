import type { Guard } from '../../rules.js';
import { E } from '../../uapi/errno.js';
import type { Area, Ioas } from '../state/context.js';
import { planned } from './plan.js';
import { isParentDomain } from './parent-domain.js';

/** What the check looks at: the areas that are to go, and whose they are. */
export interface Unmapping {
  readonly ioas: Ioas | undefined;
  readonly walked: { readonly whole: readonly Area[] };
}

const guestsUse = (ioas: Ioas, { first, last }: Area): boolean =>
  ioas.domains.some((domain) => isParentDomain(domain) && [...domain.guests].some((guest) => guest.uses(first, last - first + 1n)));

/** Memory that a guest's entries map. */
export const usedByGuest = <C extends Unmapping>(call: string): Guard<C> => ({
  ...planned('open', 'our suggestion; nobody has said what becomes of the entries')(
    `${call}/ppc64-guest`,
    "Memory that a guest's entries map is refused with EBUSY; or it goes, and before it the entries.",
  ),
  level: 'may',
  choice: { id: 'I31', canonical: true },
  when: ({ ioas, walked }) => ioas !== undefined && walked.whole.some((area) => guestsUse(ioas, area)),
  refuse: [-E.EBUSY],
});
