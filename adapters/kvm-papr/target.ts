import { machineFacts } from '../../reference/description.js';
import type { Observation, Trace } from '../../reference/doors/observation.js';
import type { Operation, Program } from '../../reference/doors/operations.js';
import { referredNames } from '../../reference/doors/terms.js';
import { operationText, observationText } from '../../reference/doors/text.js';
import { machineCapabilities, TargetLost, UsageError, type Target, type TargetDescription } from '../target.js';
import { Buffers } from './buffers.js';
import { leavesMemoryPinned } from './leak.js';
import { climb, type Rung } from './ladder.js';
import { partitionOf, pesOf, type GroupOfPe } from './machine.js';
import { setUp } from './set-up.js';
import { translate, translateBack, type Partition } from './translate.js';

/**
 * A partition whose hypercalls KVM answers: each program becomes one of a monitor on a Linux host, which makes the partition,
 * lets its processor make the calls, and is gone when the program ends.
 */
export class KvmPaprTarget implements Target {
  readonly variants: readonly [TargetDescription];
  readonly #pes: readonly GroupOfPe[];
  readonly #partition: Partition;
  readonly #buffers = new Buffers();

  /** @throws UsageError where the host has no KVM that can do it */
  constructor(private readonly host: Target) {
    const [description] = host.variants;
    const { name, capabilities, machine, reasons } = description;
    if (machine.linux === undefined || !capabilities.has('kvm')) {
      throw new UsageError(`expected a KVM with TCE tables on ${name}, but saw ${reasons?.['kvm'] ?? 'none'}; load kvm-hv there, or name another host`);
    }
    this.#pes = pesOf(machine.linux);
    if (this.#pes.length === 0) throw new UsageError(`expected a PE on ${name} whose windows can be created, but saw none; name another device`);
    this.variants = [describe(description, this.#pes)];
    const groups = new Map(this.#pes.map(({ pe, group }) => [pe.name, group]));
    this.#partition = { facts: machineFacts(this.variants[0].machine), groups };
  }

  get exchanges(): number {
    return this.host.exchanges ?? 0;
  }

  async run(program: Program): Promise<Trace> {
    const before = this.#before(program);
    const operations = program.operations.map((operation) => translate(operation, this.#partition));
    const whole = { operations: [...before, ...operations] };
    let { observations } = await this.host.run(whole);
    if (this.variants[0].disposable && observations.slice(0, before.length).some(({ kind }) => kind === 'crashed')) {
      // What earlier guests have left pinned may be what is missing (`leak.ts` cannot tell of every list); a fresh host has it.
      await this.renew();
      ({ observations } = await this.host.run(whole));
    }
    this.#buffers.note(program.operations);
    if (leavesMemoryPinned(program, this.variants[0].machine)) await this.renew();
    return { program, observations: this.#observations(program, before, observations) };
  }

  runQuick(program: Program): Promise<Trace> {
    return this.run(program);
  }

  async renew(scars?: ReadonlySet<string>): Promise<void> {
    await this.host.renew(scars);
    this.#buffers.clear();
  }

  /** Measures the ways in which a guest fills a table. @throws TargetLost */
  ladder(): Promise<Rung[]> {
    return climb(this.host, this.variants[0].machine, this.#pes[0]!);
  }

  close(): Promise<void> {
    return this.host.close();
  }

  /** The partition is made; then its devices' buffers are emptied. */
  #before({ operations }: Program): Operation[] {
    const { machine } = this.variants[0];
    const names = new Set(operations.flatMap((operation) => (operation.door === 'dma' ? [operation.device.split('.')[0]!, ...referredNames(operation)] : referredNames(operation))));
    const needed = this.#pes.filter(({ pe }) => names.has(pe.name));
    // On somebody's host no memory is to be lost.
    const hardware = this.variants[0].disposable || !leavesMemoryPinned({ operations }, machine) ? needed : [];
    const emptying = this.#buffers.emptying(operations, machine);
    return [...setUp(machine, hardware), ...emptying.map((operation) => translate(operation, this.#partition))];
  }

  /** @throws TargetLost where the partition could not be made */
  #observations({ operations }: Program, before: readonly Operation[], seen: readonly Observation[]): Observation[] {
    const failed = seen.slice(0, before.length).findIndex(hasFailed);
    const failure = seen[failed];
    if (failure?.kind === 'crashed') return operations.map((_, i) => (i === 0 ? { kind: 'crashed', message: `while the partition was made: ${failure.message}` } : { kind: 'not-run' }));
    if (failure !== undefined) {
      throw new TargetLost(`expected ${this.host.variants[0].name} to make a partition, but saw ${observationText(failure)} at '${operationText(before[failed]!)}'; look at its kernel log (dmesg)`);
    }
    return withNothingAfterDeath(operations.map((operation, i) => translateBack(operation, seen[before.length + i]!)));
  }
}

const hasFailed = (seen: Observation): boolean => seen.kind === 'crashed' || seen.kind === 'not-run' || (seen.kind === 'syscall' && seen.result < 0n);

/** What the monitor could not do ends the program. */
function withNothingAfterDeath(observations: readonly Observation[]): Observation[] {
  const death = observations.findIndex(({ kind }) => kind === 'crashed');
  return observations.map((observation, i) => (death >= 0 && i > death ? { kind: 'not-run' } : observation));
}

/** The kernel whose KVM the reference is: what a host without a version is taken for. */
const REFERENCE_VERSION = '7.2';

function describe({ fingerprint, system, disposable, machine: { platform } }: TargetDescription, pes: readonly GroupOfPe[]): TargetDescription {
  const machine = partitionOf(pes);
  return {
    name: 'kvm-papr',
    fingerprint: `pseries kvm on ${fingerprint}`,
    system: { version: REFERENCE_VERSION, platform, ...system, name: 'kvm' },
    capabilities: machineCapabilities(machine),
    machine,
    disposable,
  };
}
