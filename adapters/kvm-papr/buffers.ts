import { PROGRAM_MEMORY, type MachineDescription } from '../../reference/description.js';
import type { Operation } from '../../reference/doors/operations.js';

/** Bytes of one transfer of an `edu` at most. */
const TRANSFER_BYTES = 2048;
const READABLE = 1n;

/** What earlier programs left in the buffers of devices, which outlive their descriptors. */
export class Buffers {
  /** Bytes used, by device. */
  readonly #used = new Map<string, number>();

  /** Bytes of each device's buffer that a program may fill or show. */
  static usedBy(operations: readonly Operation[]): Map<string, number> {
    const used = new Map<string, number>();
    for (const operation of operations) if (operation.door === 'dma') used.set(operation.device, Math.max(used.get(operation.device) ?? 0, operation.at + operation.length));
    return used;
  }

  /** Operations of a partition at its beginning, its memory zero, that leave the buffers that a program uses as they were at first. */
  emptying(program: readonly Operation[], { pes }: MachineDescription): Operation[] {
    return [...Buffers.usedBy(program)].flatMap(([device, bytes]) => {
      const window = pes.find(({ name }) => name === device.split('.')[0])?.defaultWindow;
      const dirty = Math.min(bytes, this.#used.get(device) ?? 0);
      if (window === undefined || dirty === 0) return [];
      const put = (tce: bigint): Operation => ({ door: 'papr', op: 'hcall', call: 'H_PUT_TCE', args: [window.liobn, window.start, tce] });
      return [put(PROGRAM_MEMORY.start | READABLE), ...transfers(device, window.start, dirty), put(0n)];
    });
  }

  /** A program has run. */
  note(program: readonly Operation[]): void {
    for (const [device, bytes] of Buffers.usedBy(program)) this.#used.set(device, Math.max(bytes, this.#used.get(device) ?? 0));
  }

  /** The devices are new. */
  clear(): void {
    this.#used.clear();
  }
}

function transfers(device: string, iova: bigint, bytes: number): Operation[] {
  const count = Math.ceil(bytes / TRANSFER_BYTES);
  return Array.from({ length: count }, (_, i): Operation => {
    const at = i * TRANSFER_BYTES;
    return { door: 'dma', op: 'read', device, iova, length: Math.min(TRANSFER_BYTES, bytes - at), at };
  });
}
