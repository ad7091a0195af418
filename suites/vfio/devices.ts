import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { Term } from '../../reference/doors/term.js';
import { info, inUse, PAGE, status, V2, worksAgain } from './steps.js';

const GET = 'VFIO_GROUP_GET_DEVICE_FD';

const get = (p: VfioProgramBuilder, group: Term, device: string, as?: string): VfioProgramBuilder => p.ioctl(group, GET, {}, { device, ...(as === undefined ? {} : { as }) });

/** Names that are no device's. The longest is still shorter than a page of memory. */
const STRANGE_NAMES: readonly string[] = ['', ' ', '/', 'no-such-device', '0000:00:00', '*', 'vfio-pci', 'x'.repeat(255), 'x'.repeat(1000)];

const names: readonly Scenario[] = [
  vfioScenario(
    { id: 'vfio/device/names', title: 'A name that is no device of the group is refused with ENODEV, empty and long ones too', clauses: [`${GET}/name`], requires: V2 },
    (p) => {
      const container = p.v2();
      for (const name of STRANGE_NAMES) get(p, container.group, name);
      p.device(container);
    },
  ),
  vfioScenario(
    { id: 'vfio/device/of-other-group', title: "Another group's device is refused with ENODEV, though it can be had from its own group", clauses: [`${GET}/name`, `${GET}/opened`], requires: [...V2, 'pe:pe1', 'device:pe1.dev0'] },
    (p) => {
      const [first, second] = [p.v2(), p.v2('pe1')];
      get(p, first.group, 'pe1.dev0').ioctl(second.group, GET, {}, { device: 'pe0.dev0' });
      p.device(first);
      p.device(second, 'pe1.dev0');
    },
  ),
  vfioScenario(
    { id: 'vfio/device/both-of-a-group', title: 'Both devices of a group can be open; the group leaves its container when both are closed', clauses: [`${GET}/opened`, 'VFIO_GROUP_UNSET_CONTAINER/devices'], requires: [...V2, 'pe:pair0'] },
    (p) => {
      const container = p.v2('pair0');
      const devices = [p.device(container, 'pair0.dev0'), p.device(container, 'pair0.dev1')];
      for (const { fd } of devices) p.ioctl(fd, 'VFIO_DEVICE_GET_INFO').ioctl(container.group, 'VFIO_GROUP_UNSET_CONTAINER').close(fd);
      p.ioctl(container.group, 'VFIO_GROUP_UNSET_CONTAINER');
    },
  ),
  vfioScenario(
    { id: 'vfio/device/too-early', title: 'Before the container has its IOMMU a device is refused with EINVAL, and a name that is none with ENODEV', clauses: [`${GET}/container`, `${GET}/name`], requires: V2 },
    (p) => {
      const group = p.open('pe0', 'group');
      get(p, group, 'pe0.dev0').ioctl(group, GET, {}, { device: 'no-such-device' });
      const fd = p.open('container', 'container');
      p.ioctl(group, 'VFIO_GROUP_SET_CONTAINER', { fd });
      get(p, group, 'pe0.dev0').ioctl(fd, 'VFIO_SET_IOMMU', { value: 7n });
      get(p, group, 'pe0.dev0', 'device').close({ from: 'device.fd' });
      p.ioctl(group, 'VFIO_GROUP_UNSET_CONTAINER');
      get(p, group, 'pe0.dev0');
    },
  ),
];

const descriptions: readonly Scenario[] = [
  vfioScenario(
    { id: 'vfio/device/regions', title: 'A device describes each of its regions, any number of times, and refuses an index past all of them', clauses: ['VFIO_DEVICE_GET_INFO/answer', 'VFIO_DEVICE_GET_REGION_INFO/answer', 'VFIO_DEVICE_GET_REGION_INFO/vga', 'VFIO_DEVICE_GET_REGION_INFO/index'], requires: V2 },
    (p) => {
      const { fd } = p.device(p.v2());
      p.ioctl(fd, 'VFIO_DEVICE_GET_INFO');
      for (let index = 0n; index < 9n; index++) p.ioctl(fd, 'VFIO_DEVICE_GET_REGION_INFO', { index });
      for (const index of [64n, 255n, 0x7fff_ffffn, 0xffff_ffffn]) p.ioctl(fd, 'VFIO_DEVICE_GET_REGION_INFO', { index });
    },
  ),
  vfioScenario(
    { id: 'vfio/device/reset', title: "A reset of a device leaves its container's windows and regions as they are", clauses: ['VFIO_DEVICE_RESET/reset', 'VFIO_DEVICE_RESET/none', 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY/already'], requires: V2 },
    (p) => {
      const { container, buffer } = inUse(p);
      const { fd } = p.device(container);
      p.ioctl(fd, 'VFIO_DEVICE_RESET').ioctl(fd, 'VFIO_DEVICE_RESET').ioctl(fd, 'VFIO_DEVICE_GET_INFO');
      p.register(container, buffer).map(container, buffer.at(PAGE), p.defaultWindow().start, PAGE);
      info(p, container);
    },
  ),
];

/** Gives a device away and takes it back. */
const lend = (p: VfioProgramBuilder, device: string, meanwhile: () => void): VfioProgramBuilder => {
  p.bind(device, 'none');
  meanwhile();
  return p.bind(device, 'vfio-pci');
};

const drivers: readonly Scenario[] = [
  vfioScenario(
    { id: 'vfio/device/no-driver', title: 'A group of which vfio-pci has no device cannot be opened, and can again when it has one', clauses: ['open-group/driver', 'driver/bound'], requires: ['pe:pe0', 'bind'] },
    (p) => {
      lend(p, 'pe0.dev0', () => p.open('pe0', 'refused'));
      status(p, p.open('pe0', 'granted'));
    },
  ),
  vfioScenario(
    { id: 'vfio/device/group-gone', title: 'A descriptor of a group whose device left vfio-pci stands for nothing, also when the device is back', clauses: ['VFIO_GROUP_GET_STATUS/gone', 'VFIO_GROUP_SET_CONTAINER/gone', `${GET}/name`, 'VFIO_GROUP_UNSET_CONTAINER/container'], requires: ['bind'] },
    (p) => {
      const fd = p.open('container', 'container');
      const group = p.open('pe0', 'group');
      const ask = (): void => {
        status(p, group).ioctl(group, 'VFIO_GROUP_SET_CONTAINER', { fd }).ioctl(group, 'VFIO_GROUP_UNSET_CONTAINER');
        get(p, group, 'pe0.dev0');
      };
      lend(p, 'pe0.dev0', ask);
      ask();
    },
  ),
  vfioScenario(
    { id: 'vfio/device/container-lost', title: 'When its device leaves vfio-pci a group in use leaves its container with all that was mapped, registered and locked', clauses: ['driver/bound', 'ledger/locked', 'container/no-iommu'], requires: [...V2, 'bind'] },
    (p) => {
      const { container, buffer } = inUse(p);
      lend(p, 'pe0.dev0', () => {
        p.do({ door: 'host', op: 'ledger' });
        info(p, container);
      });
      p.close(container.group).close(container.fd);
      worksAgain(p, buffer);
    },
  ),
  vfioScenario(
    { id: 'vfio/device/one-of-two-lent', title: 'A group stays with its container while vfio-pci has one of its two devices', clauses: ['driver/bound', 'VFIO_IOMMU_MAP_DMA/mapped', 'VFIO_GROUP_GET_STATUS/answer'], requires: [...V2, 'pe:pair0', 'bind'] },
    (p) => {
      const { container, buffer } = inUse(p, 'pair0');
      lend(p, 'pair0.dev1', () => {
        status(p, container.group);
        get(p, container.group, 'pair0.dev1').map(container, buffer.address, p.defaultWindow('pair0').start, PAGE);
      });
      p.device(container, 'pair0.dev1');
    },
  ),
  vfioScenario(
    { id: 'vfio/device/not-viable', title: "A group of which the host's driver has a device cannot be used, and can be once the host gave it up", clauses: ['VFIO_GROUP_GET_STATUS/answer', 'VFIO_GROUP_SET_CONTAINER/viable', 'VFIO_GROUP_SET_CONTAINER/blocked', `${GET}/name`], requires: ['pe:mixed0', 'device:mixed0.dev1', 'bind'] },
    (p) => {
      const fd = p.open('container', 'container');
      const group = p.open('mixed0', 'group');
      const attach = (): void => {
        status(p, group).ioctl(group, 'VFIO_GROUP_SET_CONTAINER', { fd });
        get(p, group, 'mixed0.dev1');
      };
      attach();
      p.bind('mixed0.dev1', 'none');
      attach();
      p.ioctl(group, 'VFIO_GROUP_UNSET_CONTAINER').bind('mixed0.dev1', 'host');
      status(p, group);
    },
  ),
];

/** Devices: by what name they can be had, what they say of themselves, and whose they are. */
export const scenarios: readonly Scenario[] = [...names, ...descriptions, ...drivers];
