import { resolve } from 'node:path';
import { UsageError } from '../../adapters/target.js';
import { readRun } from '../../reports/files.js';
import { countVerdicts, exitStatus, VERDICTS, type RunRecord, type ScenarioRecord } from '../../reports/run-record.js';
import { loadScenarios } from '../catalogue.js';
import type { ScenarioResult } from '../qualify.js';
import { judgeRun, type Judged } from '../run/judge.js';
import { runSuites } from '../run/run.js';
import { ledgerDirectory } from '../session.js';
import { packageVersion, summaryText } from './run.js';
import { selectScenarios } from './select.js';
import { findProfile } from './targets.js';

export interface JudgeCommandOptions {
  /** Default: the run's. */
  readonly profile?: string;
  readonly ledger?: string;
  readonly suite?: string[];
  readonly sensitive?: true;
  /** Write the new record and its reports there. */
  readonly out?: string;
  readonly html: boolean;
}

/**
 * `judge`: judges the traces of a run anew, and tells what changed. Returns the exit status: 3 where scenarios of the run cannot be judged,
 * unless something departs.
 * @throws UsageError, RunFilesError
 */
export async function judgeCommand(directory: string, options: JudgeCommandOptions): Promise<number> {
  const { out, suite } = options;
  if (out !== undefined && resolve(out) === resolve(directory)) throw new UsageError(`Expected --out to be another directory than that of the run, ${directory}, which stays as it is.`);
  const run = readRun(directory);
  const profile = findProfile(options.profile ?? run.profile);
  const { records, remaining } = selected(run, suite);
  const by = { profile, ledger: ledgerDirectory(options.ledger), sensitive: options.sensitive === true, scenarios: loadScenarios() };
  const tally = new Tally();
  const anew = told(judgeRun(directory, records, by), tally);
  if (out === undefined) for (const _ of anew);
  else console.log(await written(run, profile.name, records, anew, remaining, { out, html: options.html }));
  console.log(tally.text(run, profile.name, remaining));
  const all = remaining.length === 0 && (run.complete || run.remaining !== undefined);
  return exitStatus(tally.totals) || (all ? 0 : NOT_ALL);
}

/** Of a run, the verdicts and what it has yet to run, as far as the globs name them. @throws UsageError */
function selected({ scenarios, remaining = [] }: RunRecord, globs: readonly string[] | undefined): { records: readonly ScenarioRecord[]; remaining: readonly string[] } {
  const ids = [...scenarios.map(({ id }) => id), ...remaining];
  const chosen = new Set(selectScenarios(ids.map((id) => ({ id })), globs).map(({ id }) => id));
  return { records: scenarios.filter(({ id }) => chosen.has(id)), remaining: remaining.filter((id) => chosen.has(id)) };
}

/** Exit status where nothing can be said of a part of the run. */
const NOT_ALL = 3;

/** Prints what changed, and passes the results on. */
function* told(all: Iterable<Judged>, tally: Tally): Generator<ScenarioResult, void> {
  for (const judged of all) {
    const change = changeText(judged);
    if (change !== undefined) console.log(change);
    tally.add(judged, change !== undefined);
    yield judged.result;
  }
}

/** Writes the new record, as a run does. Returns where. */
async function written(run: RunRecord, profile: string, records: readonly ScenarioRecord[], anew: Iterator<ScenarioResult, void>, lacking: readonly string[], to: { out: string; html: boolean }): Promise<string> {
  const record = await runSuites({
    scenarios: records.map(({ id, title, clauses }) => ({ id, title, clauses, requires: [], program: { operations: [] } })),
    qualify: () => Promise.resolve(anew.next().value!),
    target: run.target,
    profile,
    suiteVersion: packageVersion(),
    startedAt: run.startedAt,
    directory: to.out,
    html: to.html,
    lacking,
    patience: Number.POSITIVE_INFINITY,
    output: { write: () => undefined },
  });
  return summaryText(record, to.out, to.html);
}

/** The verdict before and now; undefined where nothing changed. */
function changeText({ before, result: { record }, how }: Judged): string | undefined {
  if (how === 'untraced') return undefined;
  const [was, is] = [verdictText(before), verdictText(record)];
  return was === is ? undefined : `${record.id}: ${was} → ${is}`;
}

/** A verdict with the entries of the ledger and the clauses that it rests on, or why there is none. */
function verdictText({ verdict, ledger = [], departures = [], reason }: ScenarioRecord): string {
  const clauses = [...new Set(departures.map(({ clause }) => clause))].join(', ');
  const why = clauses === '' && verdict !== 'conforms' && verdict !== 'known' ? reason : undefined;
  return [verdict, ...ledger, ...(clauses === '' ? [] : [`(${clauses})`]), ...(why === undefined ? [] : [`(${why})`])].join(' ');
}

/** Counts what was judged, and keeps the names of what was not. */
class Tally {
  readonly #records: ScenarioRecord[] = [];
  readonly #untraced = new Map<string, string[]>();
  readonly #ids: Record<Judged['how'], string[]> = { judged: [], other: [], broken: [], untraced: [] };
  #changed = 0;

  get totals(): RunRecord['totals'] {
    return countVerdicts(this.#records);
  }

  add({ before, result, how }: Judged, changed: boolean): void {
    this.#records.push(result.record);
    this.#ids[how].push(before.id);
    if (changed) this.#changed += 1;
    if (how !== 'untraced') return;
    const reason = [before.verdict, ...(before.reason === undefined ? [] : [before.reason])].join(': ');
    this.#untraced.set(reason, [...(this.#untraced.get(reason) ?? []), before.id]);
  }

  /** Totals, and by name what was not judged. */
  text({ target }: RunRecord, profile: string, remaining: readonly string[]): string {
    const { totals } = this;
    const { judged, other, broken, untraced } = this.#ids;
    const counts = VERDICTS.filter((verdict) => totals[verdict] > 0).map((verdict) => `${totals[verdict]} ${verdict}`);
    return [
      `${judged.length + other.length} traces judged, ${this.#changed} changed; ${target.fingerprint}, judged by ${profile}: ${counts.join(', ') || 'nothing'}`,
      ...named(other, 'have other programs now, or are no more: their steps were judged, and no claims'),
      ...named(broken, 'have a trace that cannot be judged'),
      ...(untraced.length === 0 ? [] : [`${untraced.length} have no trace, and were not judged:`]),
      ...[...this.#untraced].map(([reason, ids]) => `  ${ids.length} ${reason}: ${ids.join(', ')}`),
      ...named(remaining, 'were not run, as the run was cut off'),
    ].join('\n');
  }
}

const named = (ids: readonly string[], what: string): string[] => (ids.length === 0 ? [] : [`${ids.length} ${what}: ${ids.join(', ')}`]);
