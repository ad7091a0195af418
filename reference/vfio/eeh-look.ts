import { keepTo, surely, type EehPe } from '../eeh/pe.js';
import { handleError, type Handled } from '../eeh/recovery.js';
import type { PeState } from '../eeh/states.js';
import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { merged } from './checks.js';
import { eehOfDevice } from './eeh.js';
import { loseGroup } from './files.js';
import { groupOfDevice, type Host, type VfioGroup } from './host.js';

/** What looking at a device is given. */
export type LookInput = readonly [host: Host, device: string];

export interface Look {
  readonly host: Host;
  readonly group: VfioGroup;
  /** Undefined without EEH, and where the PE was given up. */
  readonly pe: EehPe | undefined;
}

const clause = merged('Linux 7.2 arch/powerpc/kernel/eeh.c eeh_dev_check_failure, eeh_driver.c eeh_handle_normal_event');

/** The PE of a device, unless it was given up. */
export const present = (host: Host, device: string): EehPe | undefined =>
  host.recovery.removed.has(device.split('.')[0]!) ? undefined : eehOfDevice(host, device);

const absent: Guard<Look> = {
  ...clause('eeh-host/absent', 'A device without EEH, and one that was given up, cannot be looked at: ENODEV.'),
  when: (c) => c.pe === undefined,
  refuse: [-E.ENODEV],
};

const leftAlone: Guard<Look> = {
  ...clause('eeh-host/left-alone', 'An error of a PE that a user program holds is left to that program: the kernel recovers nothing and counts nothing.'),
  when: (c) => c.group.devices > 0,
  refuse: [0],
};

/** While a reset is held firmware's flags are those of a PE that is normal. */
const seemsNormal = (state: PeState): boolean => state === 'normal' || state === 'reset';

const nothingWrong: Guard<Look> = {
  ...clause('eeh-host/nothing-wrong', 'A PE with which nothing is wrong is left as it is, and nothing is counted.'),
  when: (c) => surely(c.pe!, seemsNormal),
  refuse: [0],
};

/** Time does not pass within a program: every error is within the hour of the first. */
const handled = ({ host, group }: Look): Handled => handleError(host.recovery.counts.get(group.description.name), 0, host.recovery.limit);

/** The kernel's report of an error shows how it was found: no complaint of its own. Source: eeh_handle_normal_event. */
const FOUND_BY = /^EEH: Call Trace:$/;

/** The error is counted and reported, whatever comes of it. */
export function count(c: Look): void {
  c.host.mayLog.push(FOUND_BY);
  c.host.recovery.counts.set(c.group.description.name, handled(c).count);
  c.host.recovery.resets += 1n;
}

const givenUp: Guard<Look> = {
  ...clause('eeh-host/removed', 'With one error more than the limit within an hour the PE is given up: its devices are gone, and nothing of it is recovered any more.'),
  when: (c) => handled(c).ends === 'removed',
  refuse: [0],
  damage(c) {
    count(c);
    c.host.recovery.removed.add(c.group.description.name);
    for (const device of c.group.drivers.keys()) c.group.drivers.set(device, 'none');
    loseGroup(c.host, c.group);
  },
};

/** The kernel looks at a device's PE, and handles what it finds. */
export const eehLook = defineCall<Look, LookInput>({
  name: 'eeh-host',
  parameters: [],
  read: (host, device) => ({ host, group: groupOfDevice(host, device), pe: present(host, device) }),
  guards: [absent, leftAlone, nothingWrong, givenUp],
  effect: {
    clauses: [clause('eeh-host/recovered', 'An error of a PE that no user program holds is handled: afterwards the PE is normal and its devices are there.')],
    apply(c) {
      count(c);
      keepTo(c.pe!, ['normal']);
      return { clause: 'eeh-host/recovered', status: 0 };
    },
  },
  sample: { args: {} },
});
