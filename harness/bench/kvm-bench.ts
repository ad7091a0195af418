import type { KvmPaprTarget } from '../../adapters/kvm-papr/target.js';
import type { Rung } from '../../adapters/kvm-papr/ladder.js';
import type { Figure } from './figure.js';

/** The ways in which a guest fills a table, each beside H_PUT_TCE one by one of the same table. */
export function ladderFigures(name: string, rungs: readonly Rung[]): Figure[] {
  return rungs.map((rung) => {
    const single = rungs.find(({ table, tces }) => table === rung.table && tces === 1)!;
    return {
      name: `${name}: ${rungName(rung)}, table ${rung.table}`,
      value: tcesPerSecond(rung),
      unit: `TCEs per second (${Math.round(rung.callsPerSecond).toLocaleString('en')} calls)`,
      ...(rung !== single && { beside: { what: 'one by one', value: tcesPerSecond(single) } }),
    };
  });
}

/** Climbs the ladder of a target. */
export const kvmBench = async (target: KvmPaprTarget): Promise<readonly Rung[]> => {
  try {
    return await target.ladder();
  } finally {
    await target.close();
  }
};

export const tcesPerSecond = ({ tces, callsPerSecond }: Rung): number => tces * callsPerSecond;

export const rungName = ({ call, tces }: Rung): string => (tces === 1 ? `${call} one by one` : `${call} of ${tces}`);
