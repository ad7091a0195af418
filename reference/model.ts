import { machineFacts, type MachineDescription } from './description.js';
import { field, type Observation } from './doors/observation.js';
import type { HostOperation, Operation } from './doors/operations.js';
import { resolve, type Term } from './doors/term.js';
import type { Judgement } from './judgement.js';
import type { Machine } from './machine.js';
import type { OpenBytes } from './memory/bytes.js';
import { PartitionModel, type PartitionOperation } from './partition-model.js';
import { rulesFor, type RuleBook } from './rules.js';
import { HostModel, type LinuxOperation } from './host-model.js';

type Together = Extract<HostOperation, { op: 'together' }>;

/**
 * The reference: steps over operations, either answering them itself (a target like any other) or following what
 * a system answered (the oracle). There is one model, not a model and a checker.
 */
export class Model {
  readonly rules: RuleBook;
  readonly #facts: ReadonlyMap<string, bigint>;
  readonly #results = new Map<string, Observation>();
  /** What was followed of a Linux kernel so far, to follow it once more in another way. */
  #followed: Followed[] = [];
  #way: Way = AS_IT_SEEMS;
  #part: PartitionModel | HostModel;
  /** What happens at the same time at this point. */
  #racing = ALONE;

  constructor(
    readonly description: MachineDescription,
    rules: RuleBook,
  ) {
    this.rules = rulesFor(rules, description);
    this.#facts = machineFacts(description);
    this.#part = this.#begin();
  }

  #begin(): PartitionModel | HostModel {
    const Part = this.description.linux === undefined ? PartitionModel : HostModel;
    return new Part(this.description, this.rules, (term) => this.value(term));
  }

  /** The hardware's state, to look at. */
  get machine(): Machine {
    return this.#part instanceof PartitionModel ? this.#part.machine : this.#part.host.machine;
  }

  /** The model's own answer: at every choice the canonical one. */
  answer(operation: Operation): { observation: Observation; clauses: readonly string[] } {
    if (isTogether(operation)) {
      const [left, right] = [this.answer(operation.left), this.answer(operation.right)];
      return { observation: { kind: 'pair', left: left.observation, right: right.observation }, clauses: [...left.clauses, ...right.clauses] };
    }
    const result = this.#part instanceof PartitionModel ? this.#part.answer(partitionOperation(operation)) : this.#part.answer(operation as LinuxOperation);
    this.#remember(operation, result.observation);
    return result;
  }

  /** What a load of a user program's own memory may bring at this point; undefined where it is to fail, and of anything else. */
  loadable(operation: Operation): OpenBytes | undefined {
    return this.#part instanceof HostModel && operation.door === 'user' && operation.op === 'load' ? this.#part.loadable(operation) : undefined;
  }

  /** Judges what a system answered, and follows it. */
  judge(operation: Operation, observed: Observation): Judgement {
    if (isTogether(operation)) return this.#judgeTogether(operation, observed);
    const judgement = this.#follow(operation, observed);
    return judgement.departures.length === 0 ? judgement : (this.#otherWay() ?? judgement);
  }

  #follow(operation: Operation, observed: Observation): Judgement {
    this.#remember(operation, observed);
    if (this.#part instanceof PartitionModel) return this.#asFarAsFollowed(this.#part.judge(partitionOperation(operation), observed));
    const judgement = this.#asFarAsFollowed(this.#part.judge(operation as LinuxOperation, observed, this.#way.passOver.get(this.#followed.length)));
    this.#followed.push({ operation, observed, judgement, racing: this.#racing });
    return judgement;
  }

  /** Of a system that nothing here can follow any more nothing is said. */
  #asFarAsFollowed(judgement: Judgement): Judgement {
    return this.machine.diverged ? { ...judgement, departures: [] } : judgement;
  }

  /**
   * What was seen last departs. Where an earlier refusal may have been of one rule or of another, or two operations at the same time may have
   * happened the other way round, and that explains all that was seen since, that is how it was: says what is to be said of the last
   * operation then.
   */
  #otherWay(): Judgement | undefined {
    const [part, way, followed] = [this.#part, this.#way, this.#followed];
    const ways = furtherWays(way, followed);
    for (const other of ways) {
      this.#followAgain(followed, other);
      if (explainsMore(this.#followed, followed)) return this.#followed.at(-1)!.judgement;
      if (ways.length < MOST_WAYS) ways.push(...furtherWays(other, this.#followed));
    }
    [this.#part, this.#way, this.#followed] = [part, way, followed];
    return undefined;
  }

  /** Begins anew and follows what was followed. */
  #followAgain(followed: readonly Followed[], way: Way): void {
    const now = this.#racing;
    // What was followed is in the order of this way from now on.
    [this.#part, this.#way, this.#followed, this.#racing] = [this.#begin(), { ...way, swapped: AS_IT_SEEMS.swapped }, [], ALONE];
    for (const { operation, observed, racing } of inOrder(followed, way)) {
      this.#race(racing);
      this.#follow(operation, observed);
    }
    this.#race(now);
  }

  /** The value of a term at this point of the program. @throws DanglingReference */
  value(term: Term): bigint {
    return resolve(term, (name) => this.#lookup(name));
  }

  /** Two operations at the same time may have happened in either order. */
  #judgeTogether({ left, right }: Together, observed: Observation): Judgement {
    const [first, second]: readonly Observation[] = observed.kind === 'pair' ? [observed.left, observed.right] : [observed, observed];
    const steps: readonly (readonly [Operation, Observation])[] = [
      [left, first!],
      [right, second!],
    ];
    const ahead = this.#copy();
    const inOrder = steps.map(([operation, observation]) => ahead.judge(operation, observation));
    const order = inOrder.some(({ departures }) => departures.length > 0) ? [...steps].reverse() : steps;
    this.#race([left, right]);
    const judgements = order.map(([operation, observation]) => this.judge(operation, observation));
    this.#race(ALONE);
    return {
      departures: judgements.flatMap(({ departures }) => departures),
      allowed: judgements.flatMap(({ allowed }) => allowed),
      clauses: judgements.flatMap(({ clauses }) => clauses),
    };
  }

  /** From now on these operations happen at the same time. */
  #race(operations: readonly Operation[]): void {
    if (this.#racing === operations) return;
    this.#racing = operations;
    if (this.#part instanceof HostModel) this.#part.race(...operations);
  }

  /** A model that has followed the same. */
  #copy(): Model {
    const copy = new Model(this.description, this.rules);
    copy.#followAgain(this.#followed, this.#way);
    return copy;
  }

  #lookup(name: string): bigint | undefined {
    const fact = this.#facts.get(name);
    if (fact !== undefined) return fact;
    const dot = name.indexOf('.');
    const result = this.#results.get(name.slice(0, dot));
    return result === undefined ? undefined : field(result, name.slice(dot + 1));
  }

  #remember(operation: Operation, observation: Observation): void {
    if (operation.as !== undefined) this.#results.set(operation.as, observation);
  }
}

/** An operation of a Linux kernel's doors, what was observed, and what the model said of it. */
interface Followed {
  readonly operation: Operation;
  readonly observed: Observation;
  readonly judgement: Judgement;
  /** Both operations, the same array for either, of two at the same time. */
  readonly racing: readonly Operation[];
}

/** What is not decided by what was seen, and how it is taken; by the operation's number. */
interface Way {
  /** Of a refusal: how many of the rules that may have refused did not. */
  readonly passOver: ReadonlyMap<number, number>;
  /** The first of two operations at the same time that happened the other way round than it seems. */
  readonly swapped: ReadonlySet<number>;
}

const AS_IT_SEEMS: Way = { passOver: new Map(), swapped: new Set() };

const ALONE: readonly Operation[] = [];

/** What was followed, as it happened if it happened this way. */
const inOrder = (followed: readonly Followed[], { swapped }: Way): Followed[] =>
  followed.map((entry, at) => (swapped.has(at) ? followed[at + 1]! : swapped.has(at - 1) ? followed[at - 1]! : entry));

/** More ways than an honest system needs; each costs following everything once more. */
const MOST_WAYS = 16;

/** The ways that differ from this one in one thing that is not decided, the latest first. */
const furtherWays = (way: Way, followed: readonly Followed[]): Way[] =>
  followed
    .flatMap(({ judgement, racing }, at) => [
      ...(judgement.undecided === true ? [{ ...way, passOver: new Map(way.passOver).set(at, (way.passOver.get(at) ?? 0) + 1) }] : []),
      ...(racing !== ALONE && racing === followed[at + 1]?.racing && !way.swapped.has(at) ? [{ ...way, swapped: new Set(way.swapped).add(at) }] : []),
    ])
    .reverse();

/** Nothing departs but what departed before, and that not last. */
const explainsMore = (followed: readonly Followed[], before: readonly Followed[]): boolean =>
  followed.every(({ judgement }, i) => judgement.departures.length === 0 || (i < followed.length - 1 && before[i]!.judgement.departures.length > 0));

const isTogether = (operation: Operation): operation is Together => operation.door === 'host' && operation.op === 'together';

/** An operation of a partition's doors. @throws Error for one of a Linux kernel's */
function partitionOperation(operation: Operation): PartitionOperation {
  if (operation.door === 'vfio' || operation.door === 'iommufd' || operation.door === 'kvm' || operation.door === 'user' || operation.door === 'host') {
    throw new Error(`A partition without a Linux kernel has no door '${operation.door}'.`);
  }
  return operation;
}
