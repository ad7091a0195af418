import { rtasCell } from '../eeh/lopar-table.js';
import { keepTo } from '../eeh/pe.js';
import type { Machine } from '../machine.js';
import type { Call } from '../rules.js';
import { RTAS } from '../uapi/rtas.js';
import { clause, EEH0, named, readEeh, stateOf, unknownFunction, withoutEeh, type EehContext } from './eeh-checks.js';

const NAME = 'ibm,slot-error-detail';

/** Functions: what is known of a temporary error, and the end of a PE. Source: LoPAR 2.9, ibm,slot-error-detail. */
export const DETAIL = { TEMPORARY: 1, PERMANENT: 2 } as const;

/** No log was returned. */
const NO_LOG = 1;
/** Bytes of a log, at most: RTAS event logs are shorter. */
const LONGEST_LOG = 4096;

interface Detail extends EehContext {
  readonly log: bigint;
  readonly length: bigint;
}

/** Where there is something wrong there is something to say. */
const mustTell = (c: EehContext): boolean => c.func === DETAIL.PERMANENT || !['normal', 'reset'].includes(stateOf(c));

const ANY_BYTE: readonly number[] = Array.from({ length: 256 }, (_, value) => value);

/** What a log says is the platform's own business. */
function writeLog(machine: Machine, { log, length }: Detail): void {
  const bytes = Math.min(Number(length), LONGEST_LOG);
  machine.memory.maybeStore(Number(log), { values: new Uint8Array(bytes), open: new Map(Array.from({ length: bytes }, (_, i) => [i, ANY_BYTE] as const)) });
}

/** ibm,slot-error-detail: what the platform knows of an error; asked for a permanent one, it gives the PE up. */
export const slotErrorDetail: Call<Detail> = {
  name: NAME,
  parameters: ['config_addr', 'buid_hi', 'buid_lo', 'driver_log', 'driver_length', 'log', 'log_length', 'function'],
  read: (machine, args, nret) => ({ ...readEeh(machine, args, nret, 7), log: args[5] ?? 0n, length: args[6] ?? 0n }),
  guards: [...named(NAME, 8, [1]), withoutEeh(NAME), unknownFunction(NAME, Object.values(DETAIL))],
  effect: {
    clauses: [
      clause(`${NAME}/log`, 'Of a PE that is stopped or unavailable there is a log (0); of another there may be none (1).'),
      clause(`${NAME}/permanent`, 'Asked for a permanent error the platform gives the PE up: unavailable for good, from every state.'),
    ],
    statuses: (c) => (mustTell(c) ? [RTAS.SUCCESS] : [NO_LOG, RTAS.SUCCESS]),
    apply(c, chooser) {
      const silent = !mustTell(c) && chooser.oneOf('E3', [true, false], (none, observed) => observed.kind === 'rtas' && (observed.rets[0] === NO_LOG) === none);
      if (!silent) writeLog(c.machine, c);
      if (c.func === DETAIL.TEMPORARY) return { clause: `${NAME}/log`, status: silent ? NO_LOG : RTAS.SUCCESS };
      keepTo(c.eeh!, [rtasCell('permanent-detail', stateOf(c)).next]);
      c.eeh!.busy = 0;
      return { clause: `${NAME}/permanent`, status: RTAS.SUCCESS };
    },
  },
  sample: {
    requires: ['rtas-eeh', 'pe:eeh0'],
    args: { ...EEH0, driver_log: 0n, driver_length: 0n, log: 0x112_0000n, log_length: 1024n, function: BigInt(DETAIL.TEMPORARY) },
    nret: 1,
  },
};
