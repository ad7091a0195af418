import type { AnyCall, RuleBook } from '../rules.js';
import { numberOf, type IoctlName } from '../uapi/ioctl.js';
import { iommufdCall, IOMMUFD_CALLS, isIommufdCall, type IommufdCallName } from '../uapi/iommufd.js';
import { attachPt } from './attach-pt.js';
import { bindIommufd } from './bind.js';
import { destroy } from './destroy.js';
import { detachPt } from './detach-pt.js';
import { groupDevice } from './group-device.js';
import { openDevice } from './open-device.js';
import { unboundCall } from './unbound.js';
import { ioasAlloc } from './ioas-alloc.js';
import { openIommu } from './open.js';
import { unknownIommufdCall } from './other-calls.js';
import { faultQueueAlloc } from './fault-queue-alloc.js';
import { readOther, writeOther } from './other-transfers.js';
import { hwQueueAlloc } from './hw-queue-alloc.js';
import { vdeviceAlloc } from './vdevice-alloc.js';
import { veventqAlloc } from './veventq-alloc.js';
import { viommuAlloc } from './viommu-alloc.js';
import { readEvents } from './read-events.js';
import { readFaults } from './read-faults.js';
import { writeResponses } from './write-responses.js';

/** Every call of the door `iommufd`. */
export const IOMMUFD_RULES_LIST: readonly AnyCall[] = [
  openIommu,
  destroy,
  ioasAlloc,
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
  unknownIommufdCall,
];

/** The uAPI of /dev/iommu as merged, without any variant. */
export const IOMMUFD_RULES: RuleBook = new Map(IOMMUFD_RULES_LIST.map((call) => [call.name, call]));

/** The call of the rule book that an ioctl on /dev/iommu comes to: the number decides, not the name. */
export function servedByIommufd(name: IoctlName): string {
  const number = numberOf(name);
  const operation = isIommufdCall(name) ? iommufdCall(name).test : undefined;
  const named = (Object.keys(IOMMUFD_CALLS) as IommufdCallName[]).find((other) => IOMMUFD_CALLS[other].number === number && iommufdCall(other).test === operation);
  return named !== undefined && IOMMUFD_RULES.has(named) ? named : unknownIommufdCall.name;
}
