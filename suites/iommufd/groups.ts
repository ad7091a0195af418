import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { attach, bind, bound, detach, map, node, PAGE, table } from './device-steps.js';

const ATTACH = 'VFIO_DEVICE_ATTACH_IOMMUFD_PT';
const BIND = 'VFIO_DEVICE_BIND_IOMMUFD';
const OF_GROUP = 'group-device-of-iommufd';
const LOW = 0x2000_0000n;

const PAIR = ['device:pair0.dev0', 'device:pair0.dev1', 'cdev', 'paging'] as const;

const groups: readonly Scenario[] = [
  vfioScenario(
    { id: 'iommufd/groups/follow', title: 'Two devices of a group go by one page table: the other follows, a different one is refused, and the last one to leave is the end of it', clauses: [`${ATTACH}/group`, `${ATTACH}/attached`, 'VFIO_DEVICE_DETACH_IOMMUFD_PT/detached'], requires: PAIR },
    (p) => {
      const [iommu, buffer] = [p.iommu(), p.memory()];
      const [ioas, other] = [p.ioas(iommu), p.ioas(iommu)];
      map(p, iommu, ioas, buffer.address, LOW);
      const [first, second] = [bound(p, iommu, 'pair0.dev0'), bound(p, iommu, 'pair0.dev1')];
      attach(p, first, ioas, 'first');
      // The whole group goes by it at once.
      p.deviceReads(second, LOW);
      attach(p, second, other);
      attach(p, second, table(p, iommu, second, ioas, 'own'));
      attach(p, second, ioas, 'second');
      detach(p, first);
      p.deviceWrites(first, LOW).load(buffer.address, 16);
      detach(p, second);
      p.deviceWrites(first, LOW).load(buffer.address, 16);
      attach(p, second, other);
    },
  ),
  vfioScenario(
    { id: 'iommufd/groups/replace', title: 'Replacing for one device of a group takes the other along, with what both have reserved', clauses: [`${ATTACH}/replaced`, `${ATTACH}/reserved`], requires: ['device:reserved0.dev0', 'device:reserved0.dev1'] },
    (p) => {
      const [iommu, buffer] = [p.iommu(), p.memory()];
      const [from, to, taken] = [p.ioas(iommu), p.ioas(iommu), p.ioas(iommu)];
      const devices = [bound(p, iommu, 'reserved0.dev0'), bound(p, iommu, 'reserved0.dev1')];
      for (const device of devices) attach(p, device, from);
      map(p, iommu, taken, buffer.address, 0x1000_0000n);
      // The other device's reservation stands against it.
      attach(p, devices[0]!, taken);
      attach(p, devices[0]!, to);
      for (const ioas of [from, to]) for (const iova of [0xfee0_0000n, 0x1000_0000n]) map(p, iommu, ioas, buffer.address, iova);
      detach(p, devices[0]!);
      map(p, iommu, to, buffer.address, 0xfee0_0000n);
      map(p, iommu, to, buffer.address, 0x1000_0000n);
    },
  ),
  vfioScenario(
    { id: 'iommufd/groups/owner', title: 'A group belongs to the context of its first device; another context is refused until the last one has gone', clauses: [`${BIND}/owner`, `${BIND}/bound`], requires: PAIR },
    (p) => {
      const [mine, other] = [p.iommu(), p.iommu()];
      const devices = [bound(p, mine, 'pair0.dev0'), bound(p, mine, 'pair0.dev1')];
      p.close(devices[0]!.fd);
      const again = node(p, 'pair0.dev0', 'again');
      bind(p, other, again, 'refused');
      p.close(devices[1]!.fd);
      bind(p, other, again, 'granted');
      bind(p, mine, node(p, 'pair0.dev1', 'neighbour'), 'refused-too');
    },
  ),
  vfioScenario(
    { id: 'iommufd/groups/host-driver', title: "A device whose group the host's driver has a part of cannot be bound, one that vfio-pci does not have cannot be opened", clauses: [`${BIND}/owner`, 'open-device/driver'], requires: ['device:mixed0.dev0', 'device:mixed0.dev1', 'cdev', 'bind'] },
    (p) => {
      const iommu = p.iommu();
      const fd = node(p, 'mixed0.dev0');
      node(p, 'mixed0.dev1');
      bind(p, iommu, fd, 'refused');
      p.bind('mixed0.dev1', 'none');
      bind(p, iommu, fd, 'granted');
      p.close(fd);
      p.bind('mixed0.dev1', 'host');
    },
  ),
];

const join = { from: 'group.fd' };

const path: readonly Scenario[] = [
  vfioScenario(
    { id: 'iommufd/group-path/attached', title: 'A group that works with /dev/iommu gives devices that are attached to the IOAS for VFIO', clauses: ['VFIO_GROUP_SET_CONTAINER/iommufd', `${OF_GROUP}/opened`, 'VFIO_GROUP_UNSET_CONTAINER/given-back'], requires: ['paging', 'pe:pe0'] },
    (p) => {
      const [iommu, buffer] = [p.iommu(), p.memory()];
      const fd = p.open('pe0', 'group');
      p.ioctl(fd, 'VFIO_GROUP_SET_CONTAINER', { fd: iommu }).ioctl(fd, 'VFIO_GROUP_SET_CONTAINER', { fd: iommu }).ioctl(fd, 'VFIO_GROUP_GET_STATUS');
      p.iommufd(iommu, 'IOMMU_VFIO_IOAS', { op: 0n }, { as: 'own' });
      map(p, iommu, { from: 'own.ioas_id' }, buffer.address, LOW);
      for (const as of ['first', 'second']) p.ioctl(fd, 'VFIO_GROUP_GET_DEVICE_FD', {}, { device: 'pe0.dev0', as });
      const device = { name: 'pe0.dev0', fd: { from: 'first.fd' } };
      p.deviceReads(device, LOW).deviceWrites(device, LOW + 64n).load(buffer.address, 128);
      p.ioctl(fd, 'VFIO_GROUP_UNSET_CONTAINER').ioctl(fd, 'VFIO_GROUP_GET_STATUS').close(iommu);
      p.deviceWrites(device, LOW + PAGE / 2n).load(buffer.address, 128);
      p.close({ from: 'first.fd' }).close({ from: 'second.fd' }).ioctl(join, 'VFIO_GROUP_GET_STATUS');
    },
  ),
  vfioScenario(
    { id: 'iommufd/group-path/refused', title: 'What stands against binding or attaching a device stands against getting it from its group, in that order', clauses: [`${OF_GROUP}/pointer`, `${OF_GROUP}/name`, `${OF_GROUP}/ioas`, `${OF_GROUP}/memory`, `${OF_GROUP}/limit`, `${OF_GROUP}/aperture`, `${OF_GROUP}/alignment`, `${OF_GROUP}/reserved`], requires: ['device:reserved0.dev0', 'paging', 'limit'] },
    (p) => {
      const [iommu, buffer] = [p.iommu(), p.memory()];
      const group = p.open('reserved0', 'group');
      p.ioctl(group, 'VFIO_GROUP_SET_CONTAINER', { fd: iommu }).iommufd(iommu, 'IOMMU_VFIO_IOAS', { op: 0n }, { as: 'own' });
      const own = { from: 'own.ioas_id' };
      const get = (device = 'reserved0.dev0', as?: string): void => {
        p.ioctl(group, 'VFIO_GROUP_GET_DEVICE_FD', {}, { device, ...(as !== undefined && { as }) });
      };
      p.ioctl(group, 'VFIO_GROUP_GET_DEVICE_FD', {}, { device: 'reserved0.dev0', pointer: 'unmapped' });
      get('no-such-device');
      for (const [address, iova, length] of [[buffer.address, 1n << 62n, PAGE], [buffer.address, LOW, 0x200n], [buffer.address, 0xfee0_0000n, PAGE], [p.memory().at(-PAGE), LOW, PAGE]] as const) {
        map(p, iommu, own, address, iova, length);
        get();
        p.iommufd(iommu, 'IOMMU_IOAS_UNMAP', { ioas_id: own, iova, length });
      }
      p.limit(0n);
      map(p, iommu, own, buffer.address, LOW);
      get();
      p.iommufd(iommu, 'IOMMU_DESTROY', { id: own });
      get();
      p.ioctl(group, 'VFIO_GROUP_UNSET_CONTAINER').ioctl(group, 'VFIO_GROUP_SET_CONTAINER', { fd: iommu });
      get('reserved0.dev0', 'granted');
    },
  ),
  vfioScenario(
    { id: 'iommufd/group-path/bind-rules', title: 'Interrupts that are not isolated and DMA that is not coherent stand against getting a device from its group', clauses: [`${OF_GROUP}/isolated`, `${OF_GROUP}/coherent`], requires: ['device:unsafe0.dev0', 'device:noncoherent0.dev0', 'no-unsafe-interrupts'] },
    (p) => {
      const iommu = p.iommu();
      for (const name of ['unsafe0', 'noncoherent0']) {
        const group = p.open(name, `group-${name}`);
        p.ioctl(group, 'VFIO_GROUP_SET_CONTAINER', { fd: iommu }).ioctl(group, 'VFIO_GROUP_GET_DEVICE_FD', {}, { device: `${name}.dev0` });
      }
    },
  ),
  vfioScenario(
    { id: 'iommufd/group-path/two-tables', title: 'A second device of a group whose first one is attached elsewhere is refused, and so is a device of a group that the host has a part of', clauses: [`${OF_GROUP}/group`, `${OF_GROUP}/owner`], requires: ['pe:pair0', 'paging', 'device:mixed0.dev1'] },
    (p) => {
      const iommu = p.iommu();
      const group = p.open('pair0', 'group');
      const get = (fd: { readonly from: string } | bigint, device: string): void => {
        p.ioctl(fd, 'VFIO_GROUP_GET_DEVICE_FD', {}, { device, as: `got-${device.replace('.', '-')}` });
      };
      p.ioctl(group, 'VFIO_GROUP_SET_CONTAINER', { fd: iommu });
      get({ from: 'group.fd' }, 'pair0.dev0');
      p.iommufd(iommu, 'IOMMU_VFIO_IOAS', { op: 1n, ioas_id: p.ioas(iommu) });
      get({ from: 'group.fd' }, 'pair0.dev1');
      const mixed = p.open('mixed0', 'mixed');
      p.ioctl(mixed, 'VFIO_GROUP_SET_CONTAINER', { fd: iommu });
      get({ from: 'mixed.fd' }, 'mixed0.dev0');
    },
  ),
];

/** Groups of devices: whose they are, and what goes for all of their devices; and devices got from them. */
export const scenarios: readonly Scenario[] = [...groups, ...path];
