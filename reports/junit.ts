import { mismatchText, permittedText, replayLine, systemOf } from './departure-text.js';
import type { RunRecord, ScenarioRecord } from './run-record.js';

/**
 * The run as JUnit XML: one test suite for each theme (the first part of the scenario id). `known` and `tentative` pass; `departs` and
 * `fixed` fail; `crashed` and `inconclusive` are errors.
 * @param directory the run's directory, as the replay command names it
 */
export function junitXml(record: RunRecord, directory: string): string {
  const themes = new Map<string, ScenarioRecord[]>();
  for (const scenario of record.scenarios) {
    const theme = scenario.id.split('/')[0] ?? scenario.id;
    themes.set(theme, [...(themes.get(theme) ?? []), scenario]);
  }
  const suites = [...themes].map(([theme, scenarios]) => suite(theme, scenarios, record, directory));
  const head = `<testsuites name="papr-iommu-conformance" ${counts(record.scenarios)}>`;
  return ['<?xml version="1.0" encoding="UTF-8"?>', head, ...suites, '</testsuites>', ''].join('\n');
}

function suite(theme: string, scenarios: readonly ScenarioRecord[], record: RunRecord, directory: string): string {
  const { target, profile, suiteVersion, startedAt } = record;
  const properties = Object.entries({ fingerprint: target.fingerprint, target: target.name, profile, suiteVersion });
  return [
    `  <testsuite name="${xml(theme)}" timestamp="${xml(startedAt)}" ${counts(scenarios)}>`,
    '    <properties>',
    ...properties.map(([name, value]) => property(name, value, 6)),
    '    </properties>',
    ...scenarios.map((scenario) => testCase(theme, scenario, replayLine(scenario, systemOf(record), directory))),
    '  </testsuite>',
  ].join('\n');
}

function testCase(theme: string, scenario: ScenarioRecord, replay: string): string {
  const ledger = (scenario.ledger ?? []).map((id) => property('ledger', id, 8));
  return [
    `    <testcase classname="${xml(theme)}" name="${xml(scenario.id)}" time="${seconds(scenario.milliseconds)}">`,
    '      <properties>',
    property('title', scenario.title, 8),
    property('verdict', scenario.verdict, 8),
    ...scenario.clauses.map((clause) => property('clause', clause, 8)),
    ...ledger,
    '      </properties>',
    ...outcome(scenario, replay),
    `      <system-out>${xmlText(replay)}</system-out>`,
    '    </testcase>',
  ].join('\n');
}

function outcome(scenario: ScenarioRecord, replay: string): string[] {
  const { verdict } = scenario;
  if (verdict === 'skipped') return [`      <skipped message="${xml(scenario.reason ?? '')}"/>`];
  const kind = elementOf(scenario);
  if (kind === undefined) return [];
  const message = xml(summary(scenario));
  return [`      <${kind} type="${verdict}" message="${message}">${xmlText(mismatchText(scenario, replay))}</${kind}>`];
}

function elementOf({ verdict }: ScenarioRecord): 'failure' | 'error' | undefined {
  if (verdict === 'departs' || verdict === 'fixed') return 'failure';
  return verdict === 'crashed' || verdict === 'inconclusive' ? 'error' : undefined;
}

function summary({ reason, departures, verdict }: ScenarioRecord): string {
  const first = departures?.[0];
  return first === undefined ? (reason ?? verdict) : `${first.clause}: expected ${permittedText(first.expected)}, observed ${first.observed}`;
}

function counts(scenarios: readonly ScenarioRecord[]): string {
  const of = (test: (scenario: ScenarioRecord) => boolean): number => scenarios.filter(test).length;
  const time = scenarios.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const skipped = of(({ verdict }) => verdict === 'skipped');
  const failures = of((scenario) => elementOf(scenario) === 'failure');
  const errors = of((scenario) => elementOf(scenario) === 'error');
  return `tests="${scenarios.length}" failures="${failures}" errors="${errors}" skipped="${skipped}" time="${seconds(time)}"`;
}

const property = (name: string, value: string, indent: number): string =>
  `${' '.repeat(indent)}<property name="${xml(name)}" value="${xml(value)}"/>`;

const seconds = (milliseconds: number): string => (milliseconds / 1000).toFixed(3);

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text as XML 1.0 takes it. Characters that XML cannot hold (console garbage) become U+FFFD. */
const xmlText = (text: string): string =>
  text
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);

/** The same within an attribute, where a line break would become a space. */
const xml = (text: string): string => xmlText(text).replaceAll('\n', '&#10;');
