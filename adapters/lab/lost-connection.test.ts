import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Operation, VfioIoctl } from '../../reference/doors/operations.js';
import { AgentLink } from '../ssh/agent-link.js';
import { compile } from '../ssh/compile.js';
import { Look } from '../ssh/look.js';
import { openHost } from '../ssh/open-host.js';
import type { Answer } from '../ssh/messages.js';
import { ssh2Transport } from '../ssh/ssh2-transport.js';
import type { Channel, Transport } from '../ssh/transport.js';
import { parseSshUrl } from '../ssh/url.js';
import type { LabMachine } from './machine.js';
import { startLab } from './start.js';
import { waitFor } from './wait.js';

// It boots a machine of the lab and takes minutes, so it is run by whoever asks, not by `npm test`: `PAPR_LAB=1 npx jest lost-connection`.
const inLab = process.env['PAPR_LAB'] === undefined ? describe.skip : describe;

const ioctl = (call: VfioIoctl['call'], fd: string, args: Record<string, bigint | { from: string }>, more: object = {}): Operation => ({ door: 'vfio', op: 'ioctl', call, fd: { from: `${fd}.fd` }, args, ...more });
const SIZE = 0x20_0000n;
const ADDRESS = { from: 'memory.address' };

/** A program that holds one of everything: descriptors, pinned and charged memory, windows, entries, a child, a device in motion, another driver. */
const PROGRAM: readonly Operation[] = [
  { door: 'host', op: 'limit', bytes: 0x1000_0000n },
  { door: 'vfio', op: 'open', what: 'container', as: 'container' },
  { door: 'vfio', op: 'open', what: 'pe0', as: 'group' },
  ioctl('VFIO_GROUP_SET_CONTAINER', 'group', { fd: { from: 'container.fd' } }),
  ioctl('VFIO_SET_IOMMU', 'container', { value: 7n }),
  { door: 'user', op: 'map', as: 'memory', length: SIZE, protection: 'rw' },
  ioctl('VFIO_IOMMU_SPAPR_REGISTER_MEMORY', 'container', { vaddr: ADDRESS, size: SIZE }),
  ioctl('VFIO_IOMMU_SPAPR_TCE_CREATE', 'container', { page_shift: 16n, window_size: 0x4000_0000n, levels: 1n }, { as: 'window' }),
  ioctl('VFIO_IOMMU_MAP_DMA', 'container', { flags: 3n, vaddr: ADDRESS, iova: { from: 'pe0.dma32.start' }, size: 0x1_0000n }),
  ioctl('VFIO_IOMMU_MAP_DMA', 'container', { flags: 3n, vaddr: ADDRESS, iova: { from: 'window.start_addr' }, size: SIZE }),
  ioctl('VFIO_GROUP_GET_DEVICE_FD', 'group', {}, { as: 'device', device: 'pe0.dev0' }),
  { door: 'dma', op: 'read', device: 'pe0.dev0', fd: { from: 'device.fd' }, iova: { from: 'window.start_addr' }, at: 0, length: 64 },
  { door: 'host', op: 'fork', as: 'child' },
  { door: 'user', op: 'fill', by: 'child', address: ADDRESS, length: 4096, byte: 0x5a },
  { door: 'vfio', op: 'close', by: 'child', fd: { from: 'group.fd' } },
  { door: 'host', op: 'bind', device: 'disk0.dev0', driver: 'none' },
  { door: 'host', op: 'bind', device: 'disk0.dev0', driver: 'vfio-pci' },
  { door: 'vfio', op: 'open', what: 'disk0', as: 'disk' },
  ioctl('VFIO_GROUP_SET_CONTAINER', 'disk', { fd: { from: 'container.fd' } }),
  ioctl('VFIO_IOMMU_SPAPR_TCE_REMOVE', 'container', { start_addr: { from: 'pe0.dma32.start' } }),
  { door: 'host', op: 'kill', by: 'child' },
  { door: 'host', op: 'ledger' },
];

/** More operations than there are: the connection stays, and is closed in order. */
const UNCUT = PROGRAM.length + 1;
/** From a connection that is cut until the agent has put everything back, and at most. */
const SETTLED_MS = 90_000;
/** The agent takes so long a silence for the end of the other side. */
const SILENCE_MS = 60_000;

inLab('the host after a lost connection', () => {
  let machine: LabMachine;
  let plain: Transport;
  let observer: AgentLink;
  let before: object;
  let answers: readonly string[];

  jest.setTimeout(600_000);

  beforeAll(async () => {
    machine = await startLab({ platform: 'pseries', from: 'snapshot' });
    plain = ssh2Transport(parseSshUrl(`ssh://root@127.0.0.1:${machine.sshPort}`), { knownHosts: machine.knownHosts, identity: [machine.identity] });
    observer = await AgentLink.start(plain);
    before = await stateOf(observer, machine);
    answers = await run(UNCUT);
  });

  afterAll(async () => {
    await observer.close();
    await machine.stop();
  });

  /** Runs the program up to so many operations, then cuts the connection off. Returns what was answered. */
  async function run(operations: number, cut = destroy): Promise<string[]> {
    const channels: Channel[] = [];
    const exec = async (command: string): Promise<Channel> => {
      const channel = await plain.exec(command);
      channels.push(channel);
      return channel;
    };
    const { session, host } = await openHost({ name: plain.name, exec }, machine.pes.flatMap(({ devices }) => devices), {});
    const partial: Answer[] = [];
    let cutting = Promise.resolve();
    const atPause = (count: number): Promise<void> => {
      if (count === operations) cutting = cut(channels[0]!);
      return cutting;
    };
    if (operations === 0) await cut(channels[0]!);
    else await session.run(compile({ operations: [...PROGRAM] }, host.facts), { stepwise: true, atPause, partial }).catch(() => undefined);
    if (operations === UNCUT) await session.link.close();
    await session.link.ended;
    await cutting;
    return partial.map(gist);
  }

  /** The state as soon as it is as before, or when nothing more is to be expected. */
  async function settled(): Promise<object> {
    let state = {};
    await waitFor(SETTLED_MS, async () => {
      state = await stateOf(observer, machine);
      return JSON.stringify(state) === JSON.stringify(before) ? true : undefined;
    });
    return state;
  }

  test('is as it was when nothing was lost', async () => {
    expect(answers).toHaveLength(PROGRAM.length);
    expect(await settled()).toEqual(before);
  });

  test.each(Array.from({ length: PROGRAM.length + 1 }, (_, i) => ({ count: i, last: PROGRAM[i - 1]?.op ?? 'taking the devices' })))('after operation $count ($last) is as it was', async ({ count }) => {
    const seen = await run(count);
    expect(seen).toEqual(answers.slice(0, count));
    expect(await settled()).toEqual(before);
  });

  test('is as it was when the cable is cut, and nobody hears of it', async () => {
    await run(PROGRAM.length - 2, async (channel) => {
      await machine.monitor('set_link net off');
      await sleep(SILENCE_MS);
      channel.destroy();
      await machine.monitor('set_link net on');
    });
    observer = await AgentLink.start(plain);
    expect(await settled()).toEqual(before);
  });

  test('lets the whole program run as at first', async () => {
    expect(await run(UNCUT)).toEqual(answers);
  });
});

/** Refused, or not: addresses and process ids differ each time. */
function gist(answer: Answer): string {
  if (!('steps' in answer)) return JSON.stringify(answer);
  const [, result] = answer.steps.at(-1)!;
  return result < 0n ? String(result) : 'done';
}

function destroy(channel: Channel): Promise<void> {
  channel.destroy();
  return Promise.resolve();
}

const FOLDERS = ['/tmp', '/run', '/dev/shm', '/dev/vfio'] as const;
const USES = ['vfio_iommu_spapr_tce', 'vfio_pci', 'vfio_pci_core', 'vfio'].map((module) => `/sys/module/${module}/refcnt`);

/** All that a session may leave on a host: drivers, processes with their limits and locked memory, locks, files, uses of modules, huge pages. */
async function stateOf(link: AgentLink, { pes }: LabMachine): Promise<object> {
  const look = new Look(link);
  const devices = pes.flatMap((pe) => pe.devices).map((address) => `/sys/bus/pci/devices/${address}`);
  const files = await look.names(FOLDERS);
  const locks = (files[1] ?? []).filter((name) => name.endsWith('.lock'));
  return {
    drivers: await look.real(devices.map((device) => `${device}/driver`)),
    overrides: await look.texts(devices.map((device) => `${device}/driver_override`)),
    processes: await processes(look),
    locks: (await look.texts(locks.map((name) => `/run/${name}`))).filter((text) => text !== ''),
    files: files.map((names) => names?.filter((name) => !name.endsWith('.lock'))),
    uses: await look.texts(USES),
    hugePages: /HugePages_Free:.*/.exec((await look.texts(['/proc/meminfo']))[0] ?? '')?.[0],
  };
}

/** Every process of a program: what it is, the memory it has locked, and what it may lock. */
async function processes(look: Look): Promise<string[]> {
  const [names = []] = await look.names(['/proc']);
  const pids = names.filter((name) => /^\d+$/.test(name));
  const texts = (file: string): Promise<(string | undefined)[]> => look.texts(pids.map((pid) => `/proc/${pid}/${file}`));
  const [commands, statuses, limits] = [await texts('cmdline'), await texts('status'), await texts('limits')];
  return pids
    .map((_, i) => [commands[i]?.slice(0, 40), /VmLck:.*/.exec(statuses[i] ?? '')?.[0], /Max locked memory.*/.exec(limits[i] ?? '')?.[0]].join(' '))
    .filter((text) => text.includes('VmLck'))
    .sort();
}
