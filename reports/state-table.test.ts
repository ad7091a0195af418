import { describe, expect, test } from '@jest/globals';
import { stateTableMarkdown, summaryMarkdown } from './markdown.js';
import { CELL, runRecord, SCENARIOS } from './run-record.fixture.js';
import type { RunRecord } from './run-record.js';
import { stateTable } from './state-table.js';

const other = { ...CELL, verdict: 'known' as const, ledger: ['L99'], departures: SCENARIOS.known.departures!, cell: { ...CELL.cell!, did: '0 → normal (0)' } };
const run = (fingerprint: string, ...scenarios: RunRecord['scenarios']): RunRecord => ({ ...runRecord(scenarios), target: { ...runRecord().target, fingerprint } });

describe('the table of states', () => {
  test('has what each run did, cell by cell', () => {
    const configure = { ...CELL, cell: { ...CELL.cell!, operation: 'configure' } };
    expect(stateTable([run('a', CELL), run('b', configure, other)]).map(({ operation, outcomes }) => [operation, outcomes.map((outcome) => outcome && [outcome.did, outcome.verdict])])).toEqual([
      ['unfreeze-dma', [['0 → 5', 'conforms'], ['0 → normal (0)', 'known']]],
      ['configure', [undefined, ['0 → 5', 'conforms']]],
    ]);
  });

  test('keeps the doors apart', () => {
    const inPartition = { ...CELL, cell: { ...CELL.cell!, door: 'vfio:pseries' as const } };
    expect(stateTable([run('a', CELL), run('b', inPartition)]).map(({ door }) => door)).toEqual(['vfio:powernv', 'vfio:pseries']);
  });

  test('is a column for each run beside what is allowed, with the verdict where it does not conform', () => {
    const lines = stateTableMarkdown([run('powernv a', CELL), run('powernv b', other)]).split('\n');
    expect(lines).toContain('| state | operation | allowed | `powernv a` | `powernv b` |');
    expect(lines).toContain('| stopped | unfreeze-dma | `0 → mmio-stopped (5)` or `-EIO → stopped (2)` | `0 → 5` | `0 → normal (0)` known L99 |');
  });

  test('is in the summary of a run that has shown a cell, and in no other', () => {
    expect([[CELL], [SCENARIOS.conforms]].map((scenarios) => summaryMarkdown(runRecord(scenarios), 'out').includes('## States of a PE'))).toEqual([true, false]);
  });
});
