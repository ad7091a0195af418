import { describe, expect, test } from '@jest/globals';
import { clauseMatrix, countClauses } from './matrix.js';
import { DEPARTURE, runRecord, SCENARIOS } from './run-record.fixture.js';

describe('clause matrix', () => {
  test('a clause is as good as its worst scenario', () => {
    const [row] = clauseMatrix(runRecord([SCENARIOS.conforms, SCENARIOS.known]));
    expect(row).toMatchObject({ clause: 'H_STUFF_TCE/count', verdict: 'known' });
    expect(row?.scenarios).toEqual([
      { id: 'tce/stuff/one', verdict: 'conforms' },
      { id: 'tce/stuff/partial', verdict: 'known' },
    ]);
  });

  test('a departure counts for the clause it broke, and the others of the scenario hold', () => {
    const scenario = { ...SCENARIOS.departs, clauses: ['a/holds'], departures: [DEPARTURE] };
    expect(clauseMatrix(runRecord([scenario])).map(({ clause, verdict }) => [clause, verdict])).toEqual([
      ['H_STUFF_TCE/count', 'departs'],
      ['a/holds', 'conforms'],
    ]);
  });

  test('a departure that the ledger explains is known even in a scenario that departs', () => {
    const scenario = { ...SCENARIOS.departs, clauses: [], departures: [{ ...DEPARTURE, known: ['Q01'] }] };
    expect(clauseMatrix(runRecord([scenario]))[0]?.verdict).toBe('known');
  });

  test('a tentative departure is one for its clause only', () => {
    const scenario = { ...SCENARIOS.tentative, clauses: ['a/holds'], departures: [DEPARTURE] };
    expect(clauseMatrix(runRecord([scenario])).map(({ verdict }) => verdict)).toEqual(['tentative', 'conforms']);
  });

  test('a clause is skipped only where every scenario was', () => {
    expect(clauseMatrix(runRecord([SCENARIOS.skipped]))[0]?.verdict).toBe('skipped');
    expect(countClauses(clauseMatrix(runRecord([SCENARIOS.skipped, SCENARIOS.conforms])))).toMatchObject({ conforms: 1, skipped: 0 });
  });
});
