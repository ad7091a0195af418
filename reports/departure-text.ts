import type { DepartureRecord, RunRecord, ScenarioRecord } from './run-record.js';

/** What a command must be told to meet the same system and the same rules again. */
export interface ReplaySystem {
  readonly target: string;
  readonly profile: string;
}

/** The shell command that runs this scenario's departure, or the whole scenario, again. */
export function replayLine(scenario: ScenarioRecord, { target, profile }: ReplaySystem, directory: string): string {
  const system = `--target ${shellWord(target)} --profile ${shellWord(profile)}`;
  const program = programFile(scenario);
  return program === undefined
    ? `papr-conformance run ${system} --suite ${shellWord(scenario.id)}`
    : `papr-conformance replay ${shellWord(`${directory}/${program}`)} ${system}`;
}

/** The same, as the record of the run has it. */
export const systemOf = ({ target, profile }: RunRecord): ReplaySystem => ({ target: target.name, profile });

/** Where a scenario's minimal program is kept, relative to the run's directory; undefined where nothing departed. */
export const programFile = (scenario: ScenarioRecord): string | undefined =>
  scenario.departures?.[0] === undefined ? undefined : `programs/${fileName(scenario.id)}`;

/** A scenario's id as a file name. */
const fileName = (id: string): string => `${id.replaceAll('/', '.')}.json`;

/** More that is permitted than anybody reads: counts, mostly. */
const MANY = 12;

const shownOf = (permitted: readonly string[]): string[] => (permitted.length <= MANY ? [...permitted] : [...permitted.slice(0, MANY - 1), `… ${permitted.at(-1)} (${permitted.length} in all)`]);

/** What is permitted, in one line. */
export const permittedText = (permitted: readonly string[]): string => shownOf(permitted).join(' or ');

/** A departure in five headed lines, for terminals, Allure messages and JUnit failures. */
export function departureText(departure: DepartureRecord): string {
  const { clause, rule, operation, step, expected, observed, known } = departure;
  const lines = [
    `clause     ${clause}`,
    `rule       ${rule}`,
    `operation  ${operation}   (step ${step})`,
    `expected   ${expected.length === 0 ? '(nothing is permitted here)' : shownOf(expected).join('\n       or  ')}`,
    `observed   ${observed}`,
  ];
  return (known.length > 0 ? [...lines, `known as   ${known.join(', ')}`] : lines).join('\n');
}

/**
 * All that a reader needs of a scenario that did not conform: reason, departures, how to see it again. What departs
 * first is mostly the cause of what departs later.
 * @param most how many departures to show
 */
export function mismatchText(scenario: ScenarioRecord, replay: string, most = 3): string {
  const { reason, departures = [] } = scenario;
  const left = departures.length - most;
  return [
    // Of a departure, the reason is the known fault that it behaves like.
    ...(reason === undefined ? [] : [departures.length === 0 ? `reason     ${reason}` : `diagnosis  ${reason}\n`]),
    ...departures.slice(0, most).map((departure) => `${departureText(departure)}\n`),
    ...(left > 0 ? [`and ${left} more ${left === 1 ? 'departure' : 'departures'} in this scenario`] : []),
    `replay     ${replay}`,
  ].join('\n');
}

const shellWord = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
