import type { GroupDescription } from '../../reference/description.js';
import { UsageError } from '../target.js';
import { EDU_ID } from './edu.js';
import type { Look } from './look.js';

/** A named device, as sysfs has it. */
export interface FoundDevice {
  /** `0001:00:01.0`. */
  readonly address: string;
  /** Its folder, links followed: the bridges above it are in the path. */
  readonly path: string;
  readonly kind: GroupDescription['devices'][number]['kind'];
  /** PCI vendor and device, as the first word of the configuration space has them. */
  readonly id: number;
  /** Driver that has it; empty: none. */
  readonly driver: string;
}

/** An IOMMU group all of whose devices were named. */
export interface FoundGroup {
  /** What programs call it: `pe0`, `pair0`, `disk0`. */
  readonly name: string;
  /** /dev/vfio/N. */
  readonly node: string;
  readonly devices: readonly FoundDevice[];
}

const DEVICES = '/sys/bus/pci/devices';
const ADDRESS = /^[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$/;
/** PCI class codes: programming interface, subclass and base class, or without the interface. */
const NVME = 0x01_0802;
/** Virtio 1.2, 4.1.2: vendor 0x1af4, device 0x1040 and the type; a block device is of type 2. */
const VIRTIO_BLOCK_ID = 0x1042_1af4;
const PCI_BRIDGE = 0x0604;

/** Reads PCI addresses; the domain may be left out where it is 0. @throws UsageError */
export function pciAddresses(texts: readonly string[]): string[] {
  if (texts.length === 0) throw new UsageError('expected at least one device, but saw none; name it by its PCI address, as lspci -D shows it (0001:00:01.0)');
  const addresses = texts.map((text) => {
    const address = (/^[0-9a-f]{2}:/i.test(text) ? `0000:${text}` : text).toLowerCase();
    if (!ADDRESS.test(address)) throw new UsageError(`expected a device by its PCI address, but saw '${text}'; write it as lspci -D shows it (0001:00:01.0)`);
    return address;
  });
  return [...new Set(addresses)].sort();
}

/** Finds the named devices and their groups. @throws UsageError where one is missing, or shares its group with one not named */
export async function findGroups(look: Look, host: string, addresses: readonly string[]): Promise<FoundGroup[]> {
  const devices = await Promise.all(addresses.map((address) => findDevice(look, host, address)));
  const groups = await look.real(addresses.map((address) => `${DEVICES}/${address}/iommu_group`));
  const members = new Map<string, FoundDevice[]>();
  devices.forEach((device, i) => {
    const group = groups[i];
    if (group === undefined) throw new UsageError(`expected ${device.address} of ${host} to be in an IOMMU group, but it is in none; does its kernel have an IOMMU for it?`);
    members.set(group, [...(members.get(group) ?? []), device]);
  });
  await Promise.all([...members].map(([group, named]) => checkMembers(look, group, named)));
  return nameGroups([...members]);
}

async function findDevice(look: Look, host: string, address: string): Promise<FoundDevice> {
  const folder = `${DEVICES}/${address}`;
  const [path, driver] = await look.real([folder, `${folder}/driver`]);
  if (path === undefined) {
    const [present = []] = await look.names([DEVICES]);
    throw new UsageError(`expected device ${address} on ${host}, but it has ${present.join(', ') || 'none'}; name one of these`);
  }
  const numbers = (await look.texts(['vendor', 'device', 'class'].map((name) => `${folder}/${name}`))).map(Number);
  const [vendor = 0, device = 0, code = 0] = numbers;
  const id = device * 0x1_0000 + vendor;
  return { address, path, kind: kindOf(id, code), id, driver: driver?.split('/').at(-1) ?? '' };
}

const kindOf = (id: number, code: number): FoundDevice['kind'] => (id === EDU_ID ? 'edu' : code === NVME || id === VIRTIO_BLOCK_ID ? 'disk' : 'other');

/** Bridges need not be named: VFIO leaves them to the host. */
async function checkMembers(look: Look, group: string, named: readonly FoundDevice[]): Promise<void> {
  const [all = []] = await look.names([`${group}/devices`]);
  const others = all.filter((address) => named.every((device) => device.address !== address));
  const classes = await look.texts(others.map((address) => `${DEVICES}/${address}/class`));
  const [stranger] = others.filter((_, i) => Number(classes[i]) >> 8 !== PCI_BRIDGE);
  if (stranger === undefined) return;
  throw new UsageError(
    `expected to be given all of the IOMMU group of ${named[0]!.address}, but ${stranger} is in it, too; name it as well, or choose a device that is alone (nothing else is touched)`,
  );
}

/** By the address of the first device; a group of one is a `pe`, of more a `pair`, with a disk in it a `disk`. */
function nameGroups(groups: readonly (readonly [string, readonly FoundDevice[]])[]): FoundGroup[] {
  const counts = new Map<string, number>();
  return groups.map(([group, devices]) => {
    const sort = devices.some(({ kind }) => kind === 'disk') ? 'disk' : devices.length > 1 ? 'pair' : 'pe';
    const number = counts.get(sort) ?? 0;
    counts.set(sort, number + 1);
    return { name: `${sort}${number}`, node: `/dev/vfio/${group.split('/').at(-1)}`, devices };
  });
}
