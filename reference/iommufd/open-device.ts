import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { merged } from '../vfio/checks.js';
import { openFile } from '../vfio/files.js';
import { groupOfDevice, type Host, type NodeFile, type Process, type VfioGroup } from '../vfio/host.js';
import { unbindFile } from './bind.js';
import type { OpenInput } from './open.js';

const clause = merged('Linux 7.2 drivers/vfio/device_cdev.c vfio_device_fops_cdev_open');

interface Opening {
  readonly host: Host;
  readonly process: Process;
  readonly what: string;
  readonly group: VfioGroup;
}

const noDriver: Guard<Opening> = {
  ...clause('open-device/driver', 'A device that vfio-pci does not have has no node: ENOENT (or ENODEV).'),
  when: ({ group, what }) => group.drivers.get(what) !== 'vfio-pci',
  refuse: [-E.ENOENT, -E.ENODEV],
};

/** open of a device's own node: any number of times, and nothing can be done with it before it is bound. */
export const openDevice = defineCall<Opening, OpenInput>({
  name: 'open-device',
  parameters: [],
  read: (host, { process, what }) => ({ host, process, what, group: groupOfDevice(host, what) }),
  guards: [noDriver],
  effect: {
    clauses: [clause('open-device/opened', 'The node is open; nothing about the device changes, and others may have it open too.')],
    statuses: 'descriptor',
    apply({ process, what, group }, chooser) {
      const file: NodeFile = { kind: 'node', device: what, group, bound: undefined, users: 0, end: (host) => unbindFile(host, file) };
      return { clause: 'open-device/opened', status: openFile(process, file, chooser) };
    },
  },
  sample: { args: {} },
});
