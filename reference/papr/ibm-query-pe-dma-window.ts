import type { Chooser } from '../chooser.js';
import type { Call, Expected, Guard } from '../rules.js';
import { RTAS } from '../uapi/rtas.js';
import { cells, clause, notApplicable, otherConfigAddress, PE0, readPe, unknownPe, type PeContext } from './ddw-checks.js';

const NAME = 'ibm,query-pe-dma-window';

const sixOutputs: Guard<PeContext> = {
  ...clause(`${NAME}/six-outputs`, 'A query with 6 outputs where extension 3 does not offer it is refused with -3.'),
  when: (c) => c.nret === 6 && c.pe?.description.ddw?.query6 === false,
  refuse: [RTAS.PARAMETER_ERROR],
  violation: {
    requires: ['pe:old0'],
    nret: 6,
    args: {
      config_addr: { from: 'old0.configAddress' },
      buid_hi: { from: 'old0.buidHigh' },
      buid_lo: { from: 'old0.buidLow' },
    },
  },
};

/** Windows that can be created now. */
export const windowsAvailable = (c: PeContext): number => c.pe!.description.ddw!.windows - c.pe!.windows.length;

/** Beside other windows the platform may report what remains of the PE's TCEs instead of the whole (A13). */
function remainingTces(c: PeContext, chooser: Chooser): { tces: bigint; tces32: number } {
  const { tces, tces32 } = c.pe!.description.ddw!;
  const whole = c.nret === 6 ? tces : BigInt(tces32);
  if (c.pe!.windows.every((window) => window.isDefault)) return { tces, tces32 };
  const value = chooser.adopt({
    choice: 'A13',
    clause: `${NAME}/tces`,
    name: 'PE TCEs',
    canonical: whole,
    permitted: (seen) => seen <= whole,
    expects: `at most 0x${whole.toString(16)}`,
    index: 1,
    ...(c.nret === 6 ? { wide: true as const } : {}),
  });
  return { tces: value, tces32: Number(value & 0xffff_ffffn) };
}

/** ibm,query-pe-dma-window: how many windows can be created now, with how many TCEs, in which page sizes. */
export const queryPeDmaWindow: Call<PeContext> = {
  name: NAME,
  parameters: ['config_addr', 'buid_hi', 'buid_lo'],
  read: readPe,
  guards: [cells(NAME, 3, [5, 6]), unknownPe(NAME), otherConfigAddress(NAME), notApplicable(NAME), sixOutputs],
  effect: {
    clauses: [
      clause(`${NAME}/windows`, 'The first output is the number of windows that can be created now.'),
      clause(`${NAME}/tces`, 'The next output (two cells of a 6-output query) is the largest block of TCEs reserved for the PE.'),
      clause(`${NAME}/page-sizes`, 'Then the mask of I/O page sizes.'),
      clause(`${NAME}/migration`, 'Last the mask of page sizes that partition migration keeps.'),
    ],
    apply(c, chooser) {
      const ddw = { ...c.pe!.description.ddw!, ...remainingTces(c, chooser) };
      const tces: Expected[] =
        c.nret === 6
          ? [
              { index: 1, name: 'PE TCEs high', value: ddw.tces >> 32n, clause: `${NAME}/tces` },
              { index: 2, name: 'PE TCEs low', value: ddw.tces & 0xffff_ffffn, clause: `${NAME}/tces` },
            ]
          : [{ index: 1, name: 'PE TCEs', value: BigInt(ddw.tces32), clause: `${NAME}/tces` }];
      const at = c.nret === 6 ? 3 : 2;
      return {
        clause: `${NAME}/windows`,
        status: RTAS.SUCCESS,
        outputs: [
          { index: 0, name: 'windows available', value: BigInt(windowsAvailable(c)), clause: `${NAME}/windows` },
          ...tces,
          { index: at, name: 'page sizes', value: BigInt(ddw.pageSizes), clause: `${NAME}/page-sizes` },
          { index: at + 1, name: 'migration mask', value: BigInt(ddw.migrationMask), clause: `${NAME}/migration` },
        ],
      };
    },
  },
  sample: { requires: ['ddw'], args: PE0, nret: 5 },
};
