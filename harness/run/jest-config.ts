import { dirname, join } from 'node:path';
import { jsonText } from '../../reports/files.js';

/** setTimeout takes no more: adapters and the run itself watch the time, not Jest. */
const NO_TIMEOUT = 0x7fff_ffff;

/** What Jest and Allure are told of a run; plain data, since it travels as JSON. */
export interface JestRun {
  readonly resultsDirectory: string;
  /** Shown on the report's front page. */
  readonly facts: Readonly<Record<string, string>>;
}

/** The package's compiled root, wherever it is installed. */
export const COMPILED_ROOT = dirname(dirname(__dirname));
export const TEST_FILE = join(__dirname, 'suites.jest.js');

/** Arguments for `runCLI`: the compiled test file as it is, from any working directory, also under node_modules. */
export function jestArguments(run: JestRun): Record<string, unknown> {
  return {
    _: [TEST_FILE],
    $0: 'papr-conformance',
    config: jsonText(jestConfig(run)),
    runTestsByPath: true,
    // One system under test: one scenario after another, in this process.
    runInBand: true,
    cache: false,
    watchman: false,
    watch: false,
    ci: true,
    // The run reports for itself (progress.ts), as soon as a verdict is on disk.
    reporters: [],
  };
}

function jestConfig({ resultsDirectory, facts }: JestRun): unknown {
  return {
    rootDir: COMPILED_ROOT,
    roots: [__dirname],
    testRegex: ['suites\\.jest\\.js$'],
    testEnvironment: join(__dirname, 'environment.js'),
    testEnvironmentOptions: {
      resultsDir: resultsDirectory,
      environmentInfo: facts,
      // Jest would else walk through the session when the environment goes, and put warnings into it.
      globalsCleanup: 'off',
    },
    // Compiled already.
    transform: {},
    // An installed package lies under node_modules, which Jest leaves out unless told.
    haste: { retainAllFiles: true, forceNodeFilesystemAPI: true },
    testPathIgnorePatterns: [],
    modulePathIgnorePatterns: [],
    testTimeout: NO_TIMEOUT,
    injectGlobals: true,
  };
}
