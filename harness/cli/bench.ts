import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KvmPaprTarget } from '../../adapters/kvm-papr/target.js';
import { UsageError, type Target } from '../../adapters/target.js';
import { stringify } from '../../reference/doors/json.js';
import { figureText, meets, type Figure } from '../bench/figure.js';
import { kvmBench, ladderFigures } from '../bench/kvm-bench.js';
import { ladderPlot } from '../bench/ladder-plot.js';
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
  { json, plot }: { readonly json?: string; readonly plot?: string },
): Promise<0 | 1> {
  if (plot !== undefined && !target.startsWith('kvm-papr')) throw new UsageError(`Expected --target kvm-papr with --plot, which shows how fast a guest fills its tables; got '${target}'.`);
  const figures: Figure[] = target === 'model' ? [...modelBench(), wholeRun()] : [];
  const isLinux = /^(lab:|ssh:)/.test(target);
  if (target.startsWith('kvm-papr')) figures.push(...(await kvmFigures(async () => (await open())[0], plot)));
  else figures.push(...(await (isLinux ? linuxBench(open, knownOf, snapshot === true) : targetBench(async () => (await open())[0], knownOf))));
  for (const figure of figures) console.log(figureText(figure));
  if (json !== undefined) writeFileSync(json, stringify(figures) + '\n');
  return figures.every(meets) ? 0 : 1;
}

/** How fast a guest of KVM fills its tables; as a picture, too, where one is asked for. */
async function kvmFigures(open: () => Promise<Target>, plot: string | undefined): Promise<Figure[]> {
  const target = await open();
  if (!(target instanceof KvmPaprTarget)) throw new UsageError('Expected --profile to leave the machine as it is; choose lopar or kvm.');
  const { name, fingerprint } = target.variants[0];
  const rungs = await kvmBench(target);
  if (plot !== undefined) writeFileSync(plot, ladderPlot(fingerprint, rungs));
  return ladderFigures(name, rungs);
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
