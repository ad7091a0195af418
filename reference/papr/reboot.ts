import type { Machine } from '../machine.js';
import type { Call } from '../rules.js';
import { clause } from './ddw-checks.js';

/** What a partition's reboot looks at. */
export interface RebootContext {
  readonly machine: Machine;
}

/** A reboot of the partition. What it does to the machine is done by `platform.ts`, which makes a new one. */
export const reboot: Call<RebootContext> = {
  name: 'reboot',
  parameters: [],
  read: (machine) => ({ machine }),
  guards: [],
  effect: {
    clauses: [
      clause(
        'reboot/default-restored',
        'A reboot of the partition removes created windows and brings every default back: same LIOBN, place and size.',
        'LoPAR 2.9, R1-14137-5, R1-14137-6',
      ),
    ],
    apply: () => ({ clause: 'reboot/default-restored', status: 0 }),
  },
  sample: { args: {} },
};
