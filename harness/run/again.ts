import { UsageError, type TargetDescription } from '../../adapters/target.js';
import { readRun, reopened } from '../../reports/files.js';
import { FAILING, type RunRecord } from '../../reports/run-record.js';
import type { Scenario } from '../scenario.js';

/** Those scenarios that failed in an earlier run. */
export interface Failed {
  readonly scenarios: readonly Scenario[];
  /** Ids of those that failed there and exist no more. */
  readonly gone: readonly string[];
}

/** The scenarios that failed in the run of that directory, in the order of the suites. @throws RunFilesError where it is none */
export function failedIn(directory: string, all: readonly Scenario[]): Failed {
  const failed = new Set(readRun(directory).scenarios.flatMap(({ id, verdict }) => (FAILING.has(verdict) ? [id] : [])));
  const scenarios = all.filter(({ id }) => failed.has(id));
  const exist = new Set(scenarios.map(({ id }) => id));
  return { scenarios, gone: [...failed].filter((id) => !exist.has(id)) };
}

/** A run that was cut off, and the scenarios that it has yet to run. */
export interface Unfinished {
  readonly record: RunRecord;
  readonly scenarios: readonly Scenario[];
}

/** What the rest of a run is to agree with. */
export interface Continuation {
  readonly profile: string;
  readonly suiteVersion: string;
  /** The scenarios that the user names, if any. */
  readonly selected?: readonly Scenario[];
}

/**
 * What is left of the run of that directory; nothing where it is complete.
 * @throws RunFilesError where the directory is none; UsageError where the rest would not belong to the same run
 */
export function unfinished(directory: string, all: readonly Scenario[], given: Continuation): Unfinished {
  const record = reopened(directory);
  if (record.complete) return { record, scenarios: [] };
  requireSame(directory, 'profile', record.profile, given.profile);
  requireSame(directory, "suite's version", record.suiteVersion, given.suiteVersion);
  if (record.remaining === undefined) {
    throw new UsageError(`${directory}: expected a record of what remains to be run; it is of an earlier version, which kept none. Run it anew.`);
  }
  const { selected } = given;
  if (selected !== undefined && !sameIds(selected, [...record.scenarios.map(({ id }) => id), ...record.remaining])) {
    throw new UsageError(`${directory}: expected --suite to select what that run selected; it selects other scenarios. Leave it out: --resume runs what remains.`);
  }
  return { record, scenarios: remainingOf(directory, record.remaining, all) };
}

function remainingOf(directory: string, remaining: readonly string[], all: readonly Scenario[]): readonly Scenario[] {
  const byId = new Map(all.map((scenario) => [scenario.id, scenario]));
  return remaining.map((id) => {
    const scenario = byId.get(id);
    if (scenario === undefined) throw new UsageError(`${directory}: expected the suites of that run; the scenario ${id}, which remains, exists no more. Run it anew.`);
    return scenario;
  });
}

/** A run is of one system. @throws UsageError */
export function requireSameSystem(directory: string, { target }: RunRecord, { fingerprint }: Pick<TargetDescription, 'fingerprint'>): void {
  requireSame(directory, 'target', target.fingerprint, fingerprint);
}

function requireSame(directory: string, what: string, before: string, now: string): void {
  if (before === now) return;
  throw new UsageError(`${directory}: expected to go on with the ${what} of that run, '${before}'; got '${now}'. Give it the same, or run it anew.`);
}

function sameIds(selected: readonly { readonly id: string }[], ids: readonly string[]): boolean {
  const planned = new Set(ids);
  return selected.length === planned.size && selected.every(({ id }) => planned.has(id));
}
