import type { Machine } from '../machine.js';
import { architecture, type Guard } from '../rules.js';
import { RTAS, type RtasName } from '../uapi/rtas.js';

/** What every call of error injection looks at. */
export interface ErrinjctContext {
  readonly machine: Machine;
  readonly nargs: number;
  readonly nret: number;
  /** The token that the call gives. */
  readonly token: bigint;
}

/** A clause of firmware-assisted error injection. */
export const clause = architecture('LoPAR 2.9, Firmware Assisted Error Injection');

/** It is to be opened before, and the token given back that it was opened with. */
export const notOpen = (call: RtasName): Guard<ErrinjctContext> => ({
  ...clause(`${call}/open`, 'Without error injection open, or with another token, the call is refused with -4.'),
  when: (c) => c.machine.errinjct === undefined || c.machine.errinjct !== c.token,
  refuse: [RTAS.ERRINJCT_OPEN],
  violation: { args: { open_token: { from: 'open.ret0', plus: 1n } } },
});

/** Opens error injection; the token is `open.ret0`. */
export const OPEN = [{ door: 'papr', op: 'rtas', call: 'ibm,open-errinjct', args: [], nret: 2, as: 'open' }] as const;
