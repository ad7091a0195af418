import type { ScenarioResult } from '../qualify.js';
import type { Scenario } from '../scenario.js';

/** Runs one scenario on a machine and judges it. */
export type Qualify = (scenario: Scenario) => Promise<ScenarioResult>;

/**
 * Several machines as one: each takes the next scenario that none has, so that an answer is often there before it is asked for. With one
 * machine a scenario runs when it is asked for.
 *
 * @param scenarios in the order in which they will be asked for, each once
 * @param stopped true once no further scenario may start
 */
export function sideBySide(scenarios: readonly Scenario[], machines: readonly [Qualify, ...Qualify[]], stopped: () => boolean): Qualify {
  if (machines.length === 1) return machines[0];
  const answers = new Map(scenarios.map(({ id }) => [id, new Answer()]));
  const untaken = scenarios[Symbol.iterator]();
  const work = async (machine: Qualify): Promise<void> => {
    for (let next = untaken.next(); next.done !== true && !stopped(); next = untaken.next()) await answers.get(next.value.id)!.of(machine(next.value));
  };
  let working = false;
  return (scenario) => {
    if (!working) for (const machine of machines) void work(machine);
    working = true;
    return answers.get(scenario.id)!.promise.finally(() => answers.delete(scenario.id));
  };
}

/** What a scenario will come to: it may be known before anybody asks, also that there is none. */
class Answer {
  #accept!: (result: ScenarioResult) => void;
  #refuse!: (reason: unknown) => void;
  readonly promise = new Promise<ScenarioResult>((accept, refuse) => {
    this.#accept = accept;
    this.#refuse = refuse;
  });

  /** Takes the result, or why there is none. */
  async of(result: Promise<ScenarioResult>): Promise<void> {
    this.promise.catch(() => undefined);
    await result.then(this.#accept, this.#refuse);
  }
}
