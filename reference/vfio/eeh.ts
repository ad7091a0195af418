import { keepTo, mayRaise, raise, type EehPe } from '../eeh/pe.js';
import { outcomes } from '../eeh/vfio-table.js';
import type { Host, VfioGroup } from './host.js';

/** The error state of a group's PE; undefined without EEH. */
export const eehOf = (group: VfioGroup): EehPe | undefined => group.table.pe.eeh;

/** The error state of a device's PE. */
export const eehOfDevice = (host: Host, device: string): EehPe | undefined => host.machine.pes.get(device.split('.')[0]!)?.eeh;

/**
 * A device of the PE was opened or closed: a stopped PE goes on, as if it were asked to. Source: Linux kernel/eeh.c
 * eeh_dev_open, eeh_dev_release, eeh_pe_change_owner.
 */
export function changeOwner(host: Host, group: VfioGroup): void {
  const pe = eehOf(group);
  if (pe === undefined) return;
  keepTo(pe, pe.states.flatMap((state) => outcomes(host.linux.platform, 'enable', state).map(({ next }) => next)));
}

/** A device that is closed is told of no error any more. */
export function stopListening(host: Host, device: string): void {
  host.events.get(device.split('.')[0]!)?.listeners.delete(device);
}

/** The PE has an error: an emulator's host bridge may not notice. */
export function raiseIn(host: Host, pe: EehPe): void {
  if (host.linux.emulatedEeh === true) mayRaise(pe);
  else raise(pe);
}
