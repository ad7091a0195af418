import { describe, expect, it } from '@jest/globals';
import { STATE_TABLE } from '../../reference/eeh/state-table.js';
import { scenarios } from './index.js';

describe('the table of states', () => {
  it('names a scenario of the suite for each cell that a program can come to', () => {
    const ids = new Set(scenarios.map(({ id }) => id));
    expect(STATE_TABLE.filter(({ scenario }) => scenario !== undefined && !ids.has(scenario))).toEqual([]);
  });

  it('has a cell for every scenario of a cell but those of an injection', () => {
    const named = new Set(STATE_TABLE.map(({ scenario }) => scenario));
    expect(scenarios.map(({ id }) => id).filter((id) => id.includes('/cell/') && !id.endsWith('/inject') && !named.has(id))).toEqual([]);
  });

  it('says in words what is allowed, the usual first', () => {
    const words = (door: string, operation: string, state: string): readonly string[] | undefined => STATE_TABLE.find((cell) => cell.door === door && cell.operation === operation && cell.state === state)?.allowed;
    expect(words('rtas', 'deactivate', 'stopped')).toEqual(['unexpected state (-7) → stopped (2)', 'parameter error (-3) → stopped (2)', 'success (0) → normal (0)']);
    expect(words('vfio:powernv', 'unfreeze-io', 'stopped')).toEqual(['0 → dma-stopped (4)']);
    expect(words('vfio:pseries', 'unfreeze-dma', 'stopped')).toEqual(['-EIO → stopped (2)', '-E2BIG → stopped (2)']);
  });
});
