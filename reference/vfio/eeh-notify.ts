import type { Observation } from '../doors/observation.js';
import type { HostOperation } from '../doors/operations.js';
import { hear, isLatest, leave, listen, makeEventSource, publish, type EventSource, type Heard } from '../eeh/events.js';
import { keepTo, type EehPe } from '../eeh/pe.js';
import { STATE_NUMBER, type PeState } from '../eeh/states.js';
import type { Judgement } from '../judgement.js';
import { E, syscallResultName } from '../uapi/errno.js';
import { eehOfDevice } from './eeh.js';
import { reportError } from './eeh-vevents.js';
import type { Host } from './host.js';

/*
 * Errors of a PE, told to the devices that listen: what `eeh/events.ts` proposes, at a door of its own until there is one in a
 * kernel.
 */

export type NotifyOperation = Extract<HostOperation, { op: 'eeh-notify' }>;

/** The errors of a device's PE. */
function sourceOf(host: Host, device: string): EventSource {
  const name = device.split('.')[0]!;
  const source = host.events.get(name) ?? makeEventSource();
  host.events.set(name, source);
  return source;
}

/** The PE has another state than before: if it was stopped by that, its listeners are told. */
export function tell(host: Host, name: string, before: PeState, pe: EehPe): void {
  const [state] = pe.states;
  if (state === before || before !== 'normal') return;
  const source = sourceOf(host, name);
  reportError(host, name, source, publish(source, STATE_NUMBER[state]));
}

const SERIAL_IS_OLD = -E.ESTALE;

/** What it comes to, and the rules that decide. */
function step(host: Host, operation: NotifyOperation, serial: bigint): { observation: Observation; clauses: readonly string[] } {
  const { what, device } = operation;
  const source = sourceOf(host, device);
  const result = (value: number, clause: string): ReturnType<typeof step> => ({ observation: { kind: 'syscall', result: BigInt(value) }, clauses: [clause] });
  switch (what) {
    case 'listen': {
      const late = (eehOfDevice(host, device)?.states[0] ?? 'normal') !== 'normal';
      listen(source, device, operation.depth ?? USUAL_DEPTH);
      return result(0, late ? 'eeh-notify/later' : 'eeh-notify/copies');
    }
    case 'leave':
      leave(source, device);
      return result(0, 'eeh-notify/closed');
    case 'recover': {
      if (!isLatest(source, serial)) return result(SERIAL_IS_OLD, 'eeh-notify/stale');
      const pe = eehOfDevice(host, device);
      if (pe !== undefined) keepTo(pe, ['normal']);
      return result(0, 'eeh-notify/recovered');
    }
    case 'hear':
      return told(hear(source, device), source.listeners.has(device));
  }
}

/** Events that a listener has room for, unless it says otherwise. */
const USUAL_DEPTH = 16;

function told(heard: Heard, listens: boolean): ReturnType<typeof step> {
  const values = (event: bigint, serial: bigint, state: bigint, lost: bigint): Observation => ({ kind: 'values', values: { event, serial, state, lost } });
  if (heard.kind === 'event') return { observation: values(1n, heard.event.serial, BigInt(heard.event.state), 0n), clauses: ['eeh-notify/copies', 'eeh-notify/serial'] };
  if (heard.kind === 'lost') return { observation: values(0n, 0n, 0n, 1n), clauses: ['eeh-notify/lost'] };
  return { observation: values(0n, 0n, 0n, 0n), clauses: [listens ? 'eeh-notify/copies' : 'eeh-notify/closed'] };
}

/** The model's own answer. */
export const answerNotify = (host: Host, operation: NotifyOperation, serial: bigint): ReturnType<typeof step> => step(host, operation, serial);

/** Follows what was seen: it must be the same. */
export function judgeNotify(host: Host, operation: NotifyOperation, serial: bigint, observed: Observation): Judgement {
  const { observation, clauses } = step(host, operation, serial);
  const [expected, seen] = [shown(observation), shown(observed)];
  const departures = expected === seen ? [] : [{ clause: clauses[0]!, expected: [expected], observed: seen }];
  return { departures, allowed: [], clauses };
}

function shown(observation: Observation): string {
  if (observation.kind === 'syscall') return syscallResultName(observation.result);
  if (observation.kind !== 'values') return 'nothing';
  return Object.entries(observation.values).map(([name, value]) => `${name} ${value}`).join(', ');
}
