import type { DmaOperation } from '../doors/operations.js';
import { PROGRAM_MEMORY } from '../description.js';
import type { Machine, Pe } from '../machine.js';
import { anyBytes, openBytes, type ByteStore, type OpenBytes } from '../memory/bytes.js';
import { canonical } from '../chooser.js';
import { perform, type AnyCall } from '../rules.js';
import { accessContexts, TRANSLATED, translate, type AccessContext } from './translate.js';

const GRANULE = 0x1000n;

/** Bytes of a device's buffer. */
export const DEVICE_BUFFER_BYTES = 4096;

/** What one access did, for the report and for the clauses it exercised. */
export interface AccessResult {
  readonly clauses: readonly string[];
}

/**
 * A device moves bytes: the access is split at every 4 KiB, each piece is translated by itself. Pieces that are
 * refused move nothing; what the device then takes for the data of a refused read is open.
 *
 * @param stopped whether the platform has stopped the PE's DMA: then the access comes to nothing
 */
export function access(
  machine: Machine,
  rules: AnyCall,
  operation: DmaOperation,
  iova: bigint,
  stopped: 'no' | 'perhaps' | 'surely' = 'no',
): AccessResult {
  const [pe, buffer] = findDevice(machine, operation.device);
  const clauses: string[] = [];
  for (let done = 0; done < operation.length; ) {
    const address = BigInt.asUintN(64, iova + BigInt(done));
    const length = Math.min(operation.length - done, Number(GRANULE - (address % GRANULE)));
    const contexts = stopped === 'surely' ? [] : accessContexts(machine, pe.windows, address, operation.op);
    const targets = contexts.map((context) => target(rules, context, clauses));
    move(machine, buffer, operation, { at: operation.at + done, length, targets: stopped === 'no' ? targets : [...targets, undefined] });
    done += length;
  }
  return { clauses };
}

/** A run of bytes that goes to one place, or may go to several. */
export interface Piece {
  readonly at: number;
  readonly length: number;
  /** Where the piece may go; undefined where it is refused. */
  readonly targets: readonly (bigint | undefined)[];
}

function target(rules: AnyCall, context: AccessContext, clauses: string[]): bigint | undefined {
  const answer = perform(rules, context, canonical);
  clauses.push(answer.clause);
  return answer.status === TRANSLATED ? translate(context) : undefined;
}

/** Moves the bytes of one piece. */
export function move(machine: Machine, buffer: ByteStore, operation: DmaOperation, piece: Piece): void {
  const certain = piece.targets.length === 1;
  for (const address of piece.targets) {
    if (operation.op === 'write') {
      if (address === undefined) continue;
      const bytes = buffer.load(piece.at, piece.length);
      if (certain) machine.memory.store(Number(address), bytes);
      else machine.memory.maybeStore(Number(address), bytes);
    } else if (address === undefined) {
      buffer.maybeStore(piece.at, nothingRead(piece.length));
    } else {
      const bytes = isProgramMemory(machine, address) ? machine.memory.load(Number(address), piece.length) : anyBytes(piece.length);
      if (certain) buffer.store(piece.at, bytes);
      else buffer.maybeStore(piece.at, bytes);
    }
  }
}

/** Other memory of the partition holds what the platform, or whoever runs the program, keeps there. */
function isProgramMemory({ description }: Machine, address: bigint): boolean {
  const { start, end } = description.programMemory ?? PROGRAM_MEMORY;
  return address >= start && address < end;
}

/** What a refused read may leave besides what was there: zeros or all ones (choice data-of-refused-read). */
const nothingRead = (length: number): OpenBytes => openBytes(length, [0x00, 0xff]);

/** The PE of a device, and the device's buffer. */
export function findDevice(machine: Machine, name: string): [Pe, ByteStore] {
  for (const pe of machine.pes.values()) {
    const buffer = pe.buffers.get(name);
    if (buffer !== undefined) return [pe, buffer];
  }
  throw new Error(`The machine has no device '${name}'; it has ${devices(machine).join(', ') || 'none'}.`);
}

const devices = (machine: Machine): string[] => [...machine.pes.values()].flatMap((pe) => [...pe.buffers.keys()]);
