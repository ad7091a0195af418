import type { VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Term } from '../../reference/doors/term.js';
import { fillDevice, openRig, type Rig, type RigOptions } from '../isolation/vfio/device.js';
import { attached, guest, newTable, type Bridge, type Guest, type TableShape } from './steps.js';

/*
 * A guest with a device: its table is attached to the window through which the device's buffer is filled and shown. The guest's
 * I/O pages from number 16 on, of 64 KiB, are the scenario's; those below serve the rig.
 */

export interface GuestRig extends Guest {
  readonly rig: Rig;
  readonly table: Term;
  readonly bridge: Bridge;
}

/** The first of the guest's I/O pages that the rig does not use, for pages of 64 KiB. */
export const FREE = 16n;

/** Where an I/O page of 64 KiB is on the bus, `offset` bytes into it. */
export const busAt = ({ rig }: GuestRig, page: bigint, offset = 0n): Term => rig.window.at((page << 16n) + offset);

/** A guest with its memory registered, and a device whose window follows its table. */
export function guestRig(p: VfioProgramBuilder, options: RigOptions & { readonly shape?: TableShape; readonly unregistered?: true } = {}): GuestRig {
  const rig = openRig(p, options);
  const made = guest(p);
  if (options.unregistered !== true) p.register(rig.container, made.memory);
  const table = newTable(p, made.vm, options.shape);
  return { ...made, rig, table, bridge: attached(p, made.vm, rig.container, table) };
}

/** The same with the device's buffer full of its pattern. */
export function filledRig(p: VfioProgramBuilder, options: Parameters<typeof guestRig>[1] = {}): GuestRig {
  const made = guestRig(p, options);
  fillDevice(p, made.rig);
  return made;
}
