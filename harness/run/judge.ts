import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { descriptionFromJson, NotADescription } from '../../adapters/description-json.js';
import type { TargetDescription } from '../../adapters/target.js';
import { programToJson } from '../../reference/doors/json.js';
import { NotATrace, observationsFromJson, traceFromJson } from '../../reference/doors/trace-json.js';
import type { Profile } from '../../reference/profiles.js';
import { MACHINES, RunFilesError } from '../../reports/files.js';
import { linesOf } from '../../reports/line-file.js';
import type { ScenarioRecord } from '../../reports/run-record.js';
import { lineOf, tracesOf, type TracedScenario, type TraceRecord } from '../../reports/traces.js';
import type { KnownDepartures } from '../known.js';
import { BrokenTrace } from '../oracle.js';
import { asProfiled } from '../profiled-target.js';
import { judged, recordOf, type ScenarioResult } from '../qualify.js';
import type { Scenario } from '../scenario.js';
import { knownOf } from '../session.js';

/** What recorded traces are judged by. */
export interface Judging {
  readonly profile: Profile;
  /** The directory of the departure ledger. */
  readonly ledger: string;
  readonly sensitive: boolean;
  /** The scenarios as they are now. */
  readonly scenarios: readonly Scenario[];
}

/** What one verdict of a run comes to now. */
export interface Judged {
  readonly before: ScenarioRecord;
  readonly result: ScenarioResult;
  /**
   * `judged`; `other`: the scenario has another program now, or is no more, so that the steps were judged, and no claims; `broken`: the
   * trace cannot be read, or is not whole; `untraced`: there is none.
   */
  readonly how: 'judged' | 'other' | 'broken' | 'untraced';
}

/** A machine of a run, as the profile has it, and what is known of its system. */
interface Judge {
  readonly on: TargetDescription;
  readonly known: KnownDepartures;
}

/**
 * Judges the recorded traces of a run anew, one by one, in the order of the run. No target is asked.
 * @throws RunFilesError where the run does not say what its machines were
 */
export function* judgeRun(directory: string, records: readonly ScenarioRecord[], by: Judging): Generator<Judged, void> {
  const judges = judgesOf(directory, by);
  const scenarios = new Map(by.scenarios.map((scenario) => [scenario.id, scenario]));
  if (judges.length === 0 && records.some(({ trace }) => trace !== undefined)) {
    throw new RunFilesError(`${directory}: expected ${MACHINES}, which says on what machines the traces were made; the run was recorded before there was such a file. Run it anew.`);
  }
  for (const traced of tracesOf(directory, records)) yield judgeTraced(traced, judges, scenarios.get(traced.record.id), by.sensitive);
}

/** One for each line of `machines.jsonl`. @throws RunFilesError */
function judgesOf(directory: string, { profile, ledger }: Judging): Judge[] {
  return [...linesOf(join(directory, MACHINES))].map(({ text }, i) => {
    try {
      const on = asProfiled(descriptionFromJson(JSON.parse(text)), profile);
      return { on, known: knownOf({ variants: [on] }, profile, ledger) };
    } catch (error) {
      if (!(error instanceof SyntaxError) && !(error instanceof NotADescription)) throw error;
      throw new RunFilesError(`${directory}: expected the description of a machine in ${MACHINES}:${i + 1}; ${error.message}.`);
    }
  });
}

function judgeTraced({ record, trace, fault }: TracedScenario, judges: readonly Judge[], scenario: Scenario | undefined, sensitive: boolean): Judged {
  if (fault !== undefined) return broken(record, fault);
  if (trace === undefined) return { before: record, result: { record: untraced(record), steps: [] }, how: 'untraced' };
  const judge = judges[lineOf(trace.machine ?? ':0') - 1];
  if (judge === undefined) return broken(record, `${record.trace}: expected the place of a machine's description; got ${trace.machine ?? 'none'}`);
  try {
    return judgeWhole(record, trace, judge, scenario, sensitive);
  } catch (error) {
    if (!(error instanceof NotATrace) && !(error instanceof BrokenTrace)) throw error;
    return broken(record, `${record.trace}: expected a whole trace; ${error.message}`);
  }
}

function judgeWhole(before: ScenarioRecord, recorded: TraceRecord, { on, known }: Judge, scenario: Scenario | undefined, sensitive: boolean): Judged {
  const same = scenario !== undefined && isDeepStrictEqual(programToJson(scenario.program), recorded.program);
  const trace = same ? { program: scenario.program, observations: observationsFromJson(recorded.observations) } : traceFromJson(recorded);
  const subject = same ? scenario : stepsOf(before, trace.program, scenario);
  const [how, done] = [same ? 'judged' : 'other', recordOf(subject, () => before.milliseconds)] as const;
  const lacking = subject.requires.filter((capability) => !on.capabilities.has(capability));
  if (lacking.length > 0) return { before, result: { record: done({ verdict: 'skipped', reason: `the target lacks ${lacking.join(', ')}` }), steps: [] }, how };
  return { before, result: judged(subject, trace, on, { known, sensitive }, done), how };
}

/** A scenario of what was recorded: its claims are not about this program. */
const stepsOf = ({ id, title, clauses }: ScenarioRecord, program: Scenario['program'], now: Scenario | undefined): Scenario => ({
  id,
  title,
  clauses,
  requires: [],
  ...(now?.tentative === true ? { tentative: true } : {}),
  program,
});

function broken(before: ScenarioRecord, reason: string): Judged {
  return { before, result: { record: recordOf(before, () => before.milliseconds)({ verdict: 'inconclusive', reason }), steps: [] }, how: 'broken' };
}

/** What was skipped stays so. Any other verdict that no trace bears out is none. */
function untraced(record: ScenarioRecord): ScenarioRecord {
  const { verdict, reason } = record;
  if (verdict === 'skipped' || verdict === 'inconclusive') return record;
  return recordOf(record, () => record.milliseconds)({ verdict: 'inconclusive', reason: `no trace; the run said: ${verdict}${reason === undefined ? '' : `, ${reason}`}` });
}
