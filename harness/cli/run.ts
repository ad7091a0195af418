import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Target } from '../../adapters/target.js';
import { exitStatus, VERDICTS, type RunRecord } from '../../reports/run-record.js';
import { loadScenarios } from '../catalogue.js';
import { qualify } from '../qualify.js';
import { runSuites } from '../run/run.js';
import { sideBySide, type Qualify } from '../run/side-by-side.js';
import { knownOf, ledgerDirectory, PACKAGE_ROOT } from '../session.js';
import { selectScenarios } from './select.js';
import { closeAll, findProfile } from './targets.js';

export interface RunCommandOptions {
  readonly profile: string;
  readonly ledger?: string;
  readonly suite?: string[];
  readonly destructive?: true;
  readonly sensitive?: true;
  readonly out: string;
  readonly html: boolean;
}

/**
 * `run`: the suites on one target, with progress and reports. Returns the exit status.
 *
 * @param others further machines of the same kind
 * @param stopped true after Ctrl-C
 */
export async function runCommand([target, ...others]: readonly [Target, ...Target[]], options: RunCommandOptions, stopped: () => boolean): Promise<number> {
  const [description] = target.variants;
  const known = knownOf(target, findProfile(options.profile), ledgerDirectory(options.ledger));
  const scenarios = selectScenarios(loadScenarios(), options.suite);
  const on = { known, destructive: options.destructive === true, sensitive: options.sensitive === true };
  const onMachine = (machine: Target): Qualify => (scenario) => qualify(scenario, { ...on, target: machine });
  const record = await runSuites({
    scenarios,
    qualify: sideBySide(scenarios, [onMachine(target), ...others.map(onMachine)], stopped),
    target: description,
    profile: options.profile,
    suiteVersion: packageVersion(),
    directory: options.out,
    html: options.html,
    onInterrupt: () => closeAll([target, ...others]),
  });
  console.log(summary(record, options));
  return record.complete ? exitStatus(record.totals) : INTERRUPTED;
}

/** Exit status of a run that Ctrl-C ended. */
const INTERRUPTED = 130;

/** The version of this package. */
function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8')) as { version: string };
  return manifest.version;
}

function summary({ target, totals, complete }: RunRecord, { out, html }: RunCommandOptions): string {
  const counts = VERDICTS.filter((verdict) => totals[verdict] > 0).map((verdict) => `${totals[verdict]} ${verdict}`);
  const where = html ? `${join(out, 'report.html')}, ${join(out, 'run.json')}` : join(out, 'run.json');
  return `${target.fingerprint}: ${counts.join(', ') || 'nothing ran'}${complete ? '' : ' (interrupted)'}\nReport: ${where}`;
}
