import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { jsonText } from '../files.js';
import type { RunRecord } from '../run-record.js';

/** The report could not be made, or would have reached out to the network. One line, for the user. */
export class HtmlReportError extends Error {}

export interface HtmlOptions {
  /** Shown as the report's name. */
  readonly title?: string;
  /** Shown on its front page. */
  readonly facts?: Readonly<Record<string, string>>;
  /** Ends the generator early; `writeHtml` then throws. */
  readonly signal?: AbortSignal;
}

/**
 * Writes the report of a run into its directory, and returns the file.
 * @throws HtmlReportError
 */
export async function writeRunHtml(directory: string, record: RunRecord): Promise<string> {
  const { target, profile, suiteVersion, complete } = record;
  const file = join(directory, 'report.html');
  await writeHtml(join(directory, 'allure-results'), file, {
    title: `${target.name}: POWER I/O-MMU conformance`,
    facts: { system: target.fingerprint, target: target.name, profile, suite: suiteVersion, complete: complete ? 'yes' : 'no, interrupted' },
  });
  return file;
}

/**
 * Makes one HTML file of Allure results that works from a disk and asks nothing of the network.
 * @throws HtmlReportError
 */
export async function writeHtml(resultsDirectory: string, file: string, options: HtmlOptions = {}): Promise<void> {
  const workplace = mkdtempSync(join(tmpdir(), 'papr-report-'));
  try {
    const config = join(workplace, 'allurerc.json');
    writeFileSync(config, jsonText(allureConfig(workplace, options)));
    await generate([resolve(resultsDirectory), '--config', config, '--cwd', workplace], workplace, options.signal);
    const html = withoutNetwork(readReport(join(workplace, 'report', 'index.html')));
    const temporary = `${file}.tmp`;
    writeFileSync(temporary, html);
    renameSync(temporary, file);
  } finally {
    rmSync(workplace, { recursive: true, force: true });
  }
}

/** What the `allure` command is told; version 3.18 takes no other fields. */
function allureConfig(workplace: string, { title = 'papr-iommu-conformance', facts = {} }: HtmlOptions): unknown {
  return {
    name: title,
    output: join(workplace, 'report'),
    variables: facts,
    categories: [
      { name: 'The system crashed', matchers: { labels: { verdict: 'crashed' } } },
      { name: 'Departures', matchers: { labels: { verdict: 'departs' } } },
      { name: 'Listed in the ledger, and gone', matchers: { labels: { verdict: 'fixed' } } },
      { name: 'Inconclusive', matchers: { statuses: ['broken'] } },
      { name: 'Known departures', matchers: { labels: { verdict: 'known' } } },
      { name: 'Tentative: other than what is proposed', matchers: { labels: { verdict: 'tentative' } } },
      { name: 'Skipped', matchers: { statuses: ['skipped'] } },
    ],
    plugins: { awesome: { options: { singleFile: true, reportLanguage: 'en', groupBy: ['epic', 'feature', 'story'] } } },
  };
}

function readReport(file: string): string {
  if (!existsSync(file)) throw new HtmlReportError('The report generator ended well, but wrote no index.html.');
  return readFileSync(file, 'utf8');
}

async function generate(args: readonly string[], cwd: string, signal: AbortSignal | undefined): Promise<void> {
  // The main module is <package>/dist/index.js; the command is not among the package's exports.
  const command = join(dirname(dirname(require.resolve('allure'))), 'cli.js');
  // A process group of its own: the terminal's Ctrl-C is for us, and we pass it on through `signal`.
  const child = spawn(process.execPath, [command, 'generate', ...args], { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const stop = (): unknown => child.kill('SIGKILL');
  process.once('exit', stop);
  signal?.addEventListener('abort', stop);
  try {
    await ended(child);
  } finally {
    process.off('exit', stop);
    signal?.removeEventListener('abort', stop);
  }
}

/** Resolves when the child has ended well; its output is shown only if it has not. */
function ended(child: ChildProcess): Promise<void> {
  let output = '';
  const keep = (chunk: Buffer): void => void (output += chunk.toString());
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  return new Promise((accept, refuse) => {
    child.on('error', (error) => refuse(new HtmlReportError(`The report generator could not be started: ${error.message}`)));
    child.on('close', (status, signal) => {
      if (status === 0) accept();
      else refuse(new HtmlReportError(`The report generator ended with ${signal ?? `status ${status}`}: ${lastLine(output)}`));
    });
  });
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';

/** Elements that make a browser load something from elsewhere. What the report itself holds is base64, so never matches. */
const LOADING =
  /<(script|link|img|iframe|source|object|embed)\b[^>]*?\s(?:src|href|data|srcset)\s*=\s*["']?\s*(?:https?:)?\/\/[^>]*>(?:\s*<\/\1>)?/gi;
/** The inline script that feeds the analytics service. */
const ANALYTICS = /<script\b[^>]{0,200}>(?:(?!<\/script>)[^]){0,2000}\bgtag\((?:(?!<\/script>)[^]){0,2000}<\/script>/gi;
/** What must not be left: the above, the service's names, and style sheets that fetch. */
const FORBIDDEN = [LOADING, ANALYTICS, /googletagmanager|google-analytics/i, /(?:url\(|@import)\s*["']?\s*(?:https?:)?\/\//i];

/**
 * The page without the analytics that Allure 3.18 always puts in, and without any other element that loads from the
 * network. @throws HtmlReportError if one remains
 */
export function withoutNetwork(html: string): string {
  const cleaned = html.replace(LOADING, '').replace(ANALYTICS, '');
  for (const pattern of FORBIDDEN) {
    const at = cleaned.search(pattern);
    if (at >= 0) {
      throw new HtmlReportError(`The HTML report still refers to the network (${oneLine(cleaned.slice(at, at + 100))}); it was not written.`);
    }
  }
  return cleaned;
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ');
