import { join } from 'node:path';
import { linesOf, type Line } from './line-file.js';
import type { ScenarioRecord } from './run-record.js';

export const TRACES = 'traces.jsonl';

/** A trace as a run keeps it: a line of `traces.jsonl`. */
export interface TraceRecord {
  readonly schema: 'papr-conformance/trace/1';
  readonly scenario: string;
  /** Where the description of the machine is: `machines.jsonl:1`. Traces of before this field lack it. */
  readonly machine?: string;
  readonly program: unknown;
  readonly observations: unknown;
  readonly steps: unknown;
}

/** A verdict of a run, with its trace; `fault` says why a trace that should be there cannot be read. */
export interface TracedScenario {
  readonly record: ScenarioRecord;
  readonly trace?: TraceRecord;
  readonly fault?: string;
}

/** The line of a place such as `traces.jsonl:17`. */
export const lineOf = (place: string): number => Number(place.slice(place.lastIndexOf(':') + 1));

/** The verdicts of a run with their traces, in the order of the run, one by one. */
export function* tracesOf(directory: string, records: readonly ScenarioRecord[]): Generator<TracedScenario, void> {
  const lines = linesOf(join(directory, TRACES));
  let read = 0;
  for (const record of records) {
    if (record.trace === undefined) {
      yield { record };
      continue;
    }
    let line: Line | undefined;
    for (const wanted = lineOf(record.trace); read < wanted; read++) {
      const next = lines.next();
      line = next.done === true ? undefined : next.value;
    }
    yield { record, ...traceOf(line, record) };
  }
}

/** Reads a line. Its faults are told as a user knows the file: by its name and the line. */
function traceOf(line: Line | undefined, { id, trace: place }: ScenarioRecord): Omit<TracedScenario, 'record'> {
  if (line === undefined) return { fault: `${place}: expected the trace of ${id}; there is no such line` };
  const trace: Partial<Record<keyof TraceRecord, unknown>> | undefined = line.whole ? parsed(line.text) : undefined;
  if (trace === undefined) return { fault: `${place}: expected the whole trace of ${id}; the line is cut off or no JSON` };
  if (trace.schema !== 'papr-conformance/trace/1') return { fault: `${place}: expected a trace (schema papr-conformance/trace/1); its schema is ${String(trace.schema)}` };
  return trace.scenario === id ? { trace: trace as unknown as TraceRecord } : { fault: `${place}: expected the trace of ${id}; it is that of ${String(trace.scenario)}` };
}

function parsed(text: string): object | undefined {
  try {
    return Object(JSON.parse(text)) as object;
  } catch {
    return undefined;
  }
}
