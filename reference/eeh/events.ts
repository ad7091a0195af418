import type { Clause } from '../rules.js';

/*
 * How the devices of a PE are told of its errors: proposed, in no kernel yet. Every open device gets an event of its own, all
 * copies of one error carry the same serial number, so that whoever hears them all can drop the duplicates. Made apart from any
 * door: the queues of virtual events (IOMMU_VEVENTQ_ALLOC) carry the same events, see `../vfio/eeh-vevents.ts`.
 */

const SOURCE = 'linuxppc-dev 2022, "Userspace EEH notification": a simple serial number in the event (J. Gunthorpe); a queue as Linux 7.2 drivers/iommu/iommufd/eventq.c';

const clause = (id: string, text: string): Clause => ({ id, text, source: SOURCE, status: 'proposed', level: 'must' });

export const EVENT_CLAUSES = [
  clause('eeh-notify/copies', 'Each listener of a PE is told once of each of its errors, and of no other PE\'s.'),
  clause('eeh-notify/serial', 'All copies of an error carry one serial number; it grows with each error of the PE.'),
  clause('eeh-notify/lost', 'Where there is no room an event is dropped, and the listener is told that something was lost: then it asks for the state.'),
  clause('eeh-notify/later', 'Who begins to listen while a PE is stopped hears nothing of the error; its state shows it.'),
  clause('eeh-notify/recovered', 'A recovery that names the latest serial number is done to the whole PE, through whichever device it comes.'),
  clause('eeh-notify/stale', 'A recovery that names an older serial number is refused and does nothing.'),
  clause('eeh-notify/closed', 'Who has left is told nothing any more.'),
] as const satisfies readonly Clause[];

/** One copy of an event. */
export interface EehEvent {
  readonly serial: bigint;
  /** The state at that time, as VFIO numbers it. */
  readonly state: number;
}

/** What one device has been told and has not read. */
export interface Listener {
  /** Events that there is room for. */
  readonly depth: number;
  readonly waiting: EehEvent[];
  lost: boolean;
}

/** Errors of one PE, as its listeners are told of them. */
export interface EventSource {
  serial: bigint;
  readonly listeners: Map<string, Listener>;
  /** Which number the system gave to an error, as far as a copy was read: errors are counted from 1 here, and from anywhere there. */
  readonly given: Map<bigint, bigint>;
}

export const makeEventSource = (): EventSource => ({ serial: 0n, listeners: new Map(), given: new Map() });

/** Whether a system can have given an error that number: the same in every copy, and numbers grow with the errors. */
export function canBeGiven({ given }: EventSource, serial: bigint, number: bigint): boolean {
  const known = given.get(serial);
  if (known !== undefined) return number === known;
  return [...given].every(([other, taken]) => (other < serial ? taken < number : number < taken));
}

/** A device begins to listen; what was before it does not hear. */
export function listen(source: EventSource, device: string, depth: number): void {
  source.listeners.set(device, { depth, waiting: [], lost: false });
}

export function leave(source: EventSource, device: string): void {
  source.listeners.delete(device);
}

/** An error of the PE: one serial number, a copy to each listener that has room. Returns the event. */
export function publish(source: EventSource, state: number): EehEvent {
  source.serial += 1n;
  for (const listener of source.listeners.values()) {
    if (listener.waiting.length < listener.depth) listener.waiting.push({ serial: source.serial, state });
    else listener.lost = true;
  }
  return { serial: source.serial, state };
}

/** What a listener reads: the oldest event; after the last, once, that something was lost. */
export type Heard = { readonly kind: 'event'; readonly event: EehEvent } | { readonly kind: 'lost' } | { readonly kind: 'nothing' };

export function hear(source: EventSource, device: string): Heard {
  const listener = source.listeners.get(device);
  const event = listener?.waiting.shift();
  if (event !== undefined) return { kind: 'event', event };
  if (listener?.lost !== true) return { kind: 'nothing' };
  listener.lost = false;
  return { kind: 'lost' };
}

/** A recovery that names this serial number is of the latest error. */
export const isLatest = (source: EventSource, serial: bigint): boolean => serial === source.serial;

/** What a receiver of all copies knows: the latest serial number of each PE. */
export type Receiver = Map<string, bigint>;

/** Whether an event is news to the receiver, or a copy of what it knows; an older one is a copy, too. */
export function receive(receiver: Receiver, pe: string, { serial }: EehEvent): 'news' | 'duplicate' {
  if (serial <= (receiver.get(pe) ?? 0n)) return 'duplicate';
  receiver.set(pe, serial);
  return 'news';
}
