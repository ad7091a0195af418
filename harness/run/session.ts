import type { ShownRun, ShownScenario } from '../../reports/allure/result.js';

/**
 * What the test file (in Jest's own realm) may ask of the run (in this one). Only strings cross: scenarios, targets,
 * bigints and errors stay with the code that made them.
 */
export interface TestFileView {
  /** Scenario ids, in the order of the run. */
  readonly ids: readonly string[];
  /** Runs the scenario at this place. The answer says what did not conform, for a reader; undefined where nothing. */
  readonly run: (index: number) => Promise<string | undefined>;
}

/** A run while it goes on, as the Jest environment sees it. */
export interface Session {
  readonly view: TestFileView;
  readonly shownRun: ShownRun;
  /** What a scenario came to; it is given out once. Undefined where it was not run to its end. */
  readonly shown: (id: string) => ShownScenario | undefined;
  /** True once no further scenario may start. */
  readonly stopped: () => boolean;
}

/**
 * Jest loads the environment by its path and gives it only JSON; but it loads it into this realm, so this module is
 * the same for both. One run at a time.
 */
let current: Session | undefined;

/** Makes the session the current one while `work` runs. */
export async function withSession<T>(session: Session, work: () => Promise<T>): Promise<T> {
  if (current !== undefined) throw new Error('A run is already going on in this process; await it first.');
  current = session;
  try {
    return await work();
  } finally {
    current = undefined;
  }
}

export function currentSession(): Session {
  if (current === undefined) throw new Error('This Jest environment belongs to runSuites(); it has no session of its own.');
  return current;
}
