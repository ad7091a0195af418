import { keepTo } from '../eeh/pe.js';
import type { Call, Guard } from '../rules.js';
import { RTAS } from '../uapi/rtas.js';
import { cellFor, clause, EEH0, FUNCTION_PARAMETERS, functionOf, readEeh, unexpectedState, type EehContext } from './eeh-checks.js';

const NAME = 'ibm,set-eeh-option';

/** Functions. Source: LoPAR 2.9, ibm,set-eeh-option. */
export const EEH_OPTION = { DISABLE: 0, ENABLE: 1, RELEASE_MMIO: 2, RELEASE_DMA: 3, EVENTS_ON: 4, EVENTS_OFF: 5 } as const;

const cellOf = cellFor({ [EEH_OPTION.RELEASE_MMIO]: 'release-mmio', [EEH_OPTION.RELEASE_DMA]: 'release-dma' });

const noEvents: Guard<EehContext> = {
  ...clause(`${NAME}/slot-events`, 'Events of a slot cannot be asked for where the platform does not have them: -3.'),
  level: 'may',
  when: (c) => c.func === EEH_OPTION.EVENTS_ON || c.func === EEH_OPTION.EVENTS_OFF,
  refuse: [RTAS.PARAMETER_ERROR],
  choice: { id: 'E5', canonical: true },
  violation: { args: { function: BigInt(EEH_OPTION.EVENTS_ON) } },
};

const notStopped: Guard<EehContext> = {
  ...clause(`${NAME}/not-stopped`, 'Releasing what is not stopped is refused with -3.'),
  when: (c) => cellOf(c)?.status === RTAS.PARAMETER_ERROR,
  refuse: [RTAS.PARAMETER_ERROR],
  violation: { args: { function: BigInt(EEH_OPTION.RELEASE_MMIO) } },
};

/** ibm,set-eeh-option: EEH of a PE on and off, and a stopped PE let go, MMIO before DMA. */
export const setEehOption: Call<EehContext> = {
  name: NAME,
  parameters: FUNCTION_PARAMETERS,
  read: readEeh,
  guards: [
    ...functionOf(NAME, EEH_OPTION),
    noEvents,
    unexpectedState(NAME, cellOf, {
      requires: ['platform'],
      setup: [{ door: 'platform', op: 'error', pe: 'eeh0' }],
      args: { function: BigInt(EEH_OPTION.RELEASE_DMA) },
    }),
    notStopped,
  ],
  effect: {
    clauses: [
      clause(`${NAME}/released`, 'MMIO of a stopped PE is let go, and after it DMA; then the PE is normal.'),
      clause(`${NAME}/enabled`, 'Enabling EEH, or disabling it where it is always on, changes no state.'),
    ],
    apply(c) {
      const cell = cellOf(c);
      if (cell !== undefined) keepTo(c.eeh!, [cell.next]);
      return { clause: `${NAME}/${cell === undefined ? 'enabled' : 'released'}`, status: RTAS.SUCCESS };
    },
  },
  sample: { requires: ['rtas-eeh', 'pe:eeh0'], args: { ...EEH0, function: BigInt(EEH_OPTION.ENABLE) }, nret: 1 },
};
