import { keepTo, type EehPe } from '../eeh/pe.js';
import { STATE_NUMBER, type PeState } from '../eeh/states.js';
import type { Chooser } from '../chooser.js';
import type { Call, Expected, Guard } from '../rules.js';
import { RTAS } from '../uapi/rtas.js';
import { clause, EEH0, named, readEeh, type EehContext } from './eeh-checks.js';

const NAME = 'ibm,read-slot-reset-state2';

const withoutEeh: Guard<EehContext> = {
  ...clause(`${NAME}/no-eeh`, 'A PE without EEH is refused with -3, or has no capability.'),
  level: 'may',
  when: (c) => c.eeh === undefined,
  refuse: [RTAS.PARAMETER_ERROR],
  choice: { id: 'E8', canonical: false },
};

/** A time that the platform asks to wait, milliseconds. */
const USUAL_WAIT = 1000n;

/** One answer nearer to the end of the platform's business with the PE. */
function pass(pe: EehPe): void {
  if (pe.busy === 0) return;
  pe.busy -= 1;
  if (pe.busy === 0) keepTo(pe, ['stopped']);
}

/** PE Unavailable Info: how long to wait; 0 is for good. It means nothing in the other states. */
function waiting(state: PeState, chooser: Chooser): readonly Expected[] {
  if (state !== 'unavailable' && state !== 'failed') return [];
  const temporary = state === 'unavailable';
  const value = chooser.adopt({
    choice: 'E3',
    clause: `${NAME}/unavailable`,
    name: 'unavailable info',
    canonical: temporary ? USUAL_WAIT : 0n,
    permitted: (milliseconds) => milliseconds > 0n === temporary,
    expects: temporary ? 'the milliseconds to wait' : '0, for good',
    index: 2,
  });
  return [{ index: 2, name: 'unavailable info', value, clause: `${NAME}/unavailable` }];
}

/** ibm,read-slot-reset-state2: the state of a PE; it never fails for what is wrong with the PE. */
export const readSlotResetState2: Call<EehContext> = {
  name: NAME,
  parameters: ['config_addr', 'buid_hi', 'buid_lo'],
  read: readEeh,
  guards: [...named(NAME, 3, [4, 5]), withoutEeh],
  effect: {
    clauses: [
      clause(`${NAME}/state`, 'The state is 0 normal, 1 reset, 2 stopped, 4 DMA stopped, 5 unavailable; the capability says that there is EEH.'),
      clause(`${NAME}/unavailable`, 'A PE that is unavailable for a time says how long to wait, one that is so for good says 0.'),
      clause(`${NAME}/capability`, 'A PE without EEH says so.'),
    ],
    apply(c, chooser) {
      if (c.eeh === undefined) return { clause: `${NAME}/capability`, status: RTAS.SUCCESS, outputs: [{ index: 1, name: 'capabilities', value: 0n, clause: `${NAME}/capability` }] };
      const [state] = c.eeh.states;
      const outputs = [
        { index: 0, name: 'state', value: BigInt(STATE_NUMBER[state]), clause: `${NAME}/state` },
        { index: 1, name: 'capabilities', value: 1n, clause: `${NAME}/state` },
        ...waiting(state, chooser),
      ];
      pass(c.eeh);
      return { clause: `${NAME}/state`, status: RTAS.SUCCESS, outputs };
    },
  },
  sample: { requires: ['rtas-eeh', 'pe:eeh0'], args: EEH0, nret: 4 },
};
