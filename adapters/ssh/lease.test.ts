import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../target.js';
import type { AgentLink } from './agent-link.js';
import { FakeHost } from './fake-host.fixture.js';
import { Session } from './session.js';
import type { FoundDevice } from './devices.js';

jest.setTimeout(60_000);

const DISK = '0005:00:01.0';
const EDU = '0001:00:01.0';
const found = (address: string): FoundDevice => ({ address, path: '', kind: 'other', id: 0, driver: '' });

describe('devices that the agent has', () => {
  const hosts: FakeHost[] = [];
  const links: AgentLink[] = [];

  const newHost = (): FakeHost => {
    const host = new FakeHost([
      { address: EDU, group: 1 },
      { address: DISK, group: 5, class: '0x010802', driver: 'nvme', hostDriver: 'nvme' },
    ]);
    hosts.push(host);
    return host;
  };
  const take = async (host: FakeHost, silence?: number): Promise<Session> => {
    const link = await host.agent();
    links.push(link);
    return Session.take(link, [EDU, DISK].map(found), silence);
  };
  const taken = async (host: FakeHost, silence?: number): Promise<Session> => {
    const session = await take(host, silence);
    await session.bind(new Map([[EDU, 'vfio-pci'], [DISK, 'vfio-pci']]));
    return session;
  };
  const asTaken = { edu: ['vfio-pci', 'vfio-pci'], disk: ['vfio-pci', 'vfio-pci'] };
  const asFound = { edu: ['', '(null)'], disk: ['nvme', '(null)'] };
  const states = (host: FakeHost): object => ({ edu: host.state(EDU), disk: host.state(DISK) });

  afterEach(async () => {
    for (const link of links.splice(0)) await link.close();
    for (const host of hosts.splice(0)) host.remove();
  });

  it('are given to vfio-pci, and back at the end', async () => {
    const host = newHost();
    const session = await taken(host);
    expect(states(host)).toEqual(asTaken);
    await expect(session.link.close()).resolves.toBeUndefined();
    expect(states(host)).toEqual(asFound);
  });

  it('are put back after a program that gave them to others', async () => {
    const host = newHost();
    const session = await taken(host);
    const steps = [
      { do: 'bind', device: EDU, driver: '' },
      { do: 'bind', device: DISK, driver: 'host' },
    ] as const;
    const outcome = await session.run(steps.map((step) => ({ by: '#host', steps: [step], limit: 10 })));
    expect(outcome.after).toBeNull();
    expect(states(host)).toEqual(asTaken);
    expect(host.written).toContain(`/sys/bus/pci/drivers/nvme/bind ${DISK}`);
  });

  describe('that are taken out of the system and found again', () => {
    const withPes = async (): Promise<{ host: FakeHost; session: Session }> => {
      const host = newHost();
      for (const device of [EDU, DISK]) host.file(`sys/bus/pci/devices/${device}/eeh_pe_config_addr`, '0xfd\n');
      return { host, session: await taken(host) };
    };

    it('have their drivers as before', async () => {
      const { host, session } = await withPes();
      await expect(session.replug([EDU])).resolves.toBe(true);
      expect(states(host)).toEqual(asTaken);
      const told = host.written.map((line) => line.replace(/.*\//, ''));
      expect(told.slice(told.indexOf('remove 1')).slice(0, 3)).toEqual(['remove 1', 'remove 1', 'rescan 1']);
    });

    it('are not as before where one of them is not found', async () => {
      const { host, session } = await withPes();
      host.file(`sys/bus/pci/devices/${EDU}/given_up`, '');
      await expect(session.replug([EDU])).resolves.toBe(false);
    });

    it('are not as before where they are in another PE', async () => {
      const { host, session } = await withPes();
      host.file(`sys/bus/pci/devices/${EDU}/next_pe`, '0xfc\n');
      await expect(session.replug([EDU])).resolves.toBe(false);
      expect(states(host)).toEqual(asTaken);
    });
  });

  it('are not put back where a program has lost one, and it is named', async () => {
    const host = newHost();
    const session = await taken(host);
    const lost = session.run([{ pause: true }], {
      atPause: () => {
        host.take(`sys/bus/pci/devices/${EDU}`);
        return Promise.resolve();
      },
    });
    expect(await lost).toMatchObject({ after: null, gone: [EDU] });
    await expect(session.link.close()).resolves.toBe(`${EDU} is not there any more: its PE was given up`);
    expect(host.state(DISK)).toEqual(asFound.disk);
  });

  it('are put back when the input ends', async () => {
    const host = newHost();
    const { link } = await taken(host);
    link.hangUp();
    await link.ended;
    expect(states(host)).toEqual(asFound);
  });

  it('are put back when nobody has said anything for a while', async () => {
    const host = newHost();
    const { link } = await taken(host, 1);
    link.mute();
    await link.ended;
    expect(states(host)).toEqual(asFound);
  });

  it.each(['SIGTERM', 'SIGHUP', 'SIGINT'] as const)('are put back at %s', async (signal) => {
    const host = newHost();
    const { link } = await taken(host);
    process.kill(link.hello.pid, signal);
    await link.ended;
    expect(states(host)).toEqual(asFound);
  });

  it('are put back by the next session when an agent was killed', async () => {
    const host = newHost();
    const first = await taken(host);
    process.kill(first.link.hello.pid, 'SIGKILL');
    await first.link.ended;
    expect(states(host)).toEqual(asTaken);
    const second = await take(host);
    await second.link.close();
    expect(states(host)).toEqual(asFound);
  });

  it('are put back when the session is closed in the middle of a program', async () => {
    const host = newHost();
    const session = await taken(host);
    const run = session.run([{ pause: true }], { atPause: () => new Promise(() => undefined) });
    const closing = session.link.close();
    await expect(run).rejects.toThrow(/closed/);
    await closing;
    expect(states(host)).toEqual(asFound);
  });

  it('are refused to a second session, which is told who has them', async () => {
    const host = newHost();
    const first = await taken(host);
    await expect(take(host)).rejects.toThrow(new RegExp(`expected device ${EDU} of fake for this run alone, but process ${first.link.hello.pid} there has it`));
    expect(states(host)).toEqual(asTaken);
    await first.link.close();
    expect(readFileSync(join(host.root, 'run', `papr-conformance.${EDU}.lock`), 'utf8')).toBe('');
    await expect(take(host)).resolves.toBeDefined();
  });

  it('tell which modules are missing', async () => {
    const host = new FakeHost([{ address: EDU }], []);
    hosts.push(host);
    const link = await host.agent();
    links.push(link);
    const session = await Session.take(link, [found(EDU)]);
    const bind = session.bind(new Map([[EDU, 'vfio-pci']]));
    await expect(bind).rejects.toThrow(/saw: -ENOENT for .*modprobe -a vfio-pci vfio_iommu_spapr_tce$/);
    await expect(bind).rejects.toThrow(UsageError);
  });

  it('show what a driver refused', async () => {
    const host = new FakeHost([{ address: DISK, refuses: 'nvme', hostDriver: 'nvme' }]);
    hosts.push(host);
    const link = await host.agent();
    links.push(link);
    const session = await Session.take(link, [found(DISK)]);
    const { answers } = await session.run([{ by: '#host', steps: [{ do: 'bind', device: DISK, driver: 'host' }], limit: 10 }]);
    expect(answers).toEqual([{ steps: [[0, -16n, null]] }]);
  });
});
