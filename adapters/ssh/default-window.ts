import type { LinuxDescription } from '../../reference/description.js';
import { decodeCells, joinCells } from '../../reference/uapi/cells.js';
import { decodeDmaWindow, type DmaCells } from '../../reference/uapi/device-tree.js';
import type { FoundDevice } from './devices.js';
import type { Look } from './look.js';

/** What the device tree tells of a PE's windows. */
export interface TreeWindow {
  readonly start: bigint;
  readonly size: bigint;
  /** Bit n: I/O pages of 2^n bytes; absent where the tree does not tell. */
  readonly pageSizes?: bigint;
}

/** The default window of a device's PE as the firmware gave it; undefined where the device tree does not tell. */
export async function treeWindow(look: Look, platform: LinuxDescription['platform'], device: FoundDevice): Promise<TreeWindow | undefined> {
  const ask = platform === 'pseries' ? dmaWindow : belowMemory;
  const windows = await Promise.all(nodesAbove(device).map((node) => ask(look, node)));
  return windows.find((window) => window !== undefined);
}

/** The device-tree nodes of the device, its bridges and its host bridge, from below. */
function nodesAbove({ path }: FoundDevice): string[] {
  const parts = path.split('/');
  const root = parts.findIndex((part) => /^pci[0-9a-f]{4,}:/.test(part));
  const folders = parts.map((_, i) => parts.slice(0, i + 1).join('/')).slice(root);
  const bus = `${folders[0]}/pci_bus/${parts[root]?.slice('pci'.length)}`;
  return [bus, ...folders].reverse().map((folder) => `${folder}/of_node`);
}

const cell = (bytes: Uint8Array | undefined): number | undefined => {
  const cells = bytes === undefined ? undefined : decodeCells(bytes);
  return cells?.ok === true ? cells.value[0] : undefined;
};

/** pSeries: `ibm,dma-window`. */
async function dmaWindow(look: Look, node: string): Promise<TreeWindow | undefined> {
  const [bytes, address, size] = await look.bytes(['ibm,dma-window', 'ibm,#dma-address-cells', 'ibm,#dma-size-cells'].map((name) => `${node}/${name}`));
  if (bytes === undefined) return undefined;
  const window = decodeDmaWindow(bytes, { address: cell(address) ?? 2, size: cell(size) ?? 2 } as DmaCells);
  return window.ok ? { start: window.value.start, size: window.value.size } : undefined;
}

/** Cells of an entry of a PCI host bridge's `ranges`: PCI address (3), processor's address (2), size (2). */
const RANGE_CELLS = 7;
/** Space code in phys.hi, bits 24 and 25 (PCI Bus Binding to Open Firmware 2.1, 2.2.1.1). */
const MEMORY_32 = 2;

/**
 * PowerNV: the 32-bit window ends where the bridge's 32-bit memory begins on the bus. `ibm,supported-tce-sizes` has log2 of
 * each page size. Source: Linux platforms/powernv/pci-ioda.c, m32_pci_base, pnv_ioda_parse_tce_sizes.
 */
async function belowMemory(look: Look, node: string): Promise<TreeWindow | undefined> {
  const [bytes, sizes] = await look.bytes(['ranges', 'ibm,supported-tce-sizes'].map((name) => `${node}/${name}`));
  const ranges = bytes === undefined ? undefined : decodeCells(bytes);
  if (ranges?.ok !== true || sizes === undefined) return undefined;
  for (let at = 0; at + RANGE_CELLS <= ranges.value.length; at += RANGE_CELLS) {
    const [high = 0, ...address] = ranges.value.slice(at, at + 3);
    if (((high >>> 24) & 3) === MEMORY_32) return { start: 0n, size: joinCells(address), pageSizes: maskOf(sizes) };
  }
  return undefined;
}

function maskOf(sizes: Uint8Array): bigint {
  const shifts = decodeCells(sizes);
  return shifts.ok ? shifts.value.reduce((mask, shift) => mask | (1n << BigInt(shift)), 0n) : 0n;
}
