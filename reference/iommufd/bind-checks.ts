import { PPC64_DRIVER_NAME } from '../iommu-drivers.js';
import type { Guard, Violation } from '../rules.js';
import { E } from '../uapi/errno.js';
import { groupOfDevice, type Host } from '../vfio/host.js';
import { iommufdClause } from './checks.js';
import { iommuGroup, iommuOf, ownedByAnother } from './groups.js';
import { planned } from './ppc64/plan.js';
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
  const unsafe = (c: C): boolean => !iommu(c).isolatedMsi && of(c).host.linux.iommufd?.allowUnsafe !== true;
  return [
    {
      ...clause(`${call}/coherent`, 'A device whose DMA does not agree with the caches is refused with EINVAL.'),
      when: (c) => !iommu(c).coherent,
      refuse: [-E.EINVAL],
      ...(breaks.coherent && { violation: breaks.coherent }),
    },
    {
      ...clause(`${call}/isolated`, 'A device whose interrupts are not isolated is refused with EPERM, unless the parameter allow_unsafe_interrupts is set.'),
      when: (c) => unsafe(c) && iommu(c).driver.name !== PPC64_DRIVER_NAME,
      refuse: [-E.EPERM],
      ...(breaks.isolated && { violation: breaks.isolated }),
    },
    {
      ...planned('open', 'nobody has said: POWER has no interrupts that count as isolated, and VFIO for SPAPR TCE does not ask; Linux 7.2 include/linux/msi.h')(`${call}/ppc64-isolated`, 'A PE as planned, whose interrupts are not isolated, is refused with EPERM without allow_unsafe_interrupts; or it is bound.'),
      level: 'may',
      choice: { id: 'I36', canonical: true },
      when: (c) => unsafe(c) && iommu(c).driver.name === PPC64_DRIVER_NAME,
      refuse: [-E.EPERM],
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
