import { keepTo, mayRaise, raise, type EehPe } from '../eeh/pe.js';
import { outcomes } from '../eeh/vfio-table.js';
import type { DeviceFile, Host, NodeFile, OpenFile, VfioGroup } from './host.js';

/** The error state of a group's PE; undefined without EEH. */
export const eehOf = (group: VfioGroup): EehPe | undefined => group.table.pe.eeh;

/** The error state of a device's PE. */
export const eehOfDevice = (host: Host, device: string): EehPe | undefined => host.machine.pes.get(device.split('.')[0]!)?.eeh;

/** Somebody has the device open. */
const isOpen = (host: Host, device: string): boolean =>
  [...host.processes.values()].some(({ files }) => [...files.values()].some((file) => holds(file) && file.device === device));

/** A node of a device's own holds it once it is bound. */
const holds = (file: OpenFile): file is DeviceFile | NodeFile => file.kind === 'device' || (file.kind === 'node' && file.bound !== undefined);

/**
 * A device of the PE was opened, for the first time or again after it was closed, or closed by the last who had it: a stopped
 * PE goes on, as if it were asked to. Source: Linux kernel/eeh.c eeh_dev_open, eeh_dev_release, eeh_pe_change_owner; drivers/vfio/vfio_main.c
 * vfio_df_device_first_open, vfio_df_device_last_close.
 */
export function changeOwner(host: Host, group: VfioGroup, device: string): void {
  const pe = eehOf(group);
  if (pe === undefined || isOpen(host, device)) return;
  keepTo(pe, pe.states.flatMap((state) => outcomes(host.linux.platform, 'enable', state).map(({ next }) => next)));
}

/** A device that nobody has open is told of no error any more. */
export function stopListening(host: Host, device: string): void {
  if (isOpen(host, device)) return;
  host.events.get(device.split('.')[0]!)?.listeners.delete(device);
}

/** The PE has an error: an emulator's host bridge may not notice. */
export function raiseIn(host: Host, pe: EehPe): void {
  if (host.linux.emulatedEeh === true) mayRaise(pe);
  else raise(pe);
}
