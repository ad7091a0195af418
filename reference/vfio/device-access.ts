import type { DmaOperation } from '../doors/operations.js';
import { mayRaise, surely, type EehPe } from '../eeh/pe.js';
import { dmaGoesOn } from '../eeh/states.js';
import { anyBytes } from '../memory/bytes.js';
import type { AnyCall } from '../rules.js';
import { access, DEVICE_BUFFER_BYTES } from '../tce/device.js';
import { eehOfDevice, raiseIn } from './eeh.js';
import type { Host } from './host.js';

/** A device of the host reads or writes memory. Returns the rules that decide. */
export function deviceAccess(host: Host, rules: AnyCall, operation: DmaOperation, iova: bigint): readonly string[] {
  const pe = eehOfDevice(host, operation.device);
  openAtFirst(host, operation.device);
  if (pe?.armed === `dma-${operation.op}`) raiseIn(host, pe);
  const stopped = stoppedDma(pe, host.linux.emulatedEeh === true);
  const { clauses } = access(host.machine, rules, operation, iova, stopped);
  // Whether the platform stopped the PE for an access that it refused, only who looks knows (choice E6).
  if (pe !== undefined && clauses.some((clause) => clause !== 'dma/translated')) mayRaise(pe);
  return stopped === 'surely' ? ['eeh/stopped-dma'] : clauses;
}

/** An emulator's host bridge may let the DMA of a stopped PE go on. */
function stoppedDma(pe: EehPe | undefined, emulated: boolean): 'no' | 'perhaps' | 'surely' {
  if (pe === undefined || surely(pe, dmaGoesOn)) return 'no';
  return emulated || !surely(pe, (state) => !dmaGoesOn(state)) ? 'perhaps' : 'surely';
}

/** What a device's buffer holds when a program begins is open: the device kept it from an earlier life. */
export function openAtFirst(host: Host, device: string): void {
  for (const pe of host.machine.pes.values()) {
    const buffer = pe.buffers.get(device);
    if (buffer?.untouched === true) buffer.maybeStore(0, ANYTHING);
  }
}

const ANYTHING = anyBytes(DEVICE_BUFFER_BYTES);
