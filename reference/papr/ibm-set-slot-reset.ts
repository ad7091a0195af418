import { keepTo } from '../eeh/pe.js';
import type { Call, Guard } from '../rules.js';
import { RTAS } from '../uapi/rtas.js';
import { cellFor, clause, EEH0, FUNCTION_PARAMETERS, functionOf, readEeh, unexpectedState, argsOf, type EehContext } from './eeh-checks.js';

const NAME = 'ibm,set-slot-reset';

/** Functions. Source: LoPAR 2.9, ibm,set-slot-reset. */
export const SLOT_RESET = { DEACTIVATE: 0, HOT: 1, FUNDAMENTAL: 3 } as const;

const cellOf = cellFor({ [SLOT_RESET.DEACTIVATE]: 'deactivate', [SLOT_RESET.HOT]: 'hot-reset', [SLOT_RESET.FUNDAMENTAL]: 'fundamental-reset' });

const notOffered: Guard<EehContext> = {
  ...clause(`${NAME}/fundamental`, 'A fundamental reset of a PE that has none is refused with -8, or -3 where the platform has no such function; the state is unchanged.'),
  when: (c) => c.func === SLOT_RESET.FUNDAMENTAL && c.pe!.description.eeh?.fundamental !== true,
  refuse: [RTAS.NOT_POSSIBLE, RTAS.PARAMETER_ERROR],
  violation: { requires: ['pe:eeh1'], args: { ...argsOf('eeh1'), function: BigInt(SLOT_RESET.FUNDAMENTAL) } },
};

const notHeld: Guard<EehContext> = {
  ...clause(`${NAME}/not-held`, 'Ending a reset of a PE that is stopped and not held in reset is refused with -7 or -3, or ends the stop.'),
  level: 'may',
  when: (c) => cellOf(c)?.also !== undefined,
  refuse: [RTAS.UNEXPECTED_STATE, RTAS.PARAMETER_ERROR],
  choice: { id: 'E1', canonical: true },
  violation: { requires: ['platform'], setup: [{ door: 'platform', op: 'error', pe: 'eeh0' }], args: { function: BigInt(SLOT_RESET.DEACTIVATE) } },
};

/** ibm,set-slot-reset: holds a PE in reset, and ends it. */
export const setSlotReset: Call<EehContext> = {
  name: NAME,
  parameters: FUNCTION_PARAMETERS,
  read: readEeh,
  guards: [
    ...functionOf(NAME, SLOT_RESET),
    notOffered,
    unexpectedState(NAME, cellOf, { requires: ['platform'], setup: [{ door: 'platform', op: 'unavailable', pe: 'eeh0', answers: 5 }] }),
    notHeld,
  ],
  effect: {
    clauses: [
      clause(`${NAME}/held`, 'The PE is held in reset, from normal as from a stop; asked for again, it stays so.'),
      clause(`${NAME}/ended`, 'The reset ends, and with it any stop: the PE is normal.'),
    ],
    apply(c) {
      const held = c.func !== SLOT_RESET.DEACTIVATE;
      if (held) c.eeh!.armed = undefined;
      c.eeh!.unconfigured ||= held;
      keepTo(c.eeh!, [held ? 'reset' : 'normal']);
      return { clause: `${NAME}/${held ? 'held' : 'ended'}`, status: RTAS.SUCCESS };
    },
  },
  sample: { requires: ['rtas-eeh', 'pe:eeh0'], args: { ...EEH0, function: BigInt(SLOT_RESET.HOT) }, nret: 1 },
};
