import type { Chooser } from '../chooser.js';
import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { GROUP, merged } from './checks.js';
import { changeOwner, stopListening } from './eeh.js';
import { makeContainer, type DeviceFile, type GroupFile, type Host, type OpenFile, type Process, type VfioGroup } from './host.js';
import { leaveContainer } from './windows.js';

const clause = merged('Linux 7.2 drivers/vfio/container.c, group.c');

/** Gives the process a descriptor of the file: the lowest free number, or the one that was seen. */
export function openFile(process: Process, file: OpenFile, chooser: Chooser): number {
  const descriptor = chooser.status(freeDescriptor(process));
  install(process, file, descriptor);
  return descriptor;
}

/** The lowest descriptor that is free. */
export function freeDescriptor({ files }: Process): number {
  let free = FIRST_DESCRIPTOR;
  while (files.has(free)) free += 1;
  return free;
}

/** Gives the process that descriptor of the file. */
export function install(process: Process, file: OpenFile, descriptor: number): void {
  file.users += 1;
  process.files.set(descriptor, file);
}

/** 0 to 2 are the standard ones. */
const FIRST_DESCRIPTOR = 3;

/** One descriptor fewer; the last one ends what the file stands for. */
export function release(host: Host, file: OpenFile): void {
  file.users -= 1;
  if (file.users > 0) return;
  switch (file.kind) {
    case 'device':
      closeDevice(host, file);
      return;
    case 'group':
      closeGroup(host, file);
      return;
    case 'node':
    case 'iommufd':
    case 'kvm-table':
    case 'kvm-device':
      file.end(host);
      return;
    case 'faults':
    case 'events':
      file.queue.open = false;
      release(host, file.opener);
      return;
    case 'container':
    case 'file':
    case 'kvm':
    case 'kvm-vm':
    case 'kvm-processor':
      return;
  }
}

function closeDevice(host: Host, file: DeviceFile): void {
  file.group.devices -= 1;
  file.end?.(host);
  changeOwner(host, file.group, file.device);
  stopListening(host, file.device);
  release(host, file.opener);
}

function closeGroup(host: Host, { group, gone }: GroupFile): void {
  if (gone) return;
  group.file = undefined;
  leaveContainer(host, group);
  leaveIommufd(host, group);
}

/** The group no longer keeps the context of /dev/iommu that it worked with; open devices still do. */
export function leaveIommufd(host: Host, group: VfioGroup): void {
  const file = group.iommufd;
  group.iommufd = undefined;
  if (file !== undefined) release(host, file);
}

/** The last device left vfio-pci: the group leaves its container, and what is open stands for nothing. */
export function loseGroup(host: Host, group: VfioGroup): void {
  leaveContainer(host, group);
  leaveIommufd(host, group);
  if (group.file !== undefined) group.file.gone = true;
  group.file = undefined;
}

/** Files that were mapped, and that no process maps any more, have a user less. */
export function releaseUnmapped(host: Host): void {
  for (const file of [...host.mapped]) {
    if ([...host.processes.values()].some(({ space }) => space.mappings.some(({ of }) => of === file))) continue;
    host.mapped.delete(file);
    release(host, file);
  }
}

/** Closes everything a process has open. */
export function closeAll(host: Host, process: Process): void {
  const files = [...process.files.values()];
  process.files.clear();
  for (const file of files) release(host, file);
}

/** What opening a node is given. */
export type OpenInput = readonly [host: Host, opening: { readonly process: Process; readonly what: string }];

interface OpenContext {
  readonly host: Host;
  readonly process: Process;
  readonly group: VfioGroup | undefined;
}

const readOpen = (host: Host, { process, what }: OpenInput[1]): OpenContext => ({ host, process, group: host.groups.get(what) });

const noDevice: Guard<OpenContext> = {
  ...clause('open-group/driver', 'A group without a device of vfio-pci has no node: ENOENT (or ENODEV).'),
  when: (c) => ![...c.group!.drivers.values()].includes('vfio-pci'),
  refuse: [-E.ENOENT, -E.ENODEV],
};

const boundNode: Guard<OpenContext> = {
  ...clause('open-group/node', 'A group of which a device is bound through its own node is refused with EBUSY.', 'Linux 7.2 drivers/vfio/group.c vfio_group_fops_open'),
  when: (c) => c.group!.nodes > 0,
  refuse: [-E.EBUSY],
};

const alreadyOpen: Guard<OpenContext> = {
  ...clause('open-group/once', 'A group that is open is refused with EBUSY.'),
  when: (c) => c.group!.file !== undefined,
  refuse: [-E.EBUSY],
};

/** open of /dev/vfio/N: one at a time. */
export const openGroup = defineCall<OpenContext, OpenInput>({
  name: 'open-group',
  parameters: [],
  read: readOpen,
  guards: [noDevice, boundNode, alreadyOpen],
  effect: {
    clauses: [clause('open-group/opened', 'The group is open, once; nothing about its devices changes.')],
    statuses: 'descriptor',
    apply(c, chooser) {
      const file: OpenFile = { kind: 'group', group: c.group!, users: 0, gone: false };
      c.group!.file = file;
      return { clause: 'open-group/opened', status: openFile(c.process, file, chooser) };
    },
  },
  sample: { args: {} },
});

/** open of /dev/vfio/vfio: a new container each time. */
export const openContainer = defineCall<OpenContext, OpenInput>({
  name: 'open-container',
  parameters: [],
  read: readOpen,
  guards: [],
  effect: {
    clauses: [clause('open-container/opened', 'A new container, empty.')],
    statuses: 'descriptor',
    apply: (c, chooser) => ({
      clause: 'open-container/opened',
      status: openFile(c.process, { kind: 'container', container: makeContainer(), users: 0 }, chooser),
    }),
  },
  sample: { args: {} },
});

/** What closing is given. */
export type CloseInput = readonly [host: Host, closing: { readonly process: Process; readonly fd: number }];

interface CloseContext {
  readonly host: Host;
  readonly process: Process;
  readonly fd: number;
}

/** close: with the last descriptor of a group its container ends, with that of a device the device is free. */
export const close = defineCall<CloseContext, CloseInput>({
  name: 'close',
  parameters: [],
  read: (host, { process, fd }) => ({ host, process, fd }),
  guards: [
    {
      ...clause('close/descriptor', 'A descriptor that is not open is refused with EBADF.'),
      when: (c) => !c.process.files.has(c.fd),
      refuse: [-E.EBADF],
    },
  ],
  effect: {
    clauses: [clause('close/closed', 'The last descriptor of a group, its devices included, takes it out of its container: cleared, unset, given back to the host.')],
    apply(c) {
      const file = c.process.files.get(c.fd);
      c.process.files.delete(c.fd);
      if (file !== undefined) release(c.host, file);
      return { clause: 'close/closed', status: 0 };
    },
  },
  sample: { args: {}, fd: GROUP },
});
