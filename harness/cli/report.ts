import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../adapters/target.js';
import { findClause } from '../../reference/clauses.js';
import { writeRunHtml } from '../../reports/allure/html.js';
import { comparisonMarkdown } from '../../reports/comparison.js';
import { readRun } from '../../reports/files.js';
import { stateTableMarkdown, summaryMarkdown } from '../../reports/markdown.js';

/** `report`: writes the HTML report of a run anew, also of one that was cut off. Returns what to print. @throws UsageError */
export async function reportCommand(directory: string): Promise<string> {
  if (!existsSync(join(directory, 'allure-results'))) {
    throw new UsageError(`Expected the directory of a run; '${directory}' has no allure-results. Give the --out of 'papr-conformance run'.`);
  }
  const record = readRun(directory);
  const file = await writeRunHtml(directory, record);
  return `${summaryMarkdown(record, directory)}\nReport: ${file}`;
}

/** `report` of several runs: the clauses on which their systems differ, and what each did in each state of a PE. Returns what to print. @throws UsageError */
export function compareReport(directories: readonly string[]): string {
  const records = directories.map(readRun);
  const clauses = comparisonMarkdown(records, (clause) => findClause(clause)?.text ?? '');
  return [clauses, stateTableMarkdown(records)].filter((part) => part !== '').join('\n\n');
}
