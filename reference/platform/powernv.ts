import { clearPeWindow, setPeWindow, type OpalPhb, type TablePlace } from '../opal/phb.js';
import { makeWindow, removeWindow, type Machine } from '../machine.js';
import { putEntry } from '../tce/entries.js';
import { TCE_READ, TCE_WRITE } from '../tce/tce.js';
import { powernvLevels, powernvTableSize } from '../tce/table-size.js';
import { OPAL } from '../uapi/opal-windows.js';
import type { IommuTable, Platform, WindowRequest } from './table-group.js';

/**
 * The table-group operations of a PowerNV machine: the host owns the tables, OPAL points the host bridge to them, entries are
 * stores to memory. Source: Linux platforms/powernv/pci-ioda.c pnv_pci_ioda2_ops, pci-ioda-tce.c.
 *
 * @param pageShift log2 of the system's page size
 */
export function powernvPlatform(machine: Machine, phb: OpalPhb, pageShift: number): Platform {
  const places = new Map<IommuTable, TablePlace>();
  let nextTable = FIRST_TABLE;
  const size = (request: WindowRequest): bigint => largerOf(request.size, smallestWindow(request.pageShift, pageShift));
  return {
    tableBytes: (request) => (powernvLevels(request.pageShift, request.size, request.levels, pageShift) === undefined
      ? 0n
      : powernvTableSize(request.pageShift, request.size, request.levels, pageShift)),
    tablePiece: ({ pageShift: shift, size: bytes, levels }) => {
      const shape = powernvLevels(shift, bytes, levels, pageShift);
      return shape === undefined ? 0n : 1n << BigInt(shape.levelShift);
    },
    oneDynamicWindow: false,
    takesNoLevels: false,
    sharesWindows: true,
    permission: (asked) => ((asked & TCE_WRITE) === 0n ? asked : TCE_READ | TCE_WRITE),
    createTable(_group, slot, request, start) {
      const { pageShift: shift, levels } = request;
      const table: IommuTable = {
        window: makeWindow({ liobn: BigInt(places.size * 2 + slot), start, size: size(request), pageShift: shift }, 'host', false),
        lockedBytes: powernvTableSize(shift, request.size, levels, pageShift),
        users: new Map(),
      };
      places.set(table, { address: nextTable, ...powernvLevels(shift, request.size, levels, pageShift)! });
      nextTable += TABLE_SPACING;
      return table;
    },
    setWindow(group, slot, table) {
      const status = setPeWindow(phb, machine, group.pe, slot, table.window, places.get(table)!);
      if (status !== OPAL.SUCCESS) throw new Error(`The reference refuses its own window: OPAL ${status}.`);
    },
    unsetWindow: (group, slot, table) => clearPeWindow(phb, machine, group.pe, slot, table.window),
    put: ({ window }, index, entry) => putEntry(window, index, entry),
    takeOwnership(group) {
      for (const window of [...group.pe.windows]) removeWindow(machine, group.pe, window);
      group.taken = true;
    },
    releaseOwnership(group) {
      group.taken = false;
    },
  };
}

/** Tables lie in the host's own memory, out of every program's reach. */
const FIRST_TABLE = 1n << 44n;
const TABLE_SPACING = 1n << 36n;

/** A table is at least a page of the system: the window is as large as that. */
const smallestWindow = (shift: number, systemPageShift: number): bigint => 1n << BigInt(systemPageShift - 3 + shift);

const largerOf = (a: bigint, b: bigint): bigint => (a > b ? a : b);
