import { machineFacts, type MachineDescription } from './description.js';
import { field, type Observation } from './doors/observation.js';
import type { HostOperation, Operation } from './doors/operations.js';
import { resolve, type Term } from './doors/term.js';
import type { Judgement } from './judgement.js';
import type { Machine } from './machine.js';
import { PartitionModel, type PartitionOperation } from './partition-model.js';
import { rulesFor, type RuleBook } from './rules.js';
import { HostModel, type LinuxOperation } from './vfio/host-model.js';

type Together = Extract<HostOperation, { op: 'together' }>;

/**
 * The reference: steps over operations, either answering them itself (a target like any other) or following what
 * a system answered (the oracle). There is one model, not a model and a checker.
 */
export class Model {
  readonly rules: RuleBook;
  readonly #facts: ReadonlyMap<string, bigint>;
  readonly #results = new Map<string, Observation>();
  /** What was followed so far, for two operations at the same time: they are judged in either order. */
  readonly #followed: (readonly [Operation, Observation])[] = [];
  readonly #part: PartitionModel | HostModel;

  constructor(
    readonly description: MachineDescription,
    rules: RuleBook,
  ) {
    this.rules = rulesFor(rules, description);
    this.#facts = machineFacts(description);
    const value = (term: Term): bigint => this.value(term);
    const Part = description.linux === undefined ? PartitionModel : HostModel;
    this.#part = new Part(description, this.rules, value);
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

  /** Judges what a system answered, and follows it. */
  judge(operation: Operation, observed: Observation): Judgement {
    if (isTogether(operation)) return this.#judgeTogether(operation, observed);
    const judgement = this.#part instanceof PartitionModel ? this.#part.judge(partitionOperation(operation), observed) : this.#part.judge(operation as LinuxOperation, observed);
    this.#remember(operation, observed);
    if (this.#part instanceof HostModel) this.#followed.push([operation, observed]);
    return judgement;
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
    if (this.#part instanceof HostModel) this.#part.race(left, right);
    const judgements = order.map(([operation, observation]) => this.judge(operation, observation));
    if (this.#part instanceof HostModel) this.#part.race();
    return {
      departures: judgements.flatMap(({ departures }) => departures),
      allowed: judgements.flatMap(({ allowed }) => allowed),
      clauses: judgements.flatMap(({ clauses }) => clauses),
    };
  }

  /** A model that has followed the same. */
  #copy(): Model {
    const copy = new Model(this.description, this.rules);
    for (const [operation, observation] of this.#followed) copy.judge(operation, observation);
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

const isTogether = (operation: Operation): operation is Together => operation.door === 'host' && operation.op === 'together';

/** An operation of a partition's doors. @throws Error for one of a Linux kernel's */
function partitionOperation(operation: Operation): PartitionOperation {
  if (operation.door === 'vfio' || operation.door === 'user' || operation.door === 'host') {
    throw new Error(`A partition without a Linux kernel has no door '${operation.door}'.`);
  }
  return operation;
}
