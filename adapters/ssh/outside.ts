/** Operations that are done beside the host, while its program waits or does something else. */

import type { Observation } from '../../reference/doors/observation.js';
import type { HostOperation, Operation } from '../../reference/doors/operations.js';

/** The operation that is done beside the host; one of two at the same time may be. */
export function outsideOf(operation: Operation | undefined): HostOperation | undefined {
  if (operation?.door !== 'host') return undefined;
  return operation.op === 'together' ? (outsideOf(operation.left) ?? outsideOf(operation.right)) : isOutside(operation) ? operation : undefined;
}

const isOutside = ({ op }: HostOperation): boolean => op === 'witness' || op === 'freeze';

/** What was seen outside, where the host has nothing to say. */
export function witnessedOr(observation: Observation, witnessed: Observation | undefined): Observation {
  if (witnessed === undefined) return observation;
  if (observation.kind === 'pair') return { ...observation, left: witnessedOr(observation.left, witnessed), right: witnessedOr(observation.right, witnessed) };
  return observation.kind === 'done' ? witnessed : observation;
}
