import { UsageError } from '../target.js';
import { childChannel } from './child-channel.js';
import { parseJump, type SshOptions } from './ssh-settings.js';
import { authenticationFailed, hostKeyChanged, hostKeyUnknown, unreachable } from './trouble.js';
import type { ChannelEnd, Transport } from './transport.js';
import { sshUrl, type SshAddress } from './url.js';

/** ssh's exit status for its own failures. */
const SSH_FAILED = 255;
const ALIVE_SECONDS = 5;
const ALIVE_COUNT = 3;
const READY_TIMEOUT_MS = 20_000;

/**
 * The OpenSSH client as a way to a host: honours all of its configuration, and knows certificates, FIDO keys and what else
 * ssh2 does not. It never asks: what needs a password or an answer fails.
 */
export function openSshTransport(address: SshAddress, options: SshOptions = {}, ssh = 'ssh'): Transport {
  const name = sshUrl(address);
  const args = sshArguments(ssh, address, options);
  return {
    name,
    exec: (command) => Promise.resolve(childChannel(ssh, [...args, command], (end) => failureOf(name, end))),
  };
}

function sshArguments(ssh: string, { host, user, port }: SshAddress, options: SshOptions): string[] {
  const { knownHosts, identity, readyTimeoutMs = READY_TIMEOUT_MS } = options;
  const settings = [
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    `ServerAliveInterval=${ALIVE_SECONDS}`,
    `ServerAliveCountMax=${ALIVE_COUNT}`,
    `ConnectTimeout=${Math.ceil(readyTimeoutMs / 1000)}`,
    ...(knownHosts === undefined ? [] : [`UserKnownHostsFile=${knownHosts}`, 'GlobalKnownHostsFile=none']),
    ...(identity === undefined ? [] : ['IdentitiesOnly=yes']),
  ];
  return [
    '-T',
    ...settings.flatMap((setting) => ['-o', setting]),
    ...(identity ?? []).flatMap((file) => ['-i', file]),
    ...proxyArguments(ssh, options),
    ...(user === undefined ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    '--',
    host,
  ];
}

/** As `-J` does it, but with the same keys and known hosts on the way. */
function proxyArguments(ssh: string, { jump = [], ...options }: SshOptions): string[] {
  const last = jump.at(-1);
  if (last === undefined) return [];
  const words = sshArguments(ssh, parseJump(last), { ...options, jump: jump.slice(0, -1) });
  // The client replaces `%h` and `%p` by the host behind; any other `%` is meant as it stands.
  const command = [ssh, '-W', '[%h]:%p', ...words.map((word) => word.replaceAll('%', '%%'))];
  return ['-o', `ProxyCommand=${command.map(quoted).join(' ')}`];
}

/** One word for a shell. */
const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** What the last lines of ssh's own complaint mean. */
function failureOf(name: string, { code, stderr, failure }: ChannelEnd): Error | undefined {
  if (failure !== undefined) return new UsageError(`expected the OpenSSH client, but it cannot be started (${failure.message}); install it, or use the transport ssh2`);
  if (code !== SSH_FAILED) return undefined;
  const last = stderr.trim().split('\n').at(-1)?.trim() ?? '';
  if (stderr.includes('REMOTE HOST IDENTIFICATION HAS CHANGED')) return hostKeyChanged(name, 'the key in known_hosts', seenKey(stderr));
  if (stderr.includes('Host key verification failed')) return hostKeyUnknown(name, seenKey(stderr));
  if (stderr.includes('Permission denied')) return authenticationFailed(name, last);
  return unreachable(name, last);
}

const seenKey = (stderr: string): string => /SHA256:[\w+/]+/.exec(stderr)?.[0] ?? 'another one';
