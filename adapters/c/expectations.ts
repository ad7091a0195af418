import type { MachineDescription } from '../../reference/description.js';
import type { Observation } from '../../reference/doors/observation.js';
import type { Operation, Program } from '../../reference/doors/operations.js';
import { permittedAt, type OpenBytes } from '../../reference/memory/bytes.js';
import { Model } from '../../reference/model.js';
import type { RuleBook } from '../../reference/rules.js';
import { argumentOf } from '../../reference/uapi/ioctl.js';
import { compile } from '../ssh/compile.js';
import type { HostFacts } from '../ssh/host-facts.js';
import { decodeFrom } from '../ssh/structures.js';
import type { ExpectedField, Expectation, Permitted } from './expectation.js';
import { literal, moved, outlookOf, type Outlook, type SeenField } from './outlook.js';
import { World } from './world.js';

/**
 * What the reference says of each operation, all before it having gone as it says itself. Two systems are followed that differ in what is
 * open: addresses, descriptors, open fields and bytes. What is not the same for both rests on those, and is not compared.
 */
export function expectations({ operations }: Program, machine: MachineDescription, rules: RuleBook, host: HostFacts): Expectation[] {
  const [usual, unusual] = [new World(machine, rules), new World(machine, rules)];
  const ahead = new Model(machine, rules);
  return operations.map((operation, i) => {
    const own = ahead.answer(operation).observation;
    const one = outlookOf(usual, operation, own, givenBy(usual, operation, host));
    const other = outlookOf(unusual, operation, likewise(unusual.own(operation), one), givenBy(unusual, operation, host));
    usual.follow(operation, own);
    unusual.follow(operation, altered(unusual, operation, other, i));
    return common(one, other);
  });
}

/** Where the system chooses a number it is the same as in the usual world: it is moved from there. */
const likewise = (own: Observation, { own: usual, result }: Outlook): Observation =>
  own.kind === 'syscall' && usual.kind === 'syscall' && result.kind === 'from 0' && own.result >= 0n ? { ...own, result: usual.result } : own;

/** The fields of the structure that the program gives. */
function givenBy(world: World, operation: Operation, host: HostFacts): Record<string, bigint> {
  if (operation.op !== 'ioctl' || !('call' in operation) || argumentOf(operation.call).kind !== 'struct') return {};
  const [instruction] = compile({ operations: [literal(operation, world.values())] }, host);
  const step = instruction !== undefined && 'steps' in instruction ? instruction.steps[0] : undefined;
  return step?.do === 'ioctl' && 'bytes' in step ? decodeFrom(host.order, operation.call, Buffer.from(step.bytes, 'hex')) : {};
}

/** An answer that is permitted, too, and differs in all that is open; the reference's own where these do not go together. */
function altered(world: World, operation: Operation, outlook: Outlook, n: number): Observation {
  const results = withResult(outlook, n);
  const answers = [...results.map((result) => withFields(result, outlook.fields)), ...results];
  return answers.find((answer) => world.permits(operation, answer)) ?? outlook.own;
}

function withResult({ own, result, bytes }: Outlook, n: number): Observation[] {
  if (own.kind === 'syscall') return result.kind === 'from 0' && own.result >= 0n ? moved(own, n) : [own];
  return [own.kind === 'bytes' && bytes !== undefined ? { ...own, bytes: own.bytes.map((byte, at) => permittedAt(bytes.expected, at).find((value) => value !== byte) ?? byte) } : own];
}

const withFields = (own: Observation, fields: readonly SeenField[]): Observation =>
  own.kind === 'syscall' && own.fields !== undefined ? { ...own, fields: { ...own.fields, ...Object.fromEntries(fields.map(({ name, value, other }) => [name, other ?? value])) } } : own;

/** What is expected whichever of the two it is. */
const common = (one: Outlook, other: Outlook): Expectation => ({
  result: commonResult(one.result, other.result),
  clause: one.clause,
  fields: one.fields.flatMap((field) => commonField(field, other.fields.find(({ name }) => name === field.name))),
  ...(one.bytes && { bytes: { ...one.bytes, expected: commonBytes(one.bytes.expected, other.bytes?.expected) } }),
});

function commonResult(one: Permitted, other: Permitted): Permitted {
  if (one.kind !== 'values' || other.kind !== 'values' || one.values[0] === other.values[0]) return one;
  return one.values[0] < 0n || other.values[0] < 0n ? { kind: 'anything' } : { kind: 'from 0', errors: one.values.filter((value) => value < 0n) };
}

function commonField({ name, value, given, clause, other }: SeenField, twin: SeenField | undefined): ExpectedField[] {
  if (other !== undefined || twin === undefined || twin.other !== undefined) return [];
  if (value === given && twin.value === twin.given) return [{ name, value: 'given', clause }];
  return value === twin.value ? [{ name, value, clause }] : [];
}

/** A byte that is another one in the other world may be anything. */
function commonBytes(one: OpenBytes, other: OpenBytes | undefined): OpenBytes {
  const open = new Map(one.open);
  one.values.forEach((byte, at) => {
    if (other?.values[at] !== byte || other.open.has(at)) open.set(at, one.open.get(at) ?? []);
  });
  return { values: one.values, open };
}
