import type { Call } from '../rules.js';
import { RTAS } from '../uapi/rtas.js';
import { cells } from './eeh-checks.js';
import { clause, notOpen, OPEN, type ErrinjctContext } from './errinjct-checks.js';

const NAME = 'ibm,close-errinjct';

/** ibm,close-errinjct: error injection can be opened again; errors that wait for their access are taken back. */
export const closeErrinjct: Call<ErrinjctContext> = {
  name: NAME,
  parameters: ['open_token'],
  read: (machine, args, nret) => ({ machine, nargs: args.length, nret, token: args[0] ?? 0n }),
  guards: [cells(NAME, 1, [1]), notOpen(NAME)],
  effect: {
    clauses: [clause(`${NAME}/closed`, 'Error injection is closed; its token means nothing any more.')],
    apply(c) {
      c.machine.errinjct = undefined;
      return { clause: `${NAME}/closed`, status: RTAS.SUCCESS };
    },
  },
  sample: { requires: ['rtas-eeh', 'errinjct'], setup: OPEN, args: { open_token: { from: 'open.ret0' } }, nret: 1 },
};
