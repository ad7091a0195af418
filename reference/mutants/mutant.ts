import type { AnyCall, Effect, Guard, RuleBook, Status } from '../rules.js';

/**
 * The reference with one fault. `historic`: one that a system really has or had; `invented`: one that a system could well have, and
 * none is known to; `systematic`: made from the rule tables. A ledger entry names the historic mutant that behaves as its system does, so that a departure is known only
 * where that fault explains the whole trace.
 */
export interface Mutant {
  /** `qemu/stuff-count`: the system, and what is wrong. */
  readonly id: string;
  readonly title: string;
  readonly kind: 'historic' | 'invented' | 'systematic';
  /** The clauses it breaks. */
  readonly clauses: readonly string[];
  /** The commit that mends it, where there is one. */
  readonly fix?: string;
  readonly change: (rules: RuleBook) => RuleBook;
}

/** The rules with all these faults. Order does not matter as long as they touch different rules. */
export const mutate = (rules: RuleBook, mutants: readonly Mutant[]): RuleBook =>
  mutants.reduce((book, mutant) => mutant.change(book), rules);

/** Replaces one call. */
export function changeCall(rules: RuleBook, name: string, change: (call: AnyCall) => AnyCall): RuleBook {
  const call = rules.get(name);
  if (call === undefined) throw new Error(`There is no call '${name}' to change.`);
  return new Map(rules).set(name, change(call));
}

const callOf = (guardId: string): string => guardId.slice(0, guardId.lastIndexOf('/'));

/** Replaces one guard by others; none removes it. */
function replaceGuard(rules: RuleBook, id: string, make: (guard: Guard<unknown>) => Guard<unknown>[]): RuleBook {
  return changeCall(rules, callOf(id), (call) => {
    const guards = call.guards as readonly Guard<unknown>[];
    if (!guards.some((guard) => guard.id === id)) throw new Error(`There is no guard '${id}' to change.`);
    return { ...call, guards: guards.flatMap((guard) => (guard.id === id ? make(guard) : [guard])) };
  });
}

/** The rules without this check. */
export const withoutGuard = (rules: RuleBook, id: string): RuleBook => replaceGuard(rules, id, () => []);

/** The rules with another condition for this check. */
export const withCondition = <C>(rules: RuleBook, id: string, when: Guard<C>['when']): RuleBook =>
  replaceGuard(rules, id, (guard) => [{ ...guard, when: when as (c: unknown) => boolean }]);

/** The rules with another answer where this check refuses. */
export const refuseWith = (rules: RuleBook, id: string, ...refuse: [Status, ...Status[]]): RuleBook =>
  replaceGuard(rules, id, (guard) => [{ ...guard, refuse }]);

/** The rules in which this check may end in one more way. */
export const refuseAlsoWith = (rules: RuleBook, id: string, also: Status): RuleBook =>
  replaceGuard(rules, id, (guard) => [{ ...guard, refuse: [also, ...guard.refuse] }]);

/** The rules with something done although this check refuses. */
export const withDamage = <C>(rules: RuleBook, id: string, damage: NonNullable<Guard<C>['damage']>): RuleBook =>
  replaceGuard(rules, id, (guard) => [{ ...guard, damage: damage as (c: unknown, status: Status) => void }]);

/** The rules with something done where this check refuses, before what it does itself. */
export const withMoreDamage = <C>(rules: RuleBook, id: string, more: NonNullable<Guard<C>['damage']>): RuleBook =>
  replaceGuard(rules, id, (guard) => [
    {
      ...guard,
      damage(c, status): void {
        (more as (c: unknown, status: Status) => void)(c, status);
        guard.damage?.(c, status);
      },
    },
  ]);

/** The rules with another check before this one. */
export const withGuardBefore = <C>(rules: RuleBook, id: string, added: Guard<C>): RuleBook =>
  replaceGuard(rules, id, (guard) => [added as Guard<unknown>, guard]);

/** The rules with another check after all others of the call. */
export const withLastGuard = <C>(rules: RuleBook, name: string, added: Guard<C>): RuleBook =>
  changeCall(rules, name, (call) => ({ ...call, guards: [...call.guards, added] }));

/** The rules with another effect of the call. */
export const withEffect = <C>(rules: RuleBook, name: string, change: (effect: Effect<C>) => Effect<C>): RuleBook =>
  changeCall(rules, name, (call) => ({ ...call, effect: change(call.effect as Effect<C>) }));

/** The rules of a system that always decides the same way at these choices: it refuses, or it goes on. */
export const takeChoices = (rules: RuleBook, choices: Readonly<Record<string, 'refuses' | 'goes on'>>): RuleBook =>
  new Map([...rules].map(([name, call]) => [name, { ...call, guards: call.guards.flatMap((guard) => decided(guard, choices)) }]));

function decided<C>(guard: Guard<C>, choices: Readonly<Record<string, 'refuses' | 'goes on'>>): Guard<C>[] {
  const taken = guard.choice === undefined ? undefined : choices[guard.choice.id];
  if (taken === undefined) return [guard];
  if (taken === 'goes on') return [];
  const { choice: _choice, ...must } = guard;
  return [must];
}
