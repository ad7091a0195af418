import type { DmaOperation } from '../../reference/doors/operations.js';
import { MAP_SHARED, PROT } from './mman.js';
import type { EduAccess, HostFacts } from './host-facts.js';
import type { Step, Value } from './instructions.js';
import { regionOffset, regionStep } from './regions.js';

/*
 * QEMU's `edu` device through a VFIO device's descriptor. Registers: QEMU docs/specs/edu.rst. It copies between its buffer
 * of 4096 bytes and the bus, one transfer at a time, 100 ms after the command.
 */

/** PCI vendor and device, as the first word of the configuration space has them. */
export const EDU_ID = 0x11e8_1234;

const REGISTER = { identification: 0x00, source: 0x80, destination: 0x88, count: 0x90, command: 0x98 } as const;
/** Identification register: version 1.0 in the upper half. */
const IDENTIFICATION = 0x0100_00edn;
const START = 1n;
const FROM_DEVICE = 2n;
/** Device address of the buffer. */
const BUFFER = 0x4_0000n;
/** QEMU 7.2 to 9.0 end when a transfer includes the last of the 4096 bytes (`edu_check_range`). */
const USABLE_BYTES = 4095;
const MOST_BYTES = 2048;

/** Indexes of VFIO's regions: BAR 0 and the configuration space. */
const BAR0 = 0;
const CONFIGURATION = 7;
/** PCI command register: memory space and bus master; little-endian as all of the configuration space. */
const COMMAND_OFFSET = 4n;
const MEMORY_AND_MASTER = '0600';

const POLL_SECONDS = 0.005;
/** The device takes 100 ms of the machine's own time, which an emulated machine may be short of. */
const TRANSFER_SECONDS = 20;

/** Positions of steps in each list below. */
const BAR0_INFO = 0;
const CONFIG_INFO = 1;
const MAPPED = 3;

/** Asks where the regions are, and switches memory and bus mastering on. */
const prepare = (host: HostFacts, fd: Value): Step[] => [
  regionStep(host, fd, BAR0),
  regionStep(host, fd, CONFIGURATION),
  { do: 'pwrite', fd, offset: regionOffset(CONFIG_INFO, COMMAND_OFFSET), bytes: MEMORY_AND_MASTER },
];

/**
 * One transfer and the wait for its end: the last step says how that went (`poll`).
 *
 * @throws RangeError when the transfer does not fit the device, which would end QEMU or overrun its memory
 */
export function transferSteps(host: HostFacts, { order, wide }: EduAccess, operation: Pick<DmaOperation, 'op' | 'at' | 'length'>, fd: Value, iova: Value): Step[] {
  const { op, at, length } = operation;
  if (length > MOST_BYTES || at + length > USABLE_BYTES) {
    throw new RangeError(`edu transfers 1 to ${MOST_BYTES} bytes within ${USABLE_BYTES}, not ${length} at offset ${at}`);
  }
  const buffer = BUFFER + BigInt(at);
  const registers: readonly [number, Value][] = [
    [REGISTER.source, op === 'read' ? iova : buffer],
    [REGISTER.destination, op === 'read' ? buffer : iova],
    [REGISTER.count, BigInt(length)],
    [REGISTER.command, START | (op === 'read' ? 0n : FROM_DEVICE)],
  ];
  const writes = wide ? registers.map(([register, value]) => writeThrough(fd, order, register, value)) : mappedWrites(host, order, fd, registers);
  const command = regionOffset(BAR0_INFO, BigInt(REGISTER.command));
  // A register answers with its low bits, however many are asked for.
  const wait: Step = { do: 'poll', fd, offset: command, length: 4, order, mask: START, every: POLL_SECONDS, seconds: TRANSFER_SECONDS };
  return [...prepare(host, fd), ...writes, wait];
}

const writeThrough = (fd: Value, order: EduAccess['order'], register: number, value: Value): Step => ({
  do: 'pwrite',
  fd,
  offset: regionOffset(BAR0_INFO, BigInt(register)),
  ...registerBytes(order, value),
});

const registerBytes = (order: EduAccess['order'], value: Value): { bytes: string; patch: [[0, 8, Value]]; order: EduAccess['order'] } => ({
  bytes: '00'.repeat(8),
  patch: [[0, 8, value]],
  order,
});

/** The registers through a mapping that is gone afterwards: it would keep the device open. */
function mappedWrites(host: HostFacts, order: EduAccess['order'], fd: Value, registers: readonly (readonly [number, Value])[]): Step[] {
  const length = BigInt(host.pageBytes);
  const address = (register: number): Value => ({ ref: `#${MAPPED}`, plus: BigInt(register) });
  return [
    { do: 'mmap', length, protection: PROT.rw, flags: MAP_SHARED, fd, offset: regionOffset(BAR0_INFO, 0n) },
    ...registers.map(([register, value]): Step => ({ do: 'store', address: address(register), ...registerBytes(order, value) })),
    { do: 'munmap', address: address(0), length, always: true },
  ];
}

/** A pattern whose bytes all differ. */
const PROBE = '0102030405060708';

/** Finds out how the device is to be driven; `eduAccess` reads the answers. */
export const probeSteps = (host: HostFacts, fd: Value): Step[] => [
  ...prepare(host, fd),
  { do: 'pread', fd, offset: regionOffset(BAR0_INFO, BigInt(REGISTER.identification)), length: 4 },
  { do: 'pwrite', fd, offset: regionOffset(BAR0_INFO, BigInt(REGISTER.source)), bytes: PROBE },
  { do: 'pread', fd, offset: regionOffset(BAR0_INFO, BigInt(REGISTER.source)), length: 8 },
];

/** What the last three probes came to; undefined where the device is no `edu` that answers. */
export function eduAccess(identification: Uint8Array, source: Uint8Array | undefined): EduAccess | undefined {
  if (identification.length !== 4) return undefined;
  const bytes = Buffer.from(identification);
  const isEdu = (value: number): boolean => BigInt(value) === IDENTIFICATION;
  if (!isEdu(bytes.readUInt32LE()) && !isEdu(bytes.readUInt32BE())) return undefined;
  const wide = source !== undefined && Buffer.from(source).toString('hex') === PROBE;
  return { order: isEdu(bytes.readUInt32LE()) ? 'little' : 'big', wide };
}
