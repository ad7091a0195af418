import { describe, expect, test } from '@jest/globals';
import { comparisonMarkdown, compareRuns } from './comparison.js';
import { DEPARTURE, runRecord, SCENARIOS } from './run-record.fixture.js';
import type { ScenarioRecord } from './run-record.js';

const COUNT = 'H_STUFF_TCE/count';
const conforming: ScenarioRecord = SCENARIOS.conforms;
const known: ScenarioRecord = { ...conforming, verdict: 'known', departures: [{ ...DEPARTURE, known: ['K02'] }] };
const handed: ScenarioRecord = { ...conforming, clauses: ['monitor/handed'], handed: ['H_STUFF_TCE'] };

describe('runs side by side', () => {
  const runs = [[conforming], [known], [handed], []].map((scenarios) => runRecord(scenarios));

  test('show for each clause what every system did', () => {
    expect(compareRuns(runs)).toEqual([
      {
        clause: COUNT,
        expected: DEPARTURE.expected,
        outcomes: [
          { verdict: 'conforms', observed: [], ledger: [] },
          { verdict: 'known', observed: [DEPARTURE.observed], ledger: ['K02'] },
          { verdict: 'handed', observed: [], ledger: [] },
          undefined,
        ],
      },
      { clause: 'monitor/handed', expected: [], outcomes: [undefined, undefined, { verdict: 'conforms', observed: [], ledger: [] }, undefined] },
    ]);
  });

  test('as text: the rule, what is allowed, and what differs', () => {
    const text = comparisonMarkdown(runs, (clause) => `the rule of ${clause}`);
    expect(text).toContain('the rule of H\\_STUFF\\_TCE/count allowed: `H_PARAMETER (-4)` or `H_P4 (-57)` | conforms | known K02: ');
    expect(text).toContain('| handed to the monitor |  |');
  });

  test('leave out what came to the same', () => {
    const text = comparisonMarkdown([runs[0]!, runs[0]!], () => '');
    expect(text).toBe('## Clauses side by side\n\n1 of 1 clauses came to the same on all that were put to the test, 0 were put to the test on one at most.');
  });

  test('leave out what only one of them was put to the test on', () => {
    const skipped = runRecord([{ ...SCENARIOS.skipped, clauses: [COUNT] }]);
    const text = comparisonMarkdown([runs[1]!, skipped, runs[3]!], () => '');
    expect(text).toBe('## Clauses side by side\n\n0 of 1 clauses came to the same on all that were put to the test, 1 were put to the test on one at most.');
  });
});
