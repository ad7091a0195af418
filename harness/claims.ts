import type { Trace } from '../reference/doors/observation.js';
import type { StepDeparture } from './oracle.js';
import type { Claim, Scenario } from './scenario.js';

/** The claims of a scenario that its trace does not bear out. A claim on a step that never ran says nothing. */
export function brokenClaims(scenario: Scenario, trace: Trace): StepDeparture[] {
  return (scenario.claims ?? []).flatMap((claim) => {
    const [a, b] = claim.loads.map((name) => trace.program.operations.findIndex((operation) => operation.as === name));
    if (a === undefined || b === undefined || a < 0 || b < 0) {
      throw new Error(`Scenario ${scenario.id} claims about a load that it does not have: ${claim.loads.join(', ')}.`);
    }
    return holds(claim, trace, a, b) ? [] : [broken(claim, Math.max(a, b))];
  });
}

function holds(claim: Claim, trace: Trace, a: number, b: number): boolean {
  const [left, right] = [trace.observations[a], trace.observations[b]];
  if (left?.kind !== 'bytes' || right?.kind !== 'bytes') return true;
  return (Buffer.compare(left.bytes, right.bytes) === 0) === (claim.holds === 'equal');
}

const broken = (claim: Claim, step: number): StepDeparture => ({
  clause: claim.clause,
  expected: [`${claim.loads.join(' and ')} ${claim.holds}: ${claim.says}`],
  observed: claim.holds === 'equal' ? 'different bytes' : 'the same bytes',
  step,
});
