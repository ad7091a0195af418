import { runCLI } from '@jest/core';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError, type TargetDescription } from '../../adapters/target.js';
import { HtmlReportError, writeRunHtml } from '../../reports/allure/html.js';
import { keepResults } from '../../reports/allure/kept.js';
import type { ShownScenario } from '../../reports/allure/result.js';
import { RunFiles, RunFilesError, type RunHead } from '../../reports/files.js';
import type { RunRecord, StepRecord } from '../../reports/run-record.js';
import { tracesOf } from '../../reports/traces.js';
import type { ScenarioResult } from '../qualify.js';
import type { Scenario } from '../scenario.js';
import { onInterruption } from './interruption.js';
import { jestArguments, TEST_FILE } from './jest-config.js';
import { LiveSession } from './live-session.js';
import { Progress, type ProgressOutput } from './progress.js';
import { withSession } from './session.js';

/** Ten minutes: more than a reboot of any target. */
const SCENARIO_TIME_LIMIT = 600_000;
/** An interrupted run gets its HTML report only where that takes a few seconds. */
const QUICK_HTML = 2000;

export interface RunOptions {
  /** In the order in which they run; ids are unique. */
  readonly scenarios: readonly Scenario[];
  /** Runs one scenario on the target and judges it. */
  readonly qualify: (scenario: Scenario) => Promise<ScenarioResult>;
  readonly target: Pick<TargetDescription, 'name' | 'fingerprint'> & { readonly capabilities: Iterable<string> };
  readonly profile: string;
  readonly suiteVersion: string;
  /** The run's directory, as the user named it. */
  readonly directory: string;
  /** Write `report.html`; default true. */
  readonly html?: boolean;
  /** Default: standard output. */
  readonly output?: ProgressOutput;
  /** Milliseconds that one scenario may take before it is inconclusive. */
  readonly scenarioTimeLimit?: number;
  /** Called once on Ctrl-C, at once: give the target back. */
  readonly onInterrupt?: () => Promise<void>;
  /** Goes on with this run, which was cut off in the same directory: its verdicts stay, and `scenarios` are the rest. See `reopened`. */
  readonly resume?: RunRecord;
  /** When the system was asked, ISO 8601; default: now. */
  readonly startedAt?: string;
  /** Ids of scenarios of which there will be no verdict: the run stays incomplete. */
  readonly lacking?: readonly string[];
  /** See `LiveRun`. */
  readonly patience?: number;
}

/**
 * Runs scenarios on one target under Jest, one after another, and writes `run.json`, Allure results, `report.html`,
 * `junit.xml`, `summary.md` and the traces. On Ctrl-C the record so far is written (`complete: false`).
 * @throws UsageError where the directory or the scenarios cannot be used
 */
export async function runSuites(options: RunOptions): Promise<RunRecord> {
  const { scenarios, directory, output = process.stdout } = options;
  requireUniqueIds(scenarios);
  const files = filesOf(options);
  const before = options.resume?.scenarios ?? [];
  const progress = new Progress(output, before.length + scenarios.length);
  progress.earlier(before);
  const shownRun = { target: options.target.name, fingerprint: options.target.fingerprint, profile: options.profile };
  const timeLimit = options.scenarioTimeLimit ?? SCENARIO_TIME_LIMIT;
  const { qualify, patience } = options;
  const earlier = unshown(options);
  const session = new LiveSession({ scenarios, earlier, qualify, files, progress, shownRun, timeLimit, ...(patience === undefined ? {} : { patience }) });
  let givenBack: Promise<void> | undefined;
  const stopListening = onInterruption(() => {
    session.stop();
    progress.block('Interrupted: writing what is known. Ctrl-C again ends at once.');
    givenBack = options.onInterrupt?.().catch((error: unknown) => progress.block(`The target could not be given back: ${String(error)}`));
  });
  try {
    const record = await recorded(session, files, options, () => underJest(session, join(directory, 'allure-results'), facts(options)));
    progress.end();
    if (options.html === false) rmSync(join(directory, 'report.html'), { force: true });
    else if (record.complete || record.scenarios.length <= QUICK_HTML) await html(record, directory, progress);
    return record;
  } finally {
    await givenBack;
    stopListening();
  }
}

/** The record is written whatever happens. */
async function recorded(session: LiveSession, files: RunFiles, { lacking = [] }: RunOptions, work: () => Promise<void>): Promise<RunRecord> {
  try {
    if (session.view.ids.length > 0) await withSession(session, work);
    if (session.failure !== undefined) throw session.failure;
  } catch (error) {
    session.stop();
    files.finish(false);
    throw error;
  }
  return files.finish(!session.stopped() && lacking.length === 0);
}

async function underJest(session: LiveSession, resultsDirectory: string, facts: Readonly<Record<string, string>>): Promise<void> {
  if (!existsSync(TEST_FILE)) throw new Error(`Expected the compiled test file ${TEST_FILE}; build the package first (npm run build).`);
  const args = jestArguments({ resultsDirectory, facts }) as unknown as Parameters<typeof runCLI>[0];
  const { results } = await runCLI(args, [__dirname]);
  const [file] = results.testResults;
  if (session.stopped()) return;
  if (file === undefined) throw new Error('Jest did not find the test file of the run; please report this.');
  if (file.testExecError !== undefined) throw new Error(`Jest could not run the scenarios: ${file.failureMessage ?? file.testExecError.message}`);
}

async function html(record: RunRecord, directory: string, progress: Progress): Promise<void> {
  if (record.scenarios.length === 0 || !existsSync(join(directory, 'allure-results'))) return;
  try {
    await writeRunHtml(directory, record);
  } catch (error) {
    if (!(error instanceof HtmlReportError)) throw error;
    // The verdicts are safe in run.json; a missing page must not turn them into a failure.
    progress.block(`warning: ${error.message}`);
  }
}

const facts = ({ target, profile, suiteVersion }: RunOptions): Record<string, string> => ({
  system: target.fingerprint,
  target: target.name,
  profile,
  suite: `papr-iommu-conformance ${suiteVersion}`,
  node: process.version,
});

/** The verdicts of before that Allure has no result of. */
function unshown({ directory, resume }: RunOptions): Omit<ShownScenario, 'replay'>[] {
  if (resume === undefined) return [];
  const kept = keepResults(join(directory, 'allure-results'), new Set(resume.scenarios.map(({ id }) => id)));
  const missing = resume.scenarios.filter(({ id }) => !kept.has(id));
  return [...tracesOf(directory, missing)].map(({ record, trace }) => ({ record, steps: (trace?.steps ?? []) as StepRecord[], trace }));
}

function filesOf({ directory, target, profile, suiteVersion, scenarios, resume, lacking = [], startedAt = new Date().toISOString() }: RunOptions): RunFiles {
  const { name, fingerprint, capabilities } = target;
  const before = resume?.scenarios;
  const planned = [...(before ?? []), ...scenarios].map(({ id }) => id);
  const head = { suiteVersion, target: { name, fingerprint, capabilities: [...capabilities].sort() }, profile, startedAt };
  try {
    return new RunFiles(directory, resume === undefined ? head : headOf(resume), [...planned, ...lacking], before);
  } catch (error) {
    if (error instanceof RunFilesError) throw new UsageError(error.message);
    throw error;
  }
}

const headOf = ({ suiteVersion, target, profile, startedAt }: RunRecord): RunHead => ({ suiteVersion, target, profile, startedAt });

function requireUniqueIds(scenarios: readonly Scenario[]): void {
  const seen = new Set<string>();
  for (const { id } of scenarios) {
    if (seen.has(id)) throw new UsageError(`Two scenarios have the id '${id}'; ids are unique: rename one.`);
    seen.add(id);
  }
}
