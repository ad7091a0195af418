import type { AnyCall, RuleBook } from '../rules.js';
import { numberOf, type IoctlName } from '../uapi/ioctl.js';
import { IOMMUFD_CALLS, type IommufdCallName } from '../uapi/iommufd.js';
import { destroy } from './destroy.js';
import { ioasAlloc } from './ioas-alloc.js';
import { openIommu } from './open.js';
import { unknownIommufdCall } from './other-calls.js';
import { faultQueueAlloc } from './fault-queue-alloc.js';
import { readOther, writeOther } from './other-transfers.js';
import { readEvents } from './read-events.js';
import { readFaults } from './read-faults.js';
import { writeResponses } from './write-responses.js';

/** Every call of the door `iommufd`. */
export const IOMMUFD_RULES_LIST: readonly AnyCall[] = [openIommu, destroy, ioasAlloc, faultQueueAlloc, readFaults, writeResponses, readEvents, readOther, writeOther, unknownIommufdCall];

/** The uAPI of /dev/iommu as merged, without any variant. */
export const IOMMUFD_RULES: RuleBook = new Map(IOMMUFD_RULES_LIST.map((call) => [call.name, call]));

/** The call of the rule book that an ioctl on /dev/iommu comes to: the number decides, not the name. */
export function servedByIommufd(name: IoctlName): string {
  const number = numberOf(name);
  const named = (Object.keys(IOMMUFD_CALLS) as IommufdCallName[]).find((other) => IOMMUFD_CALLS[other].number === number);
  return named !== undefined && IOMMUFD_RULES.has(named) ? named : unknownIommufdCall.name;
}
