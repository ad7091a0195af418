import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Operation, Program } from '../../reference/doors/operations.js';
import { TargetLost, UsageError } from '../target.js';
import { FakeHost } from './fake-host.fixture.js';
import { SshTarget, type SshTargetOptions } from './target.js';

jest.setTimeout(60_000);

const EDU = '0001:00:01.0';
const DISK = '0005:00:01.0';

/** A host made of files, with a kernel that plays VFIO. */
function powerHost(): FakeHost {
  const host = new FakeHost([
    { address: EDU, group: 1 },
    { address: DISK, group: 5, vendor: '0x1b36', device: '0x0010', class: '0x010802', driver: 'nvme', hostDriver: 'nvme' },
  ]);
  host.file('proc/cpuinfo', 'platform\t: pSeries\n');
  host.file('proc/meminfo', 'MemTotal:        1024 kB\n');
  host.file('proc/version', 'Linux version 6.12.57 #1 SMP Debian 6.12.57-1 (2025-11-05)\n');
  host.file('proc/device-tree/compatible', 'qemu,pseries\0');
  for (const node of ['vfio', '1', '5']) host.file(`dev/vfio/${node}`, '');
  return host;
}

const GET_DEVICE: Operation[] = [
  { door: 'vfio', op: 'open', what: 'pe0', as: 'g' },
  { door: 'vfio', op: 'ioctl', fd: { from: 'g.fd' }, call: 'VFIO_GROUP_GET_DEVICE_FD', args: {}, device: 'pe0.dev0', as: 'd' },
];
const TRANSFER: Operation = { door: 'dma', op: 'read', device: 'pe0.dev0', iova: 0x1000n, length: 8, at: 0, fd: { from: 'd.fd' } };
const LEDGER: Operation = { door: 'host', op: 'ledger' };
const WITNESS: Operation = { door: 'host', op: 'witness', pe: 'pe0' };
/** Nobody brings this device's PE back. */
const WAITING: Operation = { door: 'host', op: 'eeh-state', device: 'pe0.dev0', within: 15 };
const locked = { kind: 'values', values: { locked: 0n, pinned: 0n } };
const program = (...operations: Operation[]): Program => ({ operations });

describe('a host as a target', () => {
  const hosts: FakeHost[] = [];
  const targets: SshTarget[] = [];

  const open = async (host: FakeHost, options: Partial<SshTargetOptions> = {}): Promise<SshTarget> => {
    hosts.push(host);
    const target = await SshTarget.open({ url: host.transport, devices: [EDU, DISK], reconnectMs: 5000, ...options });
    targets.push(target);
    return target;
  };
  /** Kills the agent, which stands for the host's end. */
  const kill = (host: FakeHost): void => {
    const { pid } = JSON.parse(readFileSync(join(host.root, 'run', `papr-conformance.${EDU}.lock`), 'utf8')) as { pid: number };
    process.kill(pid, 'SIGKILL');
  };
  /** A witness whose look is the end of the host. */
  const killer = (host: FakeHost, before: () => void = () => undefined): Partial<SshTargetOptions> => ({
    witness: () => {
      before();
      kill(host);
      return new Promise(() => undefined);
    },
  });

  afterEach(async () => {
    for (const target of targets.splice(0)) await target.close();
    for (const host of hosts.splice(0)) host.remove();
  });

  it('is described as it describes itself', async () => {
    const target = await open(powerHost(), { machineName: 'qemu-pseries-7.2', disposable: true });
    const [{ machine, capabilities, ...rest }] = target.variants;
    expect(rest).toMatchObject({ name: 'fake', fingerprint: 'pseries qemu-pseries-7.2 linux 6.12.57 4K', system: { name: 'linux', version: '6.12.57' }, disposable: true });
    const window = { dma32Start: 0, dma32Size: 1 << 30, pageSizes: 0x1211000n, windows: 2, levels: 1 };
    expect(machine).toMatchObject({
      platform: 'pseries',
      memoryBytes: 1_048_576n,
      pes: [],
      linux: {
        platform: 'pseries',
        pageShift: 12,
        eeh: false,
        groups: [
          { name: 'pe0', ...window, devices: [{ name: 'dev0', kind: 'edu', id: 0x11e8_1234 }] },
          { name: 'disk0', ...window, devices: [{ name: 'dev0', kind: 'disk' }] },
        ],
      },
    });
    expect([...capabilities]).toEqual(expect.arrayContaining(['vfio', 'platform:pseries', 'no-eeh', 'pe:pe0', 'device:disk0.dev0', 'dma', 'disk', 'spapr-v2', 'page-size:24', 'bind', 'limit', 'log']));
    expect(capabilities).not.toContain('witness');
  });

  it('gives programs its devices with vfio-pci and its disks with the driver they had, and the host all of them back', async () => {
    const host = powerHost();
    const target = await open(host);
    expect([host.state(EDU), host.state(DISK)]).toEqual([['vfio-pci', 'vfio-pci'], ['nvme', '(null)']]);
    await target.close();
    await target.close();
    expect([host.state(EDU), host.state(DISK)]).toEqual([['', '(null)'], ['nvme', '(null)']]);
    await expect(target.run(program(LEDGER))).rejects.toThrow(TargetLost);
  });

  it('runs programs', async () => {
    const target = await open(powerHost());
    const { observations } = await target.run(program(...GET_DEVICE, TRANSFER, LEDGER));
    expect(observations).toEqual([{ kind: 'syscall', result: 3n }, { kind: 'syscall', result: 4n }, { kind: 'done' }, locked]);
    await expect(target.runQuick(program())).resolves.toEqual({ program: program(), observations: [] });
  });

  it('asks the witness at its place in the program', async () => {
    const asked: string[] = [];
    const target = await open(powerHost(), {
      witness: (device) => {
        asked.push(device);
        return Promise.resolve({ mapped: BigInt(asked.length), lost: 0n });
      },
    });
    expect(target.variants[0].capabilities).toContain('witness');
    const { observations } = await target.run(program(WITNESS, LEDGER, { ...WITNESS, pe: 'disk0' }));
    expect(observations).toEqual([{ kind: 'values', values: { mapped: 1n, lost: 0n } }, locked, { kind: 'values', values: { mapped: 2n, lost: 0n } }]);
    expect(asked).toEqual([EDU, DISK]);
  });

  it('passes on what the witness has against it', async () => {
    const target = await open(powerHost(), { witness: () => Promise.reject(new TargetLost('no trace')) });
    await expect(target.run(program(WITNESS))).rejects.toThrow('no trace');
    await expect(target.run(program(LEDGER))).resolves.toMatchObject({ observations: [locked] });
  });

  it('has crashed where its health says so, at the first operation that nothing is known of', async () => {
    const host = powerHost();
    const target = await open(host, { ...killer(host), health: () => Promise.resolve('Kernel panic - not syncing: test') });
    const { observations } = await target.run(program(LEDGER, WITNESS, LEDGER));
    expect(observations).toMatchObject([locked, { kind: 'done' }, { kind: 'crashed', message: 'Kernel panic - not syncing: test' }]);
    await expect(target.run(program(LEDGER))).resolves.toMatchObject({ observations: [locked] });
  });

  it.each([
    ['run', 0],
    ['runStepwise', 2],
  ] as const)('has crashed, under %s, at operation %i of those that it carried out without a pause', async (how, at) => {
    const host = powerHost();
    const target = await open(host, { health: () => Promise.resolve('Kernel panic - not syncing: test') });
    const dead = setTimeout(() => kill(host), 1500);
    const { observations } = await target[how](program(LEDGER, LEDGER, WAITING, LEDGER));
    clearTimeout(dead);
    expect(observations.findIndex(({ kind }) => kind === 'crashed')).toBe(at);
    expect(target.located).toBe(how === 'runStepwise');
    await target.run(program(LEDGER));
    expect(target.located).toBe(true);
  });

  it('has crashed where it comes back with another boot', async () => {
    const host = powerHost();
    const target = await open(host, killer(host, () => host.boot('second')));
    const { observations } = await target.run(program(WITNESS, LEDGER));
    expect(observations[1]).toEqual({ kind: 'crashed', message: 'the machine rebooted' });
    await expect(target.run(program(LEDGER))).resolves.toMatchObject({ observations: [locked] });
  });

  it('is lost where only the connection was, and found again for the next program', async () => {
    const host = powerHost();
    const target = await open(host, killer(host));
    await expect(target.run(program(LEDGER, WITNESS, LEDGER))).rejects.toThrow(TargetLost);
    await expect(target.run(program(LEDGER))).resolves.toMatchObject({ observations: [locked] });
  });

  it('is lost for one program where it rebooted between two', async () => {
    const host = powerHost();
    const target = await open(host);
    host.boot('second');
    kill(host);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await expect(target.run(program(LEDGER))).rejects.toThrow(/it rebooted between two programs/);
    await expect(target.run(program(LEDGER))).resolves.toMatchObject({ observations: [locked] });
  });

  it('gets another agent when renewed', async () => {
    const host = powerHost();
    const target = await open(host);
    await target.renew();
    await expect(target.run(program(LEDGER))).resolves.toMatchObject({ observations: [locked] });
  });

  it('says what is missing, and leaves the devices as they were', async () => {
    const host = powerHost();
    host.take('dev/vfio');
    hosts.push(host);
    const opening = SshTarget.open({ url: host.transport, devices: [EDU] });
    await expect(opening).rejects.toThrow(UsageError);
    await expect(opening).rejects.toThrow(/expected VFIO's drivers to be loaded on fake, but saw: no \/dev\/vfio\/vfio; run there: modprobe/);
    expect(host.state(EDU)).toEqual(['', '(null)']);
  });

  it('does not take wrong devices or addresses for an answer', async () => {
    const host = powerHost();
    hosts.push(host);
    await expect(SshTarget.open({ url: host.transport, devices: [] })).rejects.toThrow(/at least one device/);
    await expect(SshTarget.open({ url: 'power.example', devices: [EDU] })).rejects.toThrow(/ssh:\/\/user@host:port/);
  });
});
