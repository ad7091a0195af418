/** What the device tree of a pSeries machine says about DMA, as plain values. */

import { joinCells } from '../../reference/uapi/cells.js';
import { allNodes, cellsOf, stringsOf, type DeviceTreeNode } from './device-tree.js';

/** QEMU `SPAPR_PCI_BASE_BUID`: the bridge with `index=i` has this BUID plus i. */
const BASE_BUID = 0x800_0000_2000_0000n;

/** A DMA window as a `…dma-window` property gives it. */
export interface WindowFacts {
  readonly liobn: number;
  /** First I/O bus address. */
  readonly start: bigint;
  /** Bytes. */
  readonly size: bigint;
}

/** Tokens of `ibm,ddw-applicable` (LoPAR: query, create, remove, in this order). */
export interface DdwTokens {
  readonly query: number;
  readonly create: number;
  readonly remove: number;
}

/** A stretch of CPU addresses that reaches a PCI address space. */
export interface RangeFacts {
  readonly space: 'io' | 'mem32' | 'mem64';
  readonly pciAddress: bigint;
  readonly cpuAddress: bigint;
  readonly size: bigint;
}

/** A base address register that a device implements. */
export interface BarFacts {
  /** Offset in configuration space, 0x10 to 0x24. */
  readonly register: number;
  readonly space: 'io' | 'mem32' | 'mem64';
  readonly size: bigint;
}

export interface DeviceFacts {
  readonly path: string;
  readonly vendorId: number;
  readonly deviceId: number;
  /** `config_addr` of the RTAS calls: bus << 16 | device << 11 | function << 8. */
  readonly configAddress: number;
  readonly bars: readonly BarFacts[];
}

export interface PhbFacts {
  /** QEMU's `index` of the bridge. */
  readonly index: number;
  readonly path: string;
  readonly buid: bigint;
  readonly dmaWindow: WindowFacts | undefined;
  readonly ddw: DdwTokens | undefined;
  /** `ibm,ddw-extensions` as it stands: the number of extensions, then their values; empty when absent. */
  readonly ddwExtensions: readonly number[];
  readonly ranges: readonly RangeFacts[];
  readonly devices: readonly DeviceFacts[];
  /** The properties of the node as they stand. */
  readonly properties: ReadonlyMap<string, Uint8Array>;
}

/** A virtual I/O device with a window (`ibm,my-dma-window`). */
export interface VioFacts {
  readonly path: string;
  readonly unitAddress: number;
  readonly window: WindowFacts;
}

export interface MachineFacts {
  readonly model: string;
  readonly memoryBytes: bigint;
  /** Strings of `ibm,hypertas-functions`. */
  readonly hypertas: readonly string[];
  /** Strings of `qemu,hypertas-functions`. */
  readonly qemuHypertas: readonly string[];
  /** RTAS tokens by name of the call. */
  readonly rtas: ReadonlyMap<string, number>;
  /** By index. */
  readonly phbs: readonly PhbFacts[];
  readonly vio: readonly VioFacts[];
}

/** Properties of /rtas with one cell that are not the token of a call. */
const NOT_A_CALL = new Set(['rtas-size', 'rtas-event-scan-rate', 'rtas-error-log-max', 'rtas-version']);

/** Collects the facts of a machine from its device tree. */
export function machineFacts(root: DeviceTreeNode): MachineFacts {
  const nodes = [...allNodes(root)];
  const rtas = nodes.find((node) => node.path === '/rtas');
  const memory = nodes.filter((node) => stringsOf(node, 'device_type')[0] === 'memory');
  return {
    model: stringsOf(root, 'model')[0] ?? '',
    memoryBytes: memory.reduce((sum, node) => sum + joinCells(cellsOf(node, 'reg').slice(2, 4)), 0n),
    hypertas: rtas === undefined ? [] : stringsOf(rtas, 'ibm,hypertas-functions'),
    qemuHypertas: rtas === undefined ? [] : stringsOf(rtas, 'qemu,hypertas-functions'),
    rtas: rtas === undefined ? new Map() : rtasTokens(rtas),
    phbs: nodes.filter(isPhb).map(phbFacts).sort((a, b) => a.index - b.index),
    vio: nodes.flatMap(vioFacts),
  };
}

/**
 * Token of an RTAS call.
 *
 * @throws Error when the machine does not offer the call
 */
export function rtasToken(facts: MachineFacts, name: string): number {
  const token = facts.rtas.get(name);
  if (token === undefined) throw new Error(`the machine has no RTAS call ${name}; it has ${[...facts.rtas.keys()].join(', ')}`);
  return token;
}

function rtasTokens(rtas: DeviceTreeNode): Map<string, number> {
  const tokens = new Map<string, number>();
  for (const [name, bytes] of rtas.properties) {
    if (bytes.length === 4 && !NOT_A_CALL.has(name)) tokens.set(name, bytes.readUInt32BE(0));
  }
  return tokens;
}

function isPhb(node: DeviceTreeNode): boolean {
  return stringsOf(node, 'compatible').includes('IBM,Logical_PHB');
}

function phbFacts(node: DeviceTreeNode): PhbFacts {
  const buid = joinCells(cellsOf(node, 'reg').slice(0, 2));
  const [query, create, remove] = cellsOf(node, 'ibm,ddw-applicable');
  const hasDdw = query !== undefined && create !== undefined && remove !== undefined;
  return {
    index: Number(buid - BASE_BUID),
    path: node.path,
    buid,
    dmaWindow: windowFacts(node, 'ibm,dma-window'),
    ddw: hasDdw ? { query, create, remove } : undefined,
    ddwExtensions: cellsOf(node, 'ibm,ddw-extensions'),
    ranges: inGroups(cellsOf(node, 'ranges'), 7).map(rangeFacts),
    devices: [...allNodes(node)].flatMap(deviceFacts),
    properties: node.properties,
  };
}

/** LIOBN, then start and size, whose lengths in cells the node states (LoPAR B.6.5.1.2). */
function windowFacts(node: DeviceTreeNode, property: string): WindowFacts | undefined {
  const [liobn, ...rest] = cellsOf(node, property);
  if (liobn === undefined) return undefined;
  const startCells = cellsOf(node, 'ibm,#dma-address-cells')[0] ?? 2;
  const sizeCells = cellsOf(node, 'ibm,#dma-size-cells')[0] ?? 2;
  const start = joinCells(rest.slice(0, startCells));
  return { liobn, start, size: joinCells(rest.slice(startCells, startCells + sizeCells)) };
}

/** Space code in phys.hi, bits 24 and 25 (PCI Bus Binding to Open Firmware 2.1, 2.2.1.1). */
function spaceOf(physicalHigh: number): RangeFacts['space'] {
  const code = (physicalHigh >>> 24) & 3;
  return code === 1 ? 'io' : code === 3 ? 'mem64' : 'mem32';
}

function rangeFacts(cells: number[]): RangeFacts {
  return {
    space: spaceOf(cells[0] ?? 0),
    pciAddress: joinCells(cells.slice(1, 3)),
    cpuAddress: joinCells(cells.slice(3, 5)),
    size: joinCells(cells.slice(5, 7)),
  };
}

function deviceFacts(node: DeviceTreeNode): DeviceFacts[] {
  const [vendorId] = cellsOf(node, 'vendor-id');
  const [deviceId] = cellsOf(node, 'device-id');
  const [config, ...bars] = inGroups(cellsOf(node, 'reg'), 5);
  if (vendorId === undefined || deviceId === undefined || config === undefined) return [];
  const configAddress = (config[0] ?? 0) & 0xff_ffff;
  return [{ path: node.path, vendorId, deviceId, configAddress, bars: bars.map(barFacts) }];
}

function barFacts(cells: number[]): BarFacts {
  const high = cells[0] ?? 0;
  return { register: high & 0xff, space: spaceOf(high), size: joinCells(cells.slice(3, 5)) };
}

function vioFacts(node: DeviceTreeNode): VioFacts[] {
  const window = windowFacts(node, 'ibm,my-dma-window');
  const unitAddress = cellsOf(node, 'reg')[0];
  return window === undefined || unitAddress === undefined ? [] : [{ path: node.path, unitAddress, window }];
}

function inGroups(cells: readonly number[], size: number): number[][] {
  return Array.from({ length: Math.floor(cells.length / size) }, (_, i) => cells.slice(i * size, (i + 1) * size));
}
