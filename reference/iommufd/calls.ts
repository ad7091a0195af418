import type { AnyCall, RuleBook } from '../rules.js';
import { numberOf, type IoctlName } from '../uapi/ioctl.js';
import { iommufdCall, IOMMUFD_CALLS, isIommufdCall, type IommufdCallName } from '../uapi/iommufd.js';
import { attachPt } from './attach-pt.js';
import { bindIommufd } from './bind.js';
import { destroy } from './destroy.js';
import { getDirtyBitmap, setDirtyTracking } from './dirty-tracking.js';
import { detachPt } from './detach-pt.js';
import { getHwInfo } from './get-hw-info.js';
import { groupDevice } from './group-device.js';
import { hwptAlloc } from './hwpt-alloc.js';
import { addReserved } from './mock/add-reserved.js';
import { checkMap } from './mock/check-map.js';
import { checkRefs } from './mock/check-refs.js';
import { mockDirty } from './mock/dirty.js';
import { mockDomainReplace } from './mock/domain-replace.js';
import { mockDomain, mockDomainFlags } from './mock/domain.js';
import { unknownTestOp } from './mock/unknown.js';
import { openDevice } from './open-device.js';
import { unboundCall } from './unbound.js';
import { ioasAllowIovas } from './ioas-allow-iovas.js';
import { ioasAlloc } from './ioas-alloc.js';
import { ioasChangeProcess } from './ioas-change-process.js';
import { ioasCopy } from './ioas-copy.js';
import { ioasIovaRanges } from './ioas-iova-ranges.js';
import { ioasMapFile } from './ioas-map-file.js';
import { ioasMap } from './ioas-map.js';
import { ioasUnmap } from './ioas-unmap.js';
import { openIommu } from './open.js';
import { faultQueueAlloc } from './fault-queue-alloc.js';
import { readOther, writeOther } from './other-transfers.js';
import { hwptInvalidate } from './hwpt-invalidate.js';
import { checkCache, checkIotlb } from './mock/check-kept.js';
import { pasidAttach, pasidCheck, pasidDetach, pasidReplace } from './mock/pasids.js';
import { triggerIopf } from './mock/trigger-iopf.js';
import { triggerVevent } from './mock/trigger-vevent.js';
import { hwQueueAlloc } from './hw-queue-alloc.js';
import { vdeviceAlloc } from './vdevice-alloc.js';
import { veventqAlloc } from './veventq-alloc.js';
import { viommuAlloc } from './viommu-alloc.js';
import { readEvents } from './read-events.js';
import { readFaults } from './read-faults.js';
import { writeResponses } from './write-responses.js';
import { option } from './option.js';
import { unknownIommufdCall, unknownType1Call } from './other-calls.js';
import { type1ApiVersion, type1CheckExtension, type1SetIommu } from './type1/container-calls.js';
import { type1GetInfo } from './type1/get-info.js';
import { type1MapDma } from './type1/map-dma.js';
import { type1UnmapDma } from './type1/unmap-dma.js';
import { vfioIoas } from './vfio-ioas.js';

/** Every call of the door `iommufd`. */
export const IOMMUFD_RULES_LIST: readonly AnyCall[] = [
  openIommu,
  destroy,
  ioasAlloc,
  ioasAllowIovas,
  ioasIovaRanges,
  ioasMap,
  ioasMapFile,
  ioasCopy,
  ioasUnmap,
  option,
  vfioIoas,
  ioasChangeProcess,
  openDevice,
  unboundCall,
  bindIommufd,
  attachPt,
  detachPt,
  groupDevice,
  faultQueueAlloc,
  viommuAlloc,
  vdeviceAlloc,
  veventqAlloc,
  hwQueueAlloc,
  readFaults,
  writeResponses,
  readEvents,
  readOther,
  writeOther,
  hwptInvalidate,
  checkIotlb,
  checkCache,
  triggerIopf,
  triggerVevent,
  pasidAttach,
  pasidReplace,
  pasidDetach,
  pasidCheck,
  hwptAlloc,
  getHwInfo,
  setDirtyTracking,
  getDirtyBitmap,
  addReserved,
  mockDomain,
  mockDomainFlags,
  mockDomainReplace,
  checkMap,
  checkRefs,
  mockDirty,
  unknownTestOp,
  unknownIommufdCall,
  type1ApiVersion,
  type1CheckExtension,
  type1SetIommu,
  type1GetInfo,
  type1MapDma,
  type1UnmapDma,
  unknownType1Call,
];

/** The uAPI of /dev/iommu as merged, without any variant. */
export const IOMMUFD_RULES: RuleBook = new Map(IOMMUFD_RULES_LIST.map((call) => [call.name, call]));

/** VFIO's own calls that /dev/iommu serves, by their numbers. */
const TYPE1_CALLS: ReadonlyMap<number, string> = new Map(
  (
    [
      ['VFIO_GET_API_VERSION', type1ApiVersion],
      ['VFIO_CHECK_EXTENSION', type1CheckExtension],
      ['VFIO_SET_IOMMU', type1SetIommu],
      ['VFIO_IOMMU_GET_INFO', type1GetInfo],
      ['VFIO_IOMMU_MAP_DMA', type1MapDma],
      ['VFIO_IOMMU_UNMAP_DMA', type1UnmapDma],
    ] as const
  ).map(([name, call]) => [numberOf(name), call.name]),
);

/** IOMMUFD's own numbers begin here; those below are VFIO's. */
const FIRST_IOMMUFD = 0x80;

/**
 * The call of the rule book that an ioctl on /dev/iommu comes to: the number decides, not the name; of the test driver's number,
 * where the kernel has it, the operation.
 */
export function servedByIommufd(name: IoctlName, mock = false): string {
  const number = numberOf(name);
  if (number < FIRST_IOMMUFD) return TYPE1_CALLS.get(number) ?? unknownType1Call.name;
  if (isIommufdCall(name) && iommufdCall(name).test !== undefined) return mock && IOMMUFD_RULES.has(name) ? name : unknownIommufdCall.name;
  const named = (Object.keys(IOMMUFD_CALLS) as IommufdCallName[]).find((other) => IOMMUFD_CALLS[other].number === number);
  return named !== undefined && IOMMUFD_RULES.has(named) ? named : unknownIommufdCall.name;
}
