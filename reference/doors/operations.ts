import type { Term } from './term.js';
import type { HcallName } from '../uapi/hcall.js';
import type { RtasName } from '../uapi/rtas.js';

/**
 * The operations of every door, as plain values. A program is a list of them; an adapter carries them,
 * the model answers them, the harness draws and judges them.
 */
export type Operation = PaprOperation | MemoryOperation | DmaOperation | PlatformOperation;

interface Named {
  /** The name under which later operations refer to this one's results; unique within a program. */
  readonly as?: string;
  /** The harness put this in to look at side state; reports fold it away unless it departs. */
  readonly audit?: true;
}

/** Door `papr`: what a partition's operating system can ask of the platform. */
export type PaprOperation = Hcall | RtasCall | PropertyRead;

/** A hypercall. Results: `<as>.status` (R3) and `<as>.r4` … `<as>.r12`, each 64 bits. */
export interface Hcall extends Named {
  readonly door: 'papr';
  readonly op: 'hcall';
  readonly call: HcallName;
  /** R4, R5, … in order; registers not given are zero. At most 9. */
  readonly args: readonly Term[];
}

/**
 * An RTAS call. Arguments and results are 32-bit cells; an argument term is truncated to its low 32 bits.
 * Results: `<as>.ret0` (the status) … `<as>.ret<nret-1>`, zero-extended, and `<as>.ret<i>:64`, which joins
 * cells i (high) and i+1 (low). The result cells are zero before the call.
 */
export interface RtasCall extends Named {
  readonly door: 'papr';
  readonly op: 'rtas';
  readonly call: RtasName;
  readonly args: readonly Term[];
  /** Number of result cells, status included: 0 to 16. */
  readonly nret: number;
}

/** Reads a device-tree property of a PE's node as bytes; absent gives an empty answer. */
export interface PropertyRead extends Named {
  readonly door: 'papr';
  readonly op: 'property';
  readonly pe: string;
  readonly name: 'ibm,dma-window' | 'ibm,ddw-applicable' | 'ibm,ddw-extensions';
}

/** Door `memory`: the partition's own memory, as its processor sees it. */
export type MemoryOperation = MemoryStore | MemoryFill | MemoryLoad;

/** Stores big-endian doublewords one after another. */
export interface MemoryStore extends Named {
  readonly door: 'memory';
  readonly op: 'store';
  readonly address: bigint;
  readonly doublewords: readonly Term[];
}

/** Fills `length` bytes with `byte`. */
export interface MemoryFill extends Named {
  readonly door: 'memory';
  readonly op: 'fill';
  readonly address: bigint;
  /** Bytes, 1 to 65536. */
  readonly length: number;
  /** 0 to 255. */
  readonly byte: number;
}

/** Loads `length` bytes; the observation carries them. */
export interface MemoryLoad extends Named {
  readonly door: 'memory';
  readonly op: 'load';
  readonly address: bigint;
  /** Bytes, 1 to 4096. */
  readonly length: number;
}

/**
 * Door `dma`: makes a device move bytes between its buffer and an I/O bus address. The device itself reports
 * nothing; what arrived is seen by loading memory, or by letting the device write its buffer elsewhere.
 */
export interface DmaOperation extends Named {
  readonly door: 'dma';
  /** `read`: memory to the device's buffer. `write`: the device's buffer to memory. */
  readonly op: 'read' | 'write';
  /** A device of the machine, `pe0.dev0`. */
  readonly device: string;
  readonly iova: Term;
  /** Bytes, 1 to 2048. */
  readonly length: number;
  /** Offset in the device's buffer of 4096 bytes; `at + length` ≤ 4096. */
  readonly at: number;
}

/**
 * Door `platform`: what somebody other than the partition does to it. Only targets that have the capability
 * `platform` take these (`reboot` alone needs only the capability `reboot`).
 */
export type PlatformOperation =
  | (Named & { readonly door: 'platform'; readonly op: 'reboot' })
  /** The owner takes a shared logical resource back (H_RESCIND_LOGICAL of the owning partition). */
  | (Named & { readonly door: 'platform'; readonly op: 'rescind-table'; readonly liobn: Term })
  | (Named & { readonly door: 'platform'; readonly op: 'rescind-page'; readonly address: bigint })
  /** A page leaves the partition while a TCE still maps it. */
  | (Named & { readonly door: 'platform'; readonly op: 'disown-page'; readonly address: bigint })
  /** The platform answers the next `calls` interruptible calls with this busy status. */
  | (Named & { readonly door: 'platform'; readonly op: 'busy'; readonly calls: number; readonly status: number })
  /** The partition's remaining I/O entitlement, bytes (CMO). */
  | (Named & { readonly door: 'platform'; readonly op: 'entitlement'; readonly bytes: bigint });

/** A program: operations in order. It holds no expectations. */
export interface Program {
  readonly operations: readonly Operation[];
}
