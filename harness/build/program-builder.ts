import type { DmaOperation, Operation, PlatformOperation, Program } from '../../reference/doors/operations.js';
import { plus, type Term } from '../../reference/doors/term.js';
import type { HcallName } from '../../reference/uapi/hcall.js';
import type { RtasName } from '../../reference/uapi/rtas.js';
import { auditOf } from './audit.js';

/** A window as programs name it: the default one of a PE, or one that the program creates. */
export interface WindowHandle {
  readonly liobn: Term;
  readonly start: Term;
  /** The first bus address past the window. */
  readonly end: Term;
  readonly pageShift: number;
  /** The bus address `offset` bytes into the window. */
  at(offset: bigint): Term;
}

/** An operation without its door; for each operation of a union by itself. */
type Doorless<T> = T extends unknown ? Omit<T, 'door'> : never;

/** Where `putList` puts its list. */
export const LIST_PAGE = 0x110_0000n;

/**
 * Writes a program down, operation by operation. After each call that may change something it adds the operations
 * that show what changed (audit), unless told not to.
 */
export class ProgramBuilder {
  readonly #operations: Operation[] = [];
  #windows = 0;

  constructor(readonly options: { readonly audit: boolean } = { audit: true }) {}

  get program(): Program {
    return { operations: [...this.#operations] };
  }

  /** Appends any operation, with its audit. */
  do(operation: Operation): this {
    this.#operations.push(operation);
    if (this.options.audit) this.#operations.push(...auditOf(operation));
    return this;
  }

  /** Appends operations in order. */
  all(operations: readonly Operation[]): this {
    for (const operation of operations) this.do(operation);
    return this;
  }

  /** The default window of a PE (4 KiB pages). */
  defaultWindow(pe = 'pe0'): WindowHandle {
    return makeWindow({ from: `${pe}.liobn` }, { from: `${pe}.start` }, { from: `${pe}.end` }, 12);
  }

  hcall(call: HcallName, ...args: Term[]): this {
    return this.do({ door: 'papr', op: 'hcall', call, args });
  }

  rtas(call: RtasName, args: readonly Term[], nret: number, as?: string): this {
    return this.do({ door: 'papr', op: 'rtas', call, args, nret, ...(as === undefined ? {} : { as }) });
  }

  put(window: WindowHandle, offset: bigint, tce: Term): this {
    return this.hcall('H_PUT_TCE', window.liobn, window.at(offset), tce);
  }

  get(window: WindowHandle, offset: bigint): this {
    return this.hcall('H_GET_TCE', window.liobn, window.at(offset));
  }

  stuff(window: WindowHandle, offset: bigint, tce: Term, count: bigint): this {
    return this.hcall('H_STUFF_TCE', window.liobn, window.at(offset), tce, count);
  }

  /** Stores the entries as a list and puts them. */
  putList(window: WindowHandle, offset: bigint, tces: readonly Term[], count = BigInt(tces.length)): this {
    this.list(tces);
    return this.hcall('H_PUT_TCE_INDIRECT', window.liobn, window.at(offset), LIST_PAGE, count);
  }

  /** Stores doublewords at the list page. */
  list(doublewords: readonly Term[], address = LIST_PAGE): this {
    return doublewords.length === 0 ? this : this.do({ door: 'memory', op: 'store', address, doublewords });
  }

  query(pe = 'pe0', nret = 6): this {
    return this.rtas('ibm,query-pe-dma-window', peArgs(pe), nret);
  }

  /** Creates a window of 2^windowShift bytes with pages of 2^pageShift. */
  create(pageShift: number, windowShift: number, pe = 'pe0'): WindowHandle {
    const name = `w${++this.#windows}`;
    this.rtas('ibm,create-pe-dma-window', [...peArgs(pe), BigInt(pageShift), BigInt(windowShift)], 4, name);
    const start: Term = { from: `${name}.ret2:64` };
    return makeWindow({ from: `${name}.ret1` }, start, plus(start, 1n << BigInt(windowShift)), pageShift);
  }

  remove(window: WindowHandle): this {
    return this.rtas('ibm,remove-pe-dma-window', [window.liobn], 1);
  }

  reset(pe = 'pe0'): this {
    return this.rtas('ibm,reset-pe-dma-window', peArgs(pe), 1);
  }

  fill(address: bigint, length: number, byte: number): this {
    return this.do({ door: 'memory', op: 'fill', address, length, byte });
  }

  load(address: bigint, length: number, as?: string): this {
    return this.do({ door: 'memory', op: 'load', address, length, ...(as === undefined ? {} : { as }) });
  }

  /** The device writes bytes of its buffer to the bus. */
  deviceWrites(iova: Term, length = 16, at = 0, device = 'pe0.dev0'): this {
    return this.do(dma('write', device, iova, length, at));
  }

  /** The device reads bytes from the bus into its buffer. */
  deviceReads(iova: Term, length = 16, at = 0, device = 'pe0.dev0'): this {
    return this.do(dma('read', device, iova, length, at));
  }

  /** Something that somebody other than the partition does. */
  platform(operation: Doorless<PlatformOperation>): this {
    return this.do({ door: 'platform', ...operation });
  }

  reboot(): this {
    return this.do({ door: 'platform', op: 'reboot' });
  }
}

/** The arguments that name a PE to a DDW call. */
export const peArgs = (pe: string): readonly Term[] => [
  { from: `${pe}.configAddress` },
  { from: `${pe}.buidHigh` },
  { from: `${pe}.buidLow` },
];

const dma = (op: 'read' | 'write', device: string, iova: Term, length: number, at: number): DmaOperation => ({
  door: 'dma',
  op,
  device,
  iova,
  length,
  at,
});

function makeWindow(liobn: Term, start: Term, end: Term, pageShift: number): WindowHandle {
  return { liobn, start, end, pageShift, at: (offset) => plus(start, offset) };
}
