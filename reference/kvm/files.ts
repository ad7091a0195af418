import { entriesOf } from '../platform/table-group.js';
import type { OpenFile, GroupFile, Host, VfioGroup } from '../vfio/host.js';
import { release } from '../vfio/files.js';
import { clearEntries } from '../vfio/windows.js';
import type { Added, Attachment, SpaprTable, Vm } from './state/vm.js';
import { tablePages } from './state/table-size.js';

/*
 * What ends with the last descriptor of a thing of KVM's, and what keeps it alive. Source: Linux arch/powerpc/kvm/book3s_64_vio.c
 * kvm_spapr_tce_release, kvm_spapr_tce_release_iommu_group; virt/kvm/vfio.c kvm_vfio_file_free, kvm_vfio_release.
 */

/** The last descriptor and the last mapping of a table are gone: so is the table, with what it had attached. */
export function endTable(host: Host, table: SpaprTable): void {
  const { vm } = table;
  vm.tables = vm.tables.filter((other) => other !== table);
  const { attached } = table;
  table.attached = [];
  for (const attachment of attached) letGo(host, vm, attachment);
  vm.space.lockedPages -= tablePages(table.size, host.linux.pageShift);
}

/** A hardware table that neither a container nor a machine has any more goes, and lets go of what its entries map. */
function letGo(host: Host, vm: Vm, { table }: Attachment): void {
  const held = [...host.groups.values()].some(({ container }) => container?.tables.includes(table) === true);
  if (held || vm.tables.some(({ attached }) => attached.some((other) => other.table === table))) return;
  clearEntries(host, vm, table, 0, entriesOf(table));
}

/** KVM's VFIO device has no more to do with a file: hardware tables that its group attached follow the guest no more. */
export function forget(host: Host, vm: Vm, { file, attached }: Added<OpenFile>): void {
  if (attached && file.kind === 'group') detach(host, vm, file.group);
  release(host, file);
}

function detach(host: Host, vm: Vm, group: VfioGroup): void {
  for (const table of vm.tables) {
    for (const { groups } of table.attached) groups.delete(group);
    const ended = table.attached.filter(({ groups }) => groups.size === 0);
    table.attached = table.attached.filter(({ groups }) => groups.size > 0);
    for (const attachment of ended) letGo(host, vm, attachment);
  }
}

/** The hardware tables of a group, in the order of its windows: those of its container. */
export const windowsOf = ({ container }: GroupFile['group']): readonly Attachment['table'][] => (container?.tables ?? []).flatMap((table) => table ?? []);

/** The device's descriptors are gone. */
export function endBridge(host: Host, vm: Vm, added: readonly Added<OpenFile>[]): void {
  vm.hasDevice = false;
  for (const one of added) forget(host, vm, one);
}
