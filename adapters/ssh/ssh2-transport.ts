import { Client, type ClientChannel } from 'ssh2';
import type { Duplex } from 'node:stream';
import { algorithms } from './algorithms.js';
import { HostKeyCheck } from './host-key-check.js';
import { identitiesOf } from './identities.js';
import { sshSettings, type SshOptions, type SshSettings } from './ssh-settings.js';
import { authenticationFailed, connectionLost, noCommonAlgorithm, unreachable } from './trouble.js';
import { tailOf, type Channel, type ChannelEnd, type Transport } from './transport.js';
import { sshUrl, type SshAddress } from './url.js';

/** A host that does not answer for 15 s is gone: a crash sends no goodbye. */
const KEEPALIVE_MS = 5_000;
const KEEPALIVE_COUNT = 3;

/** The package ssh2 as a way to a host: no program needed, each hop's key checked against known_hosts. */
export function ssh2Transport(address: SshAddress, options: SshOptions = {}): Transport {
  return {
    name: sshUrl(address),
    async exec(command) {
      return run(await Connection.open(await sshSettings(address, options)), command);
    },
  };
}

/** A connection, through other hosts if need be. */
class Connection {
  readonly #clients: Client[] = [];
  failure: Error | undefined;

  private constructor(readonly name: string) {}

  static async open(settings: SshSettings): Promise<Connection> {
    const connection = new Connection(sshUrl(settings));
    try {
      for (const hop of [...settings.jumps, settings]) await connection.#add(hop);
    } catch (error) {
      connection.close();
      throw error;
    }
    return connection;
  }

  /** The client of the host at the end. */
  get last(): Client {
    return this.#clients.at(-1)!;
  }

  /** In order: what was sent still arrives. */
  close(): void {
    for (const client of this.#clients.toReversed()) client.end();
  }

  destroy(): void {
    for (const client of this.#clients.toReversed()) client.destroy();
  }

  async #add(hop: SshSettings): Promise<void> {
    const client = new Client();
    const through = this.#clients.at(-1);
    const sock = through === undefined ? undefined : await forward(through, hop);
    this.#clients.push(client);
    await login(client, hop, sock);
    client.on('error', (error) => (this.failure ??= connectionLost(sshUrl(hop), error.message)));
  }
}

/** A stream to the next host. */
function forward(client: Client, { host, port, user }: SshSettings): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    client.forwardOut('127.0.0.1', 0, host, port, (error, stream) => {
      if (error === undefined) resolve(stream);
      else reject(unreachable(sshUrl({ host, port, user }), error.message));
    });
  });
}

function login(client: Client, hop: SshSettings, sock: Duplex | undefined): Promise<void> {
  const check = new HostKeyCheck(hop);
  const { methods, unused } = identitiesOf(hop);
  return new Promise((resolve, reject) => {
    client.once('ready', resolve);
    // More than one may come: a time limit, then the end of the socket.
    client.on('error', (error) => reject(check.refusal ?? reasonOf(hop, error, unused)));
    client.once('close', () => reject(check.refusal ?? unreachable(sshUrl(hop), 'the connection was closed while logging in')));
    client.connect({
      ...(sock === undefined ? { host: hop.host, port: hop.port } : { sock }),
      username: hop.user,
      authHandler: methods,
      hostVerifier: (key: Buffer) => check.accepts(key),
      algorithms: algorithms(check.knownTypes),
      readyTimeout: hop.readyTimeoutMs,
      keepaliveInterval: KEEPALIVE_MS,
      keepaliveCountMax: KEEPALIVE_COUNT,
    });
    // Without it a small message waits for the acknowledgement of the one before: 40 ms each.
    client.setNoDelay(true);
  });
}

/** What ssh2's error means. */
function reasonOf(hop: SshSettings, error: Error & { level?: string }, unused: readonly string[]): Error {
  const name = sshUrl(hop);
  if (error.level === 'client-authentication') {
    return authenticationFailed(name, ['the host refused them all', ...unused].join('; not tried: '));
  }
  if (/no matching/i.test(error.message)) return noCommonAlgorithm(name, error.message);
  return unreachable(name, error.message);
}

function run(connection: Connection, command: string): Promise<Channel> {
  return new Promise((resolve, reject) => {
    connection.last.exec(command, (error, stream) => {
      if (error === undefined) resolve(channelOf(connection, stream));
      else {
        connection.close();
        reject(connectionLost(connection.name, error.message));
      }
    });
  });
}

function channelOf(connection: Connection, stream: ClientChannel): Channel {
  const stderr = tailOf(stream.stderr);
  let exit: Pick<ChannelEnd, 'code' | 'signal'> | undefined;
  stream.on('exit', (code: number | null, signal?: string) => {
    exit = { ...(code !== null && { code }), ...(signal !== undefined && { signal }) };
  });
  stream.on('error', () => undefined);
  // Not at 'exit', which may come before the data, or not at all.
  const ended = new Promise<ChannelEnd>((resolve) => {
    stream.once('close', () => {
      connection.close();
      const failure = connection.failure ?? (exit === undefined ? connectionLost(connection.name, 'the connection has ended') : undefined);
      resolve({ ...exit, stderr: stderr(), ...(failure !== undefined && { failure }) });
    });
  });
  return { input: stream, output: stream, ended, destroy: () => connection.destroy() };
}
