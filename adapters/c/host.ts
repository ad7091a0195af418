import { machineFacts, type LinuxDescription, type MachineDescription } from '../../reference/description.js';
import type { DeviceFacts, HostFacts } from '../ssh/host-facts.js';
import { cName } from './values.js';

/* The machine that a C program will run on: its devices are not known yet, so that their names stand for them. */

const MARK = '\u0001';

/** Text that stands for something of the machine: for an expression of C. */
const standIn = (expression: string): string => `${MARK}${expression}`;

/** The expression of C that a path or a name stands for; undefined where it is plain text. */
export const standsFor = (text: string): string | undefined => (text.startsWith(MARK) ? text.slice(MARK.length) : undefined);

/** The variable that has the PCI address of a device. */
export const deviceVariable = (name: string): string => cName(name);

/** The device whose group is meant: any of its devices would do. */
const firstOf = (group: LinuxDescription['groups'][number]): string => `${group.name}.${group.devices[0]?.name ?? 'dev0'}`;

function deviceFacts(name: string, kind: string): DeviceFacts {
  const variable = deviceVariable(name);
  const facts = { address: standIn(variable), node: standIn(`node_of(${variable})`) };
  // Its registers are mapped: that goes with every kernel. In which order they are shows then.
  return kind === 'edu' ? { ...facts, edu: { order: 'little', wide: false } } : facts;
}

/** The machine as whoever turns programs into system calls needs to know it. Numbers are little-endian; C puts them in the order of its machine. */
export function standInHost(machine: MachineDescription & { readonly linux: LinuxDescription }): HostFacts {
  const { groups, pageShift } = machine.linux;
  return {
    order: 'little',
    architecture: 'ppc64',
    pageBytes: 2 ** pageShift,
    facts: machineFacts(machine),
    groups: new Map(groups.map((group) => [group.name, standIn(`group_of(${deviceVariable(firstOf(group))})`)])),
    devices: new Map(groups.flatMap(({ name, devices }) => devices.map((device) => [`${name}.${device.name}`, deviceFacts(`${name}.${device.name}`, device.kind)] as const))),
  };
}

/** Names of all devices of the machine. */
export const devicesOf = ({ groups }: LinuxDescription): string[] => groups.flatMap(({ name, devices }) => devices.map((device) => `${name}.${device.name}`));
