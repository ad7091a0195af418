import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Target } from '../../adapters/target.js';
import { stringify } from '../../reference/doors/json.js';
import { figureText, meets, type Figure } from '../bench/figure.js';
import { linuxBench } from '../bench/linux-bench.js';
import { modelBench } from '../bench/model-bench.js';
import { targetBench } from '../bench/target-bench.js';
import type { KnownDepartures } from '../known.js';
import type { TargetOptions } from './targets.js';

/** `bench`: prints the figures and writes them as JSON. Returns the exit status: 1 where a figure misses its goal. */
export async function benchCommand(
  { target, snapshot }: Pick<TargetOptions, 'target' | 'snapshot'>,
  open: () => Promise<[Target, ...Target[]]>,
  knownOf: (target: Target) => KnownDepartures,
  json: string | undefined,
): Promise<0 | 1> {
  const figures: Figure[] = target === 'model' ? [...modelBench(), wholeRun()] : [];
  const isLinux = /^(lab:|ssh:)/.test(target);
  figures.push(...(await (isLinux ? linuxBench(open, knownOf, snapshot === true) : targetBench(async () => (await open())[0], knownOf))));
  for (const figure of figures) console.log(figureText(figure));
  if (json !== undefined) writeFileSync(json, stringify(figures) + '\n');
  return figures.every(meets) ? 0 : 1;
}

/** All suites against the model, as the command does it, beside a Node process that does nothing. */
function wholeRun(): Figure {
  const out = mkdtempSync(join(tmpdir(), 'papr-conformance-bench-'));
  const seconds = (args: readonly string[]): number => {
    const started = performance.now();
    spawnSync(process.execPath, args, { stdio: 'ignore' });
    return (performance.now() - started) / 1000;
  };
  const value = seconds([join(__dirname, 'main.js'), 'run', '--out', out, '--no-html']);
  const beside = seconds(['-e', '']);
  rmSync(out, { recursive: true });
  return { name: 'model: all suites, with start', value, unit: 'seconds', goal: { atMost: 10 }, beside: { what: 'an empty process', value: beside } };
}
