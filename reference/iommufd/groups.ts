import type { GroupDescription } from '../description.js';
import { KEPT_PLACES, MOCK_DRIVER, SELFTEST_CACHE, POWER_IOMMU, type DriverDescription, type GroupIommu } from '../iommu-drivers.js';
import { groupOfDevice, type Host } from '../vfio/host.js';
import { NO_PASID, type Context, type Interval, type IommuGroup, type Translation } from './state/context.js';

/*
 * Who an IOMMU group belongs to, and what its accesses go by: the host's own, nothing, or a page table.
 * Source: Linux 7.2 drivers/iommu/iommu.c.
 */

/** What a group is to /dev/iommu. */
export const iommuOf = (description: GroupDescription): GroupIommu => description.iommu ?? POWER_IOMMU;

/** What a device is before anybody has bound it. */
export interface DeviceFacts {
  readonly name: string;
  readonly group: IommuGroup;
  readonly driver: DriverDescription;
  readonly reserved: readonly Interval[];
  readonly kept?: bigint[];
}

/** A device of the machine. */
export function deviceFacts(host: Host, name: string): DeviceFacts {
  const { description } = groupOfDevice(host, name);
  const device = description.devices.find((candidate) => `${description.name}.${candidate.name}` === name)!;
  const { driver } = iommuOf(description);
  return {
    name,
    group: iommuGroup(host, description.name),
    driver: device.noDirtyTracking === true ? { ...driver, dirtyTracking: false } : driver,
    reserved: device.reserved ?? [],
  };
}

/** A device of the kernel's test driver: each has a group of its own. */
export const mockFacts = (name: string, dirtyTracking: boolean, pasidBits: number): DeviceFacts => ({
  name,
  group: { name, owner: undefined, bound: 0, attached: new Map() },
  driver: { ...MOCK_DRIVER, dirtyTracking, pasidBits },
  reserved: [],
  kept: Array.from({ length: KEPT_PLACES }, () => SELFTEST_CACHE),
});

/** The IOMMU group of that name. */
export const iommuGroup = (host: Host, name: string): IommuGroup => host.iommuGroups.get(name)!;

/** Somebody else has the group: another context, a container, or a driver of the host. (iommu_device_claim_dma_owner) */
export function ownedByAnother(host: Host, { name, owner }: IommuGroup, context: Context): boolean {
  if (owner !== undefined) return owner !== context;
  const vfio = host.groups.get(name);
  return vfio !== undefined && (vfio.container !== undefined || [...vfio.drivers.values()].includes('host'));
}

/** One more device of the group is the context's. With the first the host's own translation ends: no access reaches memory. */
export function claim(host: Host, group: IommuGroup, context: Context): void {
  group.bound += 1;
  if (group.owner !== undefined) return;
  group.owner = context;
  const vfio = host.groups.get(group.name);
  if (vfio !== undefined) host.platform.takeOwnership(vfio.table);
}

/** One device fewer; with the last the group is the host's again. */
export function giveBack(host: Host, group: IommuGroup): void {
  group.bound -= 1;
  if (group.bound > 0) return;
  group.owner = undefined;
  const vfio = host.groups.get(group.name);
  if (vfio !== undefined) host.platform.releaseOwnership(vfio.table);
}

/** What the accesses of a device go by: a page table, nothing, or what the host or a container has made of its PE. */
export function inForce({ owner, attached }: Pick<IommuGroup, 'owner' | 'attached'>): Translation | 'blocked' | 'windows' {
  if (owner === undefined) return 'windows';
  const domain = attached.get(NO_PASID)?.table.domain;
  if (domain === undefined) return 'blocked';
  return domain.translate === undefined ? 'windows' : domain;
}
