import { PPC64_DRIVER_NAME } from '../../iommu-drivers.js';
import type { Translation } from '../state/context.js';
import { GuestTables } from './guest-tables.js';
import type { ParentDomain } from './parent-domain.js';
import { attachTables, detachTables } from './tce-tables.js';
import type { Windows } from './windows-data.js';

/** The page table of a guest: what a device goes by is what the guest has entered, as far as the parent has its memory. */
export interface GuestDomain extends Translation {
  readonly guest: GuestTables;
}

export const isGuestDomain = (domain: object): domain is GuestDomain => 'guest' in domain;

export function makeGuestDomain(parent: ParentDomain, windows: Windows): GuestDomain {
  const guest = new GuestTables(parent, windows);
  parent.guests.add(guest);
  return {
    driver: PPC64_DRIVER_NAME,
    guest,
    attach(group) {
      attachTables(guest.tables, group);
      return 0;
    },
    detach: (group) => detachTables(guest.tables, group),
    end: () => void parent.guests.delete(guest),
  };
}
