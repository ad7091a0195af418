import { addDefaultWindow, findWindow, removeWindow, type Machine, type Pe, type Window } from '../machine.js';
import { bookRemoval } from './cmo.js';
import type { Call, Guard } from '../rules.js';
import { RTAS } from '../uapi/rtas.js';
import { cells, clause } from './ddw-checks.js';

const NAME = 'ibm,remove-pe-dma-window';

export interface Remove {
  readonly machine: Machine;
  readonly nargs: number;
  readonly nret: number;
  readonly window: Window | undefined;
  readonly pe: Pe | undefined;
}

const unknown: Guard<Remove> = {
  ...clause(`${NAME}/liobn`, 'An LIOBN that names no window of a PE is refused with -3.'),
  when: (c) => c.pe === undefined,
  refuse: [RTAS.PARAMETER_ERROR],
  violation: { args: { liobn: 0x7fff_fff0n } },
};

const notApplicable: Guard<Remove> = {
  ...clause(`${NAME}/not-applicable`, 'A window of a PE without the property ibm,ddw-applicable is refused with -3.'),
  when: (c) => c.pe!.description.ddw === undefined,
  refuse: [RTAS.PARAMETER_ERROR],
  violation: { requires: ['pe:plain0'], args: { liobn: { from: 'plain0.liobn' } } },
};

const stillMapped: Guard<Remove> = {
  ...clause(`${NAME}/valid-mappings`, 'The caller must have no valid mapping in the window; the platform need not check (0, -3 or -1).'),
  level: 'may',
  when: (c) => c.window!.table.hasMappings(),
  refuse: [RTAS.PARAMETER_ERROR, RTAS.HARDWARE_ERROR],
  choice: { id: 'A12', canonical: false },
};

/** ibm,remove-pe-dma-window: the window is gone; the default comes back if it was the last and not the default. */
export const removePeDmaWindow: Call<Remove> = {
  name: NAME,
  parameters: ['liobn'],
  read(machine, args, nret) {
    const window = findWindow(machine, args[0] ?? 0n);
    const pe = window === undefined ? undefined : machine.pes.get(window.owner);
    return { machine, nargs: args.length, nret, window, pe };
  },
  guards: [cells(NAME, 1, [1]), unknown, notApplicable, stillMapped],
  effect: {
    clauses: [
      clause(`${NAME}/removed`, 'After success the window is gone: its LIOBN is refused and its addresses are not translated.'),
      clause(
        `${NAME}/default-restored`,
        'Removing the last window, when it is not the default, brings the default back: same LIOBN, place and size.',
      ),
      clause(`${NAME}/default-not-restored`, 'Removing the default window, even as the last one, brings nothing back.'),
    ],
    apply(c) {
      bookRemoval(c.machine, c.window!);
      removeWindow(c.machine, c.pe!, c.window!);
      const last = c.pe!.windows.length === 0;
      if (last && !c.window!.isDefault) addDefaultWindow(c.machine, c.pe!);
      const rule = !last ? 'removed' : c.window!.isDefault ? 'default-not-restored' : 'default-restored';
      return { clause: `${NAME}/${rule}`, status: RTAS.SUCCESS };
    },
  },
  sample: { requires: ['ddw'], args: { liobn: { from: 'pe0.liobn' } }, nret: 1 },
};
