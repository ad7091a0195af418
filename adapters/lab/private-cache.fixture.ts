/** A cache of its own for a test file, and none of the user's. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll } from '@jest/globals';

/** For all tests of the file that calls it. */
export function usePrivateCache(): void {
  const before = process.env['XDG_CACHE_HOME'];
  let directory = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'papr-lab-test-'));
    process.env['XDG_CACHE_HOME'] = directory;
  });
  afterAll(() => {
    if (before === undefined) delete process.env['XDG_CACHE_HOME'];
    else process.env['XDG_CACHE_HOME'] = before;
    rmSync(directory, { recursive: true });
  });
}
