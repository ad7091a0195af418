import { z } from 'zod';
import { HCALLS, type HcallName } from '../uapi/hcall.js';
import { RTAS_CALLS } from '../uapi/rtas.js';
import { IOMMUFD_CALLS, type IommufdCallName } from '../uapi/iommufd.js';
import { KVM_CALLS, type KvmCallName } from '../uapi/kvm.js';
import { VFIO_CALLS, type VfioCallName } from '../uapi/vfio.js';
import type { Program } from './operations.js';

/**
 * The one place where programs and traces become text and come back. 64-bit values are `"0x…"` strings, bytes are
 * hexadecimal strings.
 */
export const word = z.string().regex(/^0x[0-9a-f]{1,16}$/i, 'a 64-bit value as "0x…"').transform((text) => BigInt(text));
export const signed = z.string().regex(/^-?0x[0-9a-f]{1,16}$/i, 'a 64-bit value as "0x…" or "-0x…"').transform(fromSigned);
const reference = z
  .strictObject({ from: z.string().regex(/^[\w-]+(\.[\w:-]+)+$/, 'a reference "name.field"'), plus: signed.optional() })
  .transform(({ from, plus }) => (plus === undefined ? { from } : { from, plus }));
const term = z.union([word, reference]);
const named = { as: z.string().optional(), audit: z.literal(true).optional() };
const natural = (min: number, max: number): z.ZodNumber => z.number().int().min(min).max(max);
const hcallNames = Object.keys(HCALLS) as [HcallName, ...HcallName[]];

const papr = z.discriminatedUnion('op', [
  z.strictObject({ ...named, door: z.literal('papr'), op: z.literal('hcall'), call: z.enum(hcallNames), args: z.array(term).max(9) }),
  z.strictObject({ ...named, door: z.literal('papr'), op: z.literal('rtas'), call: z.enum(RTAS_CALLS), args: z.array(term).max(16), nret: natural(0, 16) }),
  z.strictObject({ ...named, door: z.literal('papr'), op: z.literal('property'), pe: z.string(), name: z.enum(['ibm,dma-window', 'ibm,ddw-applicable', 'ibm,ddw-extensions']) }),
]);

const memory = z.discriminatedUnion('op', [
  z.strictObject({ ...named, door: z.literal('memory'), op: z.literal('store'), address: word, doublewords: z.array(term).min(1).max(512) }),
  z.strictObject({ ...named, door: z.literal('memory'), op: z.literal('fill'), address: word, length: natural(1, 65536), byte: natural(0, 255) }),
  z.strictObject({ ...named, door: z.literal('memory'), op: z.literal('load'), address: word, length: natural(1, 4096) }),
]);

const dma = z.strictObject({
  ...named,
  door: z.literal('dma'),
  op: z.enum(['read', 'write']),
  device: z.string(),
  iova: term,
  length: natural(1, 2048),
  at: natural(0, 4094),
  fd: term.optional(),
});

const platform = z.discriminatedUnion('op', [
  z.strictObject({ ...named, door: z.literal('platform'), op: z.literal('reboot') }),
  z.strictObject({ ...named, door: z.literal('platform'), op: z.literal('rescind-table'), liobn: term }),
  z.strictObject({ ...named, door: z.literal('platform'), op: z.literal('rescind-page'), address: word }),
  z.strictObject({ ...named, door: z.literal('platform'), op: z.literal('disown-page'), address: word }),
  z.strictObject({ ...named, door: z.literal('platform'), op: z.literal('busy'), calls: natural(0, 1000), status: z.number().int() }),
  z.strictObject({ ...named, door: z.literal('platform'), op: z.literal('entitlement'), bytes: word }),
  z.strictObject({ ...named, door: z.literal('platform'), op: z.literal('error'), pe: z.string() }),
  z.strictObject({ ...named, door: z.literal('platform'), op: z.literal('unavailable'), pe: z.string(), answers: natural(1, 1000) }),
]);

const by = { ...named, by: z.string().optional() };
const vfioCalls = Object.keys(VFIO_CALLS) as [VfioCallName, ...VfioCallName[]];

const vfio = z.discriminatedUnion('op', [
  z.strictObject({ ...by, door: z.literal('vfio'), op: z.literal('open'), what: z.string() }),
  z.strictObject({ ...by, door: z.literal('vfio'), op: z.literal('close'), fd: term }),
  z.strictObject({
    ...by,
    door: z.literal('vfio'),
    op: z.literal('ioctl'),
    fd: term,
    call: z.enum(vfioCalls),
    args: z.record(z.string(), term),
    device: z.string().optional(),
    pointer: z.enum(['unmapped', 'read-only']).optional(),
  }),
  z.strictObject({ ...by, door: z.literal('vfio'), op: z.literal('read'), fd: term, region: natural(0, 15), offset: natural(0, 0x7fff_ffff), length: natural(1, 256) }),
  z.strictObject({ ...by, door: z.literal('vfio'), op: z.literal('write'), fd: term, region: natural(0, 15), offset: natural(0, 0x7fff_ffff), value: natural(0, 0xffff_ffff) }),
]);

const iommufdCalls = Object.keys(IOMMUFD_CALLS) as [IommufdCallName, ...IommufdCallName[]];

const iommufd = z.discriminatedUnion('op', [
  z.strictObject({ ...by, door: z.literal('iommufd'), op: z.literal('open'), what: z.string() }),
  z.strictObject({
    ...by,
    door: z.literal('iommufd'),
    op: z.literal('ioctl'),
    fd: term,
    call: z.enum(iommufdCalls),
    args: z.record(z.string(), term),
    pointer: z.enum(['unmapped', 'read-only', 'cut']).optional(),
    beyond: z.strictObject({ bytes: natural(1, 4096), byte: natural(0, 255) }).optional(),
  }),
  z.strictObject({ ...by, door: z.literal('iommufd'), op: z.literal('read'), fd: term, length: natural(0, 4096), room: natural(0, 4095).optional() }),
  z.strictObject({ ...by, door: z.literal('iommufd'), op: z.literal('write'), fd: term, words: z.array(term).max(64), room: natural(0, 4095).optional() }),
]);

const kvmCalls = Object.keys(KVM_CALLS) as [KvmCallName, ...KvmCallName[]];

const kvm = z.discriminatedUnion('op', [
  z.strictObject({ ...by, door: z.literal('kvm'), op: z.literal('open') }),
  z.strictObject({ ...by, door: z.literal('kvm'), op: z.literal('ioctl'), fd: term, call: z.enum(kvmCalls), args: z.record(z.string(), term), pointer: z.literal('unmapped').optional() }),
  z.strictObject({ ...by, door: z.literal('kvm'), op: z.literal('map'), fd: term, length: word }),
  z.strictObject({ ...by, door: z.literal('kvm'), op: z.literal('guest'), vm: term, processor: natural(0, 3) }),
  z.strictObject({ ...by, door: z.literal('kvm'), op: z.literal('hcall'), processor: term, call: z.enum(hcallNames), args: z.array(term).max(9), repeat: z.strictObject({ times: natural(1, 65536), stride: word }).optional() }),
]);

const user = z.discriminatedUnion('op', [
  z.strictObject({
    ...by,
    door: z.literal('user'),
    op: z.literal('map'),
    length: word,
    hugePages: natural(16, 34).optional(),
    protection: z.enum(['rw', 'r', 'none']),
    address: term.optional(),
  }),
  z.strictObject({ ...by, door: z.literal('user'), op: z.literal('unmap'), address: term, length: word }),
  z.strictObject({ ...by, door: z.literal('user'), op: z.literal('fill'), address: term, length: natural(1, 65536), byte: natural(0, 255) }),
  z.strictObject({ ...by, door: z.literal('user'), op: z.literal('store'), address: term, order: z.literal('big').optional(), wordBytes: z.union([z.literal(4), z.literal(8)]), words: z.array(term).min(1).max(512) }),
  z.strictObject({ ...by, door: z.literal('user'), op: z.literal('load'), address: term, length: natural(1, 4096) }),
  z.strictObject({ ...by, door: z.literal('user'), op: z.literal('file'), kind: z.enum(['memory', 'plain']), length: word, hugePages: natural(16, 34).optional() }),
]);

const host = { ...by, door: z.literal('host') };
const hostAlone = [
  z.strictObject({ ...host, op: z.literal('fork'), as: z.string() }),
  z.strictObject({ ...host, op: z.enum(['exit', 'kill']) }),
  z.strictObject({ ...host, op: z.literal('limit'), bytes: term }),
  z.strictObject({ ...host, op: z.literal('ledger') }),
  z.strictObject({ ...host, op: z.literal('bind'), device: z.string(), driver: z.enum(['vfio-pci', 'host', 'none']) }),
  z.strictObject({ ...host, op: z.literal('disk'), device: z.string() }),
  z.strictObject({ ...host, op: z.literal('log') }),
  z.strictObject({ ...host, op: z.literal('witness'), pe: z.string() }),
  z.strictObject({ ...host, op: z.literal('freeze'), pe: z.string(), what: z.enum(['all', 'mmio', 'dma']) }),
  z.strictObject({ ...host, op: z.literal('eeh'), what: z.enum(['check', 'break']), device: z.string() }),
  z.strictObject({ ...host, op: z.literal('eeh-limit'), errors: natural(1, 1_000_000) }),
  z.strictObject({ ...host, op: z.literal('eeh-state'), device: z.string(), within: natural(1, 600).optional() }),
  z.strictObject({ ...host, op: z.literal('eeh-resets') }),
  z.strictObject({ ...host, op: z.literal('eeh-notify'), what: z.enum(['listen', 'hear', 'recover', 'leave']), device: z.string(), depth: natural(1, 1000).optional(), serial: term.optional() }),
] as const;

const alone = z.union([papr, memory, dma, platform, vfio, iommufd, kvm, user, ...hostAlone]);
const together = z.strictObject({ ...host, op: z.literal('together'), left: alone, right: alone });

const programSchema = z.strictObject({
  schema: z.literal('papr-conformance/program/1'),
  operations: z.array(z.union([alone, together])),
});

function fromSigned(text: string): bigint {
  return text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text);
}

/** A bigint as JSON has it. */
const showWord = (value: bigint): string => (value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`);

/** A plain JSON value of anything a program or trace holds. */
export function toJson(value: unknown): unknown {
  if (typeof value === 'bigint') return showWord(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .map(([key, field]) => [key, toJson(field)]),
  );
}

/** The text of a value; the only JSON.stringify of the project, because plain JSON has no 64-bit integers. */
export const stringify = (value: unknown, indent = 2): string => JSON.stringify(toJson(value), undefined, indent);

/** A program as `replay` and the ledger keep it: plain JSON. */
export const programToJson = (program: Program): unknown =>
  toJson({ schema: 'papr-conformance/program/1', operations: program.operations });

/** What is wrong with a text that should be a program. */
export class NotAProgram extends Error {}

/** Reads a program. @throws NotAProgram with the first thing that is wrong, and where. */
export function programFromJson(value: unknown): Program {
  const parsed = programSchema.safeParse(value);
  if (parsed.success) return { operations: parsed.data.operations as Program['operations'] };
  const [issue] = parsed.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? 'the file' : issue.path.join('.');
  throw new NotAProgram(`${where}: ${issue?.message ?? 'not a program'}`);
}
