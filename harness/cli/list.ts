import type { TargetDescription } from '../../adapters/target.js';
import { allClauses } from '../../reference/clauses.js';
import { stringify } from '../../reference/doors/json.js';
import { WRITTEN_MUTANTS } from '../../reference/mutants/index.js';
import { loadScenarios } from '../catalogue.js';
import type { Scenario } from '../scenario.js';
import { TARGET_KINDS } from './targets.js';

export interface ListOptions {
  readonly clauses?: boolean;
  readonly mutants?: boolean;
  readonly targets?: boolean;
  readonly json?: boolean;
}

/** `list`: what there is, one line each, or as JSON. Returns the text. */
export function list(options: ListOptions): string {
  if (options.clauses === true) return show(clauseRows(), options, (row) => [row.id, row.level, row.status, `${row.scenarios.length} scenarios`, row.text]);
  if (options.mutants === true) return show(mutantRows(), options, (row) => [row.id, row.kind, row.title]);
  if (options.targets === true) return show(targetRows(), options, (row) => [row.name, row.what]);
  return show(loadScenarios().map(scenarioRow), options, (row) => [row.id, row.title]);
}

function show<T>(rows: readonly T[], options: ListOptions, columns: (row: T) => readonly string[]): string {
  if (options.json === true) return stringify(rows);
  const table = rows.map(columns);
  const width = (column: number): number => Math.max(...table.map((row) => row[column]!.length));
  const widths = (table[0] ?? []).map((_, column) => width(column));
  return table.map((row) => row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i]!))).join('  ')).join('\n');
}

const scenarioRow = ({ id, title, clauses, requires, destructive }: Scenario) => ({
  id,
  title,
  clauses,
  requires,
  destructive: destructive === true,
});

/** The clause catalogue with the scenarios that verify each clause and the mutants that break it. */
export function clauseRows() {
  const scenarios = loadScenarios();
  const mutants = [...WRITTEN_MUTANTS.values()];
  return allClauses().map((clause) => ({
    id: clause.id,
    status: clause.status,
    level: clause.level,
    text: clause.text,
    source: clause.source,
    scenarios: scenarios.filter(({ clauses }) => clauses.includes(clause.id)).map(({ id }) => id),
    mutants: mutants.filter(({ clauses }) => clauses.includes(clause.id)).map(({ id }) => id),
  }));
}

const mutantRows = () => [...WRITTEN_MUTANTS.values()].map(({ id, kind, title, clauses, fix }) => ({ id, kind, title, clauses, fix }));

const targetRows = () => TARGET_KINDS.map(({ name, what }) => ({ name, what }));

/** A scenario of a plan. */
export interface PlanRow {
  readonly scenario: Scenario;
  /** Why it would be skipped. */
  readonly skip?: string;
  /** What it would do to the machine. */
  readonly foreseen?: string;
}

/** What a run would do to a target, without doing it: one line a scenario. */
export function planText(description: TargetDescription, rows: readonly PlanRow[]): string {
  const skipped = rows.filter(({ skip }) => skip !== undefined);
  const head = `${description.name}: ${description.fingerprint}\n${rows.length - skipped.length} scenarios would run, ${skipped.length} would be skipped.`;
  const lines = rows.map(({ scenario, skip, foreseen = '' }) => (skip === undefined ? `run   ${scenario.id}${foreseen && `: ${foreseen}`}` : `skip  ${scenario.id}: ${skip}`));
  return [head, ...lines].join('\n');
}
