import type { Observation } from '../doors/observation.js';
import type { VfioOperation } from '../doors/operations.js';
import { surely, trip } from '../eeh/pe.js';
import { mmioGoesOn } from '../eeh/states.js';
import type { Judgement } from '../judgement.js';
import { E } from '../uapi/errno.js';
import { eehOfDevice, raiseIn } from './eeh.js';
import type { Host, OpenFile, Process } from './host.js';

/*
 * Loads and stores to a device's regions: BAR 0 and the configuration space. What a device's registers hold is its own
 * business; but a stopped PE shows.
 */

type RegionOperation = Extract<VfioOperation, { op: 'read' | 'write' }>;

const CONFIGURATION = 7;
const WORD = 4;

/** The edu device: what it is, and a register that gives the complement of what was stored. Source: QEMU docs/specs/edu.rst. */
const EDU = { identification: 0x0100_00ed, liveness: 0x04, class: 0x00ff_0010 } as const;
/** Class and revision of an NVMe controller. */
const NVME_CLASS = 0x0108_0202;

/** Words of the configuration space that VFIO does not make up: class and revision, and the word after it. */
const isHardware = (offset: number): boolean => offset >= 0x08 && offset < 0x10;

interface Region {
  readonly host: Host;
  readonly device: string;
  readonly operation: RegionOperation;
}

/** What a word of a region holds while nothing is stopped. */
function wordAt({ host, device, operation }: Region, offset: number): number {
  const [pe = '', name = ''] = device.split('.');
  const described = host.groups.get(pe)?.description.devices.find((candidate) => candidate.name === name);
  const edu = described?.kind === 'edu';
  if (operation.region === CONFIGURATION) return offset === 0 ? (described?.id ?? 0) : offset === 0x08 ? (edu ? EDU.class : NVME_CLASS) : 0;
  if (operation.region !== 0 || !edu) return 0;
  if (offset === 0) return EDU.identification;
  return offset === EDU.liveness ? ~(host.registers.get(device) ?? 0) >>> 0 : 0;
}

/** The bytes that a load brings. */
function load(region: Region, stopped: boolean): Uint8Array {
  const { offset, length } = region.operation as Extract<RegionOperation, { op: 'read' }>;
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) {
    const at = offset + i;
    const word = stopped && (region.operation.region === 0 || isHardware(at)) ? 0xffff_ffff : wordAt(region, at - (at % WORD));
    bytes[i] = (word >>> (8 * (at % WORD))) & 0xff;
  }
  return new Uint8Array(bytes);
}

/** The device that a descriptor of the process stands for. */
const deviceOf = (file: OpenFile | undefined): string | undefined => (file?.kind === 'device' ? file.device : undefined);

/** An injected error that waits for an access of this kind comes with it. */
function access({ host, device, operation }: Region): void {
  const pe = eehOfDevice(host, device);
  const space = operation.region === CONFIGURATION ? 'config' : 'mmio';
  if (pe === undefined || (space === 'config' && !isHardware(operation.offset))) return;
  const kind = `${space}-${operation.op === 'read' ? 'load' : 'store'}` as const;
  if (host.linux.emulatedEeh === true && pe.armed === kind) raiseIn(host, pe);
  else trip(pe, kind);
}

/** The model's own answer. */
export function answerRegion(host: Host, process: Process, operation: RegionOperation, fd: number): { observation: Observation; clauses: readonly string[] } {
  const device = deviceOf(process.files.get(fd));
  if (device === undefined) return { observation: { kind: 'syscall', result: BigInt(-E.EBADF) }, clauses: [] };
  const region = { host, device, operation };
  access(region);
  const stopped = !mmioGoesOn(eehOfDevice(host, device)?.states[0] ?? 'normal');
  if (operation.op === 'read') return { observation: { kind: 'bytes', bytes: load(region, stopped) }, clauses: clausesOf(region) };
  if (!stopped && operation.region === 0 && operation.offset === EDU.liveness) host.registers.set(device, operation.value);
  return { observation: { kind: 'syscall', result: BigInt(WORD) }, clauses: clausesOf(region) };
}

/** The rule that decides what comes of it, if one does. */
function clausesOf({ host, device, operation }: Region): readonly string[] {
  const pe = eehOfDevice(host, device);
  if (pe === undefined || host.linux.emulatedEeh === true || !surely(pe, (state) => !mmioGoesOn(state))) return [];
  if (operation.region === 0) return ['eeh/stopped-mmio'];
  return operation.op === 'read' && isHardware(operation.offset) ? ['eeh/stopped-config'] : [];
}

/** Follows what was seen of a load or store. */
export function judgeRegion(host: Host, process: Process, operation: RegionOperation, fd: number, observed: Observation): Judgement {
  const device = deviceOf(process.files.get(fd));
  if (device === undefined) return { departures: [], allowed: [], clauses: [] };
  const region = { host, device, operation };
  access(region);
  const [clause] = clausesOf(region);
  if (clause === undefined || operation.op === 'write') return { departures: [], allowed: [], clauses: clause === undefined ? [] : [clause] };
  const allOnes = observed.kind === 'bytes' && observed.bytes.every((byte) => byte === 0xff);
  const failed = operation.region === CONFIGURATION && observed.kind === 'syscall' && observed.result < 0n;
  if (allOnes || failed) return { departures: [], allowed: [], clauses: [clause] };
  const seen = observed.kind === 'bytes' ? Buffer.from(observed.bytes).toString('hex') : 'an error';
  return { departures: [{ clause, expected: ['all ones'], observed: seen }], allowed: [], clauses: [clause] };
}
