/** A QEMU process with the bare guest in it, and the exchange of batches with that guest. */

import type { ChildProcess } from 'node:child_process';
import { closeSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';

import { DIES_WITH_PARENT, findQemu, QemuUnavailable, type Qemu } from '../qemu.js';
import { QmpClient } from '../qmp.js';
import { Batch } from './batch.js';
import { deviceTreeSize, FDT_HEADER_BYTES, parseDeviceTree } from './device-tree.js';
import { machineFacts, rtasToken, type MachineFacts } from './facts.js';
import { GuestPort } from './guest-port.js';
import { GuestRam } from './guest-ram.js';
import { IdleStop } from './idle-stop.js';
import { launchQemu, qemuArguments, type MachineOptions } from './launch.js';
import { layoutFor, SLOT_BYTES, SLOTS_PER_POST, type Layout } from './layout.js';
import { openNameless } from './nameless.js';
import { describeDeath, type MachineDeath, type Outcome } from './outcome.js';
import { buildPayload } from './payload.js';

const DEFAULT_MEMORY_MIB = 256;
const START_TIMEOUT_MS = 15_000;
const RESET_TIMEOUT_MS = 5_000;
/** Kept of the standard error: a hardware error begins with its reason, an assertion ends with it. */
const STDERR_HEAD = 1_024;
const STDERR_TAIL = 3_072;

export class QemuMachine {
  readonly qemu: Qemu;
  #facts: MachineFacts | undefined;
  #death: MachineDeath | undefined;
  #stderr = '';
  #closing: Promise<void> | undefined;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #port: GuestPort;
  readonly #qmp: QmpClient;
  /** Only where QEMU dies with its parent: a stopped guest could not power off when the host has vanished. */
  readonly #idleStop: IdleStop | undefined;

  private constructor(
    private readonly options: MachineOptions,
    payload: number,
    readonly layout: Layout,
    private readonly ram: GuestRam,
  ) {
    this.qemu = findQemu(options.qemu);
    this.#port = new GuestPort(ram, layout, () => this.#death !== undefined);
    this.#child = launchQemu(this.qemu.program, qemuArguments(options, ram.bytes), { ram: ram.fd, payload });
    this.#ended = this.#watch();
    const { stdin, stdout } = this.#child;
    if (stdin === null || stdout === null) throw new Error('QEMU was started without its standard streams');
    this.#qmp = new QmpClient(stdin, stdout);
    this.#idleStop = DIES_WITH_PARENT ? new IdleStop(this.#port, this.#qmp) : undefined;
  }

  /**
   * Starts a machine and waits until its guest polls the mailbox.
   *
   * @throws QemuUnavailable when QEMU is missing, too old, or refuses its arguments
   */
  static async start(options: MachineOptions = {}): Promise<QemuMachine> {
    findQemu(options.qemu);
    const layout = layoutFor((options.memoryMib ?? DEFAULT_MEMORY_MIB) * 0x10_0000);
    const payload = openNameless(tmpdir());
    let machine: QemuMachine | undefined;
    try {
      writeSync(payload, buildPayload(layout));
      machine = new QemuMachine(options, payload, layout, new GuestRam(layout.memoryBytes));
      await machine.#boot(START_TIMEOUT_MS);
      return machine;
    } catch (error) {
      await machine?.close();
      throw error;
    } finally {
      closeSync(payload);
    }
  }

  /** What the device tree says; read anew after each reset. */
  get facts(): MachineFacts {
    if (this.#facts === undefined) throw new Error('the machine has not told its device tree yet');
    return this.#facts;
  }

  /** False once QEMU has ended. */
  get running(): boolean {
    return this.#death === undefined;
  }

  /** Process id of QEMU. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** An empty batch for this machine; it may be used again and again. */
  batch(): Batch {
    return new Batch(this.layout);
  }

  /**
   * Carries out a batch. On return the batch holds the results, as far as it was executed.
   * Exchanges of one machine must not overlap.
   *
   * @param timeoutMs longest time for one slot
   */
  async exchange(batch: Batch, timeoutMs = 10_000): Promise<Outcome> {
    const slots = batch.slotBytes();
    const data = batch.dataBytes();
    let outcome: Outcome = { kind: 'done' };
    this.#idleStop?.busy();
    this.ram.write(this.layout.data, data);
    for (let first = 0; first < batch.length && outcome.kind === 'done'; first += SLOTS_PER_POST) {
      const chunk = slots.subarray(first * SLOT_BYTES, (first + SLOTS_PER_POST) * SLOT_BYTES);
      this.ram.write(this.layout.slots, chunk);
      outcome = await this.#post(first, chunk.length / SLOT_BYTES, timeoutMs);
      this.ram.read(this.layout.slots, chunk);
    }
    this.ram.read(this.layout.data, data);
    this.#idleStop?.idle();
    return outcome;
  }

  /** Bytes of guest memory. */
  read(address: bigint, count: number): Buffer {
    const bytes = Buffer.alloc(count);
    this.ram.read(address, bytes);
    return bytes;
  }

  /** Stores bytes in guest memory, at once. */
  write(address: bigint, bytes: Uint8Array): void {
    this.ram.write(address, bytes);
  }

  /**
   * Makes the machine as new: memory is zero; windows, TCEs and configuration space are those of a fresh
   * boot. Only the 4 KiB buffer and a running transfer inside an `edu` survive (QEMU gives it no reset).
   * It works on a stuck guest, too.
   */
  async reset(): Promise<void> {
    this.#idleStop?.busy();
    await this.#qmp.execute('stop');
    this.ram.zero();
    this.#port.writeSettings();
    await Promise.all([this.#qmp.event('RESET'), this.#qmp.execute('system_reset')]);
    await this.#qmp.execute('cont');
    await this.#boot(RESET_TIMEOUT_MS);
  }

  /**
   * A machine as new, for the next program: this one after a reset or, when `fresh` is asked for or QEMU is
   * gone or does not survive the reset, another one with the same options. What a program has corrupted
   * inside QEMU survives a reset (a DMA window created with a size that QEMU rounds to nothing does).
   */
  async renew(fresh = false): Promise<QemuMachine> {
    if (!fresh && this.running) {
      try {
        await this.reset();
        return this;
      } catch (error) {
        if (error instanceof RangeError || error instanceof TypeError) throw error;
      }
    }
    await this.close();
    return QemuMachine.start(this.options);
  }

  /** Ends QEMU and gives its memory back. May be called more than once. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#idleStop?.busy();
    this.#port.close();
    if (this.running) this.#child.kill('SIGKILL');
    await this.#ended;
    this.ram.close();
  }

  async #boot(timeoutMs: number): Promise<void> {
    if (!(await this.#port.ready(timeoutMs))) {
      const seen = this.#death === undefined ? `nothing for ${timeoutMs} ms` : describeDeath(this.#death);
      throw new QemuUnavailable(`expected QEMU ${this.qemu.version} to boot the bare guest, but saw ${seen}`);
    }
    const address = this.#port.deviceTreeAddress;
    const size = deviceTreeSize(this.read(address, FDT_HEADER_BYTES));
    this.#facts = machineFacts(parseDeviceTree(this.read(address, size)));
    this.#port.armOrphanLimit(rtasToken(this.#facts, 'power-off'));
    this.#idleStop?.idle();
  }

  async #post(first: number, count: number, timeoutMs: number): Promise<Outcome> {
    const outcome = await this.#port.post(count, timeoutMs);
    if (outcome.kind === 'done') return outcome;
    const slot = first + outcome.slot;
    if (outcome.kind === 'rebooted') return { kind: 'rebooted', slot };
    if (outcome.kind === 'stuck') {
      this.#child.kill('SIGKILL');
      await this.#ended;
      return { kind: 'hung', slot, waitedMs: outcome.waitedMs };
    }
    await this.#ended;
    if (this.#death === undefined) throw new Error('QEMU has ended without saying how');
    return { kind: 'crashed', slot, ...this.#death };
  }

  #watch(): Promise<void> {
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      const all = this.#stderr + text;
      const fits = all.length <= STDERR_HEAD + STDERR_TAIL;
      this.#stderr = fits ? all : all.slice(0, STDERR_HEAD) + all.slice(-STDERR_TAIL);
    });
    return new Promise((resolve) => {
      const end = (exitCode: number | null, signal: NodeJS.Signals | null): void => {
        this.#death ??= { exitCode, signal, stderr: this.#stderr };
        resolve();
      };
      this.#child.once('error', () => end(null, null));
      this.#child.once('close', end);
    });
  }
}
