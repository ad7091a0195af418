import { hcallStatusName } from '../uapi/hcall.js';
import { rtasStatus, rtasStatusName } from '../uapi/rtas.js';
import { hex } from '../values.js';
import type { Observation } from './observation.js';
import type { Operation } from './operations.js';
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
      return `platform: ${operation.op}`;
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
    case 'rtas': {
      const [status = 0, ...cells] = observation.rets;
      return [rtasStatusName(rtasStatus(status)), ...cells.map(hex)].join(', ');
    }
    case 'bytes':
      return observation.bytes.length === 0 ? 'absent' : bytesText(observation.bytes);
    case 'done':
      return 'done';
    case 'crashed':
      return `crashed: ${observation.message}`;
    case 'not-run':
      return 'not run';
  }
}

function bytesText(bytes: Uint8Array): string {
  const shown = Buffer.from(bytes.subarray(0, 32)).toString('hex').replace(/(.{8})(?=.)/g, '$1 ');
  return bytes.length > 32 ? `${shown} … ${bytes.length} bytes` : shown;
}
