import { UsageError } from '../target.js';
import type { FoundDevice } from './devices.js';
import type { Look } from './look.js';

/** Refuses devices that somebody uses: taking a mounted disk or the network card of this very connection would do harm. @throws UsageError */
export async function refuseUsed(look: Look, host: string, devices: readonly FoundDevice[]): Promise<void> {
  const disks = await disksOf(look);
  const [mounts = '', swaps = ''] = await look.texts(['/proc/mounts', '/proc/swaps']);
  const refuse = async (device: FoundDevice): Promise<void> => {
    const names = disks.filter(({ path }) => path.startsWith(`${device.path}/`)).flatMap((disk) => disk.names);
    const used = names.find((name) => [mounts, swaps].some((text) => new RegExp(`^/dev/${name}\\s`, 'm').test(text)));
    if (used !== undefined) throw inUse(host, device, `/dev/${used} on it is mounted or swapped to`);
    const held = await heldDisk(look, names);
    if (held !== undefined) throw inUse(host, device, `/dev/${held} on it is part of another disk`);
    const card = await upCard(look, device);
    if (card !== undefined) throw inUse(host, device, `its network interface ${card} is up`);
  };
  await Promise.all(devices.map(refuse));
}

const inUse = (host: string, { address }: FoundDevice, seen: string): UsageError =>
  new UsageError(`expected device ${address} of ${host} to be free, but ${seen}; free it, or name another device`);

/** Disks with their partitions. */
async function disksOf(look: Look): Promise<{ readonly path: string; readonly names: readonly string[] }[]> {
  const [disks = []] = await look.names(['/sys/block']);
  const paths = await look.real(disks.map((disk) => `/sys/block/${disk}`));
  const contents = await look.names(disks.map((disk) => `/sys/block/${disk}`));
  return disks.map((disk, i) => ({ path: paths[i] ?? '', names: [disk, ...(contents[i] ?? []).filter((name) => name.startsWith(disk))] }));
}

async function heldDisk(look: Look, names: readonly string[]): Promise<string | undefined> {
  const holders = await look.names(names.map((name) => `/sys/class/block/${name}/holders`));
  return names.find((_, i) => (holders[i] ?? []).length > 0);
}

async function upCard(look: Look, { path }: FoundDevice): Promise<string | undefined> {
  const [cards = []] = await look.names([`${path}/net`]);
  const states = await look.texts(cards.map((card) => `${path}/net/${card}/operstate`));
  return cards.find((_, i) => states[i]?.trim() === 'up');
}
