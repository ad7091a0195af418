import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UsageError, type Target } from '../../adapters/target.js';
import { exitStatus, VERDICTS, type RunRecord } from '../../reports/run-record.js';
import { loadScenarios } from '../catalogue.js';
import { qualify } from '../qualify.js';
import { failedIn, requireSameSystem, unfinished } from '../run/again.js';
import { runSuites } from '../run/run.js';
import { sideBySide, type Qualify } from '../run/side-by-side.js';
import { knownOf, ledgerDirectory, PACKAGE_ROOT } from '../session.js';
import type { Scenario } from '../scenario.js';
import { selectScenarios } from './select.js';
import { closeAll, findProfile } from './targets.js';

export interface RunCommandOptions {
  readonly profile: string;
  readonly ledger?: string;
  readonly suite?: string[];
  readonly destructive?: true;
  readonly sensitive?: true;
  readonly out?: string;
  readonly html: boolean;
  /** The directory of an earlier run: what failed there. */
  readonly failed?: string;
  /** The directory of a run that was cut off: the rest of it. */
  readonly resume?: string;
}

/** Where a run goes unless the user says. */
export const DEFAULT_OUT = 'out/run';

/** What is to be run, and where it is kept. */
export interface RunPlan {
  readonly scenarios: readonly Scenario[];
  readonly out: string;
  /** The run that goes on. */
  readonly resume?: RunRecord;
  /** What the user is to know before. */
  readonly note?: string;
}

/** Nothing is to be run: why, and the exit status. */
export interface NoRun {
  readonly note: string;
  readonly status: number;
}

/** What `run` is to do, as far as no target need be asked. @throws UsageError, RunFilesError */
export function planRun(options: RunCommandOptions): RunPlan | NoRun {
  const { failed, resume } = options;
  if (failed !== undefined && resume !== undefined) throw new UsageError('Expected --failed or --resume; got both. A run that is resumed knows what remains.');
  if (resume !== undefined) return planRest(resume, options);
  const all = selectScenarios(loadScenarios(), options.suite);
  const out = options.out ?? DEFAULT_OUT;
  return failed === undefined ? { scenarios: all, out } : planFailed(failed, all, out);
}

function planFailed(failed: string, selected: readonly Scenario[], out: string): RunPlan | NoRun {
  const { scenarios, gone } = failedIn(failed, loadScenarios());
  const missing = gone.length === 0 ? {} : { note: `${gone.length} that failed in ${failed} exist no more, and are left out: ${gone.join(', ')}` };
  if (scenarios.length === 0 && gone.length === 0) return { note: `Nothing failed in ${failed}; nothing was run.`, status: 0 };
  if (scenarios.length === 0) throw new UsageError(`${failed}: expected scenarios that failed there; those that did exist no more: ${gone.join(', ')}.`);
  const both = new Set(selected);
  const chosen = scenarios.filter((scenario) => both.has(scenario));
  if (chosen.length === 0) throw new UsageError(`Expected --suite to match a scenario that failed in ${failed}; it matches none of the ${scenarios.length}.`);
  return { scenarios: chosen, out, ...missing };
}

function planRest(resume: string, { profile, out = resume, suite }: RunCommandOptions): RunPlan | NoRun {
  if (resolve(out) !== resolve(resume)) throw new UsageError(`Expected --resume to go on in its own directory, ${resume}; got --out ${out}. Leave --out out.`);
  const all = loadScenarios();
  const selected = suite === undefined ? {} : { selected: selectScenarios(all, suite) };
  const { record, scenarios } = unfinished(resume, all, { profile, suiteVersion: packageVersion(), ...selected });
  if (record.complete) return { note: `${resume} is complete, nothing was run: ${countsText(record)}`, status: exitStatus(record.totals) };
  const note = `Going on with ${resume}: ${record.scenarios.length} have a verdict, ${scenarios.length} remain.`;
  return { scenarios, out: resume, resume: record, note };
}

/**
 * `run`: the suites on one target, with progress and reports. Returns the exit status.
 *
 * @param others further machines of the same kind
 * @param stopped true after Ctrl-C
 */
export async function runCommand([target, ...others]: readonly [Target, ...Target[]], options: RunCommandOptions, plan: RunPlan, stopped: () => boolean): Promise<number> {
  const [description] = target.variants;
  const { scenarios, out, resume } = plan;
  if (resume !== undefined) requireSameSystem(out, resume, description);
  const known = knownOf(target, findProfile(options.profile), ledgerDirectory(options.ledger));
  const on = { known, destructive: options.destructive === true, sensitive: options.sensitive === true };
  const onMachine = (machine: Target): Qualify => (scenario) => qualify(scenario, { ...on, target: machine });
  const record = await runSuites({
    scenarios,
    qualify: sideBySide(scenarios, [onMachine(target), ...others.map(onMachine)], stopped),
    target: description,
    profile: options.profile,
    suiteVersion: packageVersion(),
    directory: out,
    html: options.html,
    ...(resume === undefined ? {} : { resume }),
    onInterrupt: () => closeAll([target, ...others]),
  });
  console.log(summaryText(record, out, options.html));
  return record.complete ? exitStatus(record.totals) : INTERRUPTED;
}

/** Exit status of a run that Ctrl-C ended. */
const INTERRUPTED = 130;

/** The version of this package. */
export function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8')) as { version: string };
  return manifest.version;
}

const countsText = ({ target, totals }: RunRecord): string =>
  `${target.fingerprint}: ${VERDICTS.filter((verdict) => totals[verdict] > 0).map((verdict) => `${totals[verdict]} ${verdict}`).join(', ') || 'nothing ran'}`;

/** What a run came to, and where it is kept. */
export function summaryText(record: RunRecord, out: string, html: boolean): string {
  const where = html ? `${join(out, 'report.html')}, ${join(out, 'run.json')}` : join(out, 'run.json');
  return `${countsText(record)}${record.complete ? '' : ' (interrupted)'}\nReport: ${where}`;
}
