import type { TargetDescription } from '../adapters/target.js';
import { Model } from '../reference/model.js';
import type { RuleBook } from '../reference/rules.js';
import type { Scenario } from './scenario.js';

/** What a scenario would do to a machine, as the reference says. */
export interface Foresight {
  /** The most locked memory that a process has at a time; bytes. */
  readonly lockedBytes: bigint;
  /** Windows that are created. */
  readonly windows: number;
  /** Accesses of devices, and those of them that are refused: where the platform does so, the PE is frozen then. */
  readonly accesses: number;
  readonly refused: number;
  /** Devices that are given to another driver. */
  readonly rebound: readonly string[];
}

/** Runs the scenario on the reference, and looks at what matters to whoever owns the machine. */
export function foresee(scenario: Scenario, on: TargetDescription, rules: RuleBook): Foresight {
  const model = new Model(on.machine, rules);
  const pageShift = BigInt(on.machine.linux?.pageShift ?? 12);
  const rebound = new Set<string>();
  let [lockedBytes, windows, accesses, refused] = [0n, 0, 0, 0];
  for (const operation of scenario.program.operations) {
    const { observation, clauses } = model.answer(operation);
    if (observation.kind === 'values' && observation.values['locked'] !== undefined) {
      const bytes = observation.values['locked'] << pageShift;
      if (bytes > lockedBytes) lockedBytes = bytes;
    }
    if (clauses.some((clause) => clause.endsWith('TCE_CREATE/created') || clause.endsWith('pe-dma-window/created'))) windows += 1;
    if (operation.door === 'dma') {
      accesses += 1;
      if (clauses.some((clause) => clause !== 'dma/translated')) refused += 1;
    }
    if (operation.door === 'host' && operation.op === 'bind') rebound.add(operation.device);
  }
  return { lockedBytes, windows, accesses, refused, rebound: [...rebound] };
}

/** What is foreseen, on one line; empty where nothing is worth saying. */
export function foresightText({ lockedBytes, windows, accesses, refused, rebound }: Foresight): string {
  const parts = [
    lockedBytes > 0n ? `locks up to ${lockedBytes >> 10n} KiB` : '',
    windows > 0 ? `creates ${windows} windows` : '',
    accesses > 0 ? `${accesses} device accesses, ${refused} of them refused` : '',
    rebound.length > 0 ? `changes the driver of ${rebound.join(', ')}` : '',
  ];
  return parts.filter((part) => part !== '').join('; ');
}
