import { canonical, type Chooser } from '../chooser.js';
import { addDefaultWindow, removeWindow, type Machine, type Window } from '../machine.js';
import { hPutTce } from '../papr/h-put-tce.js';
import { createPeDmaWindow } from '../papr/ibm-create-pe-dma-window.js';
import { removePeDmaWindow } from '../papr/ibm-remove-pe-dma-window.js';
import { perform, type Call } from '../rules.js';
import { pseriesTableSize } from '../tce/table-size.js';
import type { Platform, TableGroup, WindowRequest } from './table-group.js';

/**
 * The table-group operations of a partition: windows are made and removed by RTAS calls, entries written by H_PUT_TCE.
 * Source: Linux platforms/pseries/iommu.c spapr_tce_table_group_ops.
 */
export function pseriesPlatform(machine: Machine): Platform {
  return {
    tableBytes: ({ pageShift, size, levels }) => pseriesTableSize(pageShift, size, levels),
    // The kernel's own view of the table is a run of virtual pages.
    tablePiece: () => 0n,
    // The property in which the kernel keeps a dynamic window has one name (spapr_tce_create_table, DMA64_PROPNAME).
    oneDynamicWindow: true,
    takesNoLevels: true,
    sharesWindows: false,
    permission: (asked) => asked,
    createTable: (group, slot, request, start) => ({
      window: makeFirmwareWindow(machine, group, request, start),
      lockedBytes: pseriesTableSize(request.pageShift, request.size, request.levels),
      users: new Map(),
    }),
    // Firmware makes the window at once with the table.
    setWindow: () => undefined,
    unsetWindow: (_group, _slot, { window }) => removeFirmwareWindow(machine, window),
    put: ({ window }, index, entry) => call(machine, hPutTce, [window.liobn, window.start + (BigInt(index) << window.shift), entry]),
    takeOwnership(group) {
      for (const window of [...group.pe.windows]) removeWindow(machine, group.pe, window);
      group.taken = true;
    },
    releaseOwnership(group) {
      if (group.pe.windows.length === 0) addDefaultWindow(machine, group.pe);
      group.taken = false;
    },
  };
}

/** Makes a platform call that the kernel has every reason to expect to succeed. */
function call<C>(machine: Machine, rules: Call<C>, args: readonly bigint[], chooser: Chooser = canonical, nret = 0): void {
  const answer = perform(rules, rules.read(machine, args, nret), chooser);
  if (answer.status !== 0) throw new Error(`The reference refuses its own call: ${answer.clause}.`);
}

function makeFirmwareWindow(machine: Machine, { pe }: TableGroup, request: WindowRequest, start: bigint): Window {
  const { configAddress, buid } = pe.description;
  const args = [BigInt(configAddress), buid >> 32n, buid & 0xffff_ffffn, BigInt(request.pageShift), log2(request.size)];
  const placed: Chooser = { ...canonical, adopt: (open) => (open.choice === 'A9' ? start : open.canonical) };
  call(machine, createPeDmaWindow, args, placed, 4);
  return pe.windows.at(-1)!;
}

/** The kernel keeps the window from coming back by itself: a default that firmware restores belongs to nobody here. */
function removeFirmwareWindow(machine: Machine, window: Window): void {
  const pe = machine.pes.get(window.owner)!;
  call(machine, removePeDmaWindow, [window.liobn], canonical, 1);
  for (const restored of [...pe.windows]) if (restored.isDefault) removeWindow(machine, pe, restored);
}

const log2 = (size: bigint): bigint => BigInt(size.toString(2).length - 1);
