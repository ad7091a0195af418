import type { EehPe } from '../eeh/pe.js';
import { rtasCell, type RtasCell, type RtasOperation } from '../eeh/lopar-table.js';
import type { PeState } from '../eeh/states.js';
import type { Machine } from '../machine.js';
import { architecture, type Guard } from '../rules.js';
import { RTAS, type RtasName } from '../uapi/rtas.js';
import type { Term } from '../doors/term.js';
import * as ddw from './ddw-checks.js';

/** What the checks of an EEH call that names a PE look at. */
export interface EehContext extends ddw.PeContext {
  readonly eeh: EehPe | undefined;
  readonly func: number;
}

const SOURCE = 'LoPAR 2.9, sec_rtas_call_defn, PE State Control';

/** A clause of the architecture's EEH option. */
export const clause = architecture(SOURCE);

/** Gathers config_addr, BUID high, BUID low, and the function where the call has one (`at`: its position). */
export function readEeh(machine: Machine, args: readonly bigint[], nret: number, at = 3): EehContext {
  const context = ddw.readPe(machine, args, nret);
  return { ...context, eeh: context.pe?.eeh, func: Number(args[at] ?? 0n) };
}

/** The state that the PE is in: at this door there is never a doubt. */
export const stateOf = (c: EehContext): PeState => c.eeh!.states[0];

/** The arguments that name `eeh0`, a PE with EEH. */
export const EEH0: Readonly<Record<string, Term>> = argsOf('eeh0');

/** The arguments that name a PE. */
export function argsOf(pe: string): Readonly<Record<string, Term>> {
  return { config_addr: { from: `${pe}.configAddress` }, buid_hi: { from: `${pe}.buidHigh` }, buid_lo: { from: `${pe}.buidLow` } };
}

const sourced = <C>(guard: Guard<C>): Guard<C> => ({ ...guard, source: SOURCE });

export const cells = (call: RtasName, nargs: number, nret: readonly number[]): Guard<{ nargs: number; nret: number }> => sourced(ddw.cells(call, nargs, nret));

export const unknownPe = (call: RtasName): Guard<ddw.PeContext> => ({
  ...sourced(ddw.unknownPe(call)),
  violation: { args: { buid_lo: { from: 'eeh0.buidLow', plus: 0xff00n } } },
});

export const otherConfigAddress = (call: RtasName): Guard<ddw.PeContext> => sourced(ddw.otherConfigAddress(call));

export const withoutEeh = (call: RtasName): Guard<EehContext> => ({
  ...clause(`${call}/no-eeh`, 'A PE without EEH is refused with -3.'),
  when: (c) => c.eeh === undefined,
  refuse: [RTAS.PARAMETER_ERROR],
  violation: { requires: ['pe:pe0'], args: argsOf('pe0') },
});

/** The first checks of a call on a PE. */
export const named = (call: RtasName, nargs: number, nret: readonly number[]): readonly Guard<EehContext>[] => [
  cells(call, nargs, nret),
  unknownPe(call),
  otherConfigAddress(call),
];

export const unknownFunction = (call: RtasName, known: readonly number[], text = 'A function that the call does not have is refused with -3.'): Guard<EehContext> => ({
  ...clause(`${call}/function`, text),
  when: (c) => !known.includes(c.func),
  refuse: [RTAS.PARAMETER_ERROR],
  violation: { args: { function: 77n } },
});

/** The parameters of a call that does one of several functions to a PE, and its checks up to the function. */
export const FUNCTION_PARAMETERS = ['config_addr', 'buid_hi', 'buid_lo', 'function'] as const;

export const functionOf = (call: RtasName, functions: Readonly<Record<string, number>>): readonly Guard<EehContext>[] => [
  ...named(call, FUNCTION_PARAMETERS.length, [1]),
  withoutEeh(call),
  unknownFunction(call, Object.values(functions)),
];

/** The cell of the table of states that a function comes to; undefined where the table has none for it. */
export type CellOf = (c: EehContext) => RtasCell | undefined;

export const cellFor =
  (operations: Readonly<Record<number, RtasOperation>>): CellOf =>
  (c) => {
    const operation = operations[c.func];
    return operation === undefined ? undefined : rtasCell(operation, stateOf(c));
  };

/** The table refuses with -7; firmware that is older than that status says -1 or -3. */
export const unexpectedState = (call: RtasName, cellOf: CellOf, setup: NonNullable<Guard<EehContext>['violation']>): Guard<EehContext> => ({
  ...clause(`${call}/unexpected-state`, 'A PE in a state in which the function cannot be is refused with -7 (old firmware: -1 or -3), its state unchanged.'),
  when: (c) => cellOf(c)?.status === RTAS.UNEXPECTED_STATE && cellOf(c)!.also === undefined,
  refuse: [RTAS.UNEXPECTED_STATE, RTAS.HARDWARE_ERROR, RTAS.PARAMETER_ERROR],
  violation: setup,
});
