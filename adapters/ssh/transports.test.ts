import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { TargetLost, UsageError } from '../target.js';
import { AgentLink, type AgentOptions } from './agent-link.js';
import { openSshTransport } from './openssh-transport.js';
import { ssh2Transport } from './ssh2-transport.js';
import type { SshOptions } from './ssh-settings.js';
import { freePort, hasSshd, Sshd } from './sshd.fixture.js';
import type { Transport } from './transport.js';

jest.setTimeout(60_000);

const TRANSPORTS = { ssh2: ssh2Transport, openssh: openSshTransport };

/** False also of a process that has ended and that nobody has asked for. */
const runs = (pid: number): boolean => existsSync(`/proc/${pid}/stat`) && !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));

// Without an SSH server to start there is nothing to test against: apt-get install openssh-server, and be root.
const whereSshd = hasSshd ? describe : describe.skip;

whereSshd.each(Object.entries(TRANSPORTS))('the transport %s', (_, transport) => {
  let sshd: Sshd;
  const links: AgentLink[] = [];

  beforeAll(async () => (sshd = await Sshd.start()));
  afterAll(() => sshd.stop());
  afterEach(async () => {
    for (const link of links.splice(0)) await link.close();
  });

  const way = (options: SshOptions = {}, port = sshd.port): Transport =>
    transport({ host: '127.0.0.1', user: 'root', port }, { knownHosts: sshd.knownHosts, identity: [sshd.key], ...options });
  const start = async (options: SshOptions & AgentOptions = {}, port = sshd.port): Promise<AgentLink> => {
    const link = await AgentLink.start(way(options, port), options);
    links.push(link);
    return link;
  };
  const refusal = async (start_: Promise<unknown>): Promise<Error> => {
    const error = await start_.then(() => new Error('it was let in'), (reason: unknown) => reason as Error);
    expect(error.message).not.toContain('\n');
    return error;
  };

  it('starts the agent on the host', async () => {
    const link = await start();
    expect(link.hello).toMatchObject({ agent: 1, uid: 0 });
    expect(link.name).toBe(`ssh://root@127.0.0.1:${sshd.port}`);
  });

  it('answers without waiting for packets to fill', async () => {
    const link = await start();
    const times: number[] = [];
    for (let i = 0; i < 15; i++) {
      const begin = performance.now();
      await link.request({ do: 'ping' }, z.object({}));
      times.push(performance.now() - begin);
    }
    expect(times.sort((a, b) => a - b)[4]).toBeLessThan(30);
  });

  it('carries long messages both ways', async () => {
    const link = await start();
    const at = Array.from({ length: 5000 }, () => ({ text: '/proc/sys/kernel/ostype' }));
    const { seen } = await link.request({ do: 'look', at } as { do: string }, z.object({ seen: z.array(z.string()) }));
    expect(seen).toHaveLength(5000);
  });

  it('is refused with a key that the host does not know', async () => {
    const error = await refusal(start({ identity: [sshd.strangerKey] }));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toMatch(/^expected ssh:\/\/root@127\.0\.0\.1:\d+ to accept one of your keys, but saw: .*; name a key file/);
  });

  it('refuses a host that nobody knows', async () => {
    const error = await refusal(start({ knownHosts: sshd.hosts('empty', '') }));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toMatch(/^expected to know the host key of .*, but saw .*connect once with ssh$/);
  });

  it('refuses a host whose key has changed', async () => {
    const error = await refusal(start({ knownHosts: sshd.hosts('changed', sshd.line('other')) }));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toMatch(/^expected the host key .* but saw SHA256:.*: another host answers/);
  });

  it('refuses a revoked key', async () => {
    await expect(start({ knownHosts: sshd.hosts('revoked', sshd.line('host') + sshd.line('host', '@revoked ')) })).rejects.toThrow(UsageError);
  });

  it('knows hashed names', async () => {
    const file = sshd.hosts('hashed', readFileSync(sshd.knownHosts, 'utf8'));
    execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' });
    expect(readFileSync(file, 'utf8')).toMatch(/^\|1\|/);
    await expect(start({ knownHosts: file })).resolves.toBeDefined();
  });

  it('goes through another host', async () => {
    const hop = `root@127.0.0.1:${sshd.port}`;
    await expect(start({ jump: [hop] })).resolves.toBeDefined();
    await expect(start({ jump: [hop, hop] })).resolves.toBeDefined();
  });

  it('says which host on the way cannot be reached', async () => {
    const port = await freePort();
    const error = await refusal(start({ jump: [`root@127.0.0.1:${port}`] }));
    expect(error).toBeInstanceOf(TargetLost);
  });

  it('says that a host is unreachable', async () => {
    const error = await refusal(start({}, await freePort()));
    expect(error).toBeInstanceOf(TargetLost);
    expect(error.message).toMatch(/^expected an SSH server at .*, but saw: .*refused/i);
  });

  it('says that a host does not answer in time', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const error = await refusal(start({ readyTimeoutMs: 1000 }, (silent.address() as AddressInfo).port));
    expect(error).toBeInstanceOf(TargetLost);
    silent.close();
  });

  it('tells when the connection is cut', async () => {
    const link = await start();
    const program = { do: 'run', operations: [{ pause: true }] } as { do: string };
    const waiting = refusal(link.request(program, z.object({ paused: z.literal(true).optional() }), () => sshd.cut()));
    const error = await waiting;
    expect(error).toBeInstanceOf(TargetLost);
    await link.ended;
    expect(link.alive).toBe(false);
    await expect(link.request({ do: 'ping' }, z.object({}))).rejects.toThrow(TargetLost);
    // The agent notices, too, and ends.
    const begin = Date.now();
    while (runs(link.hello.pid) && Date.now() - begin < 30_000) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(runs(link.hello.pid)).toBe(false);
  });

  it('says that there is no Python, or one that is too old', async () => {
    const missing = await refusal(start({ python: 'python3-is-not-here' }));
    expect(missing).toBeInstanceOf(UsageError);
    expect(missing.message).toMatch(/^expected Python 3\.6 or later on .*, but saw: .*not found; install it/);
    const old = sshd.hosts('old-python', '#!/bin/sh\necho "papr-agent: this Python is too old: 3.4.2" >&2; exit 1\n');
    await expect(start({ python: `sh ${old}` })).rejects.toThrow(/Python 3\.6 or later .* 3\.4\.2/);
    const sudo = sshd.hosts('sudo', 'echo "sudo: a password is required" >&2; exit 1\n');
    await expect(start({ python: `sh ${sudo}` })).rejects.toThrow(/expected the agent to start on .*, but saw status 1: sudo: a password is required/);
  });

  it('does not mind what a shell prints first', async () => {
    const chatty = sshd.hosts('chatty-python', '#!/bin/sh\necho Welcome\necho "{}"\nexec python3 "$@"\n');
    const link = await start({ python: `sh ${chatty}` });
    expect(link.hello.agent).toBe(1);
  });
});

whereSshd('the transport ssh2', () => {
  let sshd: Sshd;
  beforeAll(async () => (sshd = await Sshd.start()));
  afterAll(() => sshd.stop());

  it('checks the key of every host on the way', async () => {
    const knownHosts = sshd.hosts('only-the-end', sshd.line('host').replace('127.0.0.1', 'localhost'));
    const options = { knownHosts, identity: [sshd.key], jump: [`root@127.0.0.1:${sshd.port}`] };
    await expect(AgentLink.start(ssh2Transport({ host: 'localhost', user: 'root', port: sshd.port }, options))).rejects.toThrow(
      /expected to know the host key of ssh:\/\/root@127\.0\.0\.1/,
    );
  });

  it('uses the SSH agent', async () => {
    const socket = join(sshd.folder, 'agent');
    const keeper = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    const before = process.env['SSH_AUTH_SOCK'];
    try {
      process.env['SSH_AUTH_SOCK'] = socket;
      execFileSync('sh', ['-c', `until [ -S ${socket} ]; do sleep 0.05; done; ssh-add -q ${sshd.key}`], { env: { ...process.env } });
      const link = await AgentLink.start(ssh2Transport({ host: '127.0.0.1', user: 'root', port: sshd.port }, { knownHosts: sshd.knownHosts, identity: [sshd.strangerKey] }));
      expect(link.alive).toBe(true);
      await link.close();
    } finally {
      keeper.kill();
      if (before === undefined) delete process.env['SSH_AUTH_SOCK'];
      else process.env['SSH_AUTH_SOCK'] = before;
    }
  });

  it('says what is wrong with a key file', async () => {
    const with_ = (identity: string): Promise<AgentLink> =>
      AgentLink.start(ssh2Transport({ host: '127.0.0.1', user: 'root', port: sshd.port }, { knownHosts: sshd.knownHosts, identity: [identity] }));
    await expect(with_(sshd.lockedKey)).rejects.toThrow(/expected a private key without passphrase in .*locked, but saw: .*passphrase/i);
    await expect(with_('/nowhere/key')).rejects.toThrow(/in \/nowhere\/key, but saw: cannot be read/);
  });

  it('points to the other transport for certificate authorities', async () => {
    const knownHosts = sshd.hosts('authority', sshd.line('other', '@cert-authority '));
    const start = AgentLink.start(ssh2Transport({ host: '127.0.0.1', user: 'root', port: sshd.port }, { knownHosts, identity: [sshd.key] }));
    await expect(start).rejects.toThrow(/certificate authority .*\(the transport openssh does\)/);
  });
});
