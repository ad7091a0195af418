import type { Program } from './operations.js';

/** What came back from one operation. */
export type Observation =
  | HcallObservation
  | RtasObservation
  | SyscallObservation
  /** A hypercall that the kernel left to the virtual machine monitor: R4 … R12 as the monitor was given them, unsigned. */
  | { readonly kind: 'handed'; readonly registers: readonly bigint[]; readonly ticks?: bigint }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** Figures by name. */
  | { readonly kind: 'values'; readonly values: Readonly<Record<string, bigint>> }
  /** Lines of text, of the kernel log. */
  | { readonly kind: 'lines'; readonly lines: readonly string[] }
  /** Of two operations at the same time. */
  | { readonly kind: 'pair'; readonly left: Observation; readonly right: Observation }
  /** The operation reports nothing by itself. */
  | { readonly kind: 'done' }
  /** The system under test died or stopped answering here. */
  | { readonly kind: 'crashed'; readonly message: string }
  /** An earlier operation ended the system under test. */
  | { readonly kind: 'not-run' };

export interface HcallObservation {
  readonly kind: 'hcall';
  /** R3, signed. */
  readonly status: bigint;
  /** R4 … R12, unsigned; targets that cannot see a register leave the tail out. */
  readonly registers: readonly bigint[];
  /** Of a call that was repeated to be measured: ticks of the timebase. */
  readonly ticks?: bigint;
}

export interface RtasObservation {
  readonly kind: 'rtas';
  /** R3 of the hypercall that carried the call, signed; 0 where the target has no such thing. */
  readonly hcall: bigint;
  /** The result cells, unsigned 32 bits, the status first. */
  readonly rets: readonly number[];
}

export interface SyscallObservation {
  readonly kind: 'syscall';
  /** What the call returned, or minus the error number. */
  readonly result: bigint;
  /** The fields of the structure after the call, unsigned; only for calls that have one. */
  readonly fields?: Readonly<Record<string, bigint>>;
}

/** What a target did with a program: one observation for every operation, in order. */
export interface Trace {
  readonly program: Program;
  readonly observations: readonly Observation[];
}

/** The fields of an observation that later operations can refer to. See `doors/operations.ts`. */
export function field(observation: Observation, name: string): bigint | undefined {
  if (observation.kind === 'hcall') return hcallField(observation, name);
  if (observation.kind === 'handed') return registerField(observation.registers, name);
  if (observation.kind === 'rtas') return rtasField(observation, name);
  if (observation.kind === 'syscall') return syscallField(observation, name);
  if (observation.kind === 'bytes') return wordsOf(observation.bytes)[name];
  return observation.kind === 'values' ? observation.values[name] : undefined;
}

/** Bytes as words of 32 bits: `word0` and so on. What is left of a word at the end is none. */
export function wordsOf(bytes: Uint8Array): Record<string, bigint> {
  const buffer = Buffer.from(bytes);
  return Object.fromEntries(Array.from({ length: bytes.length >> 2 }, (_, i) => [`word${i}`, BigInt(buffer.readUInt32LE(4 * i))]));
}

/** A descriptor and an address are what the call returned, unless the structure has a field of that name. */
const syscallField = ({ result, fields }: SyscallObservation, name: string): bigint | undefined =>
  fields?.[name] ?? (['result', 'fd', 'address'].includes(name) ? BigInt.asUintN(64, result) : undefined);

function hcallField(observation: HcallObservation, name: string): bigint | undefined {
  if (name === 'status') return BigInt.asUintN(64, observation.status);
  return registerField(observation.registers, name);
}

function registerField(registers: readonly bigint[], name: string): bigint | undefined {
  const register = /^r([4-9]|1[0-2])$/.exec(name)?.[1];
  return register === undefined ? undefined : (registers[Number(register) - 4] ?? 0n);
}

function rtasField(observation: RtasObservation, name: string): bigint | undefined {
  const match = /^ret(\d+)(:64)?$/.exec(name);
  if (match === null) return undefined;
  const index = Number(match[1]);
  const cell = (i: number): bigint => BigInt(observation.rets[i] ?? 0);
  return match[2] === undefined ? cell(index) : (cell(index) << 32n) | cell(index + 1);
}
