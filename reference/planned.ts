import type { GroupDescription, LinuxDescription, MachineDescription } from './description.js';
import { POWER_DRIVER, POWER_IOMMU, PPC64_DRIVER_NAME, ppc64Iommu } from './iommu-drivers.js';
import { offeredStarts } from './iommufd/ppc64/windows.js';

/* A machine as a kernel of the plan for POWER has it, and as Linux 7.2 has the same machine. */

const driverOf = ({ iommu = POWER_IOMMU }: GroupDescription): string => iommu.driver.name;

const changeLinux = (machine: MachineDescription, change: (linux: LinuxDescription) => LinuxDescription): MachineDescription =>
  machine.linux === undefined ? machine : { ...machine, linux: change(machine.linux) };

/** With page tables for /dev/iommu wherever devices have nodes of their own: a kernel that has the nodes on POWER is to have both. */
export const asPlanned = (machine: MachineDescription): MachineDescription =>
  changeLinux(machine, (linux) => {
    if (linux.iommufd?.cdev !== true) return linux;
    const starts = offeredStarts(linux);
    const groups = linux.groups.map((group) => (driverOf(group) === POWER_DRIVER.name ? { ...group, iommu: ppc64Iommu(group, starts) } : group));
    return { ...linux, groups };
  });

/** As Linux 7.2 has it: POWER has no page tables for /dev/iommu, and no kernel for POWER has nodes of devices. */
export const asMerged = (machine: MachineDescription): MachineDescription =>
  changeLinux(machine, (linux) => {
    if (linux.iommufd === undefined || !linux.groups.every((group) => [POWER_DRIVER.name, PPC64_DRIVER_NAME].includes(driverOf(group)))) return linux;
    const groups = linux.groups.map(({ iommu: _iommu, ...group }) => group);
    return { ...linux, groups, iommufd: { ...linux.iommufd, cdev: false } };
  });
