import type { ChoiceId } from './choices.js';
import type { Call, Guard, Status } from './rules.js';
import type { Observation } from './doors/observation.js';

/** An observed outcome outside what a clause allows. */
export interface Departure {
  readonly clause: string;
  /** Every permitted outcome, in words. */
  readonly expected: readonly string[];
  readonly observed: string;
}

/** A permitted outcome met on the way, for the report: what was allowed here and by which clause. */
export interface Allowed {
  readonly clause: string;
  readonly outcome: string;
}

/** One value that the specification leaves to the platform, within a rule. */
export interface OpenValue {
  /** Numbered report in `choices.ts`. */
  readonly choice: ChoiceId;
  readonly clause: string;
  readonly name: string;
  /** What the model takes when nobody is watching. */
  readonly canonical: bigint;
  readonly permitted: (value: bigint) => boolean;
  /** `permitted` in words. */
  readonly expects: string;
  /** Position among the output words; see `Expected.index`. */
  readonly index: number;
  /** The output word is joined from cells `index` (high) and `index + 1` (low); in the order of little-endian words the low one comes first. */
  readonly wide?: true | 'low-first';
}

/**
 * Decides at every point where the specification leaves a choice. Without an observation it takes the
 * canonical value; with one it adopts what was observed if that is permitted, and records a departure if not.
 */
export interface Chooser {
  /** The status with which `guard`, one of the call's `guards`, ends the call, or undefined to go on. */
  refusal<C>(guard: Guard<C>, c: C, guards: readonly Guard<C>[]): Status | undefined;
  /** Whether the effect is to be applied: not when a system wrongly refused. */
  proceed<C>(call: Pick<Call<C>, 'effect'>, c: C): boolean;
  /** The status of an effect that leaves it open within `statuses`: a new descriptor's number, an address. */
  status(canonical: number): number;
  /** An open value of the result. */
  adopt(open: OpenValue): bigint;
  /** One of several permitted results; `seen` tells which was observed. */
  oneOf<T>(choice: ChoiceId, options: readonly [T, ...T[]], seen: (option: T, observed: Observation) => boolean): T;
}

const permits = (statuses: readonly number[] | 'descriptor' | 'count', seen: Status): boolean =>
  typeof statuses === 'string' ? typeof seen === 'number' && seen >= 0 : statuses.some((status) => status === seen);

const first = (status: readonly [Status, ...Status[]]): Status => status[0];

/** Whether a system that goes on at `guard` can be refused with the same status by a later rule, which does something else. */
function mayBeLater<C>(guard: Guard<C>, c: C, guards: readonly Guard<C>[], status: Status): boolean {
  for (const later of guards.slice(guards.indexOf(guard) + 1)) {
    if (!later.when(c)) continue;
    if (later.refuse.includes(status) && later.damage !== guard.damage) return true;
    if (later.choice === undefined) return false;
  }
  return false;
}

/** Takes the canonical way at every choice: the model as a target. */
export const canonical: Chooser = {
  refusal<C>(guard: Guard<C>, c: C) {
    if (guard.choice === undefined) return first(guard.refuse);
    const taken = guard.choice.canonical;
    return (typeof taken === 'function' ? taken(c) : taken) ? first(guard.refuse) : undefined;
  },
  proceed: () => true,
  status: (value) => value,
  adopt: (open) => open.canonical,
  oneOf: (_choice, options) => options[0],
};

/** The status word and output words of an answered call. */
export interface Seen {
  readonly status: Status;
  /** R4 …, or the result cells after the status. */
  readonly outputs: readonly bigint[];
}

/** Follows an observation: the model as the oracle. */
export class FollowingChooser implements Chooser {
  readonly departures: Departure[] = [];
  readonly allowed: Allowed[] = [];
  /** What was seen may also be the refusal of a later rule, which leaves another state behind. */
  undecided = false;
  #departed = false;
  #passedOver = 0;

  constructor(
    readonly seen: Seen,
    readonly observation: Observation,
    readonly statusName: (status: Status) => string,
    /** So many rules that leave it undecided are taken not to have refused: a later one did. */
    readonly passOver = 0,
  ) {}

  refusal<C>(guard: Guard<C>, c: C, guards: readonly Guard<C>[]): Status | undefined {
    if (this.#departed) return guard.passable === true ? undefined : first(guard.refuse);
    for (const status of guard.refuse) this.allowed.push({ clause: guard.id, outcome: this.statusName(status) });
    if (guard.refuse.includes(this.seen.status)) return this.#refused(guard, c, guards);
    if (guard.choice !== undefined) return undefined;
    this.#depart(guard.id);
    const wentOn = typeof this.seen.status === 'number' && this.seen.status >= 0;
    return wentOn && guard.passable === true ? undefined : first(guard.refuse);
  }

  proceed<C>(call: Pick<Call<C>, 'effect'>, c: C): boolean {
    if (this.#departed) return true;
    const { effect } = call;
    const statuses = typeof effect.statuses === 'function' ? effect.statuses(c) : (effect.statuses ?? [0]);
    const clause = effect.clauseOf?.(c) ?? effect.clauses[0].id;
    if (typeof statuses === 'string') this.allowed.push({ clause, outcome: `a ${statuses}` });
    else for (const status of statuses) this.allowed.push({ clause, outcome: this.statusName(status) });
    if (permits(statuses, this.seen.status)) return true;
    this.#depart(clause);
    return false;
  }

  status(canonicalStatus: number): number {
    const { status } = this.seen;
    return typeof status === 'number' && status >= 0 ? status : canonicalStatus;
  }

  adopt(open: OpenValue): bigint {
    const [word, next] = [this.seen.outputs[open.index] ?? 0n, this.seen.outputs[open.index + 1] ?? 0n];
    const value = open.wide === true ? (word << 32n) | next : open.wide === 'low-first' ? (next << 32n) | word : word;
    if (open.permitted(value)) return value;
    this.departures.push({
      clause: open.clause,
      expected: [`${open.name}: ${open.expects}`],
      observed: `${open.name} = 0x${value.toString(16)}`,
    });
    return value;
  }

  oneOf<T>(_choice: ChoiceId, options: readonly [T, ...T[]], seen: (option: T, observed: Observation) => boolean): T {
    return options.find((option) => seen(option, this.observation)) ?? options[0];
  }

  #refused<C>(guard: Guard<C>, c: C, guards: readonly Guard<C>[]): Status | undefined {
    if (guard.choice === undefined || !mayBeLater(guard, c, guards, this.seen.status)) return this.seen.status;
    if (this.#passedOver < this.passOver) {
      this.#passedOver += 1;
      return undefined;
    }
    this.undecided = true;
    return this.seen.status;
  }

  #depart(clause: string): void {
    this.#departed = true;
    const expected = [...new Set(this.allowed.map((a) => a.outcome))];
    this.departures.push({ clause, expected, observed: this.statusName(this.seen.status) });
  }
}
