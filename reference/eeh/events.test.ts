import { describe, expect, it } from '@jest/globals';
import { hear, isLatest, leave, listen, makeEventSource, publish, receive, type EventSource, type Heard, type Receiver } from './events.js';

const heardBy = (source: EventSource, device: string): Heard[] => {
  const all: Heard[] = [];
  for (let heard = hear(source, device); heard.kind !== 'nothing'; heard = hear(source, device)) all.push(heard);
  return all;
};

const event = (serial: bigint, state = 2): Heard => ({ kind: 'event', event: { serial, state } });

describe('an error of a PE', () => {
  it('is told to each listener once, with one serial number', () => {
    const source = makeEventSource();
    for (const device of ['dev0', 'dev1']) listen(source, device, 4);
    publish(source, 2);
    expect([heardBy(source, 'dev0'), heardBy(source, 'dev1')]).toEqual([[event(1n)], [event(1n)]]);
  });

  it('has a greater serial number than every one before it', () => {
    const source = makeEventSource();
    listen(source, 'dev0', 4);
    publish(source, 2);
    publish(source, 4);
    expect(heardBy(source, 'dev0')).toEqual([event(1n), event(2n, 4)]);
  });

  it('is not told to whoever listens later, or has left', () => {
    const source = makeEventSource();
    listen(source, 'dev0', 4);
    leave(source, 'dev0');
    publish(source, 2);
    listen(source, 'dev1', 4);
    expect([heardBy(source, 'dev0'), heardBy(source, 'dev1'), source.serial]).toEqual([[], [], 1n]);
  });

  it('is lost where there is no room, which the listener is told once', () => {
    const source = makeEventSource();
    listen(source, 'dev0', 1);
    for (let i = 0; i < 3; i++) publish(source, 2);
    expect(heardBy(source, 'dev0')).toEqual([event(1n), { kind: 'lost' }]);
    publish(source, 2);
    expect(heardBy(source, 'dev0')).toEqual([event(4n)]);
  });
});

describe('a receiver of all copies', () => {
  it('takes the first for news, and every other for a duplicate', () => {
    const receiver: Receiver = new Map();
    const copies = [1n, 1n, 2n, 1n, 2n, 3n].map((serial) => receive(receiver, 'pe0', { serial, state: 2 }));
    expect(copies).toEqual(['news', 'duplicate', 'news', 'duplicate', 'duplicate', 'news']);
  });

  it('keeps PEs apart', () => {
    const receiver: Receiver = new Map();
    expect(['pe0', 'pe1'].map((pe) => receive(receiver, pe, { serial: 1n, state: 2 }))).toEqual(['news', 'news']);
  });
});

describe('a serial number', () => {
  it('is the latest until the next error', () => {
    const source = makeEventSource();
    publish(source, 2);
    expect([isLatest(source, 0n), isLatest(source, 1n), isLatest(source, 2n)]).toEqual([false, true, false]);
  });
});
