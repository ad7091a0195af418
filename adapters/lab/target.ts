import type { Trace } from '../../reference/doors/observation.js';
import type { Program } from '../../reference/doors/operations.js';
import { SshTarget } from '../ssh/target.js';
import type { Target, TargetDescription } from '../target.js';
import type { LabOptions } from './blueprint.js';
import type { LabMachine } from './machine.js';
import { startLab } from './start.js';
import { Witness } from './witness.js';

/** A machine, and the way to it. */
interface Running {
  readonly machine: LabMachine;
  ssh: SshTarget;
  /** Follows the program that runs, if it wants to know. */
  witness: Witness | undefined;
  /** The console as it was when the machine was ready. */
  readonly mark: number;
}

/**
 * A Linux kernel on an emulated machine of the lab: an SSH target like any other, but one that may be destroyed, that is
 * watched from outside, and that is replaced when a program has damaged it.
 */
export class LabTarget implements Target {
  #running: Running;
  #spent = false;
  #closed = false;
  #replacing: Promise<void> = Promise.resolve();

  private constructor(
    private readonly options: LabOptions,
    running: Running,
  ) {
    this.#running = running;
  }

  /** @throws UsageError where something is missing; TargetLost where the machine does not come up */
  static async open(options: LabOptions): Promise<LabTarget> {
    return new LabTarget(options, await start(options));
  }

  get variants(): readonly [TargetDescription] {
    return this.#running.ssh.variants;
  }

  /** The machine that runs now. */
  get machine(): LabMachine {
    return this.#running.machine;
  }

  async run(program: Program): Promise<Trace> {
    await this.#replacing;
    if (this.#spent) await this.renew();
    const { ssh, machine, mark } = this.#running;
    const watched = program.operations.some(({ door, op }) => door === 'host' && op === 'witness');
    if (watched) await this.#watch();
    const trace = await ssh.run(program);
    const died = trace.observations.some(({ kind }) => kind === 'crashed');
    this.#spent = died || machine.health(mark).state !== 'alive';
    if (watched && machine.running) await machine.stopTrace();
    return trace;
  }

  runQuick(program: Program): Promise<Trace> {
    return this.run(program);
  }

  /** Another machine, as new. */
  async renew(): Promise<void> {
    await this.#replacing;
    if (this.#closed) return;
    this.#replacing = this.#replace();
    await this.#replacing;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#replacing.catch(() => undefined);
    await end(this.#running);
  }

  /** Every entry that is written is a line of the trace: it costs a program that is not interested seconds. */
  async #watch(): Promise<void> {
    const { machine } = this.#running;
    await machine.startTrace();
    this.#running.witness = new Witness(machine.trace);
  }

  async #replace(): Promise<void> {
    await end(this.#running);
    this.#running = await start(this.options);
    this.#spent = false;
  }
}

async function start(options: LabOptions): Promise<Running> {
  const machine = await startLab(options);
  try {
    const running: Running = { machine, ssh: undefined as never, witness: undefined, mark: machine.console.mark() };
    running.ssh = await reach(running, options);
    return running;
  } catch (error) {
    await machine.stop();
    throw error;
  }
}

function reach(running: Running, { platform, cpu = 'power9' }: LabOptions): Promise<SshTarget> {
  const { machine, mark } = running;
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
    ...(platform === 'pseries' && { witness: (pe) => Promise.resolve({ ...running.witness!.look(bridgeOf(running.ssh, pe)) }) }),
  });
}

/** A machine that nobody else uses need not be waited for. */
const RECONNECT_MS = 5_000;

function deathOf(machine: LabMachine, mark: number): string | undefined {
  const health = machine.health(mark);
  return health.state === 'alive' ? undefined : health.evidence;
}

/** The host bridge of a PE: the PCI domain of its first device. */
const bridgeOf = (ssh: SshTarget, pe: string): number => parseInt(ssh.devices.get(`${pe}.dev0`)?.split(':')[0] ?? '0', 16);

/** The machine goes, whatever became of the way to it. */
async function end({ ssh, machine }: Running): Promise<void> {
  if (machine.running) await ssh.close().catch(() => undefined);
  await machine.stop();
}
