import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { openFile } from '../vfio/files.js';
import type { Host, Process } from '../vfio/host.js';
import { kvmClause } from './checks.js';

/** What opening /dev/kvm is given. */
export type OpenKvmInput = readonly [host: Host, opening: { readonly process: Process }];

interface Opening {
  readonly host: Host;
  readonly process: Process;
}

const absent: Guard<Opening> = {
  ...kvmClause('open-kvm/there', 'A kernel without KVM has no /dev/kvm: ENOENT (or ENODEV).'),
  when: ({ host }) => host.linux.kvm !== true,
  refuse: [-E.ENOENT, -E.ENODEV],
};

/** open of /dev/kvm: any number of times. */
export const openKvm = defineCall<Opening, OpenKvmInput>({
  name: 'open-kvm',
  parameters: [],
  read: (host, { process }) => ({ host, process }),
  guards: [absent],
  effect: {
    clauses: [kvmClause('open-kvm/opened', 'KVM is open; nothing is made yet.')],
    statuses: 'descriptor',
    apply: (c, chooser) => ({ clause: 'open-kvm/opened', status: openFile(c.process, { kind: 'kvm', users: 0 }, chooser) }),
  },
  sample: { args: {} },
});
