/** A program of the doors `papr`, `memory` and `dma` as one batch of slots, and its observations read back. */

import type { Observation } from '../../reference/doors/observation.js';
import type { DmaOperation, Hcall, MemoryOperation, Operation, PropertyRead, RtasCall } from '../../reference/doors/operations.js';
import { DanglingReference, isReference, type Reference, type Term } from '../../reference/doors/term.js';
import { HCALLS } from '../../reference/uapi/hcall.js';
import type { Batch } from './batch.js';
import type { Edu } from './edu.js';
import { rtasToken, type MachineFacts } from './facts.js';
import type { Argument, Computed, RtasCall as RtasSlots, SlotIndex } from './requests.js';

/** What a batch is made for. */
export interface Machinery {
  readonly facts: MachineFacts;
  /** Devices by the names that programs use. */
  readonly edus: ReadonlyMap<string, Edu>;
  /** A value known before the exchange: a fact of the machine, or a result of an earlier exchange. */
  readonly known: (name: string) => bigint | undefined;
  /** Bytes of a device-tree property; empty where it is absent. */
  readonly property: (operation: PropertyRead) => Uint8Array;
}

/** A result in this batch, by the name of its operation. */
type Result = { readonly kind: 'hcall'; readonly slot: SlotIndex } | { readonly kind: 'rtas'; readonly call: RtasSlots };

/** One operation in the batch: the last slot it takes, and how to read what came back. */
interface Placed {
  readonly last: SlotIndex;
  readonly observe: () => Observation;
}

/** Writes operations into a batch. */
export class ProgramBatch {
  readonly #results = new Map<string, Result>();
  readonly #placed: Placed[] = [];

  constructor(
    readonly batch: Batch,
    readonly machinery: Machinery,
  ) {}

  add(operation: Operation): void {
    const observe = this.#place(operation);
    this.#placed.push({ last: this.batch.length - 1, observe });
  }

  /** What came back, in order. After a death in `slot`, up to the operation that the slot belongs to, which is left out. */
  observations(died?: SlotIndex): Observation[] {
    const whole = died === undefined ? this.#placed : this.#placed.filter(({ last }) => last < died);
    return whole.map(({ observe }) => observe());
  }

  #place(operation: Operation): () => Observation {
    switch (operation.door) {
      case 'papr':
        return operation.op === 'property' ? this.#property(operation) : operation.op === 'hcall' ? this.#hcall(operation) : this.#rtas(operation);
      case 'memory':
        return this.#memory(operation);
      case 'dma':
        return this.#dma(operation);
      case 'platform':
        throw new Error(`The target qemu-papr does not do '${operation.op}' within a batch.`);
      case 'vfio':
      case 'iommufd':
      case 'kvm':
      case 'user':
      case 'host':
        throw new Error(`The target qemu-papr has no door '${operation.door}'.`);
    }
  }

  #property(operation: PropertyRead): () => Observation {
    const bytes = this.machinery.property(operation);
    return () => ({ kind: 'bytes', bytes });
  }

  #hcall(operation: Hcall): () => Observation {
    const slot = this.batch.hcall(BigInt(HCALLS[operation.call]), ...operation.args.map((term) => this.#argument(term)));
    if (operation.as !== undefined) this.#results.set(operation.as, { kind: 'hcall', slot });
    return () => ({ kind: 'hcall', status: this.batch.status(slot), registers: [this.batch.register(slot, 4)] });
  }

  #rtas(operation: RtasCall): () => Observation {
    const args = operation.args.map((term) => this.#cell(term));
    const call = this.batch.rtas(rtasToken(this.machinery.facts, operation.call), args, operation.nret);
    if (operation.as !== undefined) this.#results.set(operation.as, { kind: 'rtas', call });
    return () => ({ kind: 'rtas', hcall: this.batch.status(call.slot), rets: this.batch.returns(call) });
  }

  #memory(operation: MemoryOperation): () => Observation {
    if (operation.op === 'load') {
      const snapshot = this.batch.peek(operation.address, operation.length);
      return () => ({ kind: 'bytes', bytes: Uint8Array.from(this.batch.bytes(snapshot, operation.length)) });
    }
    if (operation.op === 'fill') this.batch.poke(operation.address, new Uint8Array(operation.length).fill(operation.byte));
    else this.#store(operation.address, operation.doublewords);
    return () => ({ kind: 'done' });
  }

  /** The literals at once, then whatever is only known at run time over them. */
  #store(address: bigint, terms: readonly Term[]): void {
    const bytes = Buffer.alloc(terms.length * 8);
    const args = terms.map((term) => this.#argument(term));
    args.forEach((value, i) => {
      if (typeof value === 'bigint') bytes.writeBigUInt64BE(value, i * 8);
    });
    this.batch.poke(address, bytes);
    args.forEach((value, i) => {
      if (typeof value !== 'bigint') this.batch.copy({ ...value, destination: address + BigInt(i * 8) });
    });
  }

  #dma(operation: DmaOperation): () => Observation {
    const edu = this.machinery.edus.get(operation.device);
    if (edu === undefined) throw new Error(`The machine has no device '${operation.device}'.`);
    const { op: direction, length: count, at: bufferOffset } = operation;
    edu.transfer(this.batch, { direction, iova: this.#argument(operation.iova), count, bufferOffset });
    return () => ({ kind: 'done' });
  }

  #argument(term: Term): Argument {
    if (!isReference(term)) return term;
    const known = this.machinery.known(term.from);
    if (known !== undefined) return BigInt.asUintN(64, known + (term.plus ?? 0n));
    return { ...this.#place64(term), ...(term.plus === undefined ? {} : { addend: BigInt.asUintN(64, term.plus) }) };
  }

  #cell(term: Term): number | Computed {
    const value = this.#argument(term);
    return typeof value === 'bigint' ? Number(value & 0xffff_ffffn) : value;
  }

  /** Where the guest finds a result of this batch. See `doors/operations.ts` for the fields. */
  #place64(reference: Reference): Computed {
    const dot = reference.from.indexOf('.');
    const result = this.#results.get(reference.from.slice(0, dot));
    const field = reference.from.slice(dot + 1);
    if (result?.kind === 'hcall') {
      const register = field === 'status' ? 3 : Number(/^r(\d+)$/.exec(field)?.[1] ?? 0);
      if (register >= 3) return { source: this.batch.registerAddress(result.slot, register) };
    }
    const cell = /^ret(\d+)(:64)?$/.exec(field);
    if (result?.kind !== 'rtas' || cell === null) throw new DanglingReference(reference.from);
    const index = Number(cell[1]);
    const low = this.batch.returnAddress(result.call, cell[2] === undefined ? index : index + 1);
    return cell[2] === undefined ? { source: low, sourceSize: 4 } : { high: this.batch.returnAddress(result.call, index), source: low };
  }
}
