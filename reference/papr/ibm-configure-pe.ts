import type { Call, Guard } from '../rules.js';
import { RTAS } from '../uapi/rtas.js';
import { busy } from './ddw-checks.js';
import { clause, EEH0, named, readEeh, withoutEeh, type EehContext } from './eeh-checks.js';

const NAME = 'ibm,configure-pe';

/** It may ask to be called again, for a fifth of a second in all. */
const delayed: Guard<EehContext> = {
  ...busy(NAME),
  ...clause(`${NAME}/busy`, 'The call may answer an extended delay (9900–9902); then it is to be made again.'),
  level: 'may',
  refuse: [9900, 9901, 9902],
  violation: { requires: ['platform'], setup: [{ door: 'platform', op: 'busy', calls: 1, status: 9900 }] },
};

/** ibm,configure-pe: sets the bridges of a PE up after a reset; a hardware error of the PE is no error of the call. */
export const configurePe: Call<EehContext> = {
  name: NAME,
  parameters: ['config_addr', 'buid_hi', 'buid_lo'],
  read: readEeh,
  guards: [...named(NAME, 3, [1]), withoutEeh(NAME), delayed],
  effect: {
    clauses: [
      clause(`${NAME}/configured`, 'After a reset the bridges of the PE are as they were set up at boot; the state stays.'),
      clause(`${NAME}/nothing-to-do`, 'Where the PE was not reset since it was configured, nothing is done.'),
    ],
    apply(c) {
      const done = c.eeh!.unconfigured;
      c.eeh!.unconfigured = false;
      return { clause: `${NAME}/${done ? 'configured' : 'nothing-to-do'}`, status: RTAS.SUCCESS };
    },
  },
  sample: { requires: ['rtas-eeh', 'pe:eeh0'], args: EEH0, nret: 1 },
};
