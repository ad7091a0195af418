import { describe, expect, it } from '@jest/globals';
import { answerAll, FAULT_BYTES, fittingGroups, freeCookie, makeFaultQueue, type FaultGroup } from './fault-queue.js';
import { fittingRecords, makeEventQueue, report, type EventQueue } from './event-queue.js';

const queueOf = (depth: bigint, reports: number, first = 0n): EventQueue => {
  const queue = makeEventQueue(1, 2, 7n, depth);
  queue.sequence = first;
  for (let i = 0; i < reports; i++) report(queue, [BigInt(i)]);
  return queue;
};

const shown = ({ records }: EventQueue): string[] => records.map(({ lost, sequence }) => `${lost ? 'lost' : 'event'} ${sequence}`);

describe('a queue of events', () => {
  it('numbers every report from 0', () => {
    expect(shown(queueOf(3n, 3))).toEqual(['event 0', 'event 1', 'event 2']);
  });

  it('says once, with the number of the latest, that events were lost', () => {
    expect(shown(queueOf(2n, 3))).toEqual(['event 0', 'event 1', 'lost 2']);
    expect(shown(queueOf(2n, 5))).toEqual(['event 0', 'event 1', 'lost 4']);
  });

  it('leaves a gap and no more where an event comes after a loss', () => {
    const queue = queueOf(2n, 3);
    queue.records = queue.records.slice(1);
    report(queue, [3n]);
    expect(shown(queue)).toEqual(['event 1', 'event 3']);
  });

  it('goes round after 2^31 - 1', () => {
    expect(shown(queueOf(3n, 2, 0x7fff_ffffn))).toEqual(['event 2147483647', 'event 0']);
  });

  it('gives records whole', () => {
    const queue = queueOf(2n, 3);
    expect([11, 12, 23, 24, 31, 32].map((bytes) => fittingRecords(queue, bytes).length)).toEqual([0, 1, 1, 2, 2, 3]);
  });
});

const faults = (count: number, pasid = 0, group: object = GROUP): FaultGroup => ({
  group,
  pasid,
  device: 1,
  faults: Array.from({ length: count }, () => ({ flags: 2n, pasid: 0n, grpid: 0n, perm: 0n, addr: 0n })),
});

const GROUP = {};

describe('a queue of faults', () => {
  it('gives groups whole and in order', () => {
    const queue = makeFaultQueue(1);
    queue.waiting = [faults(1), faults(3), faults(1)];
    expect([0, 1, 2, 3, 4, 5].map((records) => fittingGroups(queue, records * FAULT_BYTES).length)).toEqual([0, 1, 1, 1, 2, 3]);
  });

  it('has the lowest cookie that is free, from 1', () => {
    const queue = makeFaultQueue(1);
    for (const cookie of [1n, 2n, 4n]) queue.unanswered.set(cookie, faults(1));
    expect(freeCookie(queue)).toBe(3n);
  });

  it('answers what came in through an attachment that ends, read or not, and nothing else', () => {
    const queue = makeFaultQueue(1);
    queue.waiting = [faults(1), faults(2, 5), faults(3, 0, {})];
    queue.unanswered.set(1n, faults(4)).set(2n, faults(5, 5));
    answerAll(queue, { group: GROUP, pasid: 0 });
    expect(queue.waiting.map((group) => group.faults.length)).toEqual([2, 3]);
    expect([...queue.unanswered.keys()]).toEqual([2n]);
  });
});
