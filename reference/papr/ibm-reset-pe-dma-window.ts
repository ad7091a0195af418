import { addDefaultWindow, removeWindow, type Machine, type Pe } from '../machine.js';
import { bookRemoval } from './cmo.js';
import type { Call, Guard } from '../rules.js';
import { RTAS } from '../uapi/rtas.js';
import { busy, clause, notApplicable, otherConfigAddress, PE0, readPe, unknownPe, type PeContext } from './ddw-checks.js';

const NAME = 'ibm,reset-pe-dma-window';

interface Reset extends PeContext {
  /** The fourth argument of the limited addressing form, if given. */
  readonly limited: bigint | undefined;
}

const badCells: Guard<Reset> = {
  ...clause(`${NAME}/cells`, 'A call with other than 3 arguments (4 with limited addressing) and 1 result is refused with -3.'),
  status: 'open',
  when: (c) => (c.nargs !== 3 && c.nargs !== 4) || c.nret !== 1,
  refuse: [RTAS.PARAMETER_ERROR],
  violation: { nargs: 2 },
};

const notOffered: Guard<Reset> = {
  ...clause(`${NAME}/not-offered`, 'A PE whose extensions do not name the call is refused with -3.'),
  when: (c) => !c.pe!.description.ddw!.reset,
  refuse: [RTAS.PARAMETER_ERROR],
  violation: {
    requires: ['pe:old0'],
    args: {
      config_addr: { from: 'old0.configAddress' },
      buid_hi: { from: 'old0.buidHigh' },
      buid_lo: { from: 'old0.buidLow' },
    },
  },
};

const notLimited: Guard<Reset> = {
  ...clause(
    `${NAME}/limited-addressing`,
    'The form with 4 arguments, where extension 4 does not offer limited addressing, is refused with -3.',
    'PAPR+ 2.13, as Linux platforms/pseries/iommu.c limited_dma_window describes it',
  ),
  when: (c) => c.nargs === 4 && !c.pe!.description.ddw!.limited,
  refuse: [RTAS.PARAMETER_ERROR],
  violation: { requires: ['no-limited'], args: { limited: 1n } },
};

/** ibm,reset-pe-dma-window: the PE's windows go, and its default window is as at boot. */
export const resetPeDmaWindow: Call<Reset> = {
  name: NAME,
  parameters: ['config_addr', 'buid_hi', 'buid_lo', 'limited'],
  read: (machine, args, nret) => ({ ...readPe(machine, args, nret), limited: args[3] }),
  guards: [badCells, unknownPe(NAME), otherConfigAddress(NAME), notApplicable(NAME), notOffered, notLimited, busy(NAME)],
  effect: {
    clauses: [
      clause(`${NAME}/default-restored`, 'After success the PE has its default window alone, as ibm,dma-window describes it.', 'LoPAR 2.9, DDW Option Extensions'),
    ],
    apply(c) {
      resetPe(c.machine, c.pe!);
      return { clause: `${NAME}/default-restored`, status: RTAS.SUCCESS };
    },
  },
  sample: { requires: ['ddw-reset'], args: PE0, nret: 1 },
};

/** The PE as it is when the partition receives control, but for what the entries hold (choice A11). */
export function resetPe(machine: Machine, pe: Pe): void {
  for (const window of [...pe.windows]) {
    bookRemoval(machine, window);
    removeWindow(machine, pe, window);
  }
  addDefaultWindow(machine, pe);
}
