import { describe, expect, test } from '@jest/globals';

import { choosePackage } from './source.js';

describe('the source package', () => {
  test('is the release whose departures the ledger lists', () => {
    expect(choosePackage(new Set(['linux-source-7.10', 'linux-source-7.2', 'linux-source-6.12']))).toBe('linux-source-7.2');
  });

  test('is the newest one, by number, where Debian no longer has that release', () => {
    expect(choosePackage(new Set(['linux-source-7.9', 'linux-source-7.10', 'linux-source-7.3-rt', 'linux-source-']))).toBe('linux-source-7.10');
  });

  test('is none where none is offered', () => {
    expect(choosePackage(new Set(['linux-source-docs']))).toBeUndefined();
  });
});
