import { isReference, type Term } from '../../reference/doors/term.js';
import type { Observation, SyscallObservation } from '../../reference/doors/observation.js';
import type { Operation } from '../../reference/doors/operations.js';
import type { OpenBytes } from '../../reference/memory/bytes.js';
import { E, syscallResultName } from '../../reference/uapi/errno.js';
import type { IoctlName } from '../../reference/uapi/ioctl.js';
import { fieldsOf } from '../../reference/uapi/structure.js';
import type { ExpectedField, Permitted } from './expectation.js';
import type { World } from './world.js';

/* What may come next, found out by asking the oracle about answers: what it lets pass is permitted. */

/** A field and its value in this world, and what the program has put there. */
export interface SeenField extends ExpectedField {
  readonly value: bigint;
  readonly given: bigint | undefined;
  /** Another permitted value, where there is one. */
  readonly other?: bigint;
}

/** What may come next of one world. */
export interface Outlook {
  readonly own: Observation;
  readonly result: Permitted;
  readonly clause: string;
  readonly fields: readonly SeenField[];
  readonly bytes?: { readonly expected: OpenBytes; readonly clause: string };
}

/** An error that no kernel returns to a program. */
const IMPOSSIBLE = -4095n;

const STATUSES: ReadonlyMap<string, bigint> = new Map(
  [...Object.values(E).map((error) => BigInt(-error)), ...Array.from({ length: 256 }, (_, count) => BigInt(count))].map((status) => [syscallResultName(status), status]),
);

/**
 * @param own what this system answers if nothing else is said
 * @param given the fields of the structure that the program gives
 */
export function outlookOf(world: World, operation: Operation, own: Observation, given: Readonly<Record<string, bigint>>): Outlook {
  const refused = world.judge(operation, { kind: 'syscall', result: IMPOSSIBLE });
  const [departure] = refused.departures;
  const clause = departure?.clause ?? refused.clauses[0] ?? 'user/memory';
  return { own, clause, result: permittedOf(world, operation, own, departure?.expected), ...contents(world, operation, own, given, clause) };
}

function contents(world: World, operation: Operation, own: Observation, given: Readonly<Record<string, bigint>>, clause: string): Pick<Outlook, 'fields' | 'bytes'> {
  switch (own.kind) {
    case 'syscall':
      return { fields: operation.op === 'ioctl' && own.fields !== undefined ? fieldsIn(world, operation, own, given) : [] };
    case 'values':
      return { fields: Object.entries(own.values).map(([name, value]) => ({ name, value, given: undefined, clause: clauseWithout(world, operation, own, name) ?? clause })) };
    case 'bytes': {
      const loadable = world.loadable(operation);
      return { fields: [], bytes: { expected: loadable ?? readable(world, operation, own.bytes), clause: loadable === undefined ? clause : 'memory/contents' } };
    }
    default:
      return { fields: [] };
  }
}

/** @param expected what is permitted, in words, where not every error is */
function permittedOf(world: World, operation: Operation, own: Observation, expected: readonly string[] | undefined): Permitted {
  if (own.kind === 'done') return { kind: 'anything' };
  if (own.kind === 'lines') return { kind: 'quiet' };
  if (own.kind === 'values') return { kind: 'from 0', errors: [] };
  const result = own.kind === 'syscall' ? own.result : BigInt((own as Extract<Observation, { kind: 'bytes' }>).bytes.length);
  if (expected === undefined) return { kind: result < 0n ? 'error' : 'anything' };
  const others = expected.map((text) => STATUSES.get(text)).filter((status) => status !== undefined && status !== result) as bigint[];
  const errors = others.filter((status) => status < 0n);
  const isOpen = result >= 0n && (expected.includes('a descriptor') || (own.kind === 'syscall' && others.length === 0 && moved(own).some((other) => world.permits(operation, other))));
  if (isOpen) return { kind: 'from 0', errors };
  // So many numbers are a count of something.
  return others.length - errors.length > MOST_NUMBERS ? { kind: 'error or count', errors: [result, ...errors] } : { kind: 'values', values: [result, ...others] };
}

/** More numbers that may be returned than a reader wants to see. */
const MOST_NUMBERS = 4;

/** Descriptors are small numbers; the first that none is. */
const NO_DESCRIPTOR = 1n << 20n;

/** What addresses are moved by: every byte becomes another one as far as pages of 4 KiB, of 64 KiB, and huge ones allow. */
const FAR = [0x0a5b_c3d1_3000n, 0x0a5b_c3d1_0000n, 0x0a5b_c000_0000n] as const;

/** The same with another descriptor, the n-th that is another, or with other addresses. */
export function moved<T extends { readonly result: bigint }>(own: T, n = 0): T[] {
  const { result } = own;
  return result < NO_DESCRIPTOR ? [{ ...own, result: result + NO_DESCRIPTOR + BigInt(n) }] : FAR.map((far) => ({ ...own, result: result + far }));
}

type Ioctl = Extract<Operation, { op: 'ioctl' }>;

function fieldsIn(world: World, operation: Ioctl, own: SyscallObservation, given: Readonly<Record<string, bigint>>): SeenField[] {
  const { fields = {} } = own;
  /** The clause that says no to this value of the field; undefined where it is permitted. */
  const brokenBy = (value: bigint, name: string): string | undefined => world.judge(operation, { ...own, fields: { ...fields, [name]: value } }).departures[0]?.clause;
  return Object.entries(fields).map(([name, value]) => {
    const clauses = others(value, widthOf(operation.call, name), value === given[name]).map((other) => [other, brokenBy(other, name)] as const);
    const open = clauses.find(([, clause]) => clause === undefined)?.[0];
    return { name, value, given: given[name], clause: clauses[0]?.[1] ?? '', ...(open !== undefined && { other: open }) };
  });
}

const widthOf = (call: IoctlName, name: string): number => 8 * (fieldsOf(call).find((field) => field.name === name)?.bytes ?? 8);

/** Values that a field could have instead: near ones, far ones, aligned ones. Of one that is as it was given, two. */
function others(value: bigint, width: number, isGiven: boolean): bigint[] {
  const far = value + (width > 32 ? 1n << 40n : 1n << 24n);
  const values = isGiven ? [value ^ 1n, far] : [value ^ 1n, far, value ^ -1n, value ^ (1n << 12n), value + (1n << 24n), 0n];
  return [...new Set(values.map((other) => BigInt.asUintN(width, other)))].filter((other) => other !== value);
}

const clauseWithout = (world: World, operation: Operation, own: Extract<Observation, { kind: 'values' }>, name: string): string | undefined =>
  world.judge(operation, { ...own, values: { ...own.values, [name]: own.values[name]! + 1n } }).departures[0]?.clause;

const WORD = 4;

/** Bytes of a device's region or of a queue: a word that may be another is open. */
function readable(world: World, operation: Operation, values: Uint8Array): OpenBytes {
  const open = new Map<number, readonly number[]>();
  for (let at = 0; at < values.length; at += WORD) {
    const word = values.subarray(at, at + WORD);
    const variants = [word.map((byte) => byte ^ 0xff), word.map((byte, i) => (i === 0 ? byte ^ 1 : byte)), word.map(() => 0)];
    const fixed = variants.every((variant) => Buffer.compare(variant, word) === 0 || !world.permits(operation, { kind: 'bytes', bytes: withWord(values, at, variant) }));
    if (!fixed) word.forEach((_, i) => open.set(at + i, ANY));
  }
  return { values, open };
}

const ANY = Array.from({ length: 256 }, (_, byte) => byte);

function withWord(values: Uint8Array, at: number, word: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(values);
  copy.set(word, at);
  return copy;
}

/** The operation with numbers for what it refers to. */
export function literal<T extends Ioctl>(operation: T, value: (term: Term) => bigint): T {
  const plain = (term: Term): bigint => (isReference(term) ? value(term) : term);
  return { ...operation, fd: plain(operation.fd), args: Object.fromEntries(Object.entries(operation.args).map(([name, term]) => [name, plain(term)])) };
}
