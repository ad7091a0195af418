import { hcallStatusName } from '../uapi/hcall.js';
import { rtasStatus, rtasStatusName } from '../uapi/rtas.js';
import { syscallResultName } from '../uapi/errno.js';
import { hex } from '../values.js';
import type { Observation, SyscallObservation } from './observation.js';
import type { HostOperation, IommufdOperation, KvmIoctl, KvmOperation, Operation, UserOperation, VfioIoctl, VfioOperation } from './operations.js';
import { isReference, type Term } from './term.js';

/** A term as a reader writes it: `0x1000`, `w1.liobn`, `pe0.end-0x1000`. */
export function termText(term: Term): string {
  if (!isReference(term)) return hex(term);
  const offset = term.plus ?? 0n;
  if (offset === 0n) return term.from;
  return offset < 0n ? `${term.from}-0x${(-offset).toString(16)}` : `${term.from}+0x${offset.toString(16)}`;
}

/** An operation on one line. */
export function operationText(operation: Operation): string {
  const name = operation.as === undefined ? '' : `${operation.as} = `;
  return name + bodyText(operation);
}

function bodyText(operation: Operation): string {
  switch (operation.door) {
    case 'papr':
      return paprText(operation);
    case 'memory':
      if (operation.op === 'store') {
        const words = operation.doublewords.map(termText);
        const shown = words.length > 4 ? [...words.slice(0, 3), `… ${words.length} doublewords`] : words;
        return `store ${hex(operation.address)}: ${shown.join(' ')}`;
      }
      if (operation.op === 'fill') return `fill ${hex(operation.address)} +${operation.length} with ${hex(operation.byte)}`;
      return `load ${hex(operation.address)} +${operation.length}`;
    case 'dma': {
      const bus = `${termText(operation.iova)} +${operation.length}`;
      const buffer = `buffer+${operation.at}`;
      return operation.op === 'read'
        ? `${operation.device} reads bus ${bus} into its ${buffer}`
        : `${operation.device} writes its ${buffer} to bus ${bus}`;
    }
    case 'platform':
      return 'pe' in operation ? `platform: ${operation.op} of ${operation.pe}` : `platform: ${operation.op}`;
    case 'vfio':
      return vfioText(operation) + byText(operation.by);
    case 'iommufd':
      return iommufdText(operation) + byText(operation.by);
    case 'kvm':
      return kvmText(operation) + byText(operation.by);
    case 'user':
      return userText(operation) + byText(operation.by);
    case 'host':
      return hostText(operation) + byText(operation.by);
  }
}

const byText = (process: string | undefined): string => (process === undefined ? '' : ` (by ${process})`);

function vfioText(operation: VfioOperation): string {
  switch (operation.op) {
    case 'open':
      return operation.what === 'container' ? 'open /dev/vfio/vfio' : `open the group of ${operation.what}`;
    case 'close':
      return `close ${termText(operation.fd)}`;
    case 'read':
      return `read ${termText(operation.fd)} region ${operation.region} at ${hex(operation.offset)} +${operation.length}`;
    case 'write':
      return `write ${termText(operation.fd)} region ${operation.region} at ${hex(operation.offset)}: ${hex(operation.value)}`;
    case 'ioctl':
      return ioctlText(operation);
  }
}

function ioctlText(operation: VfioIoctl | KvmIoctl): string {
  const args = Object.entries(operation.args).map(([name, value]) => (name === 'value' ? termText(value) : `${name} = ${termText(value)}`));
  if (operation.door === 'vfio' && operation.device !== undefined) args.push(operation.device);
  if (operation.pointer !== undefined) args.push(`${operation.pointer} pointer`);
  return `${operation.call}(${[termText(operation.fd), ...args].join(', ')})`;
}

function iommufdText(operation: IommufdOperation): string {
  switch (operation.op) {
    case 'open':
      return operation.what === 'iommu' ? 'open /dev/iommu' : `open the node of ${operation.what}`;
    case 'read':
      return `read ${termText(operation.fd)} +${operation.length}${roomText(operation)}`;
    case 'write':
      return `write ${operation.words.map(termText).join(' ')} to ${termText(operation.fd)}${roomText(operation)}`;
    case 'ioctl': {
      const args = Object.entries(operation.args).map(([name, value]) => `${name} = ${termText(value)}`);
      if (operation.beyond !== undefined) args.push(`${operation.beyond.bytes} bytes of ${hex(operation.beyond.byte)} beyond`);
      if (operation.pointer !== undefined) args.push(`${operation.pointer} pointer`);
      return `${operation.call}(${[termText(operation.fd), ...args].join(', ')})`;
    }
  }
}

const roomText = ({ room }: { readonly room?: number }): string => (room === undefined ? '' : `, memory for ${room}`);

function userText(operation: UserOperation): string {
  switch (operation.op) {
    case 'map': {
      const pages = operation.hugePages === undefined ? '' : `, pages of 2^${operation.hugePages}`;
      const at = operation.address === undefined ? '' : ` at ${termText(operation.address)}`;
      return `mmap ${hex(operation.length)} ${operation.protection}${pages}${at}`;
    }
    case 'unmap':
      return `munmap ${termText(operation.address)} +${hex(operation.length)}`;
    case 'fill':
      return `fill ${termText(operation.address)} +${operation.length} with ${hex(operation.byte)}`;
    case 'store':
      return `store ${termText(operation.address)}: ${operation.words.map(termText).join(' ')}`;
    case 'load':
      return `load ${termText(operation.address)} +${operation.length}`;
    case 'file':
      return operation.kind === 'plain' ? 'open a file that is none of memory' : `make a file of ${hex(operation.length)} of memory${operation.hugePages === undefined ? '' : `, pages of 2^${operation.hugePages}`}`;
  }
}

function hostText(operation: HostOperation): string {
  switch (operation.op) {
    case 'limit':
      return `limit locked memory to ${termText(operation.bytes)} bytes`;
    case 'ledger':
      return 'locked memory';
    case 'bind':
      return `give ${operation.device} to ${operation.driver === 'host' ? "the host's driver" : operation.driver === 'none' ? 'no driver' : operation.driver}`;
    case 'disk':
      return `read the first sector of ${operation.device}`;
    case 'log':
      return 'kernel log';
    case 'witness':
      return `what the hypervisor saw of ${operation.pe}`;
    case 'freeze':
      return `stop ${operation.what === 'all' ? 'MMIO and DMA' : operation.what.toUpperCase()} of ${operation.pe}`;
    case 'eeh':
      return operation.what === 'check' ? `let EEH look at ${operation.device}` : `break ${operation.device}`;
    case 'eeh-limit':
      return `bear ${operation.errors} errors an hour`;
    case 'eeh-state':
      return `error state of ${operation.device}${operation.within === undefined ? '' : `, once it is as it should be, within ${operation.within} s`}`;
    case 'eeh-notify':
      return `${operation.what} ${operation.what === 'recover' && operation.serial !== undefined ? `from error ${termText(operation.serial)} through` : 'as'} ${operation.device}`;
    case 'eeh-resets':
      return 'errors handled';
    case 'together':
      return `at the same time: ${operationText(operation.left)} | ${operationText(operation.right)}`;
    default:
      return operation.op;
  }
}

function kvmText(operation: KvmOperation): string {
  switch (operation.op) {
    case 'open':
      return 'open /dev/kvm';
    case 'guest':
      return `processor ${operation.processor} of ${termText(operation.vm)}`;
    case 'hcall':
      return `${operation.call}(${operation.args.map(termText).join(', ')}) by ${termText(operation.processor)}`;
    case 'map':
      return `map ${hex(operation.length)} bytes of table ${termText(operation.fd)}`;
    case 'ioctl':
      return ioctlText(operation);
  }
}

function paprText(operation: Extract<Operation, { door: 'papr' }>): string {
  if (operation.op === 'property') return `property ${operation.name} of ${operation.pe}`;
  const args = operation.args.map(termText).join(', ');
  if (operation.op === 'rtas') return `${operation.call}(${args}) → ${operation.nret} cells`;
  return `${operation.call}(${args})`;
}

/** What came back, on one line. */
export function observationText(observation: Observation): string {
  switch (observation.kind) {
    case 'hcall':
      return `${hcallStatusName(Number(observation.status))}, R4 = ${hex(observation.registers[0] ?? 0n)}`;
    case 'handed':
      return `handed to the monitor, R4 = ${hex(observation.registers[0] ?? 0n)}`;
    case 'rtas': {
      const [status = 0, ...cells] = observation.rets;
      return [rtasStatusName(rtasStatus(status)), ...cells.map(hex)].join(', ');
    }
    case 'syscall':
      return syscallText(observation);
    case 'values':
      return namedValues(observation.values);
    case 'lines':
      return observation.lines.join(' / ') || 'nothing';
    case 'pair':
      return `${observationText(observation.left)} | ${observationText(observation.right)}`;
    case 'bytes':
      return observation.bytes.length === 0 ? 'nothing' : bytesText(observation.bytes);
    case 'done':
      return 'done';
    case 'crashed':
      return `crashed: ${observation.message}`;
    case 'not-run':
      return 'not run';
  }
}

const namedValues = (values: Readonly<Record<string, bigint>>): string =>
  Object.entries(values).map(([name, value]) => `${name} = ${hex(value)}`).join(', ');

const syscallText = ({ result, fields = {} }: SyscallObservation): string =>
  [syscallResultName(result), namedValues(fields)].filter((part) => part !== '').join('; ');

function bytesText(bytes: Uint8Array): string {
  const shown = Buffer.from(bytes.subarray(0, 32)).toString('hex').replace(/(.{8})(?=.)/g, '$1 ');
  return bytes.length > 32 ? `${shown} … ${bytes.length} bytes` : shown;
}
