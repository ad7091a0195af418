import { ioctlRequest } from '../../reference/uapi/ioctl.js';
import type { HostFacts } from './host-facts.js';
import type { Step, Value } from './instructions.js';
import { encodeFor, fieldOf } from './structures.js';

const CALL = 'VFIO_DEVICE_GET_REGION_INFO';

/** Asks where a region of a device is in its descriptor. */
export const regionStep = ({ order, architecture }: HostFacts, fd: Value, index: number): Step => ({
  do: 'ioctl',
  fd,
  request: ioctlRequest(CALL, architecture),
  ...encodeFor(order, CALL, { index: BigInt(index) }),
});

/** A place in the region that the step of that position has asked for. */
export const regionOffset = (position: number, offset: bigint): Value => ({ ref: `#${position}`, ...fieldOf(CALL, 'offset')!, plus: offset });
