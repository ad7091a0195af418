import { type EehEvent, type EventSource } from '../eeh/events.js';
import { report, type EventQueue } from '../iommufd/state/event-queue.js';
import type { Vdevice } from '../iommufd/state/context.js';
import { EEH_EVENT_LAYOUT, VEVENTQ_PPC64_EEH, writePayload } from '../uapi/iommufd-ppc64.js';
import type { Host } from './host.js';

/*
 * Errors of a PE, told through the queues of virtual events of /dev/iommu: the proposal of `../eeh/events.ts` at the door where a
 * kernel could have it.
 */

/** An error of a PE: a record for each of its devices that a virtual IOMMU has, in the queue of that virtual IOMMU. */
export function reportError(host: Host, pe: string, source: EventSource, event: EehEvent): void {
  const objects = [...(host.iommuGroups.get(pe)?.owner?.objects.values() ?? [])];
  const queues = objects.filter((object): object is EventQueue => object.kind === 'veventq' && object.type === BigInt(VEVENTQ_PPC64_EEH));
  const devices = objects.filter((object): object is Vdevice => object.kind === 'vdevice' && object.device.group.name === pe);
  for (const { viommu, virtualId } of devices) {
    const queue = queues.find((candidate) => candidate.viommu === viommu.id);
    if (queue !== undefined) report(queue, wordsOf(event, virtualId), { source, serial: event.serial });
  }
}

/** The record's data. How the platform names the PE, and the reason, whoever reads it is told. */
function wordsOf({ serial, state }: EehEvent, virtualId: bigint): bigint[] {
  const view = Buffer.from(writePayload(EEH_EVENT_LAYOUT, { pe_serial: serial, state: BigInt(state), virt_id: virtualId }));
  return Array.from({ length: EEH_EVENT_LAYOUT.bytes >> 2 }, (_, i) => BigInt(view.readUInt32LE(4 * i)));
}
