import { execFile } from 'node:child_process';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../target.js';
import { isLoopback, parseSshUrl, SSH_PORT, type SshAddress } from './url.js';

/** What the user may say about reaching a host, beside its address. */
export interface SshOptions {
  /** known_hosts file to trust instead of the usual ones. */
  readonly knownHosts?: string;
  /** Private key files to use instead of the usual ones. */
  readonly identity?: readonly string[];
  /** Hosts to go through, the first one first, as `user@host:port`; instead of the configuration's ProxyJump. */
  readonly jump?: readonly string[];
  /** Longest time for reaching each host of the way, in milliseconds; 20 s unless told. */
  readonly readyTimeoutMs?: number;
}

/** How to reach a host, everything decided. */
export interface SshSettings {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Name under which known_hosts has the host, if not its own. */
  readonly hostKeyAlias?: string;
  readonly identityFiles: readonly string[];
  /** Socket of the SSH agent; undefined where it is not to be used. */
  readonly agent?: string;
  readonly knownHostsFiles: readonly string[];
  /** The user named them: what cannot be read is an error. */
  readonly named: { readonly knownHosts: boolean; readonly identity: boolean };
  readonly readyTimeoutMs: number;
  /** Hosts to go through, the first one first. */
  readonly jumps: readonly SshSettings[];
}

const READY_TIMEOUT_MS = 20_000;
const HOME_KEYS = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

/** The settings for an address: what the user said, then OpenSSH's configuration (`ssh -G`), then SSH's defaults. @throws UsageError */
export async function sshSettings(address: SshAddress, options: SshOptions = {}): Promise<SshSettings> {
  const config = isLoopback(address.host) ? undefined : await openSshConfig(address);
  return settingsOf(address, options, config, options.jump ?? jumpNames(config));
}

async function settingsOf(address: SshAddress, options: SshOptions, config: Config | undefined, jumps: readonly string[]): Promise<SshSettings> {
  const ways = jumps.map(async (jump) => {
    const next = parseJump(jump);
    return settingsOf(next, options, isLoopback(next.host) ? undefined : await openSshConfig(next), []);
  });
  const { knownHosts, identity } = options;
  const agent = agentSocket(config);
  const alias = config?.get('hostkeyalias')?.[0];
  return {
    host: config?.get('hostname')?.[0] ?? address.host,
    port: address.port ?? Number(config?.get('port')?.[0] ?? SSH_PORT),
    user: address.user ?? config?.get('user')?.[0] ?? userInfo().username,
    ...(alias !== undefined && alias !== 'none' && { hostKeyAlias: alias }),
    identityFiles: identity ?? config?.get('identityfile')?.map(atHome) ?? HOME_KEYS.map((name) => join(homedir(), '.ssh', name)),
    ...(agent !== undefined && { agent }),
    knownHostsFiles: knownHosts === undefined ? usualKnownHosts(config) : [knownHosts],
    named: { knownHosts: knownHosts !== undefined, identity: identity !== undefined },
    readyTimeoutMs: options.readyTimeoutMs ?? READY_TIMEOUT_MS,
    jumps: await Promise.all(ways),
  };
}

function usualKnownHosts(config: Config | undefined): string[] {
  const files = ['userknownhostsfile', 'globalknownhostsfile'].flatMap((key) => config?.get(key) ?? []).flatMap((value) => value.split(' '));
  if (files.length > 0) return files.filter((file) => file !== 'none').map(atHome);
  return [join(homedir(), '.ssh', 'known_hosts'), '/etc/ssh/ssh_known_hosts'];
}

function agentSocket(config: Config | undefined): string | undefined {
  const named = config?.get('identityagent')?.[0] ?? 'SSH_AUTH_SOCK';
  if (named === 'none') return undefined;
  return named === 'SSH_AUTH_SOCK' ? process.env['SSH_AUTH_SOCK'] : atHome(named);
}

/** `ssh -G`: lines `key value`, keys in lower case; a key may come more than once. */
type Config = ReadonlyMap<string, readonly string[]>;

/** What OpenSSH's configuration says about a host; undefined where there is no OpenSSH. */
async function openSshConfig({ host, user, port }: SshAddress): Promise<Config | undefined> {
  const args = ['-G', ...(user === undefined ? [] : ['-l', user]), ...(port === undefined ? [] : ['-p', String(port)]), '--', host];
  const text = await new Promise<string | undefined>((resolve, reject) => {
    execFile('ssh', args, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else if (error.code === 'ENOENT') resolve(undefined);
      else reject(new UsageError(`expected OpenSSH's configuration of ${host} to be readable, but saw '${stderr.trim()}'; correct it`));
    });
  });
  return text === undefined ? undefined : parseConfig(text);
}

/** Reads the output of `ssh -G`. */
export function parseConfig(text: string): Config {
  const config = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ');
    if (space <= 0) continue;
    const key = line.slice(0, space);
    config.set(key, [...(config.get(key) ?? []), line.slice(space + 1)]);
  }
  return config;
}

function jumpNames(config: Config | undefined): string[] {
  const command = config?.get('proxycommand')?.[0];
  if (command !== undefined && command !== 'none') {
    throw new UsageError(`expected to reach the host directly or by ProxyJump, but OpenSSH's configuration has ProxyCommand '${command}'; use the transport openssh`);
  }
  const jumps = config?.get('proxyjump')?.[0];
  return jumps === undefined || jumps === 'none' ? [] : jumps.split(',');
}

/** One host of ProxyJump: `user@host:port`, or as a URL. */
export const parseJump = (text: string): SshAddress => parseSshUrl(text.startsWith('ssh://') ? text : `ssh://${text}`);

const atHome = (path: string): string => (path.startsWith('~/') ? join(homedir(), path.slice(2)) : path);
