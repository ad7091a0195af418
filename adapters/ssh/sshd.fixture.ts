import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

const SSHD = '/usr/sbin/sshd';
/** sshd of root wants this directory, which its service makes. */
const PRIVILEGE_SEPARATION = '/run/sshd';

/** Whether this machine can start an SSH server of its own. */
export const hasSshd = existsSync(SSHD) && userInfo().uid === 0;

/** Ends a process, if it has not ended by itself meanwhile. */
function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** An SSH server of the test's own, in a directory of its own. */
export class Sshd {
  readonly folder = mkdtempSync(join(tmpdir(), 'papr-sshd-'));
  readonly knownHosts = join(this.folder, 'known_hosts');
  /** A key that the server accepts, one with a passphrase, and one that it does not know. */
  readonly key = join(this.folder, 'user');
  readonly lockedKey = join(this.folder, 'locked');
  readonly strangerKey = join(this.folder, 'stranger');
  port = 0;
  #child: ChildProcess | undefined;

  static async start(): Promise<Sshd> {
    const sshd = new Sshd();
    for (const name of ['host', 'user', 'stranger', 'other']) sshd.#makeKey(name, '');
    sshd.#makeKey('locked', 'a passphrase');
    mkdirSync(PRIVILEGE_SEPARATION, { recursive: true });
    sshd.port = await freePort();
    writeFileSync(join(sshd.folder, 'config'), sshd.#config());
    writeFileSync(join(sshd.folder, 'authorized_keys'), readFileSync(`${sshd.key}.pub`));
    sshd.trust('host');
    sshd.#child = spawn(SSHD, ['-D', '-e', '-f', join(sshd.folder, 'config')], { stdio: 'ignore' });
    await sshd.#listening();
    return sshd;
  }

  /** A line of known_hosts with one of the keys of this directory. */
  line(key: string, marker = ''): string {
    const [type = '', blob = ''] = readFileSync(join(this.folder, `${key}.pub`), 'utf8').split(' ');
    return `${marker}[127.0.0.1]:${this.port} ${type} ${blob}\n`;
  }

  /** Adds a key to known_hosts. */
  trust(key: string): void {
    appendFileSync(this.knownHosts, this.line(key));
  }

  /** Another known_hosts file. */
  hosts(name: string, text: string): string {
    const file = join(this.folder, name);
    writeFileSync(file, text);
    return file;
  }

  /** Ends the processes that serve connections, as a crash of the host would: without a goodbye. */
  cut(): void {
    for (const pid of childrenOf(this.#child?.pid)) {
      for (const inner of childrenOf(pid)) end(inner);
      end(pid);
    }
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child !== undefined) {
      this.cut();
      const ended = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGTERM');
      await ended;
    }
    rmSync(this.folder, { recursive: true });
  }

  #makeKey(name: string, passphrase: string): void {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-f', join(this.folder, name)]);
  }

  #config(): string {
    const lines = {
      Port: this.port,
      ListenAddress: '127.0.0.1',
      HostKey: join(this.folder, 'host'),
      AuthorizedKeysFile: join(this.folder, 'authorized_keys'),
      PidFile: 'none',
      StrictModes: 'no',
      UsePAM: 'no',
      PasswordAuthentication: 'no',
      PermitRootLogin: 'yes',
      AllowTcpForwarding: 'yes',
    };
    return Object.entries(lines).map(([key, value]) => `${key} ${value}\n`).join('');
  }

  async #listening(): Promise<void> {
    for (let attempt = 0; attempt < 100; attempt++) {
      if (await answers(this.port)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('sshd does not listen');
  }
}

const childrenOf = (pid: number | undefined): number[] =>
  pid === undefined || !existsSync(`/proc/${pid}`)
    ? []
    : readdirSync(`/proc/${pid}/task`).flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number));

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true)).once('error', () => end(false));
  });
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
