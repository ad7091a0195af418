import type { Departure, Seen } from './chooser.js';
import type { Observation } from './doors/observation.js';
import type { Judgement } from './judgement.js';
import { firstDifference, permittedAt, type OpenBytes } from './memory/bytes.js';
import type { Answer, Status } from './rules.js';

/* What an answer of the model says of an observation: shared by the doors. */

/** Every clause that took part in an answer. */
export const answerClauses = (answer: Answer): string[] => [
  ...new Set([...(answer.passed ?? []), answer.clause, ...(answer.outputs ?? []).map((output) => output.clause)]),
];

/** Output words against what the answer fixes; a departure makes the model follow what was seen. */
export function compare(answer: Answer, seen: Seen, statusName: (status: Status) => string): Departure[] {
  const { status, outputs } = seen;
  if (answer.status !== status) {
    return [{ clause: answer.clause, expected: [statusName(answer.status)], observed: statusName(status) }];
  }
  const departures = (answer.outputs ?? [])
    .filter((output) => outputs[output.index] !== output.value)
    .map((output) => ({
      clause: output.clause,
      expected: [...new Set([output.value, ...(output.alternatives ?? [])])].map((value) => `${output.name} = ${show(value)}`),
      observed: `${output.name} = ${show(outputs[output.index])}`,
    }));
  if (departures.length > 0) answer.follow?.(outputs);
  return departures;
}

const show = (value: bigint | undefined): string => (value === undefined ? 'nothing' : `0x${value.toString(16)}`);

/** What was observed is allowed. */
export const conforms = (...clauses: string[]): Judgement => ({ departures: [], allowed: [], clauses });

/** What was observed is not what this clause expects; both in words. */
export const departs = (clause: string, expected: string, observed: string): Judgement => ({
  departures: [{ clause, expected: [expected], observed }],
  allowed: [],
  clauses: [clause],
});

/** A death with what was said about it. */
export const withMessage = (departures: readonly Departure[], observed: Observation): Departure[] =>
  departures.map((d) => (observed.kind === 'crashed' && d.observed === 'crashed' ? { ...d, observed: `crashed: ${observed.message}` } : d));

/** The system died at an operation that cannot kill it. */
export function crashed(message: string): Judgement {
  const departure = { clause: 'platform/alive', expected: ['the system goes on'], observed: `crashed: ${message}` };
  return { departures: [departure], allowed: [], clauses: [] };
}

/** Bytes that were loaded against what memory holds. */
export function judgeBytes(expected: OpenBytes, observed: Uint8Array, address: bigint, clause: string): Judgement {
  const at = firstDifference(expected, observed);
  if (at === undefined) return conforms(clause);
  const wanted = `at 0x${(address + BigInt(at)).toString(16)}: ${showBytes(expected, at)}`;
  return departs(clause, wanted, showBytes({ values: observed, open: new Map() }, at));
}

/** Up to 16 bytes from `at`, open ones as their permitted values. */
function showBytes(bytes: OpenBytes, at: number): string {
  const length = Math.min(16, bytes.values.length - at);
  const byte = (value: number): string => value.toString(16).padStart(2, '0');
  const shown = (permitted: readonly number[]): string => (permitted.length > MANY ? 'any' : permitted.map(byte).join('|'));
  return Array.from({ length }, (_, i) => shown(permittedAt(bytes, at + i))).join(' ');
}

/** More permitted values than a reader wants to see. */
const MANY = 8;
