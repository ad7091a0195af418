import type { MachineDescription, WindowDescription } from '../description.js';
import type { HcallName } from '../uapi/hcall.js';
import type { HcallObservation } from '../doors/observation.js';
import type { Hcall } from '../doors/operations.js';
import { Model } from '../model.js';
import { PAPR_RULES } from './calls.js';

const window = (liobn: bigint, size: bigint, pageShift = 12): WindowDescription => ({ liobn, start: 0n, size, pageShift });

/**
 * A small partition to test rules with: two PEs (0x10; 0x11, which bears two mappings of a redirected entry and whose DMA
 * cannot be held up), a client adapter (0x20), and the second pane of its server (0x31). 16 MiB of memory.
 */
export const PARTITION: MachineDescription = {
  platform: 'pseries',
  memoryBytes: 0x100_0000n,
  functions: ['hcall-tce', 'hcall-multi-tce', 'hcall-rdma', 'hcall-migrate'],
  pes: [
    { name: 'pe0', configAddress: 0, buid: 0n, defaultWindow: window(0x10n, 0x40_0000n), devices: [] },
    { name: 'pe1', configAddress: 0, buid: 1n, defaultWindow: window(0x11n, 0x40_0000n), devices: [], maxRtceMappings: 2, noMigration: true },
  ],
  vios: [
    { name: 'vio0', own: window(0x20n, 0x10_0000n), bitBucket: true },
    {
      name: 'server0',
      own: window(0x30n, 0x10_0000n),
      bitBucket: true,
      partner: { ...window(0x31n, 0x10_0000n), client: 'vio0', additional: 2, perEntry: 3 },
    },
  ],
  unmigratable: { start: 0xf0_0000n, size: 0x1000n },
};

/** The partition with other functions. */
export const withFunctions = (...functions: string[]): MachineDescription => ({ ...PARTITION, functions: ['hcall-tce', ...functions] });

/** A machine to make calls on. */
export class Partition {
  readonly model: Model;

  constructor(description: MachineDescription = PARTITION) {
    this.model = new Model(description, PAPR_RULES);
  }

  /** Makes a call; gives R3 and R4. */
  call(call: HcallName, ...args: bigint[]): [status: number, r4: bigint] {
    const { observation } = this.model.answer(hcall(call, args));
    if (observation.kind !== 'hcall') throw new Error(`${call} gave ${observation.kind}.`);
    return [Number(observation.status), observation.registers[0] ?? 0n];
  }

  /** Makes a call; gives R3. */
  status(call: HcallName, ...args: bigint[]): number {
    return this.call(call, ...args)[0];
  }

  /** The entry as H_GET_TCE reads it. */
  entry(liobn: bigint, ioba: bigint): bigint {
    return this.call('H_GET_TCE', liobn, ioba)[1];
  }

  /** Clauses that a system broke by answering so. */
  judge(status: number, r4: bigint, call: HcallName, ...args: bigint[]): string[] {
    const observed: HcallObservation = { kind: 'hcall', status: BigInt(status), registers: [r4] };
    return this.model.judge(hcall(call, args), observed).departures.map(({ clause }) => clause);
  }

  /** Stores doublewords. */
  store(address: bigint, ...doublewords: bigint[]): void {
    this.model.answer({ door: 'memory', op: 'store', address, doublewords });
  }
}

const hcall = (call: HcallName, args: readonly bigint[]): Hcall => ({ door: 'papr', op: 'hcall', call, args });
