/**
 * What a program may leave behind in a machine, and how the platform's own calls take it away again: entries are
 * cleared by the calls that may have written them, windows by the reset call, buffers and memory by zeros. Much faster
 * than a boot, and only as good as those calls; see `Target.runQuick`.
 */

import type { MachineDescription, PeDescription } from '../../reference/description.js';
import { PROGRAM_MEMORY } from '../../reference/description.js';
import type { Hcall, Operation } from '../../reference/doors/operations.js';
import { isReference, type Term } from '../../reference/doors/term.js';
import { referredNames } from '../../reference/doors/terms.js';
import { HCALLS, MULTI_TCE_LIMIT } from '../../reference/uapi/hcall.js';
import type { Batch } from './batch.js';
import { EDU_TRANSFER_BYTES, type Edu } from './edu.js';
import { rtasToken, type MachineFacts } from './facts.js';

const MULTI = BigInt(MULTI_TCE_LIMIT);

/** Program memory that a device may have written without a literal address in the program. Bytes from its start. */
const DEVICE_MEMORY = 0x4_0000;

/** No window of any bridge is here: a read from it leaves zeros in an `edu`. */
const UNREACHED = 0xf000_0000_0000_0000n;

/** The part of a machine that takes bytes at once. */
interface Memory {
  write(address: bigint, bytes: Uint8Array): void;
}

export class PutBack {
  /** PEs whose windows may have changed, or whose entries cannot be cleared one by one. */
  readonly #windows = new Set<string>();
  #entries: Hcall[] = [];
  /** Bytes used of each device's buffer. */
  readonly #buffers = new Map<string, number>();
  /** Stretches of memory by address. */
  readonly #memory = new Map<bigint, number>();

  constructor(
    readonly machine: MachineDescription,
    readonly facts: ReadonlyMap<string, bigint>,
  ) {}

  /** Remembers what the operation may leave behind. */
  note(operation: Operation): void {
    switch (operation.door) {
      case 'papr':
        if (operation.op === 'rtas') this.#noteWindows(operation);
        else if (operation.op === 'hcall' && operation.call !== 'H_GET_TCE') this.#noteEntries(operation);
        break;
      case 'memory':
        if (operation.op === 'fill') this.#noteMemory(operation.address, operation.length);
        if (operation.op === 'store') this.#noteMemory(operation.address, operation.doublewords.length * 8);
        break;
      case 'dma': {
        const used = Math.max(operation.at + operation.length, this.#buffers.get(operation.device) ?? 0);
        this.#buffers.set(operation.device, used);
        if (operation.op === 'write') this.#noteMemory(PROGRAM_MEMORY.start, DEVICE_MEMORY);
        break;
      }
      case 'platform':
        break;
      case 'vfio':
      case 'iommufd':
      case 'kvm':
      case 'user':
      case 'host':
        throw new Error(`The target qemu-papr has no door '${operation.door}'.`);
    }
  }

  /** Forgets everything: the machine was booted. */
  clear(): void {
    this.#windows.clear();
    this.#entries = [];
    this.#buffers.clear();
    this.#memory.clear();
  }

  /** Buffers outlive a boot: empties them, and forgets the rest. */
  emptyBuffers(batch: Batch, edus: ReadonlyMap<string, Edu>): void {
    for (const [device, used] of this.#buffers) {
      const edu = edus.get(device);
      for (let at = 0; edu !== undefined && at < used; at += EDU_TRANSFER_BYTES) {
        const count = Math.min(EDU_TRANSFER_BYTES, used - at);
        edu.transfer(batch, { direction: 'read', iova: UNREACHED, count, bufferOffset: at });
      }
    }
  }

  /** Adds to the batch what takes everything away, and zeroes the memory at once. */
  undo(batch: Batch, memory: Memory, edus: ReadonlyMap<string, Edu>, facts: MachineFacts): void {
    for (const pe of this.machine.pes) if (this.#windows.has(pe.name)) resetWindows(batch, pe, facts);
    for (const call of this.#entries) this.#clearEntries(batch, call);
    this.emptyBuffers(batch, edus);
    for (const [address, length] of this.#memory) memory.write(address, new Uint8Array(length));
  }

  #noteMemory(address: bigint, length: number): void {
    this.#memory.set(address, Math.max(length, this.#memory.get(address) ?? 0));
  }

  #noteWindows(operation: Extract<Operation, { op: 'rtas' }>): void {
    if (operation.call === 'ibm,query-pe-dma-window') return;
    const named = this.#pesOf(operation);
    const literal = operation.args.some((term) => !isReference(term));
    const pes = named.length === 0 && literal ? this.machine.pes.map(({ name }) => name) : named;
    for (const pe of pes) this.#windows.add(pe);
  }

  /**
   * Entries named by literals and facts are cleared by the same call; others with their window. More entries than a
   * list, or any table, holds have no effect anywhere.
   */
  #noteEntries(operation: Hcall): void {
    const [liobn = 0n, ioba = 0n, , count = 1n] = operation.args;
    const most = operation.call === 'H_PUT_TCE_INDIRECT' ? MULTI : this.#mostEntries;
    if (operation.call !== 'H_PUT_TCE' && !isReference(count) && count > most) return;
    const few = operation.call === 'H_PUT_TCE' || (!isReference(count) && count <= 2n * MULTI);
    if (few && this.#isKnown(liobn) && this.#isKnown(ioba)) this.#entries.push(operation);
    else for (const pe of this.#pesOf(operation)) this.#windows.add(pe);
  }

  get #mostEntries(): bigint {
    return this.machine.pes.reduce((most, { defaultWindow: { size } }) => (size >> 12n > most ? size >> 12n : most), 0n);
  }

  #pesOf = (operation: Operation): string[] =>
    referredNames(operation).filter((name) => this.machine.pes.some((pe) => pe.name === name));

  #isKnown = (term: Term): boolean => !isReference(term) || this.facts.has(term.from);

  #value = (term: Term): bigint =>
    isReference(term) ? BigInt.asUintN(64, (this.facts.get(term.from) ?? 0n) + (term.plus ?? 0n)) : term;

  #clearEntries(batch: Batch, { call, args }: Hcall): void {
    const [liobn = 0n, ioba = 0n, , count = 1n] = args.map((term) => this.#value(term));
    if (call === 'H_PUT_TCE') batch.hcall(BigInt(HCALLS.H_PUT_TCE), liobn, ioba, 0n);
    else {
      for (let done = 0n; done === 0n || done < count; done += MULTI) {
        const rest = count - done;
        batch.hcall(BigInt(HCALLS.H_STUFF_TCE), liobn, ioba + (done << 12n), 0n, rest < MULTI ? rest : MULTI);
      }
    }
  }
}

/** The reset call where the bridge has it; else its default window's entries, one list's worth at a time. */
function resetWindows(batch: Batch, pe: PeDescription, facts: MachineFacts): void {
  if (pe.ddw?.reset === true) {
    const args = [pe.configAddress, Number(pe.buid >> 32n), Number(pe.buid & 0xffff_ffffn)];
    batch.rtas(rtasToken(facts, 'ibm,reset-pe-dma-window'), args, 1);
    return;
  }
  const { liobn, start, size } = pe.defaultWindow;
  const step = BigInt(MULTI_TCE_LIMIT) << 12n;
  for (let ioba = start; ioba < start + size; ioba += step) {
    batch.hcall(BigInt(HCALLS.H_STUFF_TCE), liobn, ioba, 0n, BigInt(MULTI_TCE_LIMIT));
  }
}
