import type { Observation, Trace } from '../../reference/doors/observation.js';
import type { HostOperation, Program } from '../../reference/doors/operations.js';
import { machineCapabilities, TargetLost, type Target, type TargetDescription } from '../target.js';
import { AgentLink, type AgentOptions } from './agent-link.js';
import { compile } from './compile.js';
import type { DescribedHost } from './describe.js';
import { withSwapped, type DeviceFacts } from './host-facts.js';
import { answered, crashedAt, observations } from './ending.js';
import { isHcall } from './hcall-batches.js';
import { localTransport } from './local-transport.js';
import type { Answer } from './messages.js';
import { openHost, type OpenedHost } from './open-host.js';
import { openSshTransport } from './openssh-transport.js';
import { outsideOf, witnessedOr } from './outside.js';
import type { Session } from './session.js';
import { ssh2Transport } from './ssh2-transport.js';
import type { SshOptions } from './ssh-settings.js';
import type { Transport } from './transport.js';
import { parseSshUrl } from './url.js';

/**
 * What the hypervisor sees of a PE's windows, asked while a program waits.
 *
 * @param device PCI address of the PE's first device: `0001:00:01.0`
 * @returns the values `mapped` and `lost`
 */
export type Witness = (device: string) => Promise<Readonly<Record<string, bigint>>>;

/** Stops a PE from outside: the address of one of its devices, and its number. */
export type Freeze = (device: string, pe: number, what: Extract<HostOperation, { op: 'freeze' }>['what']) => Promise<void>;

/** How to reach a host, and what of it may be used. */
export interface SshTargetOptions extends SshOptions, AgentOptions {
  /** `ssh://user@host:port`, or a way that the caller has made. */
  readonly url: string | Transport;
  /** PCI addresses of the devices that may be used. Nothing else on the host is touched. */
  readonly devices: readonly string[];
  /** `ssh2` unless told. */
  readonly transport?: 'ssh2' | 'openssh';
  /** What the target is called; the address unless told. */
  readonly name?: string;
  /** What the machine is called in the fingerprint, where the caller knows more than the host tells: `qemu-pseries-7.2`. */
  readonly machineName?: string;
  /** The host may be destroyed; false unless told. */
  readonly disposable?: boolean;
  /** Have each operation confirmed before the next: slower, but if the host dies it is known where. */
  readonly stepwise?: boolean;
  readonly witness?: Witness;
  readonly freeze?: Freeze;
  /** Asked when the connection is lost: what the machine died of, or undefined where it is not known to have died. */
  readonly health?: () => Promise<string | undefined>;
  /** How long to try to reach a host again after its loss, milliseconds: whether it rebooted decides whose fault it was; 60 s unless told. */
  readonly reconnectMs?: number;
}

const RECONNECT_MS = 60_000;
const RETRY_MS = 2_000;
const CLOSED = 'The connection was closed.';

/** A Linux kernel on a POWER machine, reached over SSH. */
export class SshTarget implements Target {
  readonly variants: readonly [TargetDescription];
  #exchanges = 0;
  #session: Session;
  #host: DescribedHost;
  #boot: string;
  #closed = false;
  /** The machine has died in a program: that it has booted since is no surprise. */
  #died = false;
  #located = true;
  /** Why the machine must not be used any more before it was renewed. */
  #scar: string | undefined;
  /** Devices that are not there any more: the kernel has given their PEs up. */
  #gone: readonly string[] = [];

  private constructor(
    private readonly options: SshTargetOptions,
    private readonly transport: Transport,
    { session, host }: OpenedHost,
  ) {
    this.#session = session;
    this.#host = host;
    this.#boot = session.link.hello.boot;
    this.variants = [descriptionOf(options, transport, session, host)];
  }

  /**
   * Reaches a host, takes the devices and gives them to vfio-pci (disks stay with the host's driver, as programs expect).
   *
   * @throws TargetLost where the host cannot be reached
   * @throws UsageError where it cannot be used as it is: one line that says what to do
   */
  static async open(options: SshTargetOptions): Promise<SshTarget> {
    const transport = transportOf(options);
    return new SshTarget(options, transport, await openHost(transport, options.devices, options));
  }

  /** One for each part of a program between pauses. */
  get exchanges(): number {
    return this.#exchanges;
  }

  run(program: Program): Promise<Trace> {
    return this.#run(program, this.options.stepwise);
  }

  runQuick(program: Program): Promise<Trace> {
    return this.run(program);
  }

  /** Has each operation confirmed before the next: slower, but if the host dies it is known where. */
  runStepwise(program: Program): Promise<Trace> {
    return this.#run(program, true);
  }

  /** If something died in the last program, it is known in which operation. */
  get located(): boolean {
    return this.#located;
  }

  async #run(program: Program, stepwise = false): Promise<Trace> {
    if (this.#scar !== undefined) throw new TargetLost(this.#scar);
    if (this.#gone.length > 0) throw new TargetLost(this.#asBefore(`${this.#gone.join(', ')} is not there any more: its PE was given up`));
    if (!this.#session.link.alive) await this.#reconnect();
    const { operations } = program;
    // A host that is not to be used up does not repeat what killed it: there every hypercall is made by itself.
    const batched = this.options.disposable === true && !stepwise;
    const instructions = compile(program, this.#host.facts, batched ? 'batched' : undefined);
    this.#located = true;
    const partial: Answer[] = [];
    const witnessed = new Map<number, Observation>();
    const atPause = async (count: number, beside: boolean): Promise<void> => {
      this.#exchanges += 1;
      const at = beside ? count : count - 1;
      const operation = outsideOf(operations[at]);
      const seen = operation && (await this.#outside(operation));
      if (seen !== undefined) witnessed.set(at, seen);
    };
    this.#exchanges += 1;
    try {
      const outcome = await this.#session.run(instructions, { stepwise, atPause, partial });
      const seen = observations(program, outcome, this.#host.facts);
      const death = seen.findIndex(({ kind }) => kind === 'crashed');
      this.#located = !(batched && isHcall(operations[death]));
      if (outcome.after) this.#scar = this.#asBefore(outcome.after);
      this.#gone = outcome.gone ?? [];
      return { program, observations: seen.map((observation, i) => witnessedOr(observation, witnessed.get(i))) };
    } catch (error) {
      if (!(error instanceof TargetLost) || this.#session.link.alive) throw error;
      const died = await this.#deathOf();
      if (died === undefined) throw error;
      this.#died = true;
      this.#located = stepwise;
      return { program, observations: crashedAt(operations, answered(operations, partial, this.#host.facts), died) };
    }
  }

  /** From now on programs mean the one group where they name the other. Both are to have devices of the same kinds. */
  swap(one: string, other: string): void {
    this.#host = { ...this.#host, facts: withSwapped(this.#host.facts, one, other) };
  }

  /** The devices of a group. */
  devicesOf(group: string): readonly DeviceFacts[] {
    return [...this.#host.facts.devices].filter(([name]) => name.startsWith(`${group}.`)).map(([, facts]) => facts);
  }

  /** A device of the group is not there any more. */
  isGone = (group: string): boolean => this.devicesOf(group).some(({ address }) => this.#gone.includes(address));

  /** Goes on without a group. */
  async forget(group: string): Promise<void> {
    const lost = this.devicesOf(group).map(({ address }) => address);
    await this.#session.forget(lost);
    this.#gone = this.#gone.filter((address) => !lost.includes(address));
  }

  #asBefore = (why: string): string => `expected ${this.transport.name} to be as before the last program, but ${why}; restart it`;

  /** To the kernel a group's devices are new: they are taken out of the system and found again. False where they are not as before then. */
  async replug(group: string): Promise<boolean> {
    return this.#scar === undefined && this.#session.replug(this.devicesOf(group).map(({ address }) => address));
  }

  /** Another agent, and a look whether the host is still the same. @throws TargetLost, UsageError */
  async renew(): Promise<void> {
    if (this.#closed) throw new TargetLost(CLOSED);
    await this.#session.link.close();
    const { session, host } = await openHost(this.transport, this.options.devices, this.options);
    if (this.#isClosed()) {
      await session.link.close();
      throw new TargetLost(CLOSED);
    }
    this.#session = session;
    this.#host = host;
    this.#boot = session.link.hello.boot;
    this.#scar = undefined;
    this.#gone = [];
    this.#died = false;
  }

  /** The connection was lost between two programs. @throws TargetLost where the machine went down with it: the one before may have done it */
  async #reconnect(): Promise<void> {
    const [boot, died] = [this.#boot, this.#died];
    await this.renew();
    if (this.#boot !== boot && !died) {
      throw new TargetLost(`expected ${this.transport.name} to stay up, but it rebooted between two programs; look at its console for what the one before did`);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const trouble = await this.#session.link.close();
    if (trouble !== undefined && this.#scar === undefined) {
      throw new TargetLost(`expected ${this.transport.name} to have its devices back, but ${trouble}; look at them there`);
    }
  }

  /** Asked again after every wait: Ctrl-C closes the target whatever it is doing. */
  #isClosed = (): boolean => this.#closed;

  /** What is done beside the host, while its program waits. */
  async #outside(operation: HostOperation): Promise<Observation | undefined> {
    if (operation.op !== 'witness' && operation.op !== 'freeze') return undefined;
    const device = this.#host.facts.devices.get(`${operation.pe}.dev0`);
    if (operation.op === 'witness') {
      const values = device && (await this.options.witness?.(device.address));
      return values && { kind: 'values', values };
    }
    if (device?.pe === undefined) throw new TargetLost(`expected ${operation.pe} to be a PE that ${this.transport.name} knows by a number, but saw none; the kernel has no EEH there`);
    await this.options.freeze?.(device.address, device.pe, operation.what);
    return { kind: 'syscall', result: 0n };
  }

  /** What the machine died of, as far as anybody can tell: its console, or a boot that nobody asked for. */
  async #deathOf(): Promise<string | undefined> {
    const told = await this.options.health?.();
    if (told !== undefined) return told;
    const { reconnectMs = RECONNECT_MS } = this.options;
    const end = Date.now() + reconnectMs;
    while (Date.now() < end && !this.#closed) {
      const link = await AgentLink.start(this.transport, this.options).catch(() => undefined);
      if (link !== undefined) {
        await link.close();
        return link.hello.boot === this.#boot ? undefined : 'the machine rebooted';
      }
      await pause(RETRY_MS);
    }
    return undefined;
  }
}

function transportOf({ url, transport = 'ssh2', ...options }: SshTargetOptions): Transport {
  if (typeof url !== 'string') return url;
  if (url === localTransport.name) return localTransport;
  return (transport === 'ssh2' ? ssh2Transport : openSshTransport)(parseSshUrl(url), options);
}

function descriptionOf(options: SshTargetOptions, transport: Transport, { link, hasLog }: Session, { machine, system, eehDebugfs, noKvm }: DescribedHost): TargetDescription {
  const capabilities = machineCapabilities(machine).add('limit').add('bind');
  if (hasLog) capabilities.add('log');
  if (options.witness !== undefined) capabilities.add('witness');
  if (options.freeze !== undefined && machine.linux?.eeh === true) capabilities.add('freeze').add('freeze-beside');
  if (eehDebugfs) capabilities.add('eeh-debugfs');
  return {
    name: options.name ?? transport.name,
    fingerprint: `${system.platform} ${options.machineName ?? system.machine} linux ${system.kernel} ${link.hello.page / 1024}K`,
    system: { name: 'linux', version: system.kernel, platform: system.platform },
    capabilities,
    ...(noKvm !== undefined && { reasons: { kvm: noKvm } }),
    machine,
    disposable: options.disposable ?? false,
  };
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
