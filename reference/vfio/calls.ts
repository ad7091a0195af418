import type { AnyCall, RuleBook } from '../rules.js';
import { FIRST_NUMBER, type VfioCallName } from '../uapi/vfio.js';
import { numberOf, type IoctlName } from '../uapi/ioctl.js';
import { checkExtension, getApiVersion, setIommu } from './container-calls.js';
import { deviceGetInfo, deviceGetRegionInfo, deviceReset } from './device-calls.js';
import { disable } from './disable.js';
import { eehLook } from './eeh-look.js';
import { eehPeOp } from './eeh-pe-op.js';
import { enable } from './enable.js';
import { close, openContainer, openGroup } from './files.js';
import { groupGetDeviceFd, groupGetStatus, groupSetContainer, groupUnsetContainer } from './group-calls.js';
import type { IommufdFile, KvmOwnFile, OpenFile } from './host.js';
import { mapDma } from './map-dma.js';
import { containerWithoutIommu, deviceOwnCall, noDescriptorCall, plainFileCall, queueIoctlCall, unknownContainerCall, unknownDeviceCall, unknownGroupCall } from './other-calls.js';
import { registerMemory } from './register-memory.js';
import { tceCreate } from './tce-create.js';
import { tceGetInfo } from './tce-get-info.js';
import { tceRemove } from './tce-remove.js';
import { unmapDma } from './unmap-dma.js';
import { unregisterMemory } from './unregister-memory.js';

/** Every call of the door `vfio`. */
export const VFIO_RULES_LIST: readonly AnyCall[] = [
  openContainer,
  openGroup,
  close,
  getApiVersion,
  checkExtension,
  setIommu,
  groupGetStatus,
  groupSetContainer,
  groupUnsetContainer,
  groupGetDeviceFd,
  tceGetInfo,
  mapDma,
  unmapDma,
  enable,
  disable,
  registerMemory,
  unregisterMemory,
  tceCreate,
  tceRemove,
  eehPeOp,
  deviceGetInfo,
  deviceGetRegionInfo,
  deviceReset,
  containerWithoutIommu,
  unknownContainerCall,
  unknownGroupCall,
  unknownDeviceCall,
  deviceOwnCall,
  noDescriptorCall,
  queueIoctlCall,
  plainFileCall,
  eehLook,
];

/** The uAPI as merged, without any variant. */
export const VFIO_RULES: RuleBook = new Map(VFIO_RULES_LIST.map((call) => [call.name, call]));

/** Calls that a container serves before it has an IOMMU. */
const OWN_CALLS: readonly VfioCallName[] = ['VFIO_GET_API_VERSION', 'VFIO_CHECK_EXTENSION', 'VFIO_SET_IOMMU'];

/** Calls that a container serves once it has an IOMMU, in the order of their numbers: 12 to 20. */
export const CONTAINER_CALLS: readonly VfioCallName[] = [
  'VFIO_IOMMU_SPAPR_TCE_GET_INFO',
  'VFIO_IOMMU_MAP_DMA',
  'VFIO_IOMMU_UNMAP_DMA',
  'VFIO_IOMMU_ENABLE',
  'VFIO_IOMMU_DISABLE',
  'VFIO_IOMMU_SPAPR_REGISTER_MEMORY',
  'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY',
  'VFIO_IOMMU_SPAPR_TCE_CREATE',
  'VFIO_IOMMU_SPAPR_TCE_REMOVE',
  'VFIO_EEH_PE_OP',
];

const GROUP_CALLS: readonly VfioCallName[] = [
  'VFIO_GROUP_GET_STATUS',
  'VFIO_GROUP_SET_CONTAINER',
  'VFIO_GROUP_UNSET_CONTAINER',
  'VFIO_GROUP_GET_DEVICE_FD',
];

const DEVICE_CALLS: readonly VfioCallName[] = ['VFIO_DEVICE_GET_INFO', 'VFIO_DEVICE_GET_REGION_INFO', 'VFIO_DEVICE_RESET'];

/** What only a device's own node serves; the first before it is bound. */
const NODE_CALLS: readonly VfioCallName[] = ['VFIO_DEVICE_BIND_IOMMUFD', 'VFIO_DEVICE_ATTACH_IOMMUFD_PT', 'VFIO_DEVICE_DETACH_IOMMUFD_PT'];

/** VFIO_GROUP_GET_DEVICE_FD of a group that works with /dev/iommu, and all calls of a node before it is bound. */
export const OF_IOMMUFD = 'group-device-of-iommufd';
export const UNBOUND = 'device-unbound';

/**
 * Numbers that mean something to a PCI device and that the reference does not model: interrupts (9, 10), hot reset (12, 13),
 * ioeventfd (16), features (17).
 */
const DEVICE_NUMBERS: readonly number[] = [9, 10, 12, 13, 16, 17];

/** What an ioctl is about: where /dev/iommu stands for a container of SPAPR TCE, the numbers 12 to 21 are that container's. */
export function addressee(file: OpenFile | undefined, name: IoctlName): OpenFile | undefined {
  if (file?.kind !== 'iommufd' || file.spapr?.container.version === undefined) return file;
  return CONTAINER_CALLS.some((call) => numberOf(call) === numberOf(name)) ? file.spapr : file;
}

/** The call of the rule book that an ioctl comes to: the kind of descriptor and the number decide, not the name. */
export function served(file: Exclude<OpenFile, IommufdFile | KvmOwnFile> | undefined, name: IoctlName): string {
  const number = numberOf(name);
  const named = (names: readonly VfioCallName[]): VfioCallName | undefined => names.find((other) => numberOf(other) === number);
  switch (file?.kind) {
    case undefined:
      return 'ioctl';
    case 'file':
      return plainFileCall.name;
    case 'group':
      if (file.group.iommufd !== undefined && file.group.container === undefined && numberOf('VFIO_GROUP_GET_DEVICE_FD') === number) return OF_IOMMUFD;
      return named(GROUP_CALLS) ?? 'group-unknown';
    case 'node':
      if (file.bound === undefined) return named(NODE_CALLS.slice(0, 1)) ?? UNBOUND;
      return named([...NODE_CALLS, ...DEVICE_CALLS]) ?? (DEVICE_NUMBERS.includes(number - FIRST_NUMBER) ? 'device-own' : 'device-unknown');
    case 'device':
      return named(DEVICE_CALLS) ?? (DEVICE_NUMBERS.includes(number - FIRST_NUMBER) ? 'device-own' : 'device-unknown');
    case 'faults':
    case 'events':
      return queueIoctlCall.name;
    case 'container':
      return named(OWN_CALLS) ?? (file.container.version === undefined ? 'container' : (named(CONTAINER_CALLS) ?? 'container-unknown'));
  }
}

/** Calls that make the container the caller's, whatever else becomes of them. */
export const LATCHING: Readonly<Record<string, 1 | 2>> = {
  VFIO_IOMMU_SPAPR_REGISTER_MEMORY: 2,
  VFIO_IOMMU_SPAPR_TCE_CREATE: 2,
  VFIO_IOMMU_SPAPR_TCE_REMOVE: 2,
};
