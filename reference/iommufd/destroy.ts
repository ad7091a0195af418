import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { arg, type Ioctl, type IoctlInput } from '../vfio/checks.js';
import type { Host } from '../vfio/host.js';
import { IOAS, IOMMU, iommufdClause, readIommufd, sizeChecks, WITH_IOAS, type IommufdContext } from './checks.js';
import { inUse, remove } from './objects.js';
import type { IommufdObject } from './state/context.js';

const NAME = 'IOMMU_DESTROY';
const clause = iommufdClause('main.c iommufd_object_remove');

interface Destroy extends IommufdContext {
  readonly object: IommufdObject | undefined;
}

const noObject: Guard<Destroy> = {
  ...clause(`${NAME}/id`, 'A number of no object is refused with ENOENT.'),
  when: ({ object }) => object === undefined || object.kind === 'tombstone',
  refuse: [-E.ENOENT],
  violation: { args: { id: 0n } },
};

const used: Guard<Destroy> = {
  ...clause(`${NAME}/in-use`, 'An object that another one or a descriptor rests on is refused with EBUSY.'),
  when: ({ context, object }) => inUse(context, object!),
  refuse: [-E.EBUSY],
};

/** IOMMU_DESTROY: ends an object that nobody rests on. */
export const destroy = defineCall<Destroy, IoctlInput>({
  name: NAME,
  parameters: ['size', 'id'],
  read(host: Host, ioctl: Ioctl) {
    const c = readIommufd(host, ioctl);
    return { ...c, object: c.context.objects.get(Number(arg(c, 'id'))) };
  },
  guards: [...sizeChecks(NAME), noObject, used],
  effect: {
    clauses: [clause(`${NAME}/destroyed`, 'The object is gone with all that was in it, and its number is free.')],
    apply({ host, context, object }) {
      remove(host, context, object!);
      return { clause: `${NAME}/destroyed`, status: 0 };
    },
  },
  sample: { fd: IOMMU, setup: WITH_IOAS, args: { id: IOAS } },
});
