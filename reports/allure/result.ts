import { createHash } from 'node:crypto';
import { Stage, Status, type Label, type Parameter, type StepResult, type TestResult } from 'allure-js-commons';
import { mismatchText } from '../departure-text.js';
import { jsonText } from '../files.js';
import type { CellRecord, DepartureRecord, ScenarioRecord, StepRecord, Verdict } from '../run-record.js';

/** A scenario that was run, as the Allure results tell it. */
export interface ShownScenario {
  readonly record: ScenarioRecord;
  readonly steps: readonly StepRecord[];
  /** Plain JSON; attached only where the scenario did not conform. */
  readonly trace?: unknown;
  /** The command that runs it again. */
  readonly replay: string;
}

/** What every scenario of a run has in common. */
export interface ShownRun {
  readonly target: string;
  readonly fingerprint: string;
  readonly profile: string;
}

export interface ShownAttachment {
  readonly name: string;
  readonly type: 'application/json' | 'text/plain';
  readonly text: string;
}

/** Green: nothing to do. Known departures are green with a tag, because the ledger answers for them. */
const STATUS: Readonly<Record<Verdict, Status>> = {
  conforms: Status.PASSED,
  known: Status.PASSED,
  tentative: Status.PASSED,
  departs: Status.FAILED,
  fixed: Status.FAILED,
  crashed: Status.BROKEN,
  inconclusive: Status.BROKEN,
  skipped: Status.SKIPPED,
};

/** The themes of the suites, as the layers of the stack are called. */
const LAYERS: Readonly<Record<string, string>> = {
  tce: 'PAPR TCE hypercalls',
  ddw: 'Dynamic DMA windows',
  dma: 'Device DMA',
  memory: 'Memory',
  vfio: 'VFIO SPAPR TCE',
  windows: 'Windows',
  blocking: 'Blocked domain',
  isolation: 'Isolation',
  rtce: 'Redirected TCEs and DMA migration',
  cmo: 'Overcommitted memory',
  vectors: 'Worked vectors',
  iommufd: 'IOMMUFD',
  nesting: 'Nested domains',
  eeh: 'EEH',
  compat: 'Compatibility ioctls',
};

/** The fields of the Allure result that Jest cannot know. */
export function allureFields(scenario: ShownScenario, run: ShownRun): Partial<TestResult> {
  const { record } = scenario;
  return {
    name: record.title,
    fullName: record.id,
    testCaseId: md5(record.id),
    historyId: md5(`${run.target} ${record.id}`),
    titlePath: [run.profile, ...record.id.split('/').slice(0, -1)],
    status: STATUS[record.verdict],
    stage: Stage.FINISHED,
    statusDetails: statusDetails(scenario),
    labels: labels(scenario, run),
    parameters: parameters(run),
    description: description(scenario),
    steps: shownSteps(scenario),
  };
}

/** The program and the trace of a scenario that did not conform. */
export function allureAttachments({ record, trace, replay }: ShownScenario): ShownAttachment[] {
  const program = record.departures?.[0]?.program;
  if (record.departures === undefined && record.verdict !== 'crashed') return [];
  return [
    ...(program === undefined ? [] : [{ name: 'program.json', type: 'application/json' as const, text: jsonText(program, 1) }]),
    ...(trace === undefined ? [] : [{ name: 'trace.json', type: 'application/json' as const, text: jsonText(trace, 1) }]),
    { name: 'replay', type: 'text/plain' as const, text: replay },
  ];
}

/** The message is the same for the same symptom, whatever the operation: Allure groups by it. */
function statusDetails({ record, replay }: ShownScenario): TestResult['statusDetails'] {
  if (record.verdict === 'conforms') return {};
  if (record.verdict === 'skipped') return { message: record.reason ?? '' };
  const [first] = record.departures ?? [];
  const symptom = first === undefined ? (record.reason ?? record.verdict) : symptomText(first);
  const message = record.verdict === 'departs' ? symptom : `${prefix(record)}${symptom}`;
  return { message, trace: mismatchText(record, replay) };
}

/** Verdicts that a reader of a green report looks for. */
const TAGGED: readonly Verdict[] = ['known', 'fixed', 'tentative'];

/** What a departure that fails nothing is called. */
const heading = (record: ScenarioRecord): string => (record.verdict === 'tentative' ? 'tentative departure' : `known departure ${ledger(record)}`);

const prefix = (record: ScenarioRecord): string => (record.verdict === 'known' || record.verdict === 'tentative' ? `${heading(record)}\n` : '');

const symptomText = ({ clause, rule, expected, observed }: DepartureRecord): string =>
  `${clause}: ${rule}\nexpected  ${expected.join('\n      or  ')}\nobserved  ${observed}`;

function labels(scenario: ShownScenario, run: ShownRun): Label[] {
  const { record } = scenario;
  const [theme = record.id, ...path] = record.id.split('/');
  const label = (name: string, value: string): Label => ({ name, value });
  return [
    label('epic', LAYERS[theme] ?? theme),
    label('feature', callOf(scenario) ?? path[0] ?? theme),
    label('story', path.slice(1, -1).join('/') || path.at(-1) || record.id),
    label('parentSuite', run.profile),
    label('suite', theme),
    ...(path.length > 1 ? [label('subSuite', path.slice(0, -1).join('/'))] : []),
    label('layer', run.target),
    label('framework', 'jest'),
    label('verdict', record.verdict),
    ...(TAGGED.includes(record.verdict) ? [label('tag', record.verdict)] : []),
    ...(record.ledger ?? []).flatMap((id) => [label('tag', id), label('ledger', id)]),
    ...record.clauses.map((clause) => label('clause', clause)),
  ];
}

/** The call that the scenario is about: that of its first clause, or of the clause that decided its last step. */
function callOf({ record, steps }: ShownScenario): string | undefined {
  const decided = steps.filter(({ audit }) => !audit).flatMap(({ clauses }) => clauses);
  return (record.clauses[0] ?? decided.at(-1))?.split('/')[0];
}

/** Shown with the scenario, but no part of its history: the same scenario on the next kernel is the same scenario. */
const parameters = (run: ShownRun): Parameter[] => [
  { name: 'system', value: run.fingerprint, excluded: true },
  { name: 'profile', value: run.profile, excluded: true },
];

function description({ record, replay }: ShownScenario): string {
  const clauses = record.clauses.length === 0 ? [] : [`Clauses: ${record.clauses.map(code).join(', ')}`];
  const entries = record.ledger === undefined ? [] : [`Ledger: ${ledger(record)}`];
  const cell = record.cell === undefined ? [] : [cellText(record.cell)];
  return [code(record.id), ...cell, ...clauses, ...entries, `Again: ${code(replay)}`].join('\n\n');
}

/** The scenario's cell in the table of states. */
const cellText = ({ operation, state, allowed, did }: CellRecord): string =>
  [`| state | operation | allowed | the system |`, '| --- | --- | --- | --- |', `| ${state} | ${operation} | ${allowed.map(code).join(' or ')} | ${code(did)} |`].join('\n');

const ledger = (record: ScenarioRecord): string => (record.ledger ?? []).join(', ');

/** One step for every operation; what the harness put in to look at side state is shown only where it departs. */
function shownSteps({ record, steps }: ShownScenario): StepResult[] {
  const departures = new Map((record.departures ?? []).map((departure) => [departure.step, departure]));
  return steps.flatMap((step, i) => (step.audit && !step.departs ? [] : [shownStep(step, record, departures.get(i))]));
}

function shownStep(step: StepRecord, record: ScenarioRecord, departure: DepartureRecord | undefined): StepResult {
  const known = step.departs && (record.verdict === 'tentative' || departure === undefined || departure.known.length > 0);
  const parameter = (name: string, value: string): Parameter => ({ name, value });
  const departing = [
    ...(step.allowed.length > 0 ? [parameter('permitted', step.allowed.join(' or '))] : []),
    ...(departure === undefined ? [] : [parameter('rule', departure.rule)]),
  ];
  return {
    name: known ? `${heading(record)}: ${step.operation}` : step.operation,
    status: step.departs && !known ? STATUS[record.verdict] : Status.PASSED,
    statusDetails: step.departs && departure !== undefined ? { message: `${departure.clause}: ${departure.rule}` } : {},
    stage: Stage.FINISHED,
    steps: [],
    attachments: [],
    parameters: [
      parameter('outcome', step.outcome),
      ...(step.clauses.length > 0 ? [parameter('clause', step.clauses.join(', '))] : []),
      ...(step.departs ? departing : []),
    ],
  };
}

const code = (text: string): string => `\`${text}\``;
const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
