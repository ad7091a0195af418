import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { DEVICE, merged, type IoctlContext, type IoctlInput } from '../vfio/checks.js';
import { NODE_OPENED } from './bind.js';
import { UNBOUND } from '../vfio/calls.js';

const unbound: Guard<IoctlContext> = {
  ...merged('Linux 7.2 drivers/vfio/vfio_main.c vfio_device_fops_unl_ioctl')(`${UNBOUND}/bind-first`, 'Before it is bound a node refuses everything but VFIO_DEVICE_BIND_IOMMUFD with EINVAL.'),
  when: () => true,
  refuse: [-E.EINVAL],
};

/** What a node answers before it is bound. */
export const unboundCall = defineCall<IoctlContext, IoctlInput>({
  name: UNBOUND,
  parameters: [],
  read: (host, ioctl) => ({ ...ioctl, host }),
  guards: [unbound],
  effect: {
    clauses: [unbound],
    apply: () => {
      throw new Error('A node that is not bound has no call with an effect: a check before it always decides.');
    },
  },
  sample: { fd: DEVICE, setup: NODE_OPENED, args: {} },
});
