import { permittedAt, type OpenBytes } from '../../reference/memory/bytes.js';
import { syscallResultName } from '../../reference/uapi/errno.js';
import type { IoctlName } from '../../reference/uapi/ioctl.js';
import { fieldsOf } from '../../reference/uapi/structure.js';
import type { ExpectedField, Expectation } from './expectation.js';
import { cBytes, cNumber, cString } from './values.js';

/* What is expected of an operation, as statements of C. */

/** The checks of an operation whose outcome is in `it`. */
export function checks(expectation: Expectation, call?: IoctlName): string[] {
  const result = resultCheck(expectation);
  const rest = [...(call === undefined ? figureChecks(expectation) : fieldChecks(expectation.fields, call)), ...bytesChecks(expectation)];
  if (rest.length === 0) return [`${result};`];
  if (rest.length === 1) return [`if (${result})`, `\t${rest[0]}`];
  return [`if (${result}) {`, ...rest.map((line) => `\t${line}`), '}'];
}

const RESULT = (value: bigint): string => (value < 0n ? syscallResultName(value) : cNumber(value));

function resultCheck({ result, clause }: Expectation): string {
  const named = cString(clause);
  switch (result.kind) {
    case 'values':
      return `EXPECT(${[named, ...result.values.map(RESULT)].join(', ')})`;
    case 'from 0':
      return result.errors.length === 0 ? `expect_from_0(it, ${named})` : `EXPECT_FROM_0_OR(${[named, ...result.errors.map(RESULT)].join(', ')})`;
    case 'error or count':
      return `EXPECT_COUNT_OR(${[named, ...result.errors.map(RESULT)].join(', ')})`;
    case 'error':
      return `expect_error(it, ${named})`;
    case 'anything':
      return 'expect_done(it)';
    case 'quiet':
      return `expect_quiet(it, ${named})`;
  }
}

/** Figures are not in a structure: locked memory is the result, pinned memory the word beside it. */
const FIGURES: Readonly<Record<string, string>> = { locked: 'it->result', pinned: 'field(it, 0, 8)' };

const figureChecks = ({ fields }: Expectation): string[] =>
  fields.map(({ name, value, clause }) => `expect_figure(${cString(clause)}, ${cString(`${name} pages`)}, ${cNumber(value as bigint)}, ${FIGURES[name]});`);

/** Fields that are as they were given are compared together as far as they stand together. */
function fieldChecks(fields: readonly ExpectedField[], call: IoctlName): string[] {
  const lines: string[] = [];
  let run: { readonly start: number; end: number; readonly clause: string; names: string[] } | undefined;
  const endRun = (): void => {
    if (run !== undefined) lines.push(`expect_given(it, ${cString(run.clause)}, ${cString(run.names.join(', '))}, ${run.start}, ${run.end - run.start});`);
    run = undefined;
  };
  for (const { name, offset, bytes } of fieldsOf(call)) {
    const expected = fields.find((field) => field.name === name);
    if (expected?.value === 'given') {
      if (run?.end !== offset || run.clause !== expected.clause) endRun();
      run ??= { start: offset, end: offset, clause: expected.clause, names: [] };
      run.end = offset + bytes;
      run.names.push(name);
    } else {
      endRun();
      if (expected !== undefined) lines.push(`expect_field(it, ${cString(expected.clause)}, ${cString(name)}, ${offset}, ${bytes}, ${cNumber(expected.value)});`);
    }
  }
  endRun();
  return lines;
}

/** A byte with more permitted values than this is taken for open. */
const MOST_VALUES = 4;
/** So many equal bytes are worth a line of their own. */
const WORTH = 32;

function bytesChecks({ bytes }: Expectation): string[] {
  if (bytes === undefined) return [];
  const { expected, clause } = bytes;
  return runsOf(expected).map(({ start, length, equal }) => {
    const each = permittedAt(expected, start);
    const values = equal
      ? each.map((byte) => cNumber(BigInt(byte)))
      : each.map((_, variant) => `\n\t\t${cBytes(Uint8Array.from({ length }, (_byte, i) => permittedAt(expected, start + i)[variant]!))}`);
    return `${equal ? 'EXPECT_FILLED' : 'EXPECT_BYTES'}(${cString(clause)}, ${start}, ${length}, ${values.join(', ')});`;
  });
}

interface Run {
  readonly start: number;
  length: number;
  /** All bytes of it have the same permitted values. */
  readonly equal: boolean;
}

/** Stretches of bytes that are compared together: of equal ones, or of as many permitted values. */
function runsOf(expected: OpenBytes): Run[] {
  const { values } = expected;
  const key = (at: number): string => permittedAt(expected, at).join();
  const count = (at: number): number => permittedAt(expected, at).length;
  const runs: Run[] = [];
  for (let start = 0, end = 0; start < values.length; start = end) {
    while (end < values.length && key(end) === key(start)) end++;
    if (count(start) === 0 || count(start) > MOST_VALUES) continue;
    const equal = end - start >= WORTH || (start === 0 && end === values.length);
    const last = runs.at(-1);
    if (!equal && last?.equal === false && last.start + last.length === start && count(last.start) === count(start)) last.length += end - start;
    else runs.push({ start, length: end - start, equal });
  }
  return runs;
}
