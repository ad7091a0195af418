import type { Guard, Violation } from '../rules.js';
import { E } from '../uapi/errno.js';
import { groupOfDevice, type Host } from '../vfio/host.js';
import { iommufdClause } from './checks.js';
import { iommuGroup, iommuOf, ownedByAnother } from './groups.js';
import type { Context } from './state/context.js';

/* What binding a device is refused for, by whichever way. Source: Linux 7.2 drivers/iommu/iommufd/device.c iommufd_device_bind. */

const clause = iommufdClause('device.c iommufd_device_bind');

/** A device that is to be a context's. */
export interface Binding {
  readonly host: Host;
  readonly context: Context;
  /** `pe0.dev0`. */
  readonly device: string;
}

/** @param breaks what breaks each of them */
export function bindChecks<C>(call: string, of: (c: C) => Binding, breaks: Readonly<Partial<Record<'coherent' | 'isolated' | 'owner', Violation>>> = {}): Guard<C>[] {
  const iommu = (c: C): ReturnType<typeof iommuOf> => iommuOf(groupOfDevice(of(c).host, of(c).device).description);
  return [
    {
      ...clause(`${call}/coherent`, 'A device whose DMA does not agree with the caches is refused with EINVAL.'),
      when: (c) => !iommu(c).coherent,
      refuse: [-E.EINVAL],
      ...(breaks.coherent && { violation: breaks.coherent }),
    },
    {
      ...clause(`${call}/isolated`, 'A device whose interrupts are not isolated is refused with EPERM, unless the parameter allow_unsafe_interrupts is set.'),
      when: (c) => !iommu(c).isolatedMsi && of(c).host.linux.iommufd?.allowUnsafe !== true,
      refuse: [-E.EPERM],
      ...(breaks.isolated && { violation: breaks.isolated }),
    },
    {
      ...clause(`${call}/owner`, 'A device of a group that another context, a container or a driver of the host has is refused with EPERM.', 'Linux 7.2 drivers/iommu/iommu.c iommu_device_claim_dma_owner'),
      when: (c) => {
        const { host, context, device } = of(c);
        return ownedByAnother(host, iommuGroup(host, groupOfDevice(host, device).description.name), context);
      },
      refuse: [-E.EPERM],
      ...(breaks.owner && { violation: breaks.owner }),
    },
  ];
}
