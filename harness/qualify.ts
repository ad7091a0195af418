import { TargetLost, type Target, type TargetDescription } from '../adapters/target.js';
import { findClause } from '../reference/clauses.js';
import { Model } from '../reference/model.js';
import { REFERENCE_RULES } from '../reference/rule-book.js';
import { programToJson } from '../reference/doors/json.js';
import { observationText, operationText } from '../reference/doors/text.js';
import type { Trace } from '../reference/doors/observation.js';
import type { DepartureRecord, ScenarioRecord, StepRecord, Verdict } from '../reports/run-record.js';
import { brokenClaims } from './claims.js';
import type { KnownDepartures } from './known.js';
import { handedIn } from './handed.js';
import { BrokenTrace, isCounted, judgeTrace, type StepDeparture, type TraceJudgement } from './oracle.js';
import type { Scenario } from './scenario.js';
import { stateCell } from './state-cell.js';

/** What one scenario came to. */
export interface ScenarioResult {
  readonly record: ScenarioRecord;
  readonly steps: readonly StepRecord[];
  readonly trace?: Trace;
  /** What the trace is of. */
  readonly on?: TargetDescription;
}

/** What a qualification rests on. */
export interface Qualification {
  readonly target: Target;
  readonly known: KnownDepartures;
  /** Run destructive scenarios although the target is somebody's. */
  readonly destructive: boolean;
  /** Show what ledger entries marked sensitive are about. */
  readonly sensitive?: boolean;
}

/** Runs a scenario on a target and judges what came back. */
export async function qualify(scenario: Scenario, on: Qualification): Promise<ScenarioResult> {
  const started = performance.now();
  const done = recordOf(scenario, () => Math.round((performance.now() - started) * 100) / 100);
  const fit = chooseVariant(scenario, on);
  if ('skip' in fit) return { record: done({ verdict: 'skipped', reason: fit.skip }), steps: [] };
  try {
    const trace = await on.target.run(scenario.program, fit.variant);
    const explained = on.known.judge(trace, fit.variant.machine);
    if (explained.scarred || scenario.destructive === true) await on.target.renew(explained.scars);
    return judged(scenario, trace, fit.variant, on, done, explained);
  } catch (error) {
    if (!(error instanceof TargetLost) && !(error instanceof BrokenTrace)) throw error;
    return { record: done({ verdict: 'inconclusive', reason: error.message }), steps: [] };
  }
}

/** What a trace of the scenario comes to; nobody else is asked. @throws BrokenTrace */
export function judged(
  scenario: Scenario,
  trace: Trace,
  variant: TargetDescription,
  { known, sensitive }: Pick<Qualification, 'known' | 'sensitive'>,
  done: Done,
  asKnown = known.judge(trace, variant.machine),
): ScenarioResult {
  const handed = handedIn(trace, scenario, asKnown);
  const { record, steps } = judgeScenario(scenario, trace, variant, known, asKnown, (rest) => ({ ...done(rest), ...handed }));
  const cell = stateCell(scenario.id, trace, variant.machine);
  const result = { record: { ...record, ...(cell && { cell }) }, steps, trace, on: variant };
  return sensitive === true ? result : withheld(result, known);
}

/** A known departure that could harm somebody is named, and not shown. */
function withheld(result: ScenarioResult, known: KnownDepartures): ScenarioResult {
  const sensitive = known.sensitive(result.record.ledger ?? []);
  if (sensitive.length === 0) return result;
  const { departures: _departures, ...record } = result.record;
  return { record: { ...record, reason: `${sensitive.join(', ')}: sensitive, shown with --sensitive` }, steps: [] };
}

type Done = (rest: Omit<ScenarioRecord, 'id' | 'title' | 'clauses' | 'milliseconds'>) => ScenarioRecord;

/** Makes the record of a scenario, of what it came to and the time it took. */
export const recordOf =
  ({ id, title, clauses }: Pick<Scenario, 'id' | 'title' | 'clauses'>, milliseconds: () => number): Done =>
  (rest) => ({ id, title, clauses, milliseconds: milliseconds(), ...rest });

/** The first of the target's variants that has all the scenario needs, or why there is none. */
export function chooseVariant(
  scenario: Scenario,
  on: Pick<Qualification, 'target' | 'destructive'>,
): { variant: TargetDescription } | { skip: string } {
  const { variants } = on.target;
  if (scenario.destructive === true && !on.destructive && !variants[0].disposable) {
    return { skip: 'destructive: runs on a target that is not disposable only with --destructive' };
  }
  for (const variant of variants) {
    if (scenario.requires.every((capability) => variant.capabilities.has(capability))) return { variant };
  }
  const lacking = scenario.requires.filter((capability) => !variants[0].capabilities.has(capability));
  return { skip: `the target lacks ${lacking.join(', ')}` };
}

function judgeScenario(
  scenario: Scenario,
  trace: Trace,
  variant: TargetDescription,
  known: KnownDepartures,
  asKnown: TraceJudgement,
  done: Done,
): Omit<ScenarioResult, 'trace'> {
  const judgement = withClaims(judgeTrace(trace, variant.machine, known.specification, known.counts), scenario, trace, variant, known);
  const steps = stepRecords(trace, judgement);
  const tentative = (shown: readonly StepDeparture[], why: string): Omit<ScenarioResult, 'trace'> => {
    const { reason } = reasonFor('tentative', known.diagnose(trace, variant.machine));
    const departures = shown.map((departure) => departureRecord(departure, trace, steps, []));
    return { record: done({ verdict: 'tentative', reason: [why, ...(reason === undefined ? [] : [reason])].join('; '), departures }), steps };
  };
  if (judgement.departures.length === 0) {
    const fixed = asKnown.departures.length === 0 ? [] : known.contradicted(trace, variant.machine);
    if (fixed.length === 0 && judgement.tentative.length > 0) return tentative(judgement.tentative, standingOf(judgement.tentative));
    if (fixed.length === 0) return { record: done({ verdict: 'conforms' }), steps };
    const reason = `the ledger lists ${fixed.join(', ')} for this version, and the system no longer departs`;
    return { record: done({ verdict: 'fixed', reason, ledger: fixed }), steps };
  }
  const explained = withClaims(asKnown, scenario, trace, variant, known, judgement);
  const ledger = explained.departures.length === 0 ? known.needed(trace, variant.machine) : [];
  const shown = explained.departures.length === 0 ? judgement.departures : explained.departures;
  const departures = shown.map((departure) => departureRecord(departure, trace, steps, ledger));
  const verdict = verdictOf(explained);
  if (verdict === 'departs' && scenario.tentative === true && !countsTentative(known)) return tentative(shown, 'the scenario is on what is only proposed');
  const reason = reasonFor(verdict, verdict === 'known' ? [] : known.diagnose(trace, variant.machine));
  return { record: done({ verdict, departures, ...reason, ...(ledger.length > 0 ? { ledger } : {}) }), steps };
}

/** Whether the profile counts what is proposed or open. */
const countsTentative = ({ counts }: KnownDepartures): boolean => counts.includes('proposed') || counts.includes('open');

/** Why what departs fails nothing: the standing of the clauses. */
const standingOf = (departures: readonly StepDeparture[]): string =>
  [...new Set(departures.map(({ clause }) => `${clause} is ${findClause(clause)?.status ?? 'unknown'}`))].join(', ');

function reasonFor(verdict: Verdict, diagnosis: readonly string[]): { reason?: string } {
  if (verdict === 'inconclusive') return { reason: 'the platform reported a hardware error' };
  return diagnosis.length === 0 ? {} : { reason: `behaves like the reference with the fault ${diagnosis.join(', or ')}` };
}

function verdictOf(explained: TraceJudgement): Verdict {
  if (explained.departures.length === 0) return 'known';
  if (explained.departures.some(({ observed }) => observed.startsWith('crashed'))) return 'crashed';
  return explained.departures.every(({ observed }) => observed.startsWith('H_HARDWARE')) ? 'inconclusive' : 'departs';
}

/**
 * Adds the claims that do not hold. A claim that breaks where the specification's own steps departed too is explained
 * with them; one that breaks alone stands alone.
 */
function withClaims(judgement: TraceJudgement, scenario: Scenario, trace: Trace, variant: TargetDescription, known: KnownDepartures, base?: TraceJudgement): TraceJudgement {
  const { counts } = known;
  const explainedBySteps = base !== undefined && judgement.departures.length === 0 && base.steps.some((s) => s.departures.length > 0);
  if (explainedBySteps) return judgement;
  const broken = upheld(brokenClaims(scenario, trace), scenario, trace, variant, known);
  const [counted, others] = [broken.filter((claim) => isCounted(claim, counts)), broken.filter((claim) => !isCounted(claim, counts))];
  return { ...judgement, departures: [...judgement.departures, ...counted], tentative: [...judgement.tentative, ...others] };
}

/** Of the claims that a trace breaks, those that what the system is judged by keeps: a profile may be a platform's own way. */
function upheld(broken: readonly StepDeparture[], scenario: Scenario, { program }: Trace, { machine }: TargetDescription, { specification }: KnownDepartures): readonly StepDeparture[] {
  if (broken.length === 0 || specification === REFERENCE_RULES) return broken;
  const model = new Model(machine, specification);
  const specified = brokenClaims(scenario, { program, observations: program.operations.map((operation) => model.answer(operation).observation) });
  return broken.filter((claim) => !specified.some(({ step, clause }) => step === claim.step && clause === claim.clause));
}

function stepRecords(trace: Trace, judgement: TraceJudgement): StepRecord[] {
  return trace.program.operations.map((operation, i) => {
    const step = judgement.steps[i];
    return {
      operation: operationText(operation),
      outcome: observationText(trace.observations[i]!),
      allowed: [...new Set((step?.allowed ?? []).map(({ outcome }) => outcome))],
      clauses: step?.clauses ?? [],
      departs: [...judgement.departures, ...judgement.tentative].some((departure) => departure.step === i),
      audit: operation.audit === true,
    };
  });
}

/** What only an audit sees was done by the call before it: that call's rule is the one broken. */
function brokenClause(departure: StepDeparture, trace: Trace, steps: readonly StepRecord[]): string {
  const audit = trace.program.operations[departure.step]?.audit === true;
  const call = audit ? steps.slice(0, departure.step).findLast((step) => !step.audit) : undefined;
  return call?.clauses.at(-1) ?? departure.clause;
}

function departureRecord(
  departure: StepDeparture,
  trace: Trace,
  steps: readonly StepRecord[],
  known: readonly string[],
): DepartureRecord {
  const operations = trace.program.operations.slice(0, departure.step + 1);
  const clause = brokenClause(departure, trace, steps);
  return {
    clause,
    rule: findClause(clause)?.text ?? '',
    expected: departure.expected,
    observed: departure.observed,
    step: departure.step,
    operation: operationText(trace.program.operations[departure.step]!),
    known,
    program: programToJson({ operations }),
  };
}

