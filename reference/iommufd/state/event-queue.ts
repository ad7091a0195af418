import type { EventSource } from '../../eeh/events.js';

/*
 * The queue of a vIOMMU's events of one type (struct iommufd_veventq). Every report takes a number, whether there is room for it
 * or not, so that a reader sees a loss as a gap, or by the record at the tail that says so. Plain data.
 */

/** The error of a PE that a record tells of (the plan for POWER). */
export interface ToldError {
  readonly source: EventSource;
  readonly serial: bigint;
}

/** A record as it is read: a header of 8 bytes, then its words of 32 bits. One that tells of a loss has none. */
export interface EventRecord {
  readonly lost: boolean;
  readonly sequence: bigint;
  readonly words: readonly bigint[];
  readonly error?: ToldError | undefined;
}

export interface EventQueue {
  readonly kind: 'veventq';
  readonly id: number;
  /** The number of its vIOMMU. */
  readonly viommu: number;
  readonly type: bigint;
  /** Events that wait at most; the record of a loss is none. */
  readonly depth: bigint;
  /** Its file is open: then the queue is in use. */
  open: boolean;
  records: EventRecord[];
  /** What the next report gets. */
  sequence: bigint;
}

export const makeEventQueue = (id: number, viommu: number, type: bigint, depth: bigint): EventQueue => ({
  kind: 'veventq',
  id,
  viommu,
  type,
  depth,
  open: true,
  records: [],
  sequence: 0n,
});

/** Bytes of struct iommufd_vevent_header. */
export const HEADER_BYTES = 8;

/** IOMMU_VEVENTQ_FLAG_LOST_EVENTS. */
export const LOST_EVENTS = 1n;

/** Sequence numbers go round after this. */
const INT_MAX = 0x7fff_ffffn;

export const recordBytes = ({ words }: EventRecord): number => HEADER_BYTES + 4 * words.length;

/** A report: an event, or where there is no room the news of its loss. Source: Linux 7.2 drivers/iommu/iommufd/driver.c iommufd_viommu_report_event. */
export function report(queue: EventQueue, words: readonly bigint[], error?: ToldError): void {
  const events = queue.records.filter(({ lost }) => !lost);
  const lost = BigInt(events.length) === queue.depth;
  // One record tells of a loss, and only while nothing came after it.
  queue.records = [...events, { lost, sequence: queue.sequence, words: lost ? [] : words, error: lost ? undefined : error }];
  queue.sequence = (queue.sequence + 1n) & INT_MAX;
}

/** The records at the head that fit in so many bytes, whole: the first that does not ends it. */
export function fittingRecords({ records }: EventQueue, bytes: number): EventRecord[] {
  let left = bytes;
  const end = records.findIndex((record) => (left -= recordBytes(record)) < 0);
  return records.slice(0, end < 0 ? records.length : end);
}
