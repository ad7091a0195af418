import type { Trace } from '../../reference/doors/observation.js';
import type { Program } from '../../reference/doors/operations.js';
import { PE_SCAR } from '../../reference/machine.js';
import { SshTarget, type Freeze } from '../ssh/target.js';
import { TargetLost, type Target, type TargetDescription } from '../target.js';
import type { LabOptions } from './blueprint.js';
import type { LabMachine } from './machine.js';
import { mend, portraitsOf, substitute, type Portrait } from './mend.js';
import { bridgeOf, releasePe, stopPe } from './phb.js';
import { startLab } from './start.js';
import { Witness } from './witness.js';

/** A machine, the way to it, and its view from outside. */
interface Running {
  readonly machine: LabMachine;
  readonly ssh: SshTarget;
  readonly witness: Witness;
  /** The console as it was when the machine was ready. */
  readonly mark: number;
  /** What its PEs showed when it was new, where they can be mended; without those that were set aside. */
  readonly fresh: Map<string, Portrait> | undefined;
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
  /** What the machine did last. */
  #last: Program = { operations: [] };
  /** The machine after this one, on its way: from the first time that one was needed on, where machines have to boot. */
  #standby: Promise<Running> | undefined;
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
    const first = await this.#once(program, 'run');
    if (this.#running.ssh.located) return first;
    // Something died, and it is not known in which operation: on another machine each answer is told before the next one begins.
    const again = await this.#once(program, 'runStepwise');
    return hasDied(again) ? again : first;
  }

  async #once(program: Program, how: 'run' | 'runStepwise'): Promise<Trace> {
    if (this.#spent) await (this.#replacing = this.#replace());
    const { ssh, machine, witness, mark } = this.#running;
    // Every entry that is written is a line of the hypervisor's trace: it costs a program that is not interested seconds.
    const watched = program.operations.some(({ door, op }) => door === 'host' && op === 'witness');
    if (watched) await witness.start();
    const trace = await ssh[how](program);
    this.#spent = hasDied(trace) || machine.health(mark).state !== 'alive';
    this.#last = program;
    if (watched && machine.running) await witness.stop();
    return trace;
  }

  runQuick(program: Program): Promise<Trace> {
    return this.run(program);
  }

  async renew(scars?: ReadonlySet<string>): Promise<void> {
    const elsewhere = scars === undefined || [...scars].some((scar) => !scar.startsWith(PE_SCAR));
    this.#spent ||= elsewhere || !(await this.#mended());
  }

  /** Whether the PEs that the last program has used are as they were when the machine was new, mended if need be. */
  async #mended(): Promise<boolean> {
    const { machine, ssh, mark, fresh } = this.#running;
    if (fresh === undefined) return false;
    const spares = machine.pes.filter(({ spare }) => spare === true).flatMap(({ devices }) => devices);
    try {
      for (const name of await mend(ssh, (place) => releasePe(machine, place), this.#last, fresh)) {
        const aside = await substitute(ssh, name, spares, fresh);
        if (aside === undefined) return false;
        fresh.delete(aside);
      }
      return !machine.hasComplained(mark);
    } catch (error) {
      if (error instanceof TargetLost) return false;
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#replacing.catch(() => undefined);
    const standby = await this.#standby?.catch(() => undefined);
    await Promise.all([end(this.#running), standby && end(standby)]);
  }

  /** @throws TargetLost where the target was closed meanwhile, or no other machine comes up */
  async #replace(): Promise<void> {
    this.#past = this.exchanges;
    await end(this.#running);
    if (this.#closed) throw new TargetLost('The target was closed.');
    this.#running = (await this.#waiting()) ?? (await this.#another());
    this.#spent = false;
    if (this.#renewFrom === 'boot' && this.options.platform === 'powernv') this.#prepare();
  }

  /** The machine that was prepared, if it has come up and has not died since. */
  async #waiting(): Promise<Running | undefined> {
    const standby = await this.#standby?.catch(() => undefined);
    this.#standby = undefined;
    if (standby === undefined || standby.machine.health(standby.mark).state === 'alive') return standby;
    await end(standby);
    return undefined;
  }

  /** Boots the next machine while this one is in use. */
  #prepare(): void {
    this.#standby = start({ ...this.options, from: 'boot', progress: () => undefined });
    // Whoever needs it looks whether there is one.
    this.#standby.catch(() => undefined);
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

const hasDied = ({ observations }: Trace): boolean => observations.some(({ kind }) => kind === 'crashed');

async function start(options: LabOptions): Promise<Running> {
  const machine = await startLab(options);
  try {
    const [witness, mark] = [new Witness(machine), machine.console.mark()];
    const ssh = await reach({ machine, witness, mark }, options);
    const mendable = options.platform === 'powernv' && ssh.variants[0].machine.linux?.eeh === true;
    return { machine, witness, mark, ssh, fresh: mendable ? await portraitsOf(ssh) : undefined };
  } catch (error) {
    await machine.stop();
    throw error;
  }
}

function reach({ machine, witness, mark }: Omit<Running, 'ssh' | 'fresh'>, { platform, cpu = 'power9' }: LabOptions): Promise<SshTarget> {
  const freeze: Freeze = (device, pe, what) => stopPe(machine, { domain: bridgeOf(device), pe }, what);
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

/** The machine goes first: on one that nobody will use again nothing needs to be put back. */
async function end({ ssh, machine }: Running): Promise<void> {
  await machine.stop();
  await ssh.close().catch(() => undefined);
}
