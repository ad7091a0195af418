/** Making PEs of a PowerNV machine as they were when the machine was new, and making sure of it. */

import type { GroupDescription } from '../../reference/description.js';
import { stringify } from '../../reference/doors/json.js';
import type { Observation } from '../../reference/doors/observation.js';
import type { Operation, Program } from '../../reference/doors/operations.js';
import { DEADLINE } from '../../reference/eeh/recovery.js';
import { PE_OPERATIONS } from '../../reference/eeh/vfio-table.js';
import { IOMMU_TYPE } from '../../reference/uapi/vfio.js';
import type { SshTarget } from '../ssh/target.js';
import type { LabMachine } from './machine.js';
import { bridgeOf, releasePe } from './phb.js';

/** What a PE shows of itself, observation by observation. */
export type Portrait = readonly string[];

/** The portraits of all PEs, by the names of their groups. */
export type Portraits = ReadonlyMap<string, Portrait>;

/** Index of BAR 0 among VFIO's regions. */
const BAR0 = 0;
const WORD = 4;
const GET_STATE = BigInt(PE_OPERATIONS.indexOf('get-state'));

const groupsOf = (ssh: SshTarget): readonly GroupDescription[] => ssh.variants[0].machine.linux!.groups;

/** What every PE shows. @throws TargetLost */
export async function portraitsOf(ssh: SshTarget): Promise<Portraits> {
  const portraits = new Map<string, Portrait>();
  for (const group of groupsOf(ssh)) portraits.set(group.name, await portraitOf(ssh, group));
  return portraits;
}

/**
 * Makes the PEs that a program has named as new, and looks at all. The host bridge lets them go on, the kernel takes their devices
 * out of the system and finds them again (and has nothing counted against them then, and nothing blocked), and their drivers get them back.
 *
 * @returns true where every PE shows what it showed when the machine was new, and the kernel has complained of nothing. Shown
 *   are the words of the PE's state, that the group can be opened and put into a container, the state as VFIO has it, that each
 *   device can be opened, and its first register; for a disk its first sector
 * @throws TargetLost
 */
export async function mend(machine: LabMachine, ssh: SshTarget, program: Program, fresh: Portraits): Promise<boolean> {
  const used = groupsOf(ssh).filter(({ name }) => names(program, name));
  for (const { name } of used) {
    for (const { address, pe } of ssh.devicesOf(name)) if (pe !== undefined) await releasePe(machine, { domain: bridgeOf(address), pe });
    // The kernel may be at it still.
    if (program.operations.some(isLook)) await ssh.run({ operations: ssh.devicesOf(name).map((_, i) => stateOf(`${name}.dev${i}`, DEADLINE)) });
    if (!(await ssh.replug(name))) return false;
  }
  for (const group of groupsOf(ssh)) {
    const seen = used.includes(group) ? await portraitOf(ssh, group) : await stateWords(ssh, group);
    const expected = fresh.get(group.name)!;
    if (seen.some((text, i) => text !== expected[i])) return false;
  }
  return true;
}

const isLook = ({ door, op }: Operation): boolean => door === 'host' && op === 'eeh';

/** The program names the group or a device of it. */
const names = ({ operations }: Program, group: string): boolean => new RegExp(`"${group}["\\.]`).test(stringify(operations, 0));

const stateOf = (device: string, within?: number): Operation => ({ door: 'host', op: 'eeh-state', device, ...(within !== undefined && { within }) });

const devicesOf = ({ name, devices }: GroupDescription): string[] => devices.map((device) => `${name}.${device.name}`);

/** The beginning of the portrait, which needs nobody to open anything. */
const stateWords = (ssh: SshTarget, group: GroupDescription): Promise<Portrait> => draw(ssh, devicesOf(group).map((device) => stateOf(device)));

const portraitOf = (ssh: SshTarget, group: GroupDescription): Promise<Portrait> =>
  draw(ssh, [...devicesOf(group).map((device) => stateOf(device)), ...(group.devices.some(({ kind }) => kind === 'disk') ? disks(group) : opened(group))]);

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

async function draw(ssh: SshTarget, operations: readonly Operation[]): Promise<Portrait> {
  const { observations } = await ssh.run({ operations });
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
