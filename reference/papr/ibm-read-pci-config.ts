import { trip, type EehPe } from '../eeh/pe.js';
import { mmioGoesOn } from '../eeh/states.js';
import { findPe, type Machine } from '../machine.js';
import { architecture, type Call, type Guard } from '../rules.js';
import { RTAS } from '../uapi/rtas.js';
import { cells, EEH0, unknownPe } from './eeh-checks.js';
import type { PeContext } from './ddw-checks.js';

const NAME = 'ibm,read-pci-config';

const clause = architecture('LoPAR 2.9, sec_rtas_call_defn, ibm,read-pci-config; EEH Option');

interface Config extends PeContext {
  readonly register: bigint;
  /** Bytes. */
  readonly size: number;
  readonly eeh: EehPe | undefined;
}

const SIZES: readonly number[] = [1, 2, 4];

/** The register of a configuration address: its low byte, and four bits at the top. */
const registerOf = (address: bigint): bigint => (address & 0xffn) | ((address >> 20n) & 0xf00n);

function readConfig(machine: Machine, args: readonly bigint[], nret: number): Config {
  const [address = 0n, high = 0n, low = 0n, size = 0n] = args;
  const pe = findPe(machine, (high << 32n) | low);
  return { machine, nargs: args.length, nret, pe, named: true, register: registerOf(address), size: Number(size), eeh: pe?.eeh };
}

const badSize: Guard<Config> = {
  ...clause(`${NAME}/size`, 'A size other than 1, 2 or 4 bytes, or a register that is no multiple of it, is refused with -3.'),
  when: (c) => !SIZES.includes(c.size) || c.register % BigInt(c.size) !== 0n,
  refuse: [RTAS.PARAMETER_ERROR],
  violation: { args: { size: 3n } },
};

/** The PE is stopped, or an injected error comes with this load. */
const isStopped = (c: Config): boolean => c.eeh !== undefined && (c.eeh.armed === 'config-load' || !mmioGoesOn(c.eeh.states[0]));

const stopped: Guard<Config> = {
  ...clause(`${NAME}/stopped`, 'Of a stopped PE nothing is read: the call fails with -1, or brings all ones.'),
  level: 'may',
  when: isStopped,
  refuse: [RTAS.HARDWARE_ERROR],
  choice: { id: 'E9', canonical: false },
  damage: (c) => void trip(c.eeh!, 'config-load'),
};

/** ibm,read-pci-config: a register of a device's configuration space. */
export const readPciConfig: Call<Config> = {
  name: NAME,
  parameters: ['config_addr', 'buid_hi', 'buid_lo', 'size'],
  read: readConfig,
  guards: [cells(NAME, 4, [2]), unknownPe(NAME), badSize, stopped],
  effect: {
    clauses: [
      clause(`${NAME}/value`, 'The register as the device has it.'),
      clause(`${NAME}/all-ones`, 'All ones, while the MMIO of its PE is stopped.'),
    ],
    apply(c) {
      const ones = isStopped(c);
      if (c.eeh !== undefined) trip(c.eeh, 'config-load');
      if (!ones) return { clause: `${NAME}/value`, status: RTAS.SUCCESS };
      const value = (1n << BigInt(8 * c.size)) - 1n;
      return { clause: `${NAME}/all-ones`, status: RTAS.SUCCESS, outputs: [{ index: 0, name: 'value', value, clause: `${NAME}/all-ones` }] };
    },
  },
  sample: { requires: ['rtas-eeh', 'pe:eeh0'], args: { ...EEH0, size: 4n }, nret: 2 },
};
