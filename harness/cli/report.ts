import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../adapters/target.js';
import { writeRunHtml } from '../../reports/allure/html.js';
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

/** `report` of several runs: what each of their targets did in each state of a PE. Returns what to print. @throws UsageError */
export function compareStates(directories: readonly string[]): string {
  const text = stateTableMarkdown(directories.map(readRun));
  if (text === '') throw new UsageError(`Expected runs of 'eeh/**' with cells of the table of states; ${directories.join(', ')} have none. For other scenarios use 'compare'.`);
  return text;
}
