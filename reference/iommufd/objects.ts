import type { Host } from '../vfio/host.js';
import { detach, unbindDevice } from './attach.js';
import { removeArea } from './domains.js';
import { NO_PASID, type Context, type IommufdObject, type Ioas } from './state/context.js';
import { removeTable, tableInUse, tablesOf } from './tables.js';
import { isFollowed, removeHwQueue, restsOn } from './virtual.js';

/** True where another object or a descriptor rests on it. Areas rest on an IOAS and go with it. */
export function inUse(context: Context, object: IommufdObject): boolean {
  switch (object.kind) {
    case 'ioas':
      return tablesOf(context, object).length > 0;
    case 'hwpt-paging':
    case 'hwpt-nested':
      return tableInUse(context, object);
    // Whoever bound it.
    case 'device':
      return true;
    case 'mock-device':
    case 'tombstone':
    case 'vdevice':
      return false;
    case 'fault':
      return object.open || [...context.objects.values()].some((other) => (other.kind === 'hwpt-paging' || other.kind === 'hwpt-nested') && other.fault === object);
    case 'veventq':
      return object.open;
    case 'viommu':
      return restsOn(context, object);
    case 'hw-queue':
      return isFollowed(context, object);
    // The hardware queue that made it.
    case 'access':
      return true;
  }
}

/** Ends an object: what it held is given back, its number is free. */
export function remove(host: Host, context: Context, object: IommufdObject): void {
  if (object.kind === 'ioas') removeIoas(host, context, object);
  if (object.kind === 'hwpt-paging' || object.kind === 'hwpt-nested') removeTable(host, context, object);
  if (object.kind === 'mock-device') {
    detach(host, context, object.device, NO_PASID);
    unbindDevice(host, context, object.device);
  }
  if (object.kind === 'hw-queue') removeHwQueue(context, object);
  context.objects.delete(object.id);
}

function removeIoas(host: Host, context: Context, ioas: Ioas): void {
  if (context.compatible === ioas) context.compatible = undefined;
  for (const area of [...ioas.areas]) removeArea(host, ioas, area);
}

/** The last descriptor of the context went: everything ends, who rests on others first. (iommufd_fops_release) */
export function endContext(host: Host, context: Context): void {
  while (context.objects.size > 0) {
    const free = [...context.objects.values()].filter((object) => !inUse(context, object));
    if (free.length === 0) throw new Error('Objects of a context rest on each other.');
    for (const object of free) if (context.objects.get(object.id) === object) remove(host, context, object);
  }
}
