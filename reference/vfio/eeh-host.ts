import { FollowingChooser } from '../chooser.js';
import type { Observation } from '../doors/observation.js';
import type { HostOperation } from '../doors/operations.js';
import { keepTo, stopFromOutside, surely } from '../eeh/pe.js';
import { FIRMWARE, SOFTWARE } from '../eeh/recovery.js';
import { dmaGoesOn, mmioGoesOn, type PeState, type Stop } from '../eeh/states.js';
import type { Judgement } from '../judgement.js';
import { answerClauses } from '../judging.js';
import { perform, type Clause, type RuleBook } from '../rules.js';
import { E, syscallResultName } from '../uapi/errno.js';
import { merged } from './checks.js';
import { raiseIn } from './eeh.js';
import { tell } from './eeh-notify.js';
import { eehLook, present } from './eeh-look.js';
import { groupOfDevice, type Host } from './host.js';

/*
 * What the kernel's own EEH does and shows: it looks after the PEs that no user program holds. Source: Linux
 * arch/powerpc/kernel/eeh.c, eeh_driver.c, eeh_sysfs.c.
 */

/** The operations on error states. */
export type EehOperation = Extract<HostOperation, { op: 'freeze' | 'eeh' | 'eeh-limit' | 'eeh-state' | 'eeh-resets' }>;

export const isEeh = (operation: HostOperation): operation is EehOperation =>
  operation.op !== 'eeh-notify' && (operation.op === 'freeze' || operation.op.startsWith('eeh'));

const clause = merged('Linux 7.2 arch/powerpc/kernel/eeh.c, eeh_driver.c');

/** Clauses of the kernel's own recovery. */
export const EEH_HOST_CLAUSES = [
  clause('eeh-host/outside', 'A PE can be stopped without anything that its owner or the kernel did.', 'LoPAR 2.9, ch_io_topology, EEH Option'),
  clause('eeh-host/broken', 'A device is broken on demand: its PE has an error, found by whoever looks; a device without EEH is refused with ENODEV.'),
  clause('eeh-host/counted', 'Each error that the kernel handles is counted once, whichever device of the PE told of it.'),
  clause('eeh-host/state', 'sysfs shows of each device of a PE the same: which ways go on, and nothing isolated or recovering where all is well.', 'Linux 7.2 arch/powerpc/kernel/eeh_sysfs.c'),
  clause('eeh-host/limit', 'The number of errors that are borne within an hour can be set.'),
] as const satisfies readonly Clause[];

/** What the model itself answers, and the rules that decide. */
export function answerEeh(host: Host, operation: EehOperation, rules: RuleBook): { observation: Observation; clauses: readonly string[] } {
  const observation = answerOf(host, operation);
  return { observation, clauses: performEeh(host, operation, observation, rules).clauses };
}

function answerOf(host: Host, operation: EehOperation): Observation {
  switch (operation.op) {
    case 'eeh':
      return { kind: 'syscall', result: present(host, operation.device) === undefined ? BigInt(-E.ENODEV) : 0n };
    case 'eeh-state':
      return { kind: 'values', values: shownState(host, operation.device) };
    case 'eeh-resets':
      return { kind: 'values', values: { resets: host.recovery.resets } };
    default:
      return { kind: 'syscall', result: 0n };
  }
}

/** Does it, and judges what was seen. */
export function performEeh(host: Host, operation: EehOperation, observed: Observation, rules: RuleBook): Judgement {
  switch (operation.op) {
    case 'freeze':
      stop(host, operation.pe, operation.what);
      return expectResult('eeh-host/outside', 0, observed);
    case 'eeh':
      return operation.what === 'break' ? breakDevice(host, operation.device, observed) : look(host, operation.device, observed, rules);
    case 'eeh-limit':
      host.recovery.limit = operation.errors;
      return expectResult('eeh-host/limit', 0, observed);
    case 'eeh-state':
      return judgeState(host, operation.device, observed);
    case 'eeh-resets':
      return judgeResets(host, observed);
  }
}

function stop(host: Host, name: string, what: Stop): void {
  const pe = host.machine.pes.get(name)!.eeh!;
  const [before] = pe.states;
  if (before === 'normal') host.recovery.read.delete(name);
  stopFromOutside(pe, what);
  tell(host, name, before, pe);
}

/** Breaks the device's memory for one load. */
function breakDevice(host: Host, device: string, observed: Observation): Judgement {
  const pe = present(host, device);
  if (pe !== undefined) raiseIn(host, pe);
  return expectResult('eeh-host/broken', pe === undefined ? -E.ENODEV : 0, observed);
}

/** Lets the kernel look at a device's PE. */
function look(host: Host, device: string, observed: Observation, rules: RuleBook): Judgement {
  const call = rules.get(eehLook.name) as typeof eehLook;
  const status = observed.kind === 'syscall' ? Number(observed.result) : 'crash';
  const chooser = new FollowingChooser({ status, outputs: [] }, observed, (seen) => (seen === 'crash' ? 'crashed' : syscallResultName(seen)));
  const answer = perform(call, call.read(host, device), chooser);
  return { departures: chooser.departures, allowed: chooser.allowed, clauses: answerClauses(answer) };
}

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
  const name = device.split('.')[0]!;
  if (surely(pe, (state) => state === 'stopped')) host.recovery.read.add(name);
  const busy = software & (SOFTWARE.ISOLATED | SOFTWARE.RECOVERING);
  const idle = !host.recovery.isolated.has(name) && groupOfDevice(host, device).devices === 0 && surely(pe, (state) => state === 'normal');
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
