import { attachmentOf } from '../iommufd/attach.js';
import { goalOf, type Change } from '../iommufd/attach-checks.js';
import { reserve, unreserve } from '../iommufd/ranges.js';
import type { BoundDevice, Ioas } from '../iommufd/state/context.js';
import { pagingOf } from '../iommufd/tables.js';
import { withDamage, withoutGuard, type Mutant } from './mutant.js';

const ATTACH = 'VFIO_DEVICE_ATTACH_IOMMUFD_PT';
const BITMAP = 'IOMMU_HWPT_GET_DIRTY_BITMAP';

/** A replacement that the driver refuses: from where, to where, and for whom. Nothing where the device was not attached. */
function refusedReplacement(change: Change): { readonly from: Ioas; readonly to: Ioas; readonly devices: readonly BoundDevice[] } | undefined {
  const attachment = attachmentOf(change.device as BoundDevice, change.pasid);
  const { table } = goalOf(change);
  if (attachment === undefined || table === undefined) return undefined;
  return { from: pagingOf(attachment.table).ioas, to: pagingOf(table).ioas, devices: [...attachment.devices] };
}

interface Attach {
  readonly change: Change;
}

/** Faults that the kernel's /dev/iommu had, or has, with devices and page tables. */
export const LINUX_IOMMUFD_DEVICE_MUTANTS: readonly Mutant[] = [
  {
    id: 'linux/iommufd-replace-unreserves-old',
    title: 'A replacement that the IOMMU refuses gives back what was reserved where the device still is, and keeps it where it did not go',
    kind: 'historic',
    clauses: [`${ATTACH}/driver`],
    change: (rules) =>
      withDamage<Attach>(rules, `${ATTACH}/driver`, ({ change }) => {
        const refused = refusedReplacement(change);
        if (refused === undefined || refused.from === refused.to) return;
        for (const device of refused.devices) {
          unreserve(refused.from, device);
          for (const interval of device.reserved) reserve(refused.to, interval, device);
        }
      }),
  },
  {
    id: 'linux/iommufd-replace-unreserves-same',
    title: 'A replacement within one IOAS that the IOMMU refuses gives back what was reserved for the device, which is still attached',
    kind: 'historic',
    clauses: [`${ATTACH}/driver`],
    change: (rules) =>
      withDamage<Attach>(rules, `${ATTACH}/driver`, ({ change }) => {
        const refused = refusedReplacement(change);
        if (refused === undefined || refused.from !== refused.to) return;
        for (const device of refused.devices) unreserve(refused.from, device);
      }),
  },
  {
    id: 'linux/iommufd-group-unattached-replaced',
    title: 'A device that is not attached, of a group that is, can go to another page table than its group',
    kind: 'historic',
    clauses: [`${ATTACH}/group`],
    change: (rules) => withoutGuard(rules, `${ATTACH}/group`),
  },
  {
    id: 'linux/iommufd-dirty-page-size-0',
    title: 'A page size of 0 is not refused: the kernel shifts by more bits than there are',
    kind: 'historic',
    clauses: [`${BITMAP}/no-page-size`],
    change: (rules) => withoutGuard(rules, `${BITMAP}/no-page-size`),
  },
  {
    id: 'linux/iommufd-dirty-overflow',
    title: 'A range of written pages that goes past the last IOVA is not refused',
    kind: 'historic',
    clauses: [`${BITMAP}/overflow`],
    change: (rules) => withoutGuard(rules, `${BITMAP}/overflow`),
  },
];
