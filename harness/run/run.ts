import { runCLI } from '@jest/core';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError, type TargetDescription } from '../../adapters/target.js';
import { HtmlReportError, writeRunHtml } from '../../reports/allure/html.js';
import { RunFiles, RunFilesError } from '../../reports/files.js';
import type { RunRecord } from '../../reports/run-record.js';
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
  readonly target: Pick<TargetDescription, 'name' | 'fingerprint' | 'capabilities'>;
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
  const progress = new Progress(output, scenarios.length);
  const shownRun = { target: options.target.name, fingerprint: options.target.fingerprint, profile: options.profile };
  const timeLimit = options.scenarioTimeLimit ?? SCENARIO_TIME_LIMIT;
  const session = new LiveSession({ scenarios, qualify: options.qualify, files, progress, shownRun, timeLimit });
  let givenBack: Promise<void> | undefined;
  const stopListening = onInterruption(() => {
    session.stop();
    progress.block('Interrupted: writing what is known. Ctrl-C again ends at once.');
    givenBack = options.onInterrupt?.().catch((error: unknown) => progress.block(`The target could not be given back: ${String(error)}`));
  });
  try {
    const record = await recorded(session, files, () => underJest(session, join(directory, 'allure-results'), facts(options)));
    progress.end();
    if (options.html !== false && (record.complete || record.scenarios.length <= QUICK_HTML)) await html(record, directory, progress);
    return record;
  } finally {
    await givenBack;
    stopListening();
  }
}

/** The record is written whatever happens. */
async function recorded(session: LiveSession, files: RunFiles, work: () => Promise<void>): Promise<RunRecord> {
  try {
    if (session.view.ids.length > 0) await withSession(session, work);
    if (session.failure !== undefined) throw session.failure;
  } catch (error) {
    session.stop();
    files.finish(false);
    throw error;
  }
  return files.finish(!session.stopped());
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

function filesOf({ directory, target, profile, suiteVersion }: RunOptions): RunFiles {
  const { name, fingerprint, capabilities } = target;
  const startedAt = new Date().toISOString();
  try {
    return new RunFiles(directory, { suiteVersion, target: { name, fingerprint, capabilities: [...capabilities].sort() }, profile, startedAt });
  } catch (error) {
    if (error instanceof RunFilesError) throw new UsageError(error.message);
    throw error;
  }
}

function requireUniqueIds(scenarios: readonly Scenario[]): void {
  const seen = new Set<string>();
  for (const { id } of scenarios) {
    if (seen.has(id)) throw new UsageError(`Two scenarios have the id '${id}'; ids are unique: rename one.`);
    seen.add(id);
  }
}
