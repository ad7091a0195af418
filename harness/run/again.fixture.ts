import { descriptionToJson } from '../../adapters/description-json.js';
import { ModelTarget } from '../../adapters/model/model-target.js';
import type { Target } from '../../adapters/target.js';
import { WRITTEN_MUTANTS } from '../../reference/mutants/index.js';
import { REFERENCE_RULES } from '../../reference/rule-book.js';
import { RunFiles, type RunHead } from '../../reports/files.js';
import type { RunRecord, ScenarioRecord } from '../../reports/run-record.js';
import { scenario } from '../build/scenario-builder.js';
import { qualify } from '../qualify.js';
import type { Scenario } from '../scenario.js';
import { knownOf } from '../session.js';
import { LiveSession } from './live-session.js';
import { Progress } from './progress.js';

/** The fault of the system that the runs of the tests are of. */
export const FAULT = 'qemu/stuff-count';
export const SYSTEM = new ModelTarget(WRITTEN_MUTANTS.get(FAULT)!.change(REFERENCE_RULES), 'model', FAULT);
const [DESCRIPTION] = SYSTEM.variants;

const stuff = (count: bigint): Scenario => scenario({ id: `x/stuff/${count}`, title: `Of ${count}`, clauses: ['H_STUFF_TCE/count'] }, (p) => p.stuff(p.defaultWindow(), 0n, 0n, count));
const put = (id: string, page: bigint): Scenario => scenario({ id, title: id, clauses: [] }, (p) => p.put(p.defaultWindow(), 0n, { from: 'memory.end', plus: page }));

/** Some that conform, some that depart, and one that is skipped. */
export const SUITE: readonly Scenario[] = [
  stuff(512n),
  stuff(513n),
  { ...put('x/lacking', 3n), requires: ['what no target has'] },
  put('x/outside', 3n),
  stuff(1024n),
  put('x/last', -4096n),
  stuff(1n),
];

export const HEAD: RunHead = {
  suiteVersion: '0.1.0',
  target: { name: DESCRIPTION.name, fingerprint: DESCRIPTION.fingerprint, capabilities: [...DESCRIPTION.capabilities].sort() },
  profile: 'lopar',
  startedAt: '2026-11-21T10:00:00.000Z',
};

/** Runs scenarios one after another as a run does, without Jest; the files are left open, as when the process dies. */
export async function runOn(directory: string, scenarios: readonly Scenario[], files: RunFiles, target: Target = SYSTEM): Promise<void> {
  const known = knownOf(target, undefined, directory);
  const shownRun = { target: HEAD.target.name, fingerprint: HEAD.target.fingerprint, profile: HEAD.profile };
  const live = new LiveSession({
    scenarios,
    qualify: (one) => qualify(one, { target, known, destructive: true }),
    files,
    progress: new Progress({ write: () => undefined }, scenarios.length),
    shownRun,
    timeLimit: 10_000,
  });
  for (const index of scenarios.keys()) await live.view.run(index);
}

/** A whole run of the suite, or of its first scenarios. */
export async function runOf(directory: string, first = SUITE.length, finish = true): Promise<void> {
  const files = new RunFiles(directory, HEAD, SUITE.map(({ id }) => id));
  await runOn(directory, SUITE.slice(0, first), files);
  if (finish) files.finish(first === SUITE.length);
}

/** What is the same in every run: all but the time. */
export const timeless = ({ scenarios, ...head }: RunRecord): unknown => ({ ...head, scenarios: scenarios.map(({ milliseconds: _, ...rest }: ScenarioRecord) => rest) });

/** A line of machines.jsonl. */
export const MACHINE = descriptionToJson(DESCRIPTION);
