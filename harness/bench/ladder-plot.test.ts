import { describe, expect, it } from '@jest/globals';
import type { Rung } from '../../adapters/kvm-papr/ladder.js';
import { figureText } from './figure.js';
import { ladderFigures } from './kvm-bench.js';
import { ladderPlot } from './ladder-plot.js';

const RUNGS: readonly Rung[] = [
  { call: 'H_PUT_TCE', tces: 1, table: 'without hardware', callsPerSecond: 20_000 },
  { call: 'H_STUFF_TCE', tces: 512, table: 'without hardware', callsPerSecond: 2_000 },
  { call: 'H_PUT_TCE', tces: 1, table: 'left to the monitor', callsPerSecond: 100 },
];

describe('the ladder', () => {
  it('is TCEs per second, beside one by one of the same table', () => {
    expect(ladderFigures('kvm-papr', RUNGS).map(figureText)).toEqual([
      '  kvm-papr: H_PUT_TCE one by one, table without hardware: 20,000 TCEs per second (20,000 calls)',
      '  kvm-papr: H_STUFF_TCE of 512, table without hardware: 1,024,000 TCEs per second (2,000 calls)  51 × one by one (20,000)',
      '  kvm-papr: H_PUT_TCE one by one, table left to the monitor: 100 TCEs per second (100 calls)',
    ]);
  });

  it('is drawn as bars as long as their logarithms', () => {
    const plot = ladderPlot('a <system>', RUNGS);
    const bars = [...plot.matchAll(/<rect [^>]*width="(\d+)"/g)].map(([, width]) => Number(width));
    expect(bars).toEqual([117, 271, 1]);
    expect(plot).toContain('a &#60;system&#62;');
    expect(plot.match(/<svg /g)).toHaveLength(1);
    expect(plot).toMatch(/<\/svg>\n$/);
  });
});
