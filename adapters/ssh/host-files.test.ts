import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { encodeCells } from '../../reference/uapi/cells.js';
import { encodeDmaWindow } from '../../reference/uapi/device-tree.js';
import { UsageError } from '../target.js';
import type { AgentLink } from './agent-link.js';
import { treeWindow } from './default-window.js';
import { findGroups, pciAddresses, type FoundDevice } from './devices.js';
import { FakeHost, type FakeDevice } from './fake-host.fixture.js';
import { refuseUsed } from './in-use.js';
import { Look } from './look.js';
import { systemFacts } from './system.js';

jest.setTimeout(60_000);

const EDU: FakeDevice = { address: '0001:00:01.0', group: 1, driver: 'vfio-pci' };
const NVME: FakeDevice = { address: '0005:00:01.0', group: 5, vendor: '0x1b36', device: '0x0010', class: '0x010802', driver: 'nvme' };
const VIRTIO_DISK: FakeDevice = { address: '0007:00:01.0', group: 7, vendor: '0x1af4', device: '0x1042', class: '0x010000' };
const TWINS: readonly FakeDevice[] = [{ address: '0006:00:01.0', group: 6 }, { address: '0006:00:02.0', group: 6, class: '0x020000', device: '0x0001' }];

describe('what a host tells through its files', () => {
  const open: { host: FakeHost; link: AgentLink }[] = [];

  const hostOf = async (...devices: FakeDevice[]): Promise<{ host: FakeHost; link: AgentLink; look: Look }> => {
    const host = new FakeHost(devices);
    const link = await host.agent();
    open.push({ host, link });
    return { host, link, look: new Look(link) };
  };

  afterEach(async () => {
    for (const { host, link } of open.splice(0)) {
      await link.close();
      host.remove();
    }
  });

  it('names groups by what is in them', async () => {
    const { look } = await hostOf(EDU, { ...EDU, address: '0002:00:01.0', group: 2 }, NVME, VIRTIO_DISK, ...TWINS);
    const addresses = pciAddresses(['0007:00:01.0', '0006:00:02.0', '0006:00:01.0', '0005:00:01.0', '0002:00:01.0', '0001:00:01.0']);
    const groups = await findGroups(look, 'fake', addresses);
    expect(groups.map(({ name, node, devices }) => [name, node, devices.map(({ kind, driver }) => `${kind} ${driver}`)])).toEqual([
      ['pe0', '/dev/vfio/1', ['edu vfio-pci']],
      ['pe1', '/dev/vfio/2', ['edu vfio-pci']],
      ['disk0', '/dev/vfio/5', ['disk nvme']],
      ['pair0', '/dev/vfio/6', ['edu ', 'other ']],
      ['disk1', '/dev/vfio/7', ['disk ']],
    ]);
    expect(groups[0]!.devices[0]!.id).toBe(0x11e8_1234);
  });

  it('refuses a group with a device that was not named, bridges apart', async () => {
    const { look } = await hostOf(...TWINS, EDU, { address: '0001:00:00.0', group: 1, class: '0x060400' });
    await expect(findGroups(look, 'fake', ['0006:00:01.0'])).rejects.toThrow(/all of the IOMMU group of 0006:00:01\.0, but 0006:00:02\.0 is in it, too/);
    await expect(findGroups(look, 'fake', ['0001:00:01.0'])).resolves.toHaveLength(1);
  });

  it('refuses devices that are not there', async () => {
    const { look } = await hostOf(EDU);
    await expect(findGroups(look, 'fake', ['0009:00:01.0'])).rejects.toThrow(/expected device 0009:00:01\.0 on fake, but it has 0001:00:01\.0; name one of these/);
    await expect(findGroups(look, 'fake', ['0009:00:01.0'])).rejects.toThrow(UsageError);
  });

  it('reads addresses of devices', () => {
    expect(pciAddresses(['01:00.0', '0001:00:1F.7', '01:00.0'])).toEqual(['0000:01:00.0', '0001:00:1f.7']);
    expect(() => pciAddresses([])).toThrow(UsageError);
    expect(() => pciAddresses(['../../etc'])).toThrow(/expected a device by its PCI address, but saw '\.\.\/\.\.\/etc'/);
  });

  it('refuses disks and network cards that are in use', async () => {
    const { host, look } = await hostOf(EDU, NVME);
    const path = '/sys/bus/pci/devices/0005:00:01.0';
    const device: FoundDevice = { address: NVME.address, path, kind: 'disk', id: 0, driver: 'nvme' };
    host.file(`${path}/nvme/nvme0/nvme0n1/nvme0n1p1/holders/none`, '');
    host.link('sys/block/nvme0n1', `${path}/nvme/nvme0/nvme0n1`);
    await expect(refuseUsed(look, 'fake', [device])).resolves.toBeUndefined();
    host.file('proc/mounts', '/dev/nvme0n1p1 / ext4 rw 0 0\n');
    await expect(refuseUsed(look, 'fake', [device])).rejects.toThrow(/to be free, but \/dev\/nvme0n1p1 on it is mounted/);
    host.file('proc/mounts', '/dev/nvme0n10 / ext4 rw 0 0\n');
    host.file('sys/class/block/nvme0n1p1/holders/dm-0', '');
    await expect(refuseUsed(look, 'fake', [device])).rejects.toThrow(/part of another disk/);
    host.file('sys/bus/pci/devices/0001:00:01.0/net/eth0/operstate', 'up\n');
    const card: FoundDevice = { address: EDU.address, path: '/sys/bus/pci/devices/0001:00:01.0', kind: 'other', id: 0, driver: '' };
    await expect(refuseUsed(look, 'fake', [card])).rejects.toThrow(/its network interface eth0 is up/);
  });

  it('reads the default window of a partition', async () => {
    const { host, look } = await hostOf();
    const bus = '/sys/devices/pci0001:00/pci_bus/0001:00/of_node';
    host.file(`${bus}/ibm,dma-window`, encodeDmaWindow({ liobn: 0x8000_0100n, start: 0n, size: 1n << 30n }));
    const device: FoundDevice = { address: EDU.address, path: '/sys/devices/pci0001:00/0001:00:01.0', kind: 'edu', id: 0, driver: '' };
    await expect(treeWindow(look, 'pseries', device)).resolves.toEqual({ start: 0n, size: 1n << 30n });
    await expect(treeWindow(look, 'powernv', device)).resolves.toBeUndefined();
  });

  it('reads the default window of bare metal', async () => {
    const { host, look } = await hostOf();
    const bus = '/sys/devices/pci0001:00/pci_bus/0001:00/of_node';
    const ranges = [[0x0300_0000, 6, 0, 6, 0, 0, 0], [0x0200_0000, 0, 0x8000_0000, 0x600c, 0, 0, 0x7fff_0000]].flat();
    host.file(`${bus}/ranges`, encodeCells(ranges));
    host.file(`${bus}/ibm,supported-tce-sizes`, encodeCells([12, 16, 21, 30]));
    const device: FoundDevice = { address: EDU.address, path: '/sys/devices/pci0001:00/0001:00:00.0/0001:01:00.0', kind: 'edu', id: 0, driver: '' };
    await expect(treeWindow(look, 'powernv', device)).resolves.toEqual({ start: 0n, size: 0x8000_0000n, pageSizes: 0x4021_1000n });
  });

  it('reads what the system is', async () => {
    const { host, link } = await hostOf();
    host.file('proc/cpuinfo', 'processor\t: 0\n\nplatform\t: PowerNV\nmodel\t\t: IBM PowerNV\n');
    host.file('proc/meminfo', 'MemTotal:        2048 kB\n');
    host.file('proc/version', 'Linux version 6.12.57 #1 SMP Debian 6.12.57-1 (2025-11-05)\n');
    host.file('proc/device-tree/compatible', 'qemu,powernv9\0ibm,powernv\0');
    host.file('sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages', '16\n');
    host.file('sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages', '0\n');
    await expect(systemFacts(link)).resolves.toEqual({
      platform: 'powernv',
      machine: 'qemu-powernv9',
      kernel: '6.12.57',
      memoryBytes: 2_097_152n,
      hugePages: [{ shift: 21, free: 16 }, { shift: 30, free: 0 }],
    });
  });

  it('refuses hosts that are no POWER machines', async () => {
    const { link } = await hostOf();
    await expect(systemFacts(link)).rejects.toThrow(/expected fake to be a POWER machine \(pSeries or PowerNV\), but saw a machine of type x86_64/);
  });
});
