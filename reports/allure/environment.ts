import AllureNode from 'allure-jest/node';
import { addSkipLabel, addSkipLabelAsMeta, type ReporterRuntime } from 'allure-js-commons/sdk/reporter';
import { allureAttachments, allureFields, type ShownRun, type ShownScenario } from './result.js';

/** What the environment needs of a Jest Circus event. */
interface CircusEvent {
  readonly name: string;
  readonly test?: { name: string; mode?: string | null };
}

/** The parts of allure-jest's environment that its types leave out; its version is pinned. */
interface AllureInternals {
  readonly runtime: ReporterRuntime;
  readonly runContext: { readonly executables: string[] };
}

/**
 * allure-jest's Jest environment, for tests that are scenarios: a test's Allure result says what the scenario came to
 * (`shown`), not only whether the test threw. Scenarios that were never run have no result.
 *
 * BigInt gets a `toJSON` in both realms while the environment lives: allure-jest 3.12.2 serialises what a failing
 * assertion holds, and without it a bigint there ends the whole test file.
 */
export abstract class ScenarioEnvironment extends AllureNode {
  #unpatch: (() => void)[] = [];

  /** What a test's scenario came to; undefined where it was not run. */
  protected abstract shown(test: string): ShownScenario | undefined;
  protected abstract shownRun(): ShownRun;
  /** True once no further scenario may start. */
  protected abstract stopped(): boolean;

  override async setup(): Promise<void> {
    await super.setup();
    this.#unpatch = [givesJson(BigInt), givesJson(this.global.BigInt)];
  }

  override async teardown(): Promise<void> {
    for (const unpatch of this.#unpatch) unpatch();
    await super.teardown();
  }

  /** Runs before allure-jest's own handling of the event. */
  handleTestEvent(event: CircusEvent): void {
    const { name, test } = event;
    if (test === undefined) return;
    if (name === 'test_start' && this.stopped()) {
      test.mode = 'skip';
      test.name = addSkipLabelAsMeta(test.name);
    }
    if (name === 'test_done') this.#tell(test.name);
  }

  #tell(test: string): void {
    const { runtime, runContext } = this as unknown as AllureInternals;
    const uuid = runContext.executables.at(-1);
    if (uuid === undefined) return;
    const shown = this.shown(test);
    if (shown === undefined) {
      runtime.updateTest(uuid, ({ labels }) => addSkipLabel(labels));
      return;
    }
    runtime.updateTest(uuid, (result) => Object.assign(result, allureFields(shown, this.shownRun())));
    for (const { name, type, text } of allureAttachments(shown)) {
      runtime.writeAttachment(uuid, undefined, name, Buffer.from(text), { contentType: type });
    }
  }
}

/** Teaches a realm's BigInt to serialise itself; the answer undoes it. */
function givesJson({ prototype }: BigIntConstructor): () => void {
  if ('toJSON' in prototype) return () => undefined;
  const value = function (this: bigint): string {
    return this < 0n ? `-0x${(-this).toString(16)}` : `0x${this.toString(16)}`;
  };
  Object.defineProperty(prototype, 'toJSON', { value, configurable: true, writable: true });
  return () => Reflect.deleteProperty(prototype, 'toJSON');
}
