import type { TestFileView } from './session.js';

/**
 * The one test file of a run: a Jest test for each scenario, named by its id. It runs in Jest's realm, and therefore
 * imports no code.
 */
declare const paprSession: TestFileView;
declare const test: (name: string, run: () => Promise<void>) => void;

/** A scenario did not conform. Text only: no fields that reporters would try to serialise or to diff. */
class ConformanceMismatch extends Error {
  override readonly name = 'ConformanceMismatch';

  constructor(message: string) {
    super(message);
    this.stack = message;
  }
}

for (const [index, id] of paprSession.ids.entries()) {
  test(id, async () => {
    const mismatch = await paprSession.run(index);
    if (mismatch !== undefined) throw new ConformanceMismatch(mismatch);
  });
}
