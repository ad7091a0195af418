import { decodeCells, encodeCells, joinCells, splitCells } from './cells.js';
import { decoded, malformed, type Decoded } from './decoded.js';

/**
 * The argument block of an RTAS call: cells token, nargs, nret, then the arguments, then the results. RTAS writes the
 * results in place. The block begins at a multiple of 8 bytes (the caller's duty).
 * Source: LoPAR sec_rtas_environment, R1-[sec_calling_mech_convent]-1; Linux struct rtas_args.
 */
export interface RtasBlock {
  readonly token: number;
  /** Cells, 0 to 2^32 − 1. */
  readonly args: readonly number[];
  /** Cells; zero before the call. The first is the status, but for ibm,open-errinjct, which has it second. */
  readonly rets: readonly number[];
}

/** The block as it lies in memory. */
export const encodeRtasBlock = ({ token, args, rets }: RtasBlock): Uint8Array =>
  encodeCells([token, args.length, rets.length, ...args, ...rets]);

/** The block before the call: `nret` results of zero. */
export const rtasRequest = (token: number, args: readonly number[], nret: number): RtasBlock => ({
  token,
  args,
  rets: Array.from({ length: nret }, () => 0),
});

/** Reads a block; bytes after it are ignored. */
export function decodeRtasBlock(bytes: Uint8Array): Decoded<RtasBlock> {
  const list = decodeCells(bytes);
  if (!list.ok) return list;
  const [token, nargs, nret, ...cells] = list.value;
  if (token === undefined || nargs === undefined || nret === undefined) {
    return malformed(`expected token, nargs and nret, saw ${list.value.length} cells`);
  }
  if (cells.length < nargs + nret) {
    return malformed(`expected ${nargs} arguments and ${nret} results, saw ${cells.length} cells`);
  }
  return decoded({ token, args: cells.slice(0, nargs), rets: cells.slice(nargs, nargs + nret) });
}

/** What ibm,errinjct does with class ioa-bus-error-64. Source: LoPAR, ibm,errinjct, "ioa-bus-error-64" buffer. */
export interface IoaBusError64 {
  /** Bus address and mask; which addresses take part in the error. */
  readonly address: bigint;
  readonly mask: bigint;
  /** 0x00BBDF00. */
  readonly configAddress: number;
  /** Bus unit id of the PCI host bridge. */
  readonly buid: bigint;
  /** 0 load, memory space, address … 19 DMA write, target abort; 20 disable, 21 read back. */
  readonly what: number;
}

/** The first 32 bytes of the 1 KiB work buffer (aligned to 1 KiB). */
export const encodeIoaBusError64 = ({ address, mask, configAddress, buid, what }: IoaBusError64): Uint8Array =>
  encodeCells([...splitCells(address, 2), ...splitCells(mask, 2), configAddress, ...splitCells(buid, 2), what]);

/** Reads a work buffer; bytes after the first 32 are ignored. */
export function decodeIoaBusError64(bytes: Uint8Array): Decoded<IoaBusError64> {
  const list = decodeCells(bytes.subarray(0, 32));
  if (!list.ok || list.value.length < 8) return malformed(`expected 32 bytes, saw ${bytes.length}`);
  const cell = (i: number): number => list.value[i] as number;
  const pair = (i: number): bigint => joinCells([cell(i), cell(i + 1)]);
  return decoded({ address: pair(0), mask: pair(2), configAddress: cell(4), buid: pair(5), what: cell(7) });
}
