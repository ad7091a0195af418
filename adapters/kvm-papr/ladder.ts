import { PROGRAM_MEMORY, type MachineDescription } from '../../reference/description.js';
import { observationText } from '../../reference/doors/text.js';
import type { KvmHcall, Operation } from '../../reference/doors/operations.js';
import { MULTI_TCE_LIMIT } from '../../reference/uapi/hcall.js';
import { TargetLost, type Target } from '../target.js';
import type { GroupOfPe } from './machine.js';
import { ownAddress, PROCESSOR, setUp } from './set-up.js';

/** One way to fill a table, and how fast it is. */
export interface Rung {
  readonly call: Path['call'];
  /** Entries of one call. */
  readonly tces: number;
  /** The table: with no hardware behind it, with a window of VFIO behind it, or none of the kernel's: then the monitor is given the call, and does nothing. */
  readonly table: (typeof TABLES)[number];
  /** Per second, measured by the guest's timebase. */
  readonly callsPerSecond: number;
}

interface Path {
  readonly call: 'H_PUT_TCE' | 'H_PUT_TCE_INDIRECT' | 'H_STUFF_TCE';
  readonly tces: number;
  /** R6 and R7. */
  readonly rest: readonly bigint[];
}

export const TABLES = ['without hardware', 'of a VFIO window', 'left to the monitor'] as const;

const MULTI = BigInt(MULTI_TCE_LIMIT);
const PAGE_BYTES = 0x1000n;
/** The list, and the pages that entries map. */
const LIST = PROGRAM_MEMORY.start;
const DATA = PROGRAM_MEMORY.start + 0x100_0000n;
const MAPPING = 3n;

const PATHS: readonly Path[] = [
  { call: 'H_PUT_TCE', tces: 1, rest: [DATA | MAPPING] },
  { call: 'H_PUT_TCE_INDIRECT', tces: MULTI_TCE_LIMIT, rest: [LIST, MULTI] },
  { call: 'H_STUFF_TCE', tces: MULTI_TCE_LIMIT, rest: [0n, MULTI] },
];

/** No table of the partition has it. */
const UNKNOWN_LIOBN = 0x7fff_fff0n;
/** Entries that are filled, of a table that is as large or larger; calls that a monitor is given, each of which is an exit. */
const ENTRIES = 0x1_0000;
const HANDED_CALLS = 1024;
/** Each is done so often: the first time the kernel finds memory for the table. The best counts. */
const ROUNDS = 3;
/** Ticks a second of the timebase, POWER8 and later. Source: device tree, timebase-frequency. */
const TIMEBASE_HZ = 512e6;

/** Measures every path on every table, in one exchange with the host. @throws TargetLost where a call is refused */
export async function climb(host: Target, partition: MachineDescription, hardware: GroupOfPe): Promise<Rung[]> {
  const liobns = [partition.vios[0]!.own.liobn, hardware.pe.defaultWindow.liobn, UNKNOWN_LIOBN];
  const before: Operation[] = [...setUp(partition, [hardware]), list()];
  const calls = liobns.flatMap((liobn) => PATHS.flatMap((path) => Array.from({ length: ROUNDS }, () => measured(path, liobn, liobn === UNKNOWN_LIOBN))));
  const { observations } = await host.run({ operations: [...before, ...calls] });
  const ticks = observations.slice(before.length).map((seen, i) => {
    if ((seen.kind === 'handed' || (seen.kind === 'hcall' && seen.status === 0n)) && seen.ticks !== undefined) return Number(seen.ticks);
    throw new TargetLost(`expected ${host.variants[0].name} to be measured, but saw ${observationText(seen)} at ${calls[i]!.call}; look at its kernel log (dmesg)`);
  });
  return TABLES.flatMap((table, t) =>
    PATHS.map(({ call, tces }, p): Rung => {
      const first = (t * PATHS.length + p) * ROUNDS;
      const best = Math.min(...ticks.slice(first, first + ROUNDS));
      return { call, tces, table, callsPerSecond: (calls[first]!.repeat!.times * TIMEBASE_HZ) / best };
    }),
  );
}

const list = (): Operation => ({
  door: 'user',
  op: 'store',
  address: ownAddress(LIST),
  order: 'big',
  wordBytes: 8,
  words: Array.from({ length: MULTI_TCE_LIMIT }, (_, i) => (DATA + BigInt(i) * PAGE_BYTES) | MAPPING),
});

const measured = ({ call, tces, rest }: Path, liobn: bigint, handed: boolean): KvmHcall => ({
  door: 'kvm',
  op: 'hcall',
  processor: PROCESSOR,
  call,
  args: [liobn, 0n, ...rest],
  repeat: { times: handed ? HANDED_CALLS : ENTRIES / tces, stride: BigInt(tces) * PAGE_BYTES },
});
