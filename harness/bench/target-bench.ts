import type { Target } from '../../adapters/target.js';
import { explore } from '../explore/explore.js';
import type { KnownDepartures } from '../known.js';
import { ProgramBuilder } from '../build/program-builder.js';
import { qualify } from '../qualify.js';
import { fromOperations } from '../build/scenario-builder.js';
import type { Figure } from './figure.js';

/** Hypercalls in one program of the throughput figures. */
const BATCH = 4096;
const BATCHES = 25;
/** Milliseconds of exploration. */
const EXPLORE = 10_000;

/** Figures of a target: from opening it to its first verdict, hypercalls end to end, and exploration. */
export async function targetBench(open: () => Promise<Target>, knownOf: (target: Target) => KnownDepartures): Promise<Figure[]> {
  const started = performance.now();
  const target = await open();
  try {
    const known = knownOf(target);
    const { name } = target.variants[0];
    await qualify(fromOperations({ id: 'bench/first', title: 'one hypercall', clauses: [] }, puts(1)), { target, known, destructive: false });
    const first = (performance.now() - started) / 1000;
    return [
      { name: `${name}: opened to first verdict`, value: first, unit: 'seconds', goal: { atMost: 1 } },
      await hypercalls(target),
      await exploration(target, known),
    ];
  } finally {
    await target.close();
  }
}

const puts = (count: number) => {
  const builder = new ProgramBuilder({ audit: false });
  const window = builder.defaultWindow();
  for (let i = 0; i < count; i++) builder.put(window, BigInt(i) << 12n, 0x100_0003n);
  return builder.program.operations;
};

/** Whole programs of H_PUT_TCE: written down, carried out, read back; beside those of a single hypercall. */
async function hypercalls(target: Target): Promise<Figure> {
  const many = await perSecond(target, BATCH, BATCHES);
  const single = await perSecond(target, 1, BATCHES);
  return {
    name: `${target.variants[0].name}: hypercalls in batches`,
    value: many,
    unit: 'per second',
    goal: { atLeast: 100_000 },
    beside: { what: 'one a batch', value: single },
  };
}

async function perSecond(target: Target, size: number, batches: number): Promise<number> {
  const program = { operations: puts(size) };
  await target.runQuick(program);
  const started = performance.now();
  for (let i = 0; i < batches; i++) await target.runQuick(program);
  return (size * batches * 1000) / (performance.now() - started);
}

/** Operations of random programs: generated, carried out, judged; beside the same programs on the model. */
async function exploration(target: Target, known: KnownDepartures): Promise<Figure> {
  const options = { seed: 1, runs: Number.MAX_SAFE_INTEGER, time: EXPLORE, length: 400, findings: 1 };
  const quiet = { progress: () => undefined, finding: () => undefined, stopped: () => false };
  const { progress } = await explore(target, known, options, quiet);
  return {
    name: `${target.variants[0].name}: explored operations`,
    value: (progress.operations * 1000) / progress.milliseconds,
    unit: 'per second',
    ...(target.variants[0].name === 'qemu-papr' ? { goal: { atLeast: 50_000 } } : {}),
  };
}
