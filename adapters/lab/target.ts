import type { Observation, Trace } from '../../reference/doors/observation.js';
import type { Operation, Program } from '../../reference/doors/operations.js';
import { FIRMWARE, SOFTWARE } from '../../reference/eeh/recovery.js';
import { SshTarget, type Freeze } from '../ssh/target.js';
import { TargetLost, type Target, type TargetDescription } from '../target.js';
import type { LabOptions } from './blueprint.js';
import type { LabMachine } from './machine.js';
import { startLab } from './start.js';
import { releasePe, stopPe, type PePlace } from './phb.js';
import { Witness } from './witness.js';

/** A machine, the way to it, and its view from outside. */
interface Running {
  readonly machine: LabMachine;
  readonly ssh: SshTarget;
  readonly witness: Witness;
  /** PEs that a program has stopped. */
  readonly stopped: PePlace[];
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
  /** What the last program stopped goes on: the machine is as it was. */
  #mended = false;
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
    this.#mended = !this.#spent && (await this.#mend(program));
    return trace;
  }

  runQuick(program: Program): Promise<Trace> {
    return this.run(program);
  }

  renew(scarred = false): Promise<void> {
    this.#spent ||= scarred || !this.#mended;
    return Promise.resolve();
  }

  /**
   * Lets the PEs go on that a program has stopped. True where that is all it takes: a PE that the kernel itself has recovered is a
   * PE with an error more to its name, and needs another machine.
   */
  async #mend({ operations }: Program): Promise<boolean> {
    const { machine, ssh, stopped } = this.#running;
    const places = stopped.splice(0);
    if (places.length === 0 || operations.some(({ door, op }) => door === 'host' && op === 'eeh')) return false;
    for (const place of places) await releasePe(machine, place);
    const devices = ssh.variants[0].machine.linux!.groups.flatMap((group) => group.devices.map(({ name }) => `${group.name}.${name}`));
    const looks = devices.map((device): Operation => ({ door: 'host', op: 'eeh-state', device }));
    const { observations } = await ssh.run({ operations: looks });
    return observations.every(isHealthy);
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

/** A device that is there, its PE neither stopped nor being recovered. */
function isHealthy(observation: Observation): boolean {
  if (observation.kind !== 'values') return false;
  const { present, firmware = 0n, software = 0n } = observation.values;
  return present === 1n && (software & (SOFTWARE.ISOLATED | SOFTWARE.RECOVERING)) === 0n && (firmware & GOES_ON) === GOES_ON;
}

const GOES_ON = FIRMWARE.MMIO_ACTIVE | FIRMWARE.DMA_ACTIVE;

async function start(options: LabOptions): Promise<Running> {
  const machine = await startLab(options);
  try {
    const [witness, mark] = [new Witness(machine), machine.console.mark()];
    const stopped: PePlace[] = [];
    return { machine, witness, stopped, mark, ssh: await reach({ machine, witness, stopped, mark }, options) };
  } catch (error) {
    await machine.stop();
    throw error;
  }
}

function reach({ machine, witness, stopped, mark }: Omit<Running, 'ssh'>, { platform, cpu = 'power9' }: LabOptions): Promise<SshTarget> {
  const freeze: Freeze = async (device, pe, what) => {
    const place = { domain: bridgeOf(device), pe };
    stopped.push(place);
    await stopPe(machine, place, what);
  };
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
    ...(platform === 'powernv' && { freeze }),
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
