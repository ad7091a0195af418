import type { Host } from '../vfio/host.js';
import { removeArea } from './domains.js';
import type { Context, IommufdObject, Ioas } from './state/context.js';

/** True where another object or a descriptor rests on it. Areas rest on an IOAS and go with it. */
export function inUse(_context: Context, object: IommufdObject): boolean {
  switch (object.kind) {
    case 'ioas':
    case 'tombstone':
      return false;
    default:
      return false;
    case 'fault':
    case 'veventq':
      return object.open;
  }
}

/** Ends an object: what it held is given back, its number is free. */
export function remove(host: Host, context: Context, object: IommufdObject): void {
  if (object.kind === 'ioas') removeIoas(host, context, object);
  context.objects.delete(object.id);
}

function removeIoas(host: Host, context: Context, ioas: Ioas): void {
  if (context.compatible === ioas) context.compatible = undefined;
  for (const area of [...ioas.areas]) removeArea(host, ioas, area);
}

/** The last descriptor of the context went: everything ends, who rests on others first. */
export function endContext(host: Host, context: Context): void {
  for (const object of [...context.objects.values()].reverse()) remove(host, context, object);
}
