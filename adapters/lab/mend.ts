/** Making PEs of a PowerNV machine as they were when the machine was new, and making sure of it. */

import type { GroupDescription } from '../../reference/description.js';
import { stringify } from '../../reference/doors/json.js';
import type { Observation } from '../../reference/doors/observation.js';
import type { Operation, Program } from '../../reference/doors/operations.js';
import { PE_OPERATIONS } from '../../reference/eeh/vfio-table.js';
import { IOMMU_TYPE } from '../../reference/uapi/vfio.js';
import type { SshTarget } from '../ssh/target.js';
import { TargetLost } from '../target.js';
import { bridgeOf, type PePlace } from './phb.js';

/** What a PE shows of itself, observation by observation. */
export type Portrait = readonly string[];

/** The portraits of all PEs, by the names of their groups. */
export type Portraits = ReadonlyMap<string, Portrait>;

/** What of a target mending needs. */
export type Mendable = Pick<SshTarget, 'variants' | 'run' | 'replug' | 'devicesOf' | 'isGone' | 'forget' | 'swap'>;

/** Lets a PE go on, as far as its host bridge knows. */
export type Release = (place: PePlace) => Promise<void>;

/** Index of BAR 0 among VFIO's regions. */
const BAR0 = 0;
const WORD = 4;
const GET_STATE = BigInt(PE_OPERATIONS.indexOf('get-state'));

const groupsOf = (host: Mendable): readonly GroupDescription[] => host.variants[0].machine.linux!.groups;

/** What every PE shows. @throws TargetLost */
export async function portraitsOf(host: Mendable): Promise<Map<string, Portrait>> {
  const portraits = new Map<string, Portrait>();
  for (const group of groupsOf(host)) portraits.set(group.name, await portraitOf(host, group));
  return portraits;
}

/**
 * Makes the PEs that a program has named as new, and looks at all. The host bridge lets them go on, the kernel takes their devices
 * out of the system and finds them again (and has nothing counted against them then, and nothing blocked), and their drivers get them back.
 *
 * @param fresh what the PEs that count showed when the machine was new
 * @returns the PEs that do not show that any more. Shown are the words of the PE's state, that the group can be opened and put into
 *   a container, the state as VFIO has it, that each device can be opened, and its first register; for a disk its first sector
 * @throws TargetLost
 */
export async function mend(host: Mendable, release: Release, program: Program, fresh: Portraits): Promise<readonly string[]> {
  const groups = groupsOf(host).filter(({ name }) => fresh.has(name));
  const used = groups.filter(({ name }) => names(program, name));
  const lost = used.filter(({ name }) => host.isGone(name));
  for (const { name } of lost) await host.forget(name);
  for (const { name } of used) if (!lost.some((group) => group.name === name)) await renew(host, release, name);
  const others: string[] = [];
  for (const group of groups) {
    if (lost.includes(group)) continue;
    const seen = used.includes(group) ? await portraitOf(host, group) : await stateWords(host, group);
    if (seen.some((text, i) => text !== fresh.get(group.name)![i])) others.push(group.name);
  }
  return [...lost.map(({ name }) => name), ...others];
}

/** Whether it can be seen afterwards is not asked here. */
async function renew(host: Mendable, release: Release, name: string): Promise<void> {
  for (const { address, pe } of host.devicesOf(name)) if (pe !== undefined) await release({ domain: bridgeOf(address), pe });
  if (!(await host.replug(name))) throw new TargetLost(`expected the devices of ${name} to be found again where they were, but they were not`);
}

/**
 * Puts a spare PE in the place of one.
 *
 * @param spares PCI addresses of spare devices
 * @returns the name of the lost PE from now on; undefined where no spare one is like it
 * @throws TargetLost
 */
export async function substitute(host: Mendable, name: string, spares: readonly string[], fresh: Portraits): Promise<string | undefined> {
  const wanted = groupsOf(host).find((group) => group.name === name)!;
  for (const group of groupsOf(host)) {
    const isSpare = fresh.has(group.name) && host.devicesOf(group.name).every(({ address }) => spares.includes(address));
    if (!isSpare || group.name === name || shape(group) !== shape(wanted)) continue;
    host.swap(name, group.name);
    const seen = await portraitOf(host, wanted);
    return seen.join() === fresh.get(name)!.join() ? group.name : undefined;
  }
  return undefined;
}

/** All of a PE but its name. */
const shape = ({ name: _, ...rest }: GroupDescription): string => stringify(rest, 0);

/** The program names the group or a device of it. */
const names = ({ operations }: Program, group: string): boolean => new RegExp(`"${group}["\\.]`).test(stringify(operations, 0));

const stateOf = (device: string): Operation => ({ door: 'host', op: 'eeh-state', device });

const devicesOf = ({ name, devices }: GroupDescription): string[] => devices.map((device) => `${name}.${device.name}`);

/** The beginning of the portrait, which needs nobody to open anything. */
const stateWords = (host: Mendable, group: GroupDescription): Promise<Portrait> => draw(host, devicesOf(group).map(stateOf));

const portraitOf = (host: Mendable, group: GroupDescription): Promise<Portrait> =>
  draw(host, [...devicesOf(group).map(stateOf), ...(group.devices.some(({ kind }) => kind === 'disk') ? disks(group) : opened(group))]);

const disks = (group: GroupDescription): Operation[] => devicesOf(group).map((device) => ({ door: 'host', op: 'disk', device }));

function opened(group: GroupDescription): Operation[] {
  const [container, member] = [{ from: 'container.fd' }, { from: 'group.fd' }];
  return [
    { door: 'vfio', op: 'open', what: 'container', as: 'container' },
    { door: 'vfio', op: 'open', what: group.name, as: 'group' },
    { door: 'vfio', op: 'ioctl', as: 'joined', fd: member, call: 'VFIO_GROUP_SET_CONTAINER', args: { fd: container } },
    { door: 'vfio', op: 'ioctl', as: 'iommu', fd: container, call: 'VFIO_SET_IOMMU', args: { value: BigInt(IOMMU_TYPE.SPAPR_TCE_V2) } },
    ...devicesOf(group).flatMap((device, i): Operation[] => [
      { door: 'vfio', op: 'ioctl', as: `device${i}`, fd: member, call: 'VFIO_GROUP_GET_DEVICE_FD', args: {}, device },
      { door: 'vfio', op: 'read', fd: { from: `device${i}.fd` }, region: BAR0, offset: 0, length: WORD },
    ]),
    { door: 'vfio', op: 'ioctl', fd: container, call: 'VFIO_EEH_PE_OP', args: { argsz: 12n, op: GET_STATE } },
  ];
}

async function draw(host: Mendable, operations: readonly Operation[]): Promise<Portrait> {
  const { observations } = await host.run({ operations });
  return observations.map(textOf);
}

/** In which descriptor something was opened says nothing. */
function textOf(observation: Observation): string {
  switch (observation.kind) {
    case 'bytes':
      return Buffer.from(observation.bytes).toString('hex');
    case 'values':
      return Object.entries(observation.values).map(([name, value]) => `${name} ${value}`).join(', ');
    case 'syscall':
      return observation.result > 0n ? 'done' : String(observation.result);
    default:
      return observation.kind;
  }
}
