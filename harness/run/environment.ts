import { ScenarioEnvironment } from '../../reports/allure/environment.js';
import type { ShownRun, ShownScenario } from '../../reports/allure/result.js';
import { currentSession, type Session } from './session.js';

/** The Jest environment of a run: hands the session to the test file, and what a scenario came to back to Allure. */
class RunEnvironment extends ScenarioEnvironment {
  readonly #session: Session = currentSession();

  override async setup(): Promise<void> {
    await super.setup();
    this.global['paprSession'] = this.#session.view;
  }

  protected override shown(test: string): ShownScenario | undefined {
    return this.#session.shown(test);
  }

  protected override shownRun(): ShownRun {
    return this.#session.shownRun;
  }

  protected override stopped(): boolean {
    return this.#session.stopped();
  }
}

// Jest takes the module itself, or its default export, for the class.
export default RunEnvironment;
