import { readFileSync } from 'node:fs';
import { UsageError, type Target } from '../../adapters/target.js';
import { machineParts } from '../../reference/description.js';
import { NotAProgram, programFromJson } from '../../reference/doors/json.js';
import type { Program } from '../../reference/doors/operations.js';
import { danglingName } from '../../reference/doors/terms.js';
import { permittedText } from '../../reports/departure-text.js';
import type { KnownDepartures } from '../known.js';
import { qualify, type ScenarioResult } from '../qualify.js';
import { fromOperations } from '../build/scenario-builder.js';

/** Reads a saved program: the file itself, or the `program` of a departure in it. @throws UsageError */
export function readProgram(file: string): Program {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new UsageError(`Expected a program file; '${file}' cannot be read. Give a file that 'explore' or a departure report wrote.`);
  }
  try {
    return programFromJson(JSON.parse(text));
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof NotAProgram)) throw error;
    throw new UsageError(`Expected a program (schema papr-conformance/program/1); '${file}' is none: ${error.message}.`);
  }
}

/** Runs a saved program and judges it. @throws UsageError */
export async function replay(file: string, target: Target, known: KnownDepartures): Promise<ScenarioResult> {
  const program = readProgram(file);
  const missing = danglingName(program, machineParts(target.variants[0].machine));
  if (missing !== undefined) {
    throw new UsageError(`The program refers to '${missing}', which no earlier operation creates and target ${target.variants[0].name} does not have.`);
  }
  const head = { id: `replay/${file}`, title: `Replay of ${file}`, clauses: [] };
  return qualify(fromOperations(head, program.operations), { target, known, destructive: true, sensitive: true });
}

/** The steps of a replay, and the verdict, as text. */
export function replayText({ record, steps }: ScenarioResult): string {
  const lines = steps.map((step) => {
    const mark = step.departs ? '✗' : ' ';
    const allowed = step.departs && step.allowed.length > 0 ? `   allowed: ${permittedText(step.allowed)}` : '';
    return `${mark} ${step.operation}\n    ${step.outcome}${allowed}`;
  });
  const departures = (record.departures ?? []).map(
    (d) => `${d.clause}: ${d.rule}\n  expected ${permittedText(d.expected)}\n  observed ${d.observed}`,
  );
  const ledger = record.ledger === undefined ? '' : ` (${record.ledger.join(', ')})`;
  return [...lines, ...departures, `verdict: ${record.verdict}${ledger}${record.reason === undefined ? '' : `: ${record.reason}`}`].join('\n');
}
