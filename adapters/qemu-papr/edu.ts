/**
 * QEMU's `edu` device as a source of DMA: slots that switch it on and have it read or write an I/O address.
 *
 * Registers are in QEMU's docs/specs/edu.rst. The device copies between its own 4 KiB buffer and the bus, one
 * transfer at a time, 100 ms of guest time after the command.
 */

import type { Batch } from './batch.js';
import { rtasToken, type DeviceFacts, type MachineFacts, type PhbFacts } from './facts.js';
import { SlotState, TIMEBASE_HZ } from './layout.js';
import type { Argument, RtasCall, SlotIndex } from './requests.js';

export const EDU_VENDOR = 0x1234;
export const EDU_DEVICE = 0x11e8;

/** LoPAR 14.5.4.2: r4 = bytes, r5 = address; the value comes in r4. */
const H_LOGICAL_CI_LOAD = 0x3cn;
/** LoPAR 14.5.4.3: r4 = bytes, r5 = address, r6 = value. */
const H_LOGICAL_CI_STORE = 0x40n;

/** Configuration space registers (PCI Local Bus Specification 3.0, 6.1). */
const Config = { command: 0x04, bar0: 0x10 } as const;
/** Command bits: memory space and bus master. */
const MEMORY_AND_MASTER = 0x6;
const MEMORY_ONLY = 0x2;

const Register = { identification: 0x00, source: 0x80, destination: 0x88, count: 0x90, command: 0x98 } as const;
/** Identification register: version 1.0 in the upper half. */
const IDENTIFICATION = 0x0100_00edn;
const Command = { start: 1n, deviceToMemory: 2n } as const;

/** Device address of the buffer. */
const BUFFER_START = 0x4_0000n;
/**
 * Bytes of the buffer that may be used. QEMU has 4096, but 7.2 to 9.0 abort when a transfer includes the last
 * one or has no bytes, and newer ones only log a transfer beyond the end and then overrun (`edu_check_range`).
 */
export const EDU_BUFFER_BYTES = 4095;
/** Most bytes in one transfer. */
export const EDU_TRANSFER_BYTES = 2048;

/** Virtual time of a try under `-icount`: 400 turns of 65 instructions of 1.024 µs are 27 ms. */
const ICOUNT_SPINS = 400;
const ICOUNT_TRIES = 40;
const WALL_CEDE_TICKS = TIMEBASE_HZ / 1_000;
const WALL_TRIES = 2_000;

/** A transfer. Memory is what the I/O address leads to, or does not. */
export interface EduTransfer {
  /** From the device's point of view: `read` takes from the bus into the buffer, `write` the other way. */
  readonly direction: 'read' | 'write';
  readonly iova: Argument;
  /** 1 to EDU_TRANSFER_BYTES. */
  readonly count: number;
  /** Offset in the device's buffer; with `count` at most EDU_BUFFER_BYTES. 0 unless told. */
  readonly bufferOffset?: number;
}

/** The slots of a transfer: the start command, and the wait for its end. */
export interface EduSlots {
  readonly start: SlotIndex;
  readonly wait: SlotIndex;
}

export class Edu {
  readonly #cpuAddress: bigint;
  readonly #pciAddress: bigint;

  /**
   * @param position 0 for the first device of its bridge, 1 for the next: chooses the address of its BAR
   * @param icount whether the machine counts instructions for time
   */
  constructor(
    private readonly facts: MachineFacts,
    readonly phb: PhbFacts,
    readonly device: DeviceFacts,
    position: number,
    private readonly icount: boolean,
  ) {
    const bar = device.bars.find(({ register }) => register === Config.bar0);
    const range = phb.ranges.find(({ space }) => space === 'mem32');
    if (bar === undefined || range === undefined) throw new Error(`${device.path} has no memory BAR that can be reached`);
    this.#pciAddress = range.pciAddress + BigInt(position) * bar.size;
    this.#cpuAddress = range.cpuAddress + BigInt(position) * bar.size;
  }

  /** Assigns the BAR, and switches memory space and bus mastering on. Needed after each boot of the machine. */
  enable(batch: Batch): void {
    this.writeConfig(batch, Config.bar0, 4, Number(this.#pciAddress));
    this.setBusMaster(batch, true);
  }

  /** Allows or forbids the device to start transfers on the bus. */
  setBusMaster(batch: Batch, on: boolean): RtasCall {
    return this.writeConfig(batch, Config.command, 2, on ? MEMORY_AND_MASTER : MEMORY_ONLY);
  }

  /** RTAS ibm,write-pci-config; `size` in bytes. */
  writeConfig(batch: Batch, register: number, size: 1 | 2 | 4, value: number): RtasCall {
    return batch.rtas(rtasToken(this.facts, 'ibm,write-pci-config'), [...this.#configTarget(register), size, value], 1);
  }

  /** RTAS ibm,read-pci-config; its outputs are status and value. */
  readConfig(batch: Batch, register: number, size: 1 | 2 | 4): RtasCall {
    return batch.rtas(rtasToken(this.facts, 'ibm,read-pci-config'), [...this.#configTarget(register), size], 2);
  }

  /** Reads the identification register; judge it with `isIdentified`. */
  identify(batch: Batch): SlotIndex {
    return batch.hcall(H_LOGICAL_CI_LOAD, 4n, this.#cpuAddress + BigInt(Register.identification));
  }

  /** Whether the device answered, with its registers in the guest's byte order. */
  isIdentified(batch: Batch, slot: SlotIndex): boolean {
    return batch.status(slot) === 0n && batch.register(slot, 4) === IDENTIFICATION;
  }

  /**
   * Starts a transfer and waits for its end.
   *
   * @throws RangeError when the transfer does not fit the device, which would end QEMU or overrun its memory
   */
  transfer(batch: Batch, transfer: EduTransfer): EduSlots {
    const start = this.start(batch, transfer);
    return { start, wait: this.wait(batch) };
  }

  /** Starts a transfer; it takes place during a later `wait`. Returns the slot of the start command. */
  start(batch: Batch, { direction, iova, count, bufferOffset = 0 }: EduTransfer): SlotIndex {
    checkFit(count, bufferOffset);
    const buffer = BUFFER_START + BigInt(bufferOffset);
    this.#store(batch, Register.source, direction === 'read' ? iova : buffer);
    this.#store(batch, Register.destination, direction === 'read' ? buffer : iova);
    this.#store(batch, Register.count, BigInt(count));
    return this.#store(batch, Register.command, Command.start | (direction === 'read' ? 0n : Command.deviceToMemory));
  }

  /** Waits until the device has ended its transfer. */
  wait(batch: Batch): SlotIndex {
    const pace = this.icount
      ? { tries: ICOUNT_TRIES, spins: ICOUNT_SPINS }
      : { tries: WALL_TRIES, cedeTicks: WALL_CEDE_TICKS };
    const address = this.#cpuAddress + BigInt(Register.command);
    return batch.poll({ mask: Command.start, value: 0n, ...pace }, H_LOGICAL_CI_LOAD, 8n, address);
  }

  /**
   * Whether the device reported the end of the transfer. It does so for refused transfers, too: what could not
   * be read arrives in the buffer as zeros, what could not be written leaves memory as it was, page by page.
   */
  isComplete(batch: Batch, wait: SlotIndex): boolean {
    return batch.state(wait) === SlotState.done && batch.status(wait) === 0n;
  }

  #store(batch: Batch, register: number, value: Argument): SlotIndex {
    return batch.hcall(H_LOGICAL_CI_STORE, 8n, this.#cpuAddress + BigInt(register), value);
  }

  /** The first three arguments of the configuration calls. */
  #configTarget(register: number): [number, number, number] {
    const { buid } = this.phb;
    return [this.device.configAddress | register, Number(buid >> 32n), Number(buid & 0xffff_ffffn)];
  }
}

/** The `edu` devices of a machine, by bridge and slot. */
export function edusOf(facts: MachineFacts, icount: boolean): Edu[] {
  return facts.phbs.flatMap((phb) =>
    phb.devices
      .filter(({ vendorId, deviceId }) => vendorId === EDU_VENDOR && deviceId === EDU_DEVICE)
      .sort((a, b) => a.configAddress - b.configAddress)
      .map((device, position) => new Edu(facts, phb, device, position, icount)),
  );
}

function checkFit(count: number, bufferOffset: number): void {
  if (count < 1 || count > EDU_TRANSFER_BYTES || bufferOffset < 0 || bufferOffset + count > EDU_BUFFER_BYTES) {
    throw new RangeError(
      `edu transfers 1 to ${EDU_TRANSFER_BYTES} bytes within ${EDU_BUFFER_BYTES}, not ${count} at offset ${bufferOffset}`,
    );
  }
}
