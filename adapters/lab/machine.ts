/** A machine of the lab that runs, started by this process or another. */

import { rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';

import { TargetLost } from '../target.js';
import { GrowingFile } from './growing-file.js';
import { FILES, type LabPe } from './hardware.js';
import { damageIn, warningIn, type Health } from './health.js';
import { FAILED_MARK, HOST_KEY_MARK, READY_MARK } from './init.js';
import { isAlive } from './process-identity.js';
import { humanMonitor, qmp } from './qmp.js';
import { machineDirectory, unregister, type MachineRecord } from './registry.js';
import { waitFor } from './wait.js';

/** Names of QEMU's trace events. */
const TRACED = 'spapr_iommu*';
const STOP_TIMEOUT_MS = 10_000;
const SSH_BANNER_TIMEOUT_MS = 30_000;
const BANNER_ATTEMPT_MS = 1_000;

export class LabMachine {
  /** What the guest has printed: kernel log and the lab's marks. */
  readonly console: GrowingFile;
  /** What the hypervisor has seen since `startTrace`. */
  readonly trace: GrowingFile;
  /** Its files. */
  readonly directory: string;

  /**
   * @param record what its state file says
   * @param release takes it off the list of what is ended with this process
   */
  constructor(
    readonly record: MachineRecord,
    private readonly release: () => void = () => undefined,
  ) {
    this.directory = machineDirectory(record.id);
    this.console = new GrowingFile(join(this.directory, FILES.console));
    this.trace = new GrowingFile(join(this.directory, FILES.trace));
  }

  get id(): string {
    return this.record.id;
  }

  /** The PEs with devices for tests, as the guest should show them. */
  get pes(): readonly LabPe[] {
    return this.record.pes;
  }

  /** Port on 127.0.0.1; log in as root. */
  get sshPort(): number {
    return this.record.sshPort;
  }

  /** OpenSSH known_hosts file with the guest's host key, for strict checking from the first connection on. */
  get knownHosts(): string {
    return join(this.directory, FILES.knownHosts);
  }

  /** Private key file for the login. */
  get identity(): string {
    return this.record.identity;
  }

  /** Socket of the guest's console: a root shell. One connection at a time. */
  get consoleSocket(): string {
    return join(this.directory, FILES.consoleSocket);
  }

  /** PowerNV: socket of QEMU's qtest protocol, which reads and writes the hardware beside the guest. */
  get qtestSocket(): string | undefined {
    return this.record.platform === 'powernv' ? join(this.directory, FILES.qtest) : undefined;
  }

  /** False once QEMU has ended. */
  get running(): boolean {
    return this.record.process !== undefined && isAlive(this.record.process);
  }

  /**
   * Whether it still runs, and undamaged.
   *
   * @param consoleMark only what the console has told since then counts; everything unless told
   */
  health(consoleMark = 0): Health {
    const evidence = damageIn(this.console.since(consoleMark));
    if (!this.running) return { state: 'dead', evidence: evidence ?? this.lastWords() };
    return evidence === undefined ? { state: 'alive' } : { state: 'damaged', evidence };
  }

  /** Whether its kernel has found something wrong with itself since then, damage or not. */
  hasComplained(consoleMark: number): boolean {
    return this.health(consoleMark).state !== 'alive' || warningIn(this.console.since(consoleMark)) !== undefined;
  }

  /** The last line QEMU has said itself. */
  lastWords(): string {
    const lines = new GrowingFile(join(this.directory, FILES.qemuLog)).since().trim().split('\n');
    return lines.at(-1) || 'QEMU has said nothing';
  }

  /** Runs a command of QEMU's machine protocol. @throws TargetLost */
  qmp(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    return qmp(join(this.directory, FILES.qmp), command, args);
  }

  /** Runs a command of QEMU's monitor and returns what it prints. @throws TargetLost */
  monitor(line: string): Promise<string> {
    return humanMonitor(join(this.directory, FILES.qmp), line);
  }

  /**
   * From now on, `trace` gets a line for each hypercall and RTAS call of the guest's kernel that concerns the I/O-MMU, and for
   * each access of a device that is translated; what stood there before is gone. pSeries only: QEMU traces no such thing on
   * PowerNV. Giving back a window of 2^18 TCEs makes 37 MB and takes three times as long as without.
   *
   * @throws TargetLost
   */
  async startTrace(): Promise<void> {
    rmSync(this.trace.path, { force: true });
    await this.monitor(`logfile ${FILES.trace}`);
    await this.monitor(`log trace:${TRACED}`);
  }

  /** The end of that; what was traced can still be read. @throws TargetLost */
  async stopTrace(): Promise<void> {
    await this.monitor(`trace-event ${TRACED} off`);
  }

  /**
   * Restarts the guest as the reset button does, and waits until it takes SSH connections. The host key is a new one.
   *
   * @throws TargetLost when it does not come back in time
   */
  async reset(timeoutMs: number): Promise<void> {
    const mark = this.console.mark();
    await this.qmp('system_reset');
    await this.waitReady(timeoutMs, mark);
  }

  /**
   * Waits until the guest takes SSH connections, and writes its host key to `knownHosts`.
   *
   * @param consoleMark from where on the console tells of this boot
   * @returns the guest's host key, as in known_hosts
   * @throws TargetLost when it dies, panics or takes too long
   */
  async waitReady(timeoutMs: number, consoleMark = 0): Promise<string> {
    const text = await this.waitConsole(READY_MARK, timeoutMs, consoleMark);
    const hostKey = text.split(HOST_KEY_MARK)[1]?.split(/\r?\n/)[0]?.trim().split(' ').slice(0, 2).join(' ') ?? '';
    this.trust(hostKey);
    await this.waitSsh();
    return hostKey;
  }

  /** Writes the file `knownHosts`. */
  trust(hostKey: string): void {
    writeFileSync(this.knownHosts, `[127.0.0.1]:${this.sshPort} ${hostKey}\n`, { mode: 0o600 });
  }

  /** Waits for a text on the console; returns all that stands there since the mark. @throws TargetLost */
  async waitConsole(mark: string, timeoutMs: number, consoleMark: number): Promise<string> {
    const expected = `expected ${this.id} (${this.record.kernel}) to print '${mark}'`;
    const text = await waitFor(timeoutMs, () => {
      const seen = this.console.since(consoleMark);
      const failure = seen.split(FAILED_MARK)[1]?.split(/\r?\n/)[0];
      if (failure !== undefined) throw new TargetLost(`${expected}, but it says:${failure}`);
      if (seen.includes(mark)) return seen;
      const health = this.health(consoleMark);
      if (health.state === 'dead') throw new TargetLost(`${expected}, but QEMU has ended: ${health.evidence}`);
      if (health.state === 'damaged') throw new TargetLost(`${expected}, but saw on its console: ${health.evidence}`);
      return undefined;
    });
    if (text !== undefined) return text;
    const last = this.console.since(consoleMark).trim().split('\n').at(-1) ?? '';
    throw new TargetLost(`${expected}, but it has not within ${timeoutMs / 1000} s; the last line on its console is '${last.trim()}'; allow more time, or try another kernel`);
  }

  /** Types a line in the root shell on the console. */
  typeOnConsole(line: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.consoleSocket);
      socket.on('error', (error) => reject(new TargetLost(`expected the console of ${this.id}, but saw: ${error.message}`)));
      socket.on('close', () => resolve());
      socket.end(line);
      socket.resume();
    });
  }

  /** Waits until the guest's SSH server greets. @throws TargetLost */
  async waitSsh(): Promise<void> {
    const greeted = await waitFor(SSH_BANNER_TIMEOUT_MS, async () => ((await greets(this.sshPort)) ? true : undefined));
    if (greeted === undefined) {
      throw new TargetLost(`expected an SSH server at port ${this.sshPort} of ${this.id}, but none has answered within ${SSH_BANNER_TIMEOUT_MS / 1000} s; look at its console`);
    }
  }

  /** Lets the machine run on when this process ends. */
  outlive(): void {
    this.release();
  }

  /** Ends the machine and removes its files. May be called more than once. */
  async stop(): Promise<void> {
    this.kill();
    const gone = await waitFor(STOP_TIMEOUT_MS, () => (this.running ? undefined : true));
    if (gone === undefined) throw new TargetLost(`expected QEMU of ${this.id} to end when killed, but it still runs after ${STOP_TIMEOUT_MS / 1000} s`);
    this.release();
  }

  /** The same without waiting, for a process that is about to end. */
  kill(): void {
    const qemu = this.record.process;
    if (qemu !== undefined && isAlive(qemu)) process.kill(qemu.pid, 'SIGKILL');
    unregister(this.id);
  }
}

/** Whether an SSH server answers at a port of this machine: QEMU takes the connection also while there is none. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(BANNER_ATTEMPT_MS, () => end(false));
    socket.on('error', () => end(false)).on('close', () => end(false));
    socket.on('data', (bytes) => end(bytes.toString('latin1').startsWith('SSH-')));
  });
}
