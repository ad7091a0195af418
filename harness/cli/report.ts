import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../adapters/target.js';
import { writeHtml } from '../../reports/allure/html.js';
import { readRun } from '../../reports/files.js';
import { summaryMarkdown } from '../../reports/markdown.js';

/** `report`: writes the HTML report of a run anew, also of one that was cut off. Returns what to print. @throws UsageError */
export async function reportCommand(directory: string): Promise<string> {
  const results = join(directory, 'allure-results');
  if (!existsSync(results)) {
    throw new UsageError(`Expected the directory of a run; '${directory}' has no allure-results. Give the --out of 'papr-conformance run'.`);
  }
  const record = readRun(directory);
  const { target, profile, suiteVersion, complete } = record;
  const file = join(directory, 'report.html');
  const facts = { system: target.fingerprint, target: target.name, profile, suite: suiteVersion, complete: complete ? 'yes' : 'no, interrupted' };
  await writeHtml(results, file, { title: `${target.name}: POWER I/O-MMU conformance`, facts });
  return `${summaryMarkdown(record, directory)}\nReport: ${file}`;
}
