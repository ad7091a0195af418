import type { Call, Guard } from '../rules.js';
import { RTAS } from '../uapi/rtas.js';
import { argsOf, clause, EEH0, named, readEeh, unknownFunction, type EehContext } from './eeh-checks.js';

const NAME = 'ibm,get-config-addr-info2';

/** Functions. Source: LoPAR 2.9, ibm,get-config-addr-info2. */
export const CONFIG_ADDR_INFO = { PE_ADDRESS: 0, SHARING: 1 } as const;

/** Answers to SHARING: no PE, a PE of its own, a PE shared with others. */
const SHARING = { NO_PE: 0n, ALONE: 1n, SHARED: 2n } as const;

const withoutPe: Guard<EehContext> = {
  ...clause(`${NAME}/no-eeh`, 'A device that is in no PE has no PE address: -3.'),
  when: (c) => c.eeh === undefined && c.func === CONFIG_ADDR_INFO.PE_ADDRESS,
  refuse: [RTAS.PARAMETER_ERROR],
  violation: { requires: ['pe:pe0'], args: { ...argsOf('pe0'), function: BigInt(CONFIG_ADDR_INFO.PE_ADDRESS) } },
};

const unknownSharing: Guard<EehContext> = {
  ...clause(`${NAME}/no-eeh-sharing`, 'A platform may refuse with -3 to say that a device is in no PE.'),
  level: 'may',
  when: (c) => c.eeh === undefined,
  refuse: [RTAS.PARAMETER_ERROR],
  choice: { id: 'E8', canonical: false },
};

/** ibm,get-config-addr-info2: the address that names a device's PE, and whether others share it. */
export const getConfigAddrInfo2: Call<EehContext> = {
  name: NAME,
  parameters: ['config_addr', 'buid_hi', 'buid_lo', 'function'],
  read: readEeh,
  guards: [...named(NAME, 4, [2]), unknownFunction(NAME, Object.values(CONFIG_ADDR_INFO)), withoutPe, unknownSharing],
  effect: {
    clauses: [
      clause(`${NAME}/address`, 'The PE configuration address, its register field 0.'),
      clause(`${NAME}/sharing`, 'Whether the device is in no PE (0), in one of its own (1), or in one that it shares (2).'),
    ],
    apply(c) {
      if (c.func === CONFIG_ADDR_INFO.PE_ADDRESS) return { clause: `${NAME}/address`, status: RTAS.SUCCESS, outputs: [{ index: 0, name: 'address', value: BigInt(c.pe!.description.configAddress), clause: `${NAME}/address` }] };
      const value = c.eeh === undefined ? SHARING.NO_PE : c.pe!.description.devices.length > 1 ? SHARING.SHARED : SHARING.ALONE;
      return { clause: `${NAME}/sharing`, status: RTAS.SUCCESS, outputs: [{ index: 0, name: 'sharing', value, clause: `${NAME}/sharing` }] };
    },
  },
  sample: { requires: ['rtas-eeh', 'pe:eeh0'], args: { ...EEH0, function: BigInt(CONFIG_ADDR_INFO.PE_ADDRESS) }, nret: 2 },
};
