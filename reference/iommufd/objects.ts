import type { Host } from '../vfio/host.js';
import type { Context, IommufdObject } from './state/context.js';

/** True where another object or a descriptor rests on it. Areas rest on an IOAS and go with it. */
export function inUse(_context: Context, object: IommufdObject): boolean {
  switch (object.kind) {
    case 'ioas':
    case 'tombstone':
      return false;
    case 'fault':
    case 'veventq':
      return object.open;
  }
}

/** Ends an object: what it held is given back, its number is free. */
export function remove(_host: Host, context: Context, object: IommufdObject): void {
  if (object.kind === 'ioas' && context.compatible === object) context.compatible = undefined;
  context.objects.delete(object.id);
}

/** The last descriptor of the context went: everything ends, who rests on others first. */
export function endContext(host: Host, context: Context): void {
  for (const object of [...context.objects.values()].reverse()) remove(host, context, object);
}
