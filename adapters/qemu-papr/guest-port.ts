/** The host's side of the mailbox: posting slots, ringing, waiting. */

import { setImmediate as nextTurn } from 'node:timers/promises';

import type { GuestRam } from './guest-ram.js';
import { Header, HEADER_BYTES, READY_MAGIC, TIMEBASE_HZ, type Layout } from './layout.js';

/** How the guest waits (see `Header`): polls for about 0.3 ms, then cedes for 0.1 ms and more, up to 8 ms. */
const IDLE_SPINS = 60_000n;
const CEDE_FIRST_TICKS = BigInt(TIMEBASE_HZ / 10_000);
const CEDE_MAX_TICKS = BigInt(TIMEBASE_HZ / 125);
/** The guest powers off after five minutes without a sign of the host, which gives one every 20 s. */
const ORPHAN_TICKS = BigInt(TIMEBASE_HZ) * 300n;
const SIGN_OF_LIFE_MS = 20_000;

/** How the host waits: it polls, then sleeps for short whiles, and lets the event loop turn now and then. */
const POLL_MS = 0.06;
const TURN_MS = 2;
const SHORTEST_SLEEP_MS = 0.05;
const LONGEST_SLEEP_MS = 0.5;
const sleepCell = new Int32Array(new SharedArrayBuffer(4));

/** How a posting ended. `slot` is the one that was in execution. */
export type PostOutcome =
  | { readonly kind: 'done' }
  /** The guest does not run any more, says the caller's probe. */
  | { readonly kind: 'gone'; readonly slot: number }
  | { readonly kind: 'stuck'; readonly slot: number; readonly waitedMs: number }
  | { readonly kind: 'rebooted'; readonly slot: number };

export class GuestPort {
  #request = 0n;
  #alive = 0n;
  readonly #timer: NodeJS.Timeout;
  readonly #word = Buffer.alloc(8);
  readonly #header = Buffer.alloc(HEADER_BYTES);

  /** @param isGone whether the guest's machine has ended; asked between turns of the event loop */
  constructor(
    private readonly ram: GuestRam,
    private readonly layout: Layout,
    private readonly isGone: () => boolean,
  ) {
    this.writeSettings();
    this.#timer = setInterval(() => this.#write(Header.alive, ++this.#alive), SIGN_OF_LIFE_MS).unref();
  }

  /** Puts the host's settings into an empty header, before the guest starts. */
  writeSettings(): void {
    this.#request = 0n;
    this.#write(Header.spins, IDLE_SPINS);
    this.#write(Header.cedeFirst, CEDE_FIRST_TICKS);
    this.#write(Header.cedeMax, CEDE_MAX_TICKS);
  }

  /** Lets the guest power off when the host has vanished; the token is from the device tree. */
  armOrphanLimit(powerOffToken: number): void {
    const block = Buffer.alloc(24);
    [powerOffToken, 2, 1].forEach((cell, i) => block.writeUInt32BE(cell, i * 4));
    this.ram.write(this.layout.header + Header.powerOff, block);
    this.#write(Header.orphanTicks, ORPHAN_TICKS);
  }

  /** Resolves to true when the guest polls the mailbox; false when it is gone or the time is up. */
  async ready(timeoutMs: number): Promise<boolean> {
    const start = performance.now();
    const wanted = (): boolean => this.#field(Header.ready) === READY_MAGIC;
    return (await this.#waitUntil(wanted, () => this.isGone() || performance.now() - start > timeoutMs)) === 'wanted';
  }

  /** Guest address of the device tree; valid once `ready`. */
  get deviceTreeAddress(): bigint {
    return this.#field(Header.deviceTree);
  }

  /**
   * Has the guest execute the slots that lie in the slot area, and waits.
   *
   * @param timeoutMs longest time for one slot
   */
  async post(count: number, timeoutMs: number): Promise<PostOutcome> {
    const boots = this.#field(Header.boots);
    this.#write(Header.progress, 0n);
    this.#write(Header.count, BigInt(count));
    this.#write(Header.request, ++this.#request);
    const request = this.#request;
    // The guest is at work: let the caller do something meanwhile, if it did not wait at once.
    await Promise.resolve();
    let progress = 0n;
    let movedAt = performance.now();
    const lost = (): boolean => {
      const seen = this.#loaded(Header.progress);
      if (seen !== progress) [progress, movedAt] = [seen, performance.now()];
      return this.isGone() || this.#loaded(Header.boots) !== boots || performance.now() - movedAt > timeoutMs;
    };
    if ((await this.#waitUntil(() => this.#field(Header.done) === request, lost)) === 'wanted') return { kind: 'done' };
    const slot = Number(progress);
    if (this.isGone()) return { kind: 'gone', slot };
    if (this.#loaded(Header.boots) !== boots) return { kind: 'rebooted', slot };
    return { kind: 'stuck', slot, waitedMs: Math.round(performance.now() - movedAt) };
  }

  /** Asks the guest to poll without ceding until `unpark`; it does so when this is true. */
  park(): boolean {
    this.#write(Header.park, 1n);
    return this.#field(Header.parked) === 1n;
  }

  unpark(): void {
    this.#write(Header.park, 0n);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** `isWanted` reads the header and is asked all the time, `isLost` uses what was read and is asked now and then. */
  async #waitUntil(isWanted: () => boolean, isLost: () => boolean): Promise<'wanted' | 'lost'> {
    const start = performance.now();
    while (performance.now() - start < POLL_MS) if (isWanted()) return 'wanted';
    let turnedAt = start;
    for (;;) {
      if (isWanted()) return 'wanted';
      const now = performance.now();
      if (now - turnedAt > TURN_MS) {
        if (isLost()) return 'lost';
        await nextTurn();
        turnedAt = performance.now();
      }
      Atomics.wait(sleepCell, 0, 0, Math.min(LONGEST_SLEEP_MS, SHORTEST_SLEEP_MS + (now - start) / 50));
    }
  }

  /** Reads the whole header afresh, and returns one field. */
  #field(field: number): bigint {
    this.ram.read(this.layout.header, this.#header);
    return this.#loaded(field);
  }

  #loaded(field: number): bigint {
    return this.#header.readBigUInt64BE(field);
  }

  #write(field: number, value: bigint): void {
    this.#word.writeBigUInt64BE(value);
    this.ram.write(this.layout.header + field, this.#word);
  }
}
