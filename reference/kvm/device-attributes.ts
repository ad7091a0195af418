import { defineCall, type Guard } from '../rules.js';
import type { Operation } from '../doors/operations.js';
import type { Term } from '../doors/term.js';
import { E } from '../uapi/errno.js';
import { KVM_VFIO } from '../uapi/kvm.js';
import { arg, CONTAINER, GROUP, merged, openWith, type Ioctl, type IoctlInput } from '../vfio/checks.js';
import type { DeviceBridgeFile, GroupFile, Host, OpenFile, TableFile } from '../vfio/host.js';
import { load } from '../vfio/user-memory.js';
import type { IommuTable } from '../platform/table-group.js';
import { BRIDGE, foreignMachine, KVM, MADE, MEMORY, readVm, SAMPLE_SLOT, TABLE, tableMade, tceClause, unreadable, type VmContext } from './checks.js';
import { bridgeMade } from './create-device.js';
import { forget, windowsOf } from './files.js';
import type { Added, SpaprTable } from './state/vm.js';

const NAME = 'KVM_SET_DEVICE_ATTR';
const HAS = 'KVM_HAS_DEVICE_ATTR';
const clause = merged('Linux 7.2 virt/kvm/vfio.c; Documentation/virt/kvm/devices/vfio.rst');

/** Both descriptors of KVM_DEV_VFIO_GROUP_SET_SPAPR_TCE are 4 bytes; the others take the first alone. */
const DESCRIPTOR_BYTES = 4;

const ATTRIBUTES: readonly bigint[] = [KVM_VFIO.add, KVM_VFIO.del, KVM_VFIO.setSpaprTce].map(BigInt);

/** A window; before it the promised default one is made, which the sample's table fits. */
const WINDOW_MADE: Operation = { door: 'vfio', op: 'ioctl', fd: CONTAINER, call: 'VFIO_IOMMU_SPAPR_TCE_CREATE', args: { page_shift: 12n, window_size: 1n << 26n, levels: 1n }, as: 'window' };

/** The same table in another machine. */
const OTHER_TABLE: readonly Operation[] = [
  { door: 'kvm', op: 'ioctl', fd: KVM, call: 'KVM_CREATE_VM', args: { value: 0n }, as: 'vm2' },
  { ...tableMade('table2'), fd: { from: 'vm2.fd' } },
];

const ADDED: Operation = { door: 'kvm', op: 'ioctl', fd: BRIDGE, call: NAME, args: { group: BigInt(KVM_VFIO.file), attr: BigInt(KVM_VFIO.add), addr: MEMORY } };

export interface Attribute extends VmContext {
  readonly bridge: DeviceBridgeFile;
  readonly attribute: bigint;
  /** What the attribute's memory holds; undefined where it cannot be read. */
  readonly descriptors: readonly number[] | undefined;
  /** What the first descriptor stands for. */
  readonly named: OpenFile | undefined;
  readonly added: Added<OpenFile> | undefined;
  /** What the second one stands for. */
  readonly tableFile: OpenFile | undefined;
}

function readAttribute(host: Host, ioctl: Ioctl): Attribute {
  const c = readVm(host, ioctl);
  const bridge = ioctl.file as DeviceBridgeFile;
  const attribute = arg(c, 'attr');
  const descriptors = descriptorsAt(c, attribute === BigInt(KVM_VFIO.setSpaprTce) ? 2 : 1);
  const named = c.process.files.get(descriptors?.[0] ?? -1);
  return {
    ...c,
    bridge,
    attribute,
    descriptors,
    named,
    added: bridge.added.find(({ file }) => file === named),
    tableFile: c.process.files.get(descriptors?.[1] ?? -1),
  };
}

function descriptorsAt(c: VmContext, count: number): readonly number[] | undefined {
  const bytes = load(c.host, c.process, { length: count * DESCRIPTOR_BYTES }, arg(c, 'addr'));
  if (bytes === undefined) return undefined;
  const buffer = Buffer.from(bytes.values);
  return Array.from({ length: count }, (_, i) => buffer.readInt32LE(i * DESCRIPTOR_BYTES));
}

const adds = (c: Attribute): boolean => c.attribute === BigInt(KVM_VFIO.add);
export const setsTable = (c: Attribute): boolean => c.attribute === BigInt(KVM_VFIO.setSpaprTce);

const unknownGroup = (call: string): Guard<VmContext> => ({
  ...clause(`${call}/group`, 'A group of attributes that the device does not have is refused with ENXIO.'),
  when: (c) => arg(c, 'group') !== BigInt(KVM_VFIO.file),
  refuse: [-E.ENXIO],
  violation: { args: { group: 2n } },
});

const unknownAttribute = (call: string): Guard<VmContext> => ({
  ...clause(`${call}/attribute`, 'An attribute that the device does not have is refused with ENXIO.'),
  when: (c) => !ATTRIBUTES.includes(arg(c, 'attr')),
  refuse: [-E.ENXIO],
  violation: { args: { attr: 4n } },
});

const noMemory: Guard<Attribute> = {
  ...clause(`${NAME}/address`, 'What the attribute takes is refused with EFAULT where it cannot be read.'),
  when: (c) => c.descriptors === undefined,
  refuse: [-E.EFAULT],
  violation: { args: { addr: 0n } },
};

const noFile: Guard<Attribute> = {
  ...clause(`${NAME}/descriptor`, 'A descriptor that is not open is refused with EBADF.'),
  when: (c) => c.named === undefined,
  refuse: [-E.EBADF],
  violation: { setup: [stored(0n, [0xffff_ffffn])] },
};

/** What stands for a device or a group of VFIO. */
const OF_VFIO: readonly OpenFile['kind'][] = ['group', 'device', 'node'];

const notVfio: Guard<Attribute> = {
  ...clause(`${NAME}/add-file`, 'To add: a file that is neither a group nor a device of VFIO is refused with EINVAL.'),
  when: (c) => adds(c) && !OF_VFIO.includes(c.named!.kind),
  refuse: [-E.EINVAL],
};

const again: Guard<Attribute> = {
  ...clause(`${NAME}/add-again`, 'To add: a file that was added is refused with EEXIST.'),
  when: (c) => adds(c) && c.added !== undefined,
  refuse: [-E.EEXIST],
};

const notAdded: Guard<Attribute> = {
  ...clause(`${NAME}/not-added`, 'To take away, or to attach a table: a file that was not added is refused with ENOENT.'),
  when: (c) => !adds(c) && c.added === undefined,
  refuse: [-E.ENOENT],
  violation: { instead: withTable(false) },
};

const noGroup: Guard<Attribute> = {
  ...clause(`${NAME}/table-group`, 'To attach: a file that is no group of VFIO is refused with EIO.'),
  when: (c) => setsTable(c) && c.named!.kind !== 'group',
  refuse: [-E.EIO],
};

const noTable: Guard<Attribute> = {
  ...tceClause(`${NAME}/table-descriptor`, 'To attach: a descriptor of a table that is not open is refused with EBADF.'),
  when: (c) => setsTable(c) && c.tableFile === undefined,
  refuse: [-E.EBADF],
  violation: { setup: [stored(4n, [0xffff_ffffn])] },
};

const foreignTable: Guard<Attribute> = {
  ...tceClause(`${NAME}/table`, 'To attach: a file that is no TCE table of this machine is refused with EINVAL.'),
  when: (c) => setsTable(c) && (c.tableFile?.kind !== 'kvm-table' || c.tableFile.table.vm !== c.vm),
  refuse: [-E.EINVAL],
  violation: { setup: [...OTHER_TABLE, stored(4n, [{ from: 'table2.fd' }])] },
};

const noWindow: Guard<Attribute> = {
  ...tceClause(
    `${NAME}/window`,
    "To attach: without a window of the group's container that begins where the table does, is at least as large, and has I/O pages no larger, the call is refused with EINVAL.",
  ),
  when: (c) => setsTable(c) && windowFor(c) === undefined,
  refuse: [-E.EINVAL],
  violation: { instead: withTable(true, openWith(7n)) },
};

/** The first window of the group that the table fits. */
export function windowFor(c: Attribute): IommuTable | undefined {
  if (c.named?.kind !== 'group' || c.tableFile?.kind !== 'kvm-table') return undefined;
  const { table } = c.tableFile;
  return windowsOf(c.named.group).find((hardware) => fits(hardware, table));
}

/** Starts and sizes are bytes of 64 bits. */
const fits = ({ window }: IommuTable, { pageShift, offset, size }: SpaprTable): boolean =>
  window.pageShift <= pageShift && window.start === inBytes(offset, pageShift) && window.size >= inBytes(size, pageShift);

const inBytes = (pages: bigint, pageShift: number): bigint => BigInt.asUintN(64, pages << BigInt(pageShift));

/** The hardware table follows the guest's from now on; what the guest's has already is not carried over. */
function attach(c: Attribute, table: SpaprTable, hardware: IommuTable): void {
  const known = table.attached.find((attachment) => attachment.table === hardware);
  const group = (c.named as GroupFile).group;
  if (known === undefined) table.attached.unshift({ table: hardware, groups: new Set([group]) });
  else known.groups.add(group);
  c.added!.attached = true;
}

/** KVM_SET_DEVICE_ATTR of KVM's VFIO device: adds a group, takes it away, or attaches a TCE table to its windows. */
export const setDeviceAttr = defineCall<Attribute, IoctlInput>({
  name: NAME,
  parameters: ['flags', 'group', 'attr', 'addr'],
  read: readAttribute,
  guards: [foreignMachine(NAME), unreadable(NAME), unknownGroup(NAME), unknownAttribute(NAME), noMemory, noFile, notVfio, again, notAdded, noGroup, noTable, foreignTable, noWindow],
  effect: {
    clauses: [
      clause(`${NAME}/added`, 'The device keeps the file open, and so the group in its container.'),
      clause(`${NAME}/taken-away`, 'The device lets go of the file, and windows that the group alone attached follow no table any more, however often it did and whether it still has them; what they map stays mapped.'),
      tceClause(`${NAME}/attached`, 'What the guest stores in the table from now on goes to the window too; what it stored before does not.'),
    ],
    apply(c) {
      const { host, vm, bridge, named } = c;
      if (adds(c)) {
        named!.users += 1;
        bridge.added.push({ file: named!, attached: false });
        return { clause: `${NAME}/added`, status: 0 };
      }
      if (setsTable(c)) {
        attach(c, (c.tableFile as TableFile).table, windowFor(c)!);
        return { clause: `${NAME}/attached`, status: 0 };
      }
      bridge.added = bridge.added.filter((one) => one !== c.added);
      forget(host, vm, c.added!);
      return { clause: `${NAME}/taken-away`, status: 0 };
    },
  },
  sample: { fd: BRIDGE, setup: withTable(true), args: { flags: 0n, group: BigInt(KVM_VFIO.file), attr: BigInt(KVM_VFIO.setSpaprTce), addr: MEMORY } },
});

/** Words of 4 bytes in the sample's memory. */
function stored(offset: bigint, words: readonly Term[]): Operation {
  return { door: 'user', op: 'store', address: offset === 0n ? MEMORY : { from: 'memory.address', plus: offset }, wordBytes: DESCRIPTOR_BYTES, words };
}

/** A machine with a table and the device, a group with a window that fits the table, and both descriptors in memory. */
function withTable(added: boolean, vfio: readonly Operation[] = [...openWith(7n), WINDOW_MADE]): readonly Operation[] {
  return [
    ...vfio,
    ...MADE,
    { door: 'user', op: 'map', length: SAMPLE_SLOT.bytes, protection: 'rw', as: 'memory' },
    tableMade(),
    bridgeMade(),
    stored(0n, [GROUP, TABLE]),
    ...(added ? [ADDED] : []),
  ];
}

/** KVM_HAS_DEVICE_ATTR: what the device knows. */
export const hasDeviceAttr = defineCall<VmContext, IoctlInput>({
  name: HAS,
  parameters: ['flags', 'group', 'attr', 'addr'],
  read: readVm,
  guards: [foreignMachine(HAS), unreadable(HAS), unknownGroup(HAS), unknownAttribute(HAS)],
  effect: {
    clauses: [clause(`${HAS}/there`, 'Adding a group, taking it away, and attaching a TCE table to it are there.')],
    apply: () => ({ clause: `${HAS}/there`, status: 0 }),
  },
  sample: { fd: BRIDGE, setup: [...MADE, bridgeMade()], args: { flags: 0n, group: BigInt(KVM_VFIO.file), attr: BigInt(KVM_VFIO.setSpaprTce), addr: 0n } },
});
