import type { Observation } from '../doors/observation.js';
import type { HostOperation } from '../doors/operations.js';
import { keepTo, stopFromOutside, surely, type EehPe } from '../eeh/pe.js';
import { FIRMWARE, handleError, SOFTWARE } from '../eeh/recovery.js';
import { dmaGoesOn, mmioGoesOn, type PeState } from '../eeh/states.js';
import type { Judgement } from '../judgement.js';
import type { Clause } from '../rules.js';
import { E, syscallResultName } from '../uapi/errno.js';
import { merged } from './checks.js';
import { eehOfDevice, raiseIn } from './eeh.js';
import { loseGroup } from './files.js';
import { groupOfDevice, type Host } from './host.js';

/*
 * What the kernel's own EEH does and shows: it looks after the PEs that no user program holds. Source: Linux
 * arch/powerpc/kernel/eeh.c, eeh_driver.c, eeh_sysfs.c.
 */

/** The operations on error states. */
export type EehOperation = Extract<HostOperation, { op: 'freeze' | 'eeh' | 'eeh-limit' | 'eeh-state' | 'eeh-resets' }>;

export const isEeh = (operation: HostOperation): operation is EehOperation => operation.op === 'freeze' || operation.op.startsWith('eeh');

const clause = merged('Linux 7.2 arch/powerpc/kernel/eeh.c, eeh_driver.c');

/** Clauses of the kernel's own recovery. */
export const EEH_HOST_CLAUSES = [
  clause('eeh-host/outside', 'A PE can be stopped without anything that its owner or the kernel did.', 'LoPAR 2.9, ch_io_topology, EEH Option'),
  clause('eeh-host/asked', 'The kernel can be told to look at a device, and to break it; a device without EEH is refused with ENODEV.'),
  clause('eeh-host/recovered', 'An error of a PE that no user program holds is handled: afterwards the PE is normal and its devices are there.'),
  clause('eeh-host/left-alone', 'An error of a PE that a user program holds is left to that program: the kernel recovers nothing and counts nothing.'),
  clause('eeh-host/removed', 'With one error more than the limit within an hour the PE is given up: its devices are gone, and nothing of it is recovered any more.'),
  clause('eeh-host/counted', 'Each error that the kernel handles is counted once, whichever device of the PE told of it.'),
  clause('eeh-host/state', 'sysfs shows of each device of a PE the same: which ways go on, and nothing isolated or recovering where all is well.', 'Linux 7.2 arch/powerpc/kernel/eeh_sysfs.c'),
  clause('eeh-host/limit', 'The number of errors that are borne within an hour can be set.'),
] as const satisfies readonly Clause[];

/** What the model itself answers. */
export function eehAnswer(host: Host, operation: EehOperation): Observation {
  switch (operation.op) {
    case 'eeh':
      return { kind: 'syscall', result: BigInt(askResult(host, operation.device)) };
    case 'eeh-state':
      return { kind: 'values', values: shownState(host, operation.device) };
    case 'eeh-resets':
      return { kind: 'values', values: { resets: host.recovery.resets } };
    default:
      return { kind: 'syscall', result: 0n };
  }
}

/** Does it, and judges what was seen. */
export function performEeh(host: Host, operation: EehOperation, observed: Observation): Judgement {
  switch (operation.op) {
    case 'freeze':
      stopFromOutside(host.machine.pes.get(operation.pe)!.eeh!, operation.what);
      return expectResult('eeh-host/outside', 0, observed);
    case 'eeh':
      return ask(host, operation, observed);
    case 'eeh-limit':
      host.recovery.limit = operation.errors;
      return expectResult('eeh-host/limit', 0, observed);
    case 'eeh-state':
      return judgeState(host, operation.device, observed);
    case 'eeh-resets':
      return judgeResets(host, observed);
  }
}

/** The PE of a device, unless it was given up. */
function present(host: Host, device: string): EehPe | undefined {
  return host.recovery.removed.has(device.split('.')[0]!) ? undefined : eehOfDevice(host, device);
}

const askResult = (host: Host, device: string): number => (present(host, device) === undefined ? -E.ENODEV : 0);

function ask(host: Host, { what, device }: Extract<EehOperation, { op: 'eeh' }>, observed: Observation): Judgement {
  const pe = present(host, device);
  const judgement = expectResult('eeh-host/asked', askResult(host, device), observed);
  if (pe === undefined) return judgement;
  if (what === 'break') {
    raiseIn(host, pe);
    return judgement;
  }
  return { ...judgement, clauses: [...judgement.clauses, ...look(host, device, pe)] };
}

/** The kernel looks at a PE, and handles what it finds. Returns the rules that decide. */
function look(host: Host, device: string, pe: EehPe): string[] {
  const group = groupOfDevice(host, device);
  if (group.devices > 0) return ['eeh-host/left-alone'];
  if (surely(pe, seemsNormal)) return [];
  const { recovery } = host;
  const { name } = group.description;
  const { count, ends } = handleError(recovery.counts.get(name), 0, recovery.limit);
  recovery.counts.set(name, count);
  recovery.resets += 1n;
  if (ends === 'recovered') {
    keepTo(pe, ['normal']);
    return ['eeh-host/recovered'];
  }
  recovery.removed.add(name);
  for (const driven of group.drivers.keys()) group.drivers.set(driven, 'none');
  loseGroup(host, group);
  return ['eeh-host/removed'];
}

/** While a reset is held firmware's flags are those of a PE that is normal. */
const seemsNormal = (state: PeState): boolean => state === 'normal' || state === 'reset';

/** The two words of eeh_pe_state. */
function shownState(host: Host, device: string): Record<string, bigint> {
  const pe = present(host, device);
  if (pe === undefined) return { present: 0n, firmware: 0n, software: 0n };
  const [state] = pe.states;
  return { present: 1n, firmware: firmwareWord(host, state), software: state === 'normal' ? 0n : SOFTWARE.ISOLATED };
}

const BOTH_WAYS = FIRMWARE.MMIO_ACTIVE | FIRMWARE.DMA_ACTIVE | FIRMWARE.MMIO_ENABLED | FIRMWARE.DMA_ENABLED;

/** The flags of a state. Source: Linux pseries_eeh_get_state, pnv_eeh_get_pe_state. */
function firmwareWord({ linux }: Host, state: PeState): bigint {
  if (state === 'reset') return linux.platform === 'pseries' ? FIRMWARE.RESET_ACTIVE | FIRMWARE.MMIO_ACTIVE | FIRMWARE.DMA_ACTIVE : 0n;
  if (state === 'unavailable') return FIRMWARE.UNAVAILABLE;
  if (state === 'failed') return FIRMWARE.NOT_SUPPORT;
  const mmio = mmioGoesOn(state) ? FIRMWARE.MMIO_ACTIVE | FIRMWARE.MMIO_ENABLED : 0n;
  return (mmio | (dmaGoesOn(state) ? FIRMWARE.DMA_ACTIVE | FIRMWARE.DMA_ENABLED : 0n)) & BOTH_WAYS;
}

/** What of a word is told apart: whether either way goes on, and whether a reset is held. */
function ways(word: bigint): string {
  const has = (flags: bigint): boolean => (word & flags) !== 0n;
  const told = [
    has(FIRMWARE.MMIO_ACTIVE | FIRMWARE.MMIO_ENABLED) ? 'MMIO goes on' : 'MMIO is stopped',
    has(FIRMWARE.DMA_ACTIVE | FIRMWARE.DMA_ENABLED) ? 'DMA goes on' : 'DMA is stopped',
  ];
  return (has(FIRMWARE.RESET_ACTIVE) ? [...told, 'a reset is held'] : told).join(', ');
}

function judgeState(host: Host, device: string, observed: Observation): Judgement {
  const pe = present(host, device);
  const values = observed.kind === 'values' ? observed.values : {};
  const [there, firmware = 0n, software = 0n] = [values['present'] === 1n, values['firmware'], values['software']];
  const clause = host.recovery.removed.has(device.split('.')[0]!) ? 'eeh-host/removed' : 'eeh-host/state';
  if (pe === undefined || !there) return pe === undefined && !there ? conforms(clause) : departs(clause, pe === undefined ? 'no such device' : 'the device', there ? 'the device' : 'no such device');
  const permitted = pe.states.filter((state) => ways(firmwareWord(host, state)) === ways(firmware));
  if (permitted.length === 0) return departs(clause, ways(firmwareWord(host, pe.states[0])), ways(firmware));
  keepTo(pe, permitted);
  const busy = software & (SOFTWARE.ISOLATED | SOFTWARE.RECOVERING);
  const idle = groupOfDevice(host, device).devices === 0 && surely(pe, (state) => state === 'normal');
  return idle && busy !== 0n ? departs(clause, 'neither isolated nor recovering', `software word 0x${software.toString(16)}`) : conforms(clause);
}

function judgeResets(host: Host, observed: Observation): Judgement {
  const seen = observed.kind === 'values' ? observed.values['resets'] : undefined;
  const expected = host.recovery.resets;
  if (seen !== undefined) host.recovery.resets = seen;
  return seen === expected ? conforms('eeh-host/counted') : departs('eeh-host/counted', `${expected} errors`, `${seen ?? 'no'} errors`);
}

function expectResult(clause: string, expected: number, observed: Observation): Judgement {
  const result = observed.kind === 'syscall' ? Number(observed.result) : -E.EIO;
  return result === expected ? conforms(clause) : departs(clause, syscallResultName(expected), syscallResultName(result));
}

const conforms = (clause: string): Judgement => ({ departures: [], allowed: [], clauses: [clause] });

const departs = (clause: string, expected: string, observed: string): Judgement => ({
  departures: [{ clause, expected: [expected], observed }],
  allowed: [],
  clauses: [clause],
});
