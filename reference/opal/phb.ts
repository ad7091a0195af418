import { OPAL, mapPeDmaWindow } from '../uapi/opal-windows.js';
import type { Phb } from '../uapi/tve.js';
import { addWindow, removeWindow, type Machine, type Pe, type Window } from '../machine.js';
import type { TableLevels } from '../tce/table-size.js';

/*
 * What a PowerNV host bridge does for the windows of its PEs: two TVEs a PE, the second for bus addresses with bit 59. A
 * window that a TVE describes translates the accesses of the PE's devices.
 */

/** The TVEs of a PE as register values; 0 refuses every access. */
export interface OpalPe {
  readonly number: number;
  readonly tvt: [bigint, bigint];
}

/** A host bridge with its PEs, by the name of the PE. */
export interface OpalPhb {
  readonly kind: Phb;
  /** Number of PEs that it can have. */
  readonly pes: number;
  readonly table: ReadonlyMap<string, OpalPe>;
}

/** Where a table is in memory, and its shape. */
export interface TablePlace extends TableLevels {
  readonly address: bigint;
}

/** The window id that OPAL calls take: twice the PE number, plus 1 for the second window. */
export const windowId = (pe: OpalPe, slot: number): number => pe.number * 2 + slot;

/** Sets a window of a PE (OPAL_PCI_MAP_PE_DMA_WINDOW). Returns OPAL's status; nothing changes unless it is 0. */
export function setPeWindow(phb: OpalPhb, machine: Machine, pe: Pe, slot: number, window: Window, place: TablePlace): number {
  const opal = phb.table.get(pe.description.name)!;
  const answer = mapPeDmaWindow(phb, {
    pe: opal.number,
    windowId: windowId(opal, slot),
    levels: place.levels,
    tableAddress: place.address,
    tableSize: 1n << BigInt(place.levelShift),
    pageSize: 1n << window.shift,
  });
  if (answer.status !== OPAL.SUCCESS) return answer.status;
  opal.tvt[slot] = answer.tve;
  pe.windows.push(window);
  addWindow(machine, window);
  return OPAL.SUCCESS;
}

/** Switches a window of a PE off: the same call with a table size of 0. */
export function clearPeWindow(phb: OpalPhb, machine: Machine, pe: Pe, slot: number, window: Window): void {
  phb.table.get(pe.description.name)!.tvt[slot] = 0n;
  if (pe.windows.includes(window)) removeWindow(machine, pe, window);
}
