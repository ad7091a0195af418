import type { Operation } from './doors/operations.js';
import type { Term } from './doors/term.js';
import type { MachineDescription } from './description.js';
import type { Machine } from './machine.js';
import type { ChoiceId } from './choices.js';
import type { IoctlName } from './uapi/ioctl.js';
import type { Chooser } from './chooser.js';

/** How much weight a clause has. See `profiles.ts` for which standings count when. */
export type Standing = (typeof STANDINGS)[number];

export const STANDINGS = ['architecture', 'merged', 'proposed', 'open'] as const;

/** The standings that count unless a profile says otherwise: what is decided. */
export const SETTLED: readonly Standing[] = ['architecture', 'merged'];

/** Options of a partition that only some have: shared logical resources, overcommitment, virtual adapters. */
export type Option = 'slr' | 'cmo' | 'vio';

/** One sentence of the specification, with the place where it stands. */
export interface Clause {
  /** `<call or object>/<rule>`; never reused for another meaning. */
  readonly id: string;
  /** The rule, in our words, as one sentence. */
  readonly text: string;
  /** Document and section, or file and function. */
  readonly source: string;
  readonly status: Standing;
  readonly level: 'must' | 'should' | 'may';
}

/** Makes the clauses of one part of the architecture: what every implementation must keep, with its usual source. */
export const architecture =
  (usual: string) =>
  (id: string, text: string, source = usual): Clause => ({ id, text, source, status: 'architecture', level: 'must' });

/** What ends a call at a guard: a status word, or the death of the system (known defects only). */
export type Status = number | 'crash';

/** A choice the specification leaves to the platform; `id` is a numbered report in `choices.ts`. */
export interface Choice<C> {
  readonly id: ChoiceId;
  /** Whether the model itself refuses here when nobody is watching. */
  readonly canonical: boolean | ((c: C) => boolean);
}

/**
 * One ordered check of a call. The first that applies decides, unless the specification leaves it open
 * (`choice`): then the call may end here or go on to the next guard.
 */
export interface Guard<C> extends Clause {
  /** The option without which the rule has nothing to say; partitions that lack it are not asked. */
  readonly option?: Option;
  /** True where this rule refuses the call. */
  readonly when: (c: C) => boolean;
  /** The permitted status words, the canonical one first. */
  readonly refuse: readonly [Status, ...Status[]];
  readonly choice?: Choice<C>;
  /** Output words that the refusal itself defines (R4 … for a hypercall), by position. */
  readonly outputs?: (c: C) => readonly Expected[];
  /** What it does although it refuses: earlier steps of the call that stay done, or what a known defect does. */
  readonly damage?: (c: C, status: Status) => void;
  /** The effect is defined although this guard applies: a system that wrongly goes on can be followed. */
  readonly passable?: true;
  /** How to break this rule alone, starting from the call's sample. The harness makes the negative scenarios from it. */
  readonly violation?: Violation;
}

/** An output word the specification fixes. */
export interface Expected {
  /** Position after the status: R4 is 0; the RTAS result cell after the status is 0. */
  readonly index: number;
  readonly name: string;
  readonly value: bigint;
  /** What else would have been permitted, for the report; the chooser has already taken the choice. */
  readonly alternatives?: readonly bigint[];
  readonly clause: string;
}

/** What a call answers, and the clause that decided it. */
export interface Answer {
  readonly clause: string;
  readonly status: Status;
  readonly outputs?: readonly Expected[];
  /** Rules that applied and would have let the call end, but left the choice to go on. */
  readonly passed?: readonly string[];
  /** Adopts output words that departed, so that one departure does not come back with every later look. */
  readonly follow?: (outputs: readonly bigint[]) => void;
}

/** What a call does once no guard refuses it. */
export interface Effect<C> {
  readonly clauses: readonly [Clause, ...Clause[]];
  /** Every status the effect itself can end with; default: success alone. A new descriptor may be any number from 0; a count is told by the answer. */
  readonly statuses?: readonly number[] | 'descriptor' | 'count' | ((c: C) => readonly number[]);
  /** The clause that says which statuses it can end with, where that depends on what is asked; default: the first. */
  readonly clauseOf?: (c: C) => string;
  /** Changes the machine and answers. Where the specification leaves a choice it asks the chooser. */
  readonly apply: (c: C, chooser: Chooser) => Answer;
  /** After a status that it cannot end with: takes over what was seen, where that shows a state. -1: an error was seen. */
  readonly resync?: (c: C, seen: number) => void;
}

/** What a call of the platform is given: its arguments in order, and the number of result cells (RTAS). */
export type PlatformInput = readonly [machine: Machine, args: readonly bigint[], nret: number];

/** A call of the stack as a rule table: arguments, checks, effect, result. */
export interface Call<C, I extends readonly unknown[] = PlatformInput> {
  readonly name: string;
  /** Argument names in order, as LoPAR or the uAPI names them. */
  readonly parameters: readonly string[];
  /** Gathers the arguments and what the checks look at. Changes nothing. */
  readonly read: (...input: I) => C;
  readonly guards: readonly Guard<C>[];
  readonly effect: Effect<C>;
  /** A valid call, from which the negative scenarios start. */
  readonly sample: Sample;
}

/** A valid invocation of a call: what must be done before, and the arguments by name. */
export interface Sample {
  /** ioctl only: the descriptor it is made on. */
  readonly fd?: Term;
  /** ioctl only: the name it passes. */
  readonly device?: string;
  /** ioctl only: what it is called where it is made, if not what the rules call it. */
  readonly call?: IoctlName;
  readonly requires?: readonly string[];
  readonly setup?: readonly Operation[];
  readonly args: Readonly<Record<string, Term>>;
  /** RTAS only: number of result cells. */
  readonly nret?: number;
}

/** A change of the sample that makes one guard apply. */
export interface Violation {
  /** Takes the place of the sample's own setup: what the call needs is what is missing. */
  readonly instead?: readonly Operation[];
  /** ioctl only: the process that makes the call. */
  readonly by?: string;
  /** ioctl only: another descriptor, or another name. */
  readonly fd?: Term;
  readonly device?: string;
  /** A system that does not check this may be damaged. */
  readonly destructive?: true;
  /** ioctl only: where the structure lies. */
  readonly pointer?: 'unmapped' | 'read-only' | 'cut';
  /** ioctl of /dev/iommu only: bytes after the structure. */
  readonly beyond?: { readonly bytes: number; readonly byte: number };
  readonly requires?: readonly string[];
  /** Done after the sample's own setup. */
  readonly setup?: readonly Operation[];
  readonly args?: Readonly<Record<string, Term>>;
  /** RTAS only: another number of arguments (cut or zero-filled) or results. */
  readonly nargs?: number;
  readonly nret?: number;
}

/**
 * A call, its guards brought to one shape: the loop over them is a hot place, and it is twice as fast where every guard
 * has the same fields.
 */
export const defineCall = <C, I extends readonly unknown[] = PlatformInput>(call: Call<C, I>): Call<C, I> => ({ ...call, guards: call.guards.map(uniform) });

function uniform<C>(guard: Guard<C>): Guard<C> {
  const { id, text, source, status, level, option, when, refuse, choice, outputs, damage, passable, violation } = guard;
  return { id, text, source, status, level, option, when, refuse, choice, outputs, damage, passable, violation } as Guard<C>;
}

/** Takes a call through its guards to its effect: the one way any call is made. */
export function perform<C>(call: Pick<Call<C>, 'guards' | 'effect'>, c: C, chooser: Chooser): Answer {
  let passed: string[] | undefined;
  for (const guard of call.guards) {
    if (!guard.when(c)) continue;
    const status = chooser.refusal(guard, c, call.guards);
    if (status !== undefined) {
      guard.damage?.(c, status);
      return { clause: guard.id, status, ...(passed && { passed }), ...(guard.outputs && { outputs: guard.outputs(c) }) };
    }
    (passed ??= []).push(guard.id);
  }
  if (!chooser.proceed(call, c)) {
    call.effect.resync?.(c, chooser.status(-1));
    return { clause: call.effect.clauseOf?.(c) ?? call.effect.clauses[0].id, status: 0 };
  }
  const answer = call.effect.apply(c, chooser);
  return passed === undefined ? answer : { ...answer, passed };
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a table of calls, each with its own context type
export type AnyCall = Call<any, any>;

/** The calls in force, by name: the specification, or a variant of it (profile, mutant). */
export type RuleBook = ReadonlyMap<string, AnyCall>;

const hasOption = ({ functions, vios }: MachineDescription, option: Option): boolean =>
  option === 'vio' ? vios.length > 0 : functions.includes(option);

/** The call as a partition has it: without the guards of options that it lacks. */
export const callFor = <C, I extends readonly unknown[]>(call: Call<C, I>, machine: MachineDescription): Call<C, I> => ({
  ...call,
  guards: call.guards.filter(({ option }) => option === undefined || hasOption(machine, option)),
});

/** All rules as a partition has them; made once for each pair of the two. */
export function rulesFor(rules: RuleBook, machine: MachineDescription): RuleBook {
  const made = tailored.get(rules) ?? new WeakMap<MachineDescription, RuleBook>();
  tailored.set(rules, made);
  const known = made.get(machine) ?? new Map([...rules].map(([name, call]) => [name, callFor(call, machine)]));
  made.set(machine, known);
  return known;
}

const tailored = new WeakMap<RuleBook, WeakMap<MachineDescription, RuleBook>>();
