import { EEH_MUTANTS } from './eeh.js';
import { KVM_HOST_MUTANTS, KVM_TCE_MUTANTS } from './kvm-tce.js';
import type { Mutant } from './mutant.js';
import { QEMU_DDW_MUTANTS } from './qemu-ddw.js';
import { LINUX_IOMMUFD_QUEUES_MUTANTS } from './linux-iommufd-queues.js';
import { LINUX_IOMMUFD_DEVICE_MUTANTS } from './linux-iommufd-device.js';
import { LINUX_IOMMUFD_IOAS_MUTANTS } from './linux-iommufd-ioas.js';
import { LINUX_KVM_MUTANTS } from './linux-kvm.js';
import { LINUX_VFIO_MUTANTS } from './linux-vfio.js';
import { LINUX_IOMMUFD_PPC64_MUTANTS } from './linux-iommufd-ppc64.js';
import { QEMU_TCE_MUTANTS } from './qemu-tce.js';

/** Every historic mutant, by id. */
export const HISTORIC_MUTANTS: ReadonlyMap<string, Mutant> = new Map(
  [
    ...QEMU_TCE_MUTANTS,
    ...QEMU_DDW_MUTANTS,
    ...KVM_TCE_MUTANTS,
    ...KVM_HOST_MUTANTS,
    ...LINUX_VFIO_MUTANTS,
    ...LINUX_KVM_MUTANTS,
    ...LINUX_IOMMUFD_IOAS_MUTANTS,
    ...LINUX_IOMMUFD_DEVICE_MUTANTS,
    ...LINUX_IOMMUFD_QUEUES_MUTANTS,
    ...LINUX_IOMMUFD_PPC64_MUTANTS,
    ...EEH_MUTANTS,
  ].map((mutant) => [mutant.id, mutant]),
);
