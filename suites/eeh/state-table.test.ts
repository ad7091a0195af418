import { describe, expect, it } from '@jest/globals';
import { ModelTarget } from '../../adapters/model/model-target.js';
import { stateCell } from '../../harness/state-cell.js';
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

  it('has the model do in each cell what it allows, and show a state that goes with it', () => {
    const target = new ModelTarget();
    const shown = target.variants.flatMap((variant) =>
      scenarios
        .filter(({ id, requires }) => id.includes('/cell/') && requires.every((capability) => variant.capabilities.has(capability)))
        .flatMap(({ id, program }) => stateCell(id, target.runNow(program, variant.machine), variant.machine) ?? []),
    );
    const words = (text: string): string[] => text.split(' → ');
    const wrong = shown.filter(({ allowed, did }) => !allowed.some((text) => words(text)[0] === words(did)[0]) || !/\d/.test(words(did)[1]!));
    expect([wrong, new Set(shown.map(({ door, state, operation }) => `${door} ${state} ${operation}`)).size]).toEqual([[], STATE_TABLE.filter(({ scenario }) => scenario !== undefined).length]);
  });
});
