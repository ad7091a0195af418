import type { Call, Guard } from '../rules.js';
import { RTAS } from '../uapi/rtas.js';
import { cells } from './eeh-checks.js';
import { clause, OPEN, type ErrinjctContext } from './errinjct-checks.js';

const NAME = 'ibm,open-errinjct';

const alreadyOpen: Guard<ErrinjctContext> = {
  ...clause(`${NAME}/once`, 'Error injection that is open is refused with -4.'),
  when: (c) => c.machine.errinjct !== undefined,
  refuse: [RTAS.ERRINJCT_OPEN],
  violation: { setup: OPEN },
};

/** What the model's platform calls an open error injection. */
const USUAL_TOKEN = 0x51n;

/** ibm,open-errinjct: error injection is this partition's; of its two result cells the token comes first, the status second. */
export const openErrinjct: Call<ErrinjctContext> = {
  name: NAME,
  parameters: [],
  read: (machine, args, nret) => ({ machine, nargs: args.length, nret, token: 0n }),
  guards: [{ ...cells(NAME, 0, [2]), violation: { nargs: 1 } }, alreadyOpen],
  effect: {
    clauses: [clause(`${NAME}/opened`, 'Error injection is open, and is named by a token from now on.')],
    apply(c, chooser) {
      const token = chooser.adopt({
        choice: 'E11',
        clause: `${NAME}/opened`,
        name: 'token',
        canonical: USUAL_TOKEN,
        permitted: () => true,
        expects: 'any',
        index: 0,
      });
      c.machine.errinjct = token;
      return { clause: `${NAME}/opened`, status: RTAS.SUCCESS, outputs: [{ index: 0, name: 'token', value: token, clause: `${NAME}/opened` }] };
    },
  },
  sample: { requires: ['rtas-eeh', 'errinjct'], args: {}, nret: 2 },
};
