import type { Trace } from '../../reference/doors/observation.js';
import type { Program } from '../../reference/doors/operations.js';
import { SshTarget } from '../ssh/target.js';
import { TargetLost, type Target, type TargetDescription } from '../target.js';
import type { LabOptions } from './blueprint.js';
import type { LabMachine } from './machine.js';
import { startLab } from './start.js';
import { stopPe, type Stop } from './phb.js';
import { Witness } from './witness.js';

/** A machine, the way to it, and its view from outside. */
interface Running {
  readonly machine: LabMachine;
  readonly ssh: SshTarget;
  readonly witness: Witness;
  /** The console as it was when the machine was ready. */
  readonly mark: number;
}

/**
 * A Linux kernel on an emulated machine of the lab: an SSH target like any other, but one that may be destroyed, that is
 * watched from outside, and that is replaced when a program has damaged it.
 */
export class LabTarget implements Target {
  #running: Running;
  /** Exchanges with the machines that are gone. */
  #past = 0;
  #spent = false;
  #closed = false;
  #replacing: Promise<void> = Promise.resolve();
  /** Where other machines come from: a pSeries machine is as new from a snapshot as from a boot, and sooner. */
  #renewFrom: NonNullable<LabOptions['from']>;

  private constructor(
    private readonly options: LabOptions,
    running: Running,
  ) {
    this.#running = running;
    this.#renewFrom = options.platform === 'pseries' ? 'snapshot' : 'boot';
  }

  /** @throws UsageError where something is missing; TargetLost where the machine does not come up */
  static async open(options: LabOptions): Promise<LabTarget> {
    return new LabTarget(options, await start(options));
  }

  get variants(): readonly [TargetDescription] {
    return this.#running.ssh.variants;
  }

  get exchanges(): number {
    return this.#past + this.#running.ssh.exchanges;
  }

  async run(program: Program): Promise<Trace> {
    if (this.#spent) await (this.#replacing = this.#replace());
    const { ssh, machine, witness, mark } = this.#running;
    // Every entry that is written is a line of the hypervisor's trace: it costs a program that is not interested seconds.
    const watched = program.operations.some(({ door, op }) => door === 'host' && op === 'witness');
    if (watched) await witness.start();
    const trace = await ssh.run(program);
    const died = trace.observations.some(({ kind }) => kind === 'crashed');
    this.#spent = died || machine.health(mark).state !== 'alive';
    if (watched && machine.running) await witness.stop();
    return trace;
  }

  runQuick(program: Program): Promise<Trace> {
    return this.run(program);
  }

  renew(): Promise<void> {
    this.#spent = true;
    return Promise.resolve();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#replacing.catch(() => undefined);
    await end(this.#running);
  }

  /** @throws TargetLost where the target was closed meanwhile, or no other machine comes up */
  async #replace(): Promise<void> {
    this.#past = this.exchanges;
    await end(this.#running);
    if (this.#closed) throw new TargetLost('The target was closed.');
    this.#running = await this.#another();
    this.#spent = false;
  }

  /** A kernel of the user's own may lack what it takes to be saved; it can be booted, as it was at first. */
  async #another(): Promise<Running> {
    try {
      return await start({ ...this.options, from: this.#renewFrom });
    } catch (error) {
      if (!(error instanceof TargetLost) || this.#renewFrom === 'boot') throw error;
      this.options.progress?.(`${error.message}; booting instead`);
      this.#renewFrom = 'boot';
      return start({ ...this.options, from: 'boot' });
    }
  }
}

async function start(options: LabOptions): Promise<Running> {
  const machine = await startLab(options);
  try {
    const [witness, mark] = [new Witness(machine), machine.console.mark()];
    return { machine, witness, mark, ssh: await reach(machine, witness, mark, options) };
  } catch (error) {
    await machine.stop();
    throw error;
  }
}

function reach(machine: LabMachine, witness: Witness, mark: number, { platform, cpu = 'power9' }: LabOptions): Promise<SshTarget> {
  return SshTarget.open({
    url: `ssh://root@127.0.0.1:${machine.sshPort}`,
    knownHosts: machine.knownHosts,
    identity: [machine.identity],
    devices: machine.pes.flatMap(({ devices }) => devices),
    name: `lab:${platform}`,
    machineName: `qemu-${cpu}`,
    disposable: true,
    reconnectMs: RECONNECT_MS,
    health: () => Promise.resolve(deathOf(machine, mark)),
    ...(platform === 'powernv' && { freeze: (device: string, pe: number, what: Stop) => stopPe(machine, { domain: bridgeOf(device), pe }, what) }),
    ...(platform === 'pseries' && { witness: (device) => Promise.resolve({ ...witness.look(bridgeOf(device)) }) }),
  });
}

/** A machine that nobody else uses need not be waited for. */
const RECONNECT_MS = 5_000;

function deathOf(machine: LabMachine, mark: number): string | undefined {
  const health = machine.health(mark);
  return health.state === 'alive' ? undefined : health.evidence;
}

/** The host bridge of a device: its PCI domain. */
const bridgeOf = (device: string): number => parseInt(device, 16);

/** The machine goes first: on one that nobody will use again nothing needs to be put back. */
async function end({ ssh, machine }: Running): Promise<void> {
  await machine.stop();
  await ssh.close().catch(() => undefined);
}
