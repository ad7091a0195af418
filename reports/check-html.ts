#!/usr/bin/env node
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readRun } from './files.js';

/** `check-html DIR`: opens a run's report.html in a browser that reaches no network, and looks for a scenario in it. */

const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Nothing of the user's, and nothing that calls home. */
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--host-resolver-rules=MAP * ~NOTFOUND',
  '--virtual-time-budget=20000',
  '--dump-dom',
];

function main([directory]: readonly string[]): void {
  if (directory === undefined) throw new Error('Expected the directory of a run: node dist/reports/check-html.js DIR');
  const [scenario] = readRun(directory).scenarios;
  if (scenario === undefined) throw new Error(`${directory}: expected a run with at least one scenario.`);
  const report = join(directory, 'report.html');
  const page = `${pathToFileURL(resolve(report)).href}#${idOf(scenario.id, readFileSync(report, 'utf8'))}`;
  const text = visible(render(page));
  for (const wanted of [scenario.title, scenario.id]) {
    if (!text.includes(wanted)) throw new Error(`${report}: expected the page to show '${wanted}'; it shows '${text.slice(0, 200)}'.`);
  }
  console.log(`${report} shows '${scenario.title}'.`);
}

/** The report's own id of a scenario. Its data lie in the page as d("data/test-results/ID.json","base64"). */
function idOf(scenario: string, html: string): string {
  for (const [, id, data] of html.matchAll(/"data\/test-results\/(\w+)\.json","([^"]*)"/g)) {
    const result = JSON.parse(Buffer.from(data ?? '', 'base64').toString()) as { fullName?: string };
    if (id !== undefined && result.fullName === scenario) return id;
  }
  throw new Error(`The report has no result of '${scenario}'.`);
}

/** The page as a browser makes it. */
function render(page: string): string {
  const profile = mkdtempSync(join(tmpdir(), 'papr-browser-'));
  try {
    for (const browser of process.env['BROWSER'] === undefined ? BROWSERS : [process.env['BROWSER']]) {
      const child = spawnSync(browser, [...FLAGS, `--user-data-dir=${profile}`, page], { encoding: 'utf8', maxBuffer: 2 ** 30, timeout: 120_000 });
      if (child.error !== undefined && 'code' in child.error && child.error.code === 'ENOENT') continue;
      if (child.status !== 0) throw new Error(`${browser} ended with ${child.signal ?? `status ${String(child.status)}`}: ${child.stderr.slice(-300)}`);
      return child.stdout;
    }
  } finally {
    rmSync(profile, { recursive: true, force: true });
  }
  throw new Error(`Expected a browser (${BROWSERS.join(', ')}, or the one that BROWSER names); found none.`);
}

/** The text of a page, without scripts, styles and mark-up. */
function visible(dom: string): string {
  const text = dom.replace(/<(script|style)\b[^]*?<\/\1>/g, '').replace(/<[^>]*>/g, ' ');
  return text.replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&amp;/g, '&').replace(/\s+/g, ' ');
}

try {
  main(process.argv.slice(2));
} catch (error) {
  console.error(`check-html: ${(error as Error).message}`);
  process.exitCode = 1;
}
