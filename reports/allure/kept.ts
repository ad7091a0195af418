import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Leaves of a directory of Allure results those of the scenarios that are named, one for each, and says which they are: the death of a
 * process may have left a verdict without its result.
 */
export function keepResults(directory: string, ids: ReadonlySet<string>): Set<string> {
  const kept = new Set<string>();
  if (!existsSync(directory)) return kept;
  for (const name of readdirSync(directory).filter((file) => file.endsWith('-result.json'))) {
    const file = join(directory, name);
    const id = scenarioOf(file);
    if (id === undefined || !ids.has(id) || kept.has(id)) rmSync(file);
    else kept.add(id);
  }
  return kept;
}

/** The scenario of a result; undefined where half of the file was written. */
function scenarioOf(file: string): string | undefined {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { fullName?: string }).fullName;
  } catch {
    return undefined;
  }
}
