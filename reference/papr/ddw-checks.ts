import { findPe, type Machine, type Pe } from '../machine.js';
import { architecture, type Guard } from '../rules.js';
import { RTAS, type RtasName } from '../uapi/rtas.js';
import type { Term } from '../doors/term.js';

/** What the checks of a DDW call that names a PE look at. */
export interface PeContext {
  readonly machine: Machine;
  readonly nargs: number;
  readonly nret: number;
  /** The PE of the host bridge that the BUID names. */
  readonly pe: Pe | undefined;
  /** The configuration address is that PE's. */
  readonly named: boolean;
}

/** A clause of the architecture's DDW option. */
export const clause = architecture('LoPAR 2.9, DMA Window Manipulation Calls');

/** Gathers what every call that names a PE begins with: config_addr, BUID high, BUID low. */
export function readPe(machine: Machine, args: readonly bigint[], nret: number): PeContext {
  const [configAddress = 0n, high = 0n, low = 0n] = args;
  const buid = (high << 32n) | low;
  const pe = findPe(machine, buid);
  const named = pe !== undefined && BigInt(pe.description.configAddress) === configAddress;
  return { machine, nargs: args.length, nret, pe, named };
}

/** The arguments that name `pe0`. */
export const PE0: Readonly<Record<string, Term>> = {
  config_addr: { from: 'pe0.configAddress' },
  buid_hi: { from: 'pe0.buidHigh' },
  buid_lo: { from: 'pe0.buidLow' },
};

/** The call's number of arguments or results is not one the architecture defines. */
export const cells = (call: RtasName, nargs: number, nret: readonly number[]): Guard<{ nargs: number; nret: number }> => ({
  ...clause(`${call}/cells`, `A call with other than ${nargs} arguments and ${nret.join(' or ')} results is refused with -3.`),
  status: 'open',
  when: (c) => c.nargs !== nargs || !nret.includes(c.nret),
  refuse: [RTAS.PARAMETER_ERROR],
  violation: { nargs: nargs - 1 },
});

/** The BUID names no PCI host bridge of the partition. */
export const unknownPe = (call: RtasName): Guard<PeContext> => ({
  ...clause(`${call}/pe`, 'A BUID that names no host bridge of the partition is refused with -3.'),
  when: (c) => c.pe === undefined,
  refuse: [RTAS.PARAMETER_ERROR],
  violation: { args: { buid_lo: { from: 'pe0.buidLow', plus: 0xff00n } } },
});

/** LoPAR wants the PE's configuration address; a host bridge of one PE leaves nothing to tell apart (A14). */
export const otherConfigAddress = (call: RtasName): Guard<PeContext> => ({
  ...clause(`${call}/config-address`, 'A configuration address that is not the PE\'s is refused with -3, or taken as the bridge\'s only PE.'),
  level: 'may',
  when: (c) => c.pe !== undefined && !c.named,
  refuse: [RTAS.PARAMETER_ERROR],
  choice: { id: 'A14', canonical: true },
  violation: { args: { config_addr: 0xff_f800n } },
});

/** The PE has no ibm,ddw-applicable. */
export const notApplicable = (call: RtasName): Guard<PeContext> => ({
  ...clause(`${call}/not-applicable`, 'A PE without the property ibm,ddw-applicable is refused with -3.'),
  when: (c) => c.pe !== undefined && c.pe.description.ddw === undefined,
  refuse: [RTAS.PARAMETER_ERROR],
  violation: {
    requires: ['pe:plain0'],
    args: {
      config_addr: { from: 'plain0.configAddress' },
      buid_hi: { from: 'plain0.buidHigh' },
      buid_lo: { from: 'plain0.buidLow' },
    },
  },
});

/** The platform is not done; the caller is to call again. */
export const busy = (call: RtasName): Guard<{ machine: Machine }> => ({
  ...clause(`${call}/busy`, 'The call may answer busy (-2) or an extended delay (9900–9905); then nothing has changed yet.'),
  level: 'may',
  when: () => true,
  refuse: [RTAS.BUSY, 9900, 9901, 9902, 9903, 9904, 9905],
  choice: { id: 'busy', canonical: (c) => c.machine.busy.calls > 0 },
  violation: { requires: ['platform'], setup: [{ door: 'platform', op: 'busy', calls: 1, status: RTAS.BUSY }] },
});
