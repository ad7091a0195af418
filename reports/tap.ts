import type { RunRecord, ScenarioRecord } from './run-record.js';

/**
 * The run in TAP, version 13, as the kernel's own tests write it: one line a scenario. `known` and `tentative` are TODO, which fails
 * nothing; a run that was cut off bails out.
 */
export function tapText(record: RunRecord): string {
  const { target, profile, suiteVersion, complete, scenarios, remaining = [] } = record;
  return [
    'TAP version 13',
    `# papr-iommu-conformance ${suiteVersion}: ${oneLine(target.fingerprint)}, judged by ${profile}`,
    `1..${scenarios.length + remaining.length}`,
    ...scenarios.map((scenario, i) => line(scenario, i + 1)),
    ...(complete ? [] : ['Bail out! The run was cut off.']),
    '',
  ].join('\n');
}

function line(scenario: ScenarioRecord, number: number): string {
  const [ok, note] = resultOf(scenario);
  return `${ok ? 'ok' : 'not ok'} ${number} - ${text(scenario.id)}${note}`;
}

/** Whether it passed, and what stands after its name. */
function resultOf({ verdict, reason = '', ledger = [], departures = [] }: ScenarioRecord): readonly [boolean, string] {
  if (verdict === 'conforms') return [true, ''];
  if (verdict === 'skipped') return [true, ` # SKIP ${text(reason)}`];
  if (verdict === 'known') return [false, ` # TODO known: ${ledger.join(', ')}`];
  if (verdict === 'tentative') return [false, ` # TODO tentative: ${text(reason)}`];
  const why = departures[0]?.clause ?? text(reason);
  return [false, `: ${verdict}${why === '' ? '' : `, ${why}`}`];
}

const oneLine = (value: string): string => value.replace(/\s+/g, ' ').trim();
/** What follows an unescaped # would be a directive. */
const text = (value: string): string => oneLine(value).replaceAll('\\', '\\\\').replaceAll('#', '\\#');
