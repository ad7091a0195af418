import { describe, expect, test } from '@jest/globals';
import { ModelTarget } from '../adapters/model/model-target.js';
import { brokenClaims } from '../harness/claims.js';
import { conforms, judgeTrace } from '../harness/oracle.js';
import type { Scenario } from '../harness/scenario.js';
import { allClauses, findClause } from '../reference/clauses.js';
import { ALL_SCENARIOS } from './index.js';

const target = new ModelTarget();

/** What a scenario comes to on the first of the model's machines that has what it requires; undefined without one. */
function play({ requires, program }: Scenario) {
  const variant = target.variants.find(({ capabilities }) => requires.every((capability) => capabilities.has(capability)));
  if (variant === undefined) return undefined;
  const trace = target.runNow(program, variant.machine);
  return { trace, judgement: judgeTrace(trace, variant.machine, target.rules) };
}

const played = new Map(ALL_SCENARIOS.map((scenario) => [scenario.id, play(scenario)]));

/**
 * The clauses that decided at some step; a choice that was not taken counts where it stood open, and the platform's
 * survival where the program ran to its end.
 */
function exercised(scenario: Scenario): Set<string> {
  const { steps } = played.get(scenario.id)?.judgement ?? { steps: [] };
  const alive = steps.length === scenario.program.operations.length ? ['platform/alive'] : [];
  const open = steps.flatMap(({ allowed }) => allowed.map(({ clause }) => clause)).filter((id) => findClause(id)?.level === 'may');
  return new Set([...steps.flatMap(({ clauses }) => clauses), ...open, ...alive]);
}

const idle = (scenario: Scenario): string[] => {
  const clauses = exercised(scenario);
  return scenario.clauses.filter((clause) => !clauses.has(clause)).map((clause) => `${scenario.id}: ${clause}`);
};

const runnable = ALL_SCENARIOS.filter((scenario) => played.get(scenario.id) !== undefined);

const repeated = (values: readonly string[]): string[] => values.filter((value, i) => values.indexOf(value) !== i);

describe('scenarios', () => {
  test('have ids and titles of their own', () => {
    expect(repeated(ALL_SCENARIOS.map(({ id }) => id))).toEqual([]);
    expect(repeated(ALL_SCENARIOS.map(({ title }) => title))).toEqual([]);
  });

  test('name clauses of the catalogue', () => {
    expect(ALL_SCENARIOS.flatMap(({ clauses }) => clauses).filter((id) => findClause(id) === undefined)).toEqual([]);
  });

  test('conform on the model, and their claims hold there', () => {
    const wrong = runnable.filter((scenario) => {
      const { trace, judgement } = played.get(scenario.id)!;
      return !conforms(judgement) || brokenClaims(scenario, trace).length > 0;
    });
    expect(wrong.map(({ id }) => id)).toEqual([]);
  });

  test('exercise every clause they declare', () => {
    expect(runnable.flatMap(idle)).toEqual([]);
  });

  test('verify every clause of the catalogue', () => {
    const verified = new Set(runnable.flatMap(({ clauses }) => clauses));
    const missing = allClauses().filter(({ id }) => !verified.has(id));
    expect(missing.map(({ id }) => id)).toEqual([]);
  });
});
