import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Scenario } from './scenario.js';

/**
 * Every scenario of the compiled suites. The suites stand above the harness and import from it; so they are loaded
 * by their place in the package, not by an import.
 */
export function loadScenarios(): readonly Scenario[] {
  const load = createRequire(__filename);
  const suites = load(join(__dirname, '..', 'suites', 'index.js')) as { ALL_SCENARIOS: readonly Scenario[] };
  return suites.ALL_SCENARIOS;
}
