import type { MachineDescription } from '../../reference/description.js';
import type { Observation } from '../../reference/doors/observation.js';
import type { Operation } from '../../reference/doors/operations.js';
import type { Term } from '../../reference/doors/term.js';
import type { Judgement } from '../../reference/judgement.js';
import type { OpenBytes } from '../../reference/memory/bytes.js';
import { Model } from '../../reference/model.js';
import type { RuleBook } from '../../reference/rules.js';

/** A system that has answered so far as it did: what may it answer next? Every look begins anew, for a model keeps what it was shown. */
export class World {
  readonly #history: (readonly [Operation, Observation])[] = [];

  constructor(
    private readonly machine: MachineDescription,
    private readonly rules: RuleBook,
  ) {}

  /** What a model answers that has seen the same so far. Of a new mapping it does not know where others are that were not its own. */
  own = (operation: Operation): Observation => this.#model().answer(operation).observation;

  judge = (operation: Operation, observation: Observation): Judgement => this.#model().judge(operation, observation);

  permits = (operation: Operation, observation: Observation): boolean => this.judge(operation, observation).departures.length === 0;

  /** What terms stand for at this point. */
  values(): (term: Term) => bigint {
    const model = this.#model();
    return (term) => model.value(term);
  }

  /** What a load of the program's own memory may bring. */
  loadable = (operation: Operation): OpenBytes | undefined => this.#model().loadable(operation);

  /** From now on that is what it has answered. */
  follow(operation: Operation, observation: Observation): void {
    this.#history.push([operation, observation]);
  }

  #model(): Model {
    const model = new Model(this.machine, this.rules);
    for (const [operation, observation] of this.#history) model.judge(operation, observation);
    return model;
  }
}
