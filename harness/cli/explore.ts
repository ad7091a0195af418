import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError, type Target } from '../../adapters/target.js';
import { programToJson, stringify } from '../../reference/doors/json.js';
import { operationText } from '../../reference/doors/text.js';
import { explore, type ExploreOptions, type Progress } from '../explore/explore.js';
import type { Finding } from '../explore/explorer.js';
import { permittedText } from '../../reports/departure-text.js';
import type { KnownDepartures } from '../known.js';

/** Milliseconds of `90s`, `10m`, `1h`, or seconds without a unit. @throws UsageError */
export function parseTime(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  if (match === null) throw new UsageError(`Expected --time as a number with s, m or h, such as 10m; got '${text}'.`);
  const unit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match[2] ?? 's']!;
  return Number(match[1]) * unit;
}

/** `explore`: prints findings as they come, saves their programs, and says what it did. Returns the exit status. */
export async function exploreCommand(
  target: Target,
  known: KnownDepartures,
  options: ExploreOptions & { readonly out: string },
  stopped: () => boolean,
): Promise<0 | 1 | 130> {
  console.log(`explore ${target.variants[0].fingerprint}, seed ${options.seed}, at most ${options.length} operations a program`);
  let saved = 0;
  let last = 0;
  const { progress, findings } = await explore(target, known, options, {
    stopped,
    progress: (p) => {
      if (p.milliseconds - last < 5000) return;
      last = p.milliseconds;
      console.log(progressText(p));
    },
    finding: (finding) => {
      saved += 1;
      console.log(findingText(finding, save(finding, options.out, saved), target.variants[0].name));
    },
  });
  console.log(progressText(progress));
  console.log(findings.length === 0 ? 'No finding that the ledger does not explain.' : `${findings.length} findings.`);
  if (findings.length > 0) return 1;
  return stopped() ? 130 : 0;
}

const progressText = (p: Progress): string =>
  `${(p.milliseconds / 1000).toFixed(0)} s: ${p.runs} programs, ${p.operations} operations (${Math.round((p.operations / p.milliseconds) * 1000)}/s), ${p.crashes} machines died, ${p.findings} findings`;

function save(finding: Finding, out: string, number: number): string {
  mkdirSync(out, { recursive: true });
  const file = join(out, `finding-${String(number).padStart(3, '0')}.json`);
  writeFileSync(file, stringify(programToJson(finding.program)) + '\n');
  return file;
}

function findingText(finding: Finding, file: string, target: string): string {
  const { departure } = finding;
  return [
    `FINDING ${departure.clause}${finding.unstable ? ' (not seen again on a fresh machine)' : ''}`,
    ...finding.program.operations.map((operation, i) => `  ${i === departure.step ? '✗' : ' '} ${operationText(operation)}`),
    `  expected ${permittedText(departure.expected)}`,
    `  observed ${departure.observed}`,
    `  seed ${finding.seed}, program ${finding.run}; replay: papr-conformance replay ${file} --target ${target}`,
  ].join('\n');
}
