import { IOCTL_NAMES, ioctlRequest, type IoctlName } from '../../reference/uapi/ioctl.js';
import { fieldsOf } from '../../reference/uapi/structure.js';
import type { ByteOrder, Patch, Step } from '../ssh/instructions.js';
import { standsFor } from './host.js';
import { cBytes, cCast, cNumber, cString, cValue } from './values.js';

/* Steps as statements of C. Each has its outcome in a variable, `it` or another: its result, and its bytes. */

/** A step that a C program does not make. */
export class NoStep extends Error {}

/** The statements of a step whose outcome is in `it`. @param call the operation's own ioctl, where it is one. @throws NoStep */
export function statements(step: Step, it: string, call?: IoctlName): string[] {
  const result = (expression: string): string => `${it}->result = ${expression};`;
  const of = (name: string, ...rest: string[]): string => result(`${name}(${rest.join(', ')})`);
  switch (step.do) {
    case 'open':
      return [result(`answer(open(${text(step.path)}, ${step.flags.map((flag) => `O_${flag}`).join(' | ')}))`)];
    case 'close':
      return [result(`answer(close(${cCast('int', step.fd)}))`)];
    case 'ioctl':
      return ioctlStatements(step, it, call);
    case 'mmap': {
      const { address = 0n, length, protection, flags, fd, offset = 0n } = step;
      const place = address === 0n ? 'NULL' : cCast('void *', address);
      const file = fd === undefined ? '-1' : cCast('int', fd);
      // The registers of a device, and nothing else, lie somewhere in its descriptor.
      const registers = step.offset === undefined ? [] : [`find_register_order(${it}->result);`];
      return [result(`answer((long)mmap(${place}, ${cValue(length)}, ${protectionText(protection)}, ${cNumber(BigInt(flags >>> 0))}${flagsText(flags)}, ${file}, ${cCast('off_t', offset)}))`), ...registers];
    }
    case 'memfd':
      return [of('memory_file', cValue(step.length), cNumber(BigInt(step.flags >>> 0)))];
    case 'munmap':
      return [result(`answer(munmap(${cCast('void *', step.address)}, ${cValue(step.length)}))`)];
    case 'fill':
      return [of('fill_memory', cValue(step.address), `${step.length}`, cNumber(BigInt(step.byte)))];
    case 'load':
      return [of('load_memory', it, cValue(step.address), `${step.length}`)];
    case 'copy':
      return [...dataStatements(step, it), of('store_memory', it, cValue(step.address), `${step.bytes.length / 2}`)];
    case 'store':
      return [...dataStatements(step, it), of('store_register', it, cValue(step.address))];
    case 'read':
      return [step.room === undefined ? result(`answer(read(${cCast('int', step.fd)}, ${it}->data, ${step.length}))`) : of('read_to_end', it, cCast('int', step.fd), `${step.length}`, `${step.room}`)];
    case 'write': {
      const length = step.bytes.length / 2;
      const write = step.room === undefined ? result(`answer(write(${cCast('int', step.fd)}, ${it}->data, ${length}))`) : of('write_from_end', it, cCast('int', step.fd), `${length}`, `${step.room}`);
      return [...dataStatements(step, it), write];
    }
    case 'pread':
      return [result(`answer(pread(${cCast('int', step.fd)}, ${it}->data, ${step.length}, ${cCast('off_t', step.offset)}))`)];
    case 'pwrite':
      return [...dataStatements(step, it), result(`answer(pwrite(${cCast('int', step.fd)}, ${it}->data, ${step.bytes.length / 2}, ${cCast('off_t', step.offset)}))`)];
    case 'poll':
      return [of('wait_for_clear', it, cCast('int', step.fd), cCast('off_t', step.offset), `${step.length}`, cValue(step.mask), `${step.seconds}`)];
    case 'limit':
      return [of('limit_locked_memory', cValue(step.bytes))];
    case 'locked':
      return [of('locked_memory', it)];
    default:
      throw new NoStep(step.do);
  }
}

const text = (path: string): string => standsFor(path) ?? cString(path);

const protectionText = (protection: number): string => ['PROT_NONE', 'PROT_READ', 'PROT_WRITE', 'PROT_READ | PROT_WRITE'][protection]!;

/** What the bits of mmap's flags are called. */
const FLAGS: readonly (readonly [number, string])[] = [
  [0x01, 'shared'],
  [0x02, 'private'],
  [0x10, 'fixed'],
  [0x20, 'anonymous'],
  [0x4_0000, 'huge pages'],
];

const flagsText = (flags: number): string => ` /* ${FLAGS.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name).join(', ')} */`;

type Ioctl = Extract<Step, { do: 'ioctl' }>;

function ioctlStatements(step: Ioctl, it: string, call: IoctlName | undefined): string[] {
  const name = ioctlNameOf(step.request, call);
  const request = name ?? cNumber(BigInt(step.request));
  const fd = cCast('int', step.fd);
  if (!('bytes' in step)) {
    if (step.until !== undefined) throw new NoStep('a processor of a guest');
    return [`${it}->result = answer(ioctl(${fd}, ${request}, ${cCast('unsigned long', step.value)}));`];
  }
  const length = step.bytes.length / 2;
  const made = step.place === undefined ? `answer(ioctl(${fd}, ${request}, given(${it})))` : `ioctl_${step.place.replace('-', '_')}(${it}, ${fd}, ${request}, ${length})`;
  return [...structureStatements(step, it, name), `${it}->result = ${made};`];
}

/** The name of a request: the operation's own call, or what else has that number. */
export const ioctlNameOf = (request: number, call?: IoctlName): IoctlName | undefined =>
  call !== undefined && ioctlRequest(call) === request ? call : IOCTL_NAMES.find((name) => ioctlRequest(name) === request);

/** A structure field by field, in the order of the machine; what is no field as bytes. */
function structureStatements({ bytes, patch = [] }: { readonly bytes: string; readonly patch?: readonly Patch[] }, it: string, call: IoctlName | undefined): string[] {
  const left = Buffer.from(bytes, 'hex');
  const name = standsFor(left.subarray(0, -1).toString());
  if (name !== undefined) return [`snprintf((char *)${it}->data, sizeof(${it}->data), "%s", ${name});`];
  const fields = (call === undefined ? [] : fieldsOf(call)).filter(({ offset, bytes: size }) => offset + size <= left.length);
  const puts = fields.flatMap((field) => {
    const { offset, bytes: size } = field;
    const patched = patch.find(([at]) => at === offset);
    const value = patched?.[2] ?? BigInt(`0x${Buffer.from(left.subarray(offset, offset + size)).reverse().toString('hex')}`);
    left.fill(0, offset, offset + size);
    return value === 0n ? [] : [`put(${it}, ${offset}, ${size}, ${cValue(value)}); /* ${field.name} */`];
  });
  return [...puts, ...byteStatements(left, it)];
}

/** Only registers of a device are in an order that is told to be little: which it is shows when they are mapped. */
const PUT = { native: 'put', big: 'put_big', little: 'put_register' } as const;

/** Bytes with values in them that are only known now. */
function dataStatements({ bytes, patch = [], order }: { readonly bytes: string; readonly patch?: readonly Patch[]; readonly order?: ByteOrder }, it: string): string[] {
  const puts = patch.map(([at, size, value]) =>
    `${PUT[order ?? 'native']}(${it}, ${at}, ${size}, ${cValue(value)});`,
  );
  return [...byteStatements(Buffer.from(bytes, 'hex'), it), ...puts];
}

/** All from the first byte that is not zero to the last. */
function byteStatements(bytes: Uint8Array, it: string): string[] {
  const first = bytes.findIndex((byte) => byte !== 0);
  if (first < 0) return [];
  const part = bytes.subarray(first, bytes.findLastIndex((byte) => byte !== 0) + 1);
  const [byte = 0] = part;
  return part.length > 1 && part.every((other) => other === byte)
    ? [`memset(${it}->data + ${first}, ${cNumber(BigInt(byte))}, ${part.length});`]
    : [`memcpy(${it}->data + ${first}, ${cBytes(part)}, ${part.length});`];
}
