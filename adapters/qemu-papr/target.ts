/** The target `qemu-papr`: QEMU's own PAPR code, with no guest operating system. */

import { field, type Observation, type Trace } from '../../reference/doors/observation.js';
import type { Operation, Program, PropertyRead } from '../../reference/doors/operations.js';
import { machineFacts } from '../../reference/description.js';
import { machineCapabilities, TargetLost, type Target, type TargetDescription } from '../target.js';
import type { Batch } from './batch.js';
import { describeMachine, PE_NAMES, queryBridges } from './describe.js';
import { edusOf, type Edu } from './edu.js';
import type { MachineOptions } from './launch.js';
import type { MachineLost } from './outcome.js';
import { QemuMachine } from './process.js';
import { ProgramBatch, type Machinery } from './program-batch.js';
import { PutBack } from './put-back.js';

/** Every page size that a TCE table can have, as `pgsz` of QEMU's host bridge wants it. */
const ALL_PAGE_SIZES = [12, 16, 21, 24, 25, 26, 27, 28, 34].reduce((mask, shift) => mask + 2 ** shift, 0);

/** Two ordinary bridges, one without DDW (`plain0`), one with all page sizes (`wide0`), each with an `edu`; a virtual adapter. */
const MACHINE: MachineOptions = {
  phbs: 2,
  extraArgs: [
    ...['-device', 'spapr-pci-host-bridge,index=2,ddw=off', '-device', 'edu,bus=pci.2,addr=1.0,dma_mask=0xffffffffffffffff'],
    ...['-device', `spapr-pci-host-bridge,index=3,pgsz=0x${ALL_PAGE_SIZES.toString(16)}`],
    ...['-device', 'edu,bus=pci.3,addr=1.0,dma_mask=0xffffffffffffffff'],
    ...['-device', 'spapr-vscsi'],
  ],
};

export class QemuPaprTarget implements Target {
  readonly variants: readonly [TargetDescription];
  #machine: QemuMachine;
  #batch: Batch;
  #edus: ReadonlyMap<string, Edu> = new Map();
  /** The machine is as at boot. */
  #clean = true;
  readonly #putBack: PutBack;
  #closed = false;

  private constructor(machine: QemuMachine, description: TargetDescription) {
    this.#machine = machine;
    this.#batch = machine.batch();
    this.variants = [description];
    this.#putBack = new PutBack(description.machine, machineFacts(description.machine));
  }

  /** Starts QEMU. @throws QemuUnavailable (a usage error) */
  static async open(options: { readonly qemu?: string } = {}): Promise<QemuPaprTarget> {
    const machine = await QemuMachine.start({ ...MACHINE, ...options });
    try {
      const target = new QemuPaprTarget(machine, await describe(machine));
      await target.#prepare();
      return target;
    } catch (error) {
      await machine.close();
      throw error;
    }
  }

  async run(program: Program): Promise<Trace> {
    if (!this.#clean) await this.#reboot(false);
    return this.#carryOut(program);
  }

  async runQuick(program: Program): Promise<Trace> {
    if (this.#clean) return this.#carryOut(program);
    if (!this.#machine.running) await this.#reboot(false);
    const batch = this.#batch.clear();
    this.#putBack.undo(batch, this.#machine, this.#edus, this.#machine.facts);
    this.#putBack.clear();
    return this.#carryOut(program, batch.length);
  }

  async renew(): Promise<void> {
    await this.#reboot(true);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#machine.close();
  }

  /** Asked again after every wait: Ctrl-C closes the target whatever it is doing. */
  #isClosed = (): boolean => this.#closed;

  /** Another boot, or another process where QEMU has died or `fresh` is asked for. */
  async #reboot(fresh: boolean): Promise<void> {
    if (this.#closed) throw new TargetLost(CLOSED);
    const before = this.#machine;
    this.#machine = await before.renew(fresh);
    if (this.#isClosed()) {
      await this.#machine.close();
      throw new TargetLost(CLOSED);
    }
    if (this.#machine !== before) this.#putBack.clear();
    await this.#prepare();
  }

  /** Switches the devices on and empties their buffers: a read that reaches nothing leaves zeros in an `edu`. */
  async #prepare(): Promise<void> {
    this.#batch = this.#machine.batch();
    const names = new Map(this.#machine.facts.phbs.map((phb) => [phb.index, PE_NAMES[phb.index] ?? `pe${phb.index}`]));
    this.#edus = new Map(edusOf(this.#machine.facts, true).map((edu) => [`${names.get(edu.phb.index)}.dev0`, edu]));
    for (const edu of this.#edus.values()) edu.enable(this.#batch);
    this.#putBack.emptyBuffers(this.#batch, this.#edus);
    await this.#exchangeOwn();
    this.#markClean();
  }

  #markClean(): void {
    this.#clean = true;
    this.#putBack.clear();
  }

  async #exchangeOwn(): Promise<void> {
    const outcome = await this.#machine.exchange(this.#batch);
    if (outcome.kind !== 'done') throw new TargetLost(`QEMU did not set up its devices: ${deathText(outcome)}`);
  }

  /** One exchange for each stretch between reboots; the first after the slots already in the batch. */
  async #carryOut(program: Program, slots = 0): Promise<Trace> {
    if (slots === 0) this.#batch.clear();
    this.#clean = false;
    const observations: Observation[] = [];
    const { operations } = program;
    for (let at = 0; at < operations.length && observations.at(-1)?.kind !== 'crashed'; ) {
      const reboot = operations.findIndex((operation, i) => i >= at && operation.door === 'platform');
      const end = reboot === -1 ? operations.length : reboot;
      observations.push(...(await this.#stretch(operations, at, end, observations)));
      at = end;
      if (reboot === -1 || observations.at(-1)?.kind === 'crashed') continue;
      observations.push(await this.#rebootWithin());
      at = reboot + 1;
    }
    while (observations.length < operations.length) observations.push({ kind: 'not-run' });
    return { program, observations };
  }

  async #stretch(operations: readonly Operation[], from: number, to: number, earlier: readonly Observation[]): Promise<Observation[]> {
    if (from === to) return [];
    const placed = new ProgramBatch(from === 0 ? this.#batch : this.#batch.clear(), this.#machinery(operations, earlier));
    for (const operation of operations.slice(from, to)) {
      this.#putBack.note(operation);
      placed.add(operation);
    }
    const outcome = await this.#machine.exchange(this.#batch);
    if (outcome.kind === 'done') return placed.observations();
    return [...placed.observations(outcome.slot), { kind: 'crashed', message: deathText(outcome) }];
  }

  async #rebootWithin(): Promise<Observation> {
    try {
      await this.#machine.reset();
    } catch {
      return { kind: 'crashed', message: 'QEMU ended while the machine was reset' };
    }
    this.#batch = this.#machine.batch();
    for (const edu of this.#edus.values()) edu.enable(this.#batch);
    await this.#exchangeOwn();
    return { kind: 'done' };
  }

  #machinery(operations: readonly Operation[], earlier: readonly Observation[]): Machinery {
    const facts = machineFacts(this.variants[0].machine);
    const results = new Map(earlier.map((observation, i) => [operations[i]?.as ?? '', observation]));
    return {
      facts: this.#machine.facts,
      edus: this.#edus,
      known: (name) => facts.get(name) ?? earlierResult(results, name),
      property: (operation) => this.#property(operation),
    };
  }

  #property({ pe, name }: PropertyRead): Uint8Array {
    const phb = this.#machine.facts.phbs.find(({ index }) => PE_NAMES[index] === pe);
    return Uint8Array.from(phb?.properties.get(name) ?? []);
  }
}

const CLOSED = 'The target qemu-papr was closed.';

function earlierResult(results: ReadonlyMap<string, Observation>, name: string): bigint | undefined {
  const dot = name.indexOf('.');
  const result = results.get(name.slice(0, dot));
  return result === undefined ? undefined : field(result, name.slice(dot + 1));
}

async function describe(machine: QemuMachine): Promise<TargetDescription> {
  const batch = machine.batch();
  const queries = queryBridges(batch, machine.facts);
  const outcome = await machine.exchange(batch);
  if (outcome.kind !== 'done') throw new TargetLost(`QEMU did not answer its first queries: ${deathText(outcome)}`);
  const description = describeMachine(machine.facts, batch, queries);
  return {
    name: 'qemu-papr',
    fingerprint: `pseries qemu-${machine.qemu.version} tcg power9 no-guest`,
    system: { name: 'qemu', version: machine.qemu.version },
    capabilities: machineCapabilities(description),
    machine: description,
    disposable: true,
  };
}

/** How the machine was lost, on one line. */
function deathText(lost: MachineLost): string {
  if (lost.kind === 'hung') return `the machine did not answer for ${lost.waitedMs} ms`;
  if (lost.kind === 'rebooted') return 'the machine rebooted';
  const how = lost.signal === null ? `exit status ${lost.exitCode}` : lost.signal;
  const said = lost.stderr.trim().split('\n').at(-1) ?? '';
  return `QEMU ended with ${how}${said === '' ? '' : `: ${said}`}`;
}
