import { decodeCells, encodeCells, joinCells, splitCells } from './cells.js';
import { decoded, malformed, type Decoded } from './decoded.js';

/*
 * The device-tree properties that describe DMA windows. All cells are 32 bits, big-endian.
 * Source: LoPAR app_papr_binding "LPAR Option Properties", "DDW Option Extensions"; Linux platforms/pseries/iommu.c.
 */

/** Cells of a bus address and of a size: ibm,#dma-address-cells and ibm,#dma-size-cells of the same node. */
export interface DmaCells {
  readonly address: 1 | 2;
  readonly size: 1 | 2;
}

/** What every firmware seen has in a PCI host bridge node. */
export const TWO_CELLS: DmaCells = { address: 2, size: 2 };

/** One triple of ibm,dma-window or ibm,my-dma-window. */
export interface DmaWindow {
  /** 32 bits. */
  readonly liobn: bigint;
  /** First bus address, bytes. */
  readonly start: bigint;
  /** Bytes. */
  readonly size: bigint;
}

const tripleLength = (cells: DmaCells): number => 1 + cells.address + cells.size;

/** ibm,dma-window: the one triple of a PE's default window. @throws RangeError where a value needs more cells */
export const encodeDmaWindow = (window: DmaWindow, cells = TWO_CELLS): Uint8Array => encodeMyDmaWindow([window], cells);

/** ibm,dma-window: exactly one triple. */
export function decodeDmaWindow(bytes: Uint8Array, cells = TWO_CELLS): Decoded<DmaWindow> {
  const panes = decodeMyDmaWindow(bytes, cells);
  if (!panes.ok) return panes;
  const [window, ...rest] = panes.value;
  return window === undefined || rest.length > 0
    ? malformed(`expected one triple, saw ${panes.value.length}`)
    : decoded(window);
}

/** ibm,my-dma-window of a virtual adapter: its own pane first, then its partner's. @throws RangeError as encodeDmaWindow */
export const encodeMyDmaWindow = (panes: readonly DmaWindow[], cells = TWO_CELLS): Uint8Array =>
  encodeCells(
    panes.flatMap(({ liobn, start, size }) => [
      ...splitCells(liobn, 1),
      ...splitCells(start, cells.address),
      ...splitCells(size, cells.size),
    ]),
  );

/** ibm,my-dma-window: one or more triples. */
export function decodeMyDmaWindow(bytes: Uint8Array, cells = TWO_CELLS): Decoded<readonly DmaWindow[]> {
  const list = decodeCells(bytes);
  if (!list.ok) return list;
  const length = tripleLength(cells);
  if (list.value.length === 0 || list.value.length % length !== 0) {
    return malformed(`expected triples of ${length} cells, saw ${list.value.length} cells`);
  }
  const triple = (at: number): DmaWindow => ({
    liobn: BigInt(list.value[at] as number),
    start: joinCells(list.value.slice(at + 1, at + 1 + cells.address)),
    size: joinCells(list.value.slice(at + 1 + cells.address, at + length)),
  });
  return decoded(Array.from({ length: list.value.length / length }, (_, i) => triple(i * length)));
}

/** ibm,ddw-applicable: the RTAS tokens of the three calls. */
export interface DdwTokens {
  readonly query: number;
  readonly create: number;
  readonly remove: number;
}

export const encodeDdwApplicable = ({ query, create, remove }: DdwTokens): Uint8Array =>
  encodeCells([query, create, remove]);

export function decodeDdwApplicable(bytes: Uint8Array): Decoded<DdwTokens> {
  const list = decodeCells(bytes);
  if (!list.ok) return list;
  const [query, create, remove, ...rest] = list.value;
  if (query === undefined || create === undefined || remove === undefined || rest.length > 0) {
    return malformed(`expected three tokens, saw ${list.value.length} cells`);
  }
  return decoded({ query, create, remove });
}

/** Positions in ibm,ddw-extensions as LoPAR counts them: 1 is the count itself. Linux counts from 0. */
export const DDW_EXTENSION = {
  /** The token of ibm,reset-pe-dma-window. */
  RESET: 2,
  /** 1: the query may be called with 6 outputs; other values are reserved. */
  QUERY_6: 3,
  /** Not 0: limited addressing. PAPR+ 2.13, not in public LoPAR; Linux DDW_EXT_LIMITED_ADDR_MODE. */
  LIMITED: 4,
} as const;

/** Why an extension cannot be read; Linux ddw_read_ext says -EINVAL, -ENODATA and -EOVERFLOW. */
export type ExtensionProblem = 'absent' | 'empty' | 'short';

/** ibm,ddw-extensions: the number of extensions, then their values, from position 2 on. */
export const encodeDdwExtensions = (values: readonly number[]): Uint8Array => encodeCells([values.length, ...values]);

/**
 * One extension, by LoPAR's position (2 and up). Readers ignore what they do not know and work with short lists
 * and with none. Source: LoPAR R1-[sec_ext_to_ddw]-1 and -2.
 *
 * @param property the bytes of ibm,ddw-extensions; undefined where the node has none
 */
export function readDdwExtension(property: Uint8Array | undefined, position: number): Decoded<number, ExtensionProblem> {
  if (property === undefined) return malformed('absent');
  if (property.length === 0) return malformed('empty');
  const list = decodeCells(property.subarray(0, property.length & ~3));
  const [count, ...values] = list.ok ? list.value : [];
  const value = values[position - 2];
  return count === undefined || count < position - 1 || value === undefined ? malformed('short') : decoded(value);
}

/** What a PE's extensions come to. */
export interface DdwExtensions {
  /** Token of ibm,reset-pe-dma-window; undefined where the PE does not offer it. */
  readonly reset: number | undefined;
  readonly query6: boolean;
  readonly limited: boolean;
}

/** The extensions that this reader knows; what cannot be read is not offered. */
export function readDdwExtensions(property: Uint8Array | undefined): DdwExtensions {
  const value = (position: number): number | undefined => {
    const extension = readDdwExtension(property, position);
    return extension.ok ? extension.value : undefined;
  };
  return {
    reset: value(DDW_EXTENSION.RESET),
    query6: value(DDW_EXTENSION.QUERY_6) === 1,
    limited: (value(DDW_EXTENSION.LIMITED) ?? 0) !== 0,
  };
}

/**
 * linux,direct64-ddr-window-info and linux,dma64-ddr-window-info: what Linux keeps of a window it created, for the kernel
 * that comes after it. 20 bytes. Source: Linux platforms/pseries/iommu.c, struct dynamic_dma_window_prop.
 */
export interface DdrWindowInfo {
  readonly liobn: bigint;
  /** First bus address, bytes. */
  readonly start: bigint;
  /** log2 of the page size and of the window size, in bytes. */
  readonly pageShift: number;
  readonly windowShift: number;
}

export const encodeDdrWindowInfo = ({ liobn, start, pageShift, windowShift }: DdrWindowInfo): Uint8Array =>
  encodeCells([...splitCells(liobn, 1), ...splitCells(start, 2), pageShift, windowShift]);

/** Linux removes a property that is too short; bytes after the 20 are ignored. */
export function decodeDdrWindowInfo(bytes: Uint8Array): Decoded<DdrWindowInfo> {
  if (bytes.length < 20) return malformed(`expected 20 bytes, saw ${bytes.length}`);
  const list = decodeCells(bytes.subarray(0, 20));
  if (!list.ok) return list;
  const [liobn = 0, high = 0, low = 0, pageShift = 0, windowShift = 0] = list.value;
  return decoded({ liobn: BigInt(liobn), start: joinCells([high, low]), pageShift, windowShift });
}
