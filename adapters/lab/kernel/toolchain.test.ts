import { expect, test } from '@jest/globals';

import { complaint } from './toolchain.js';

test('a machine with all tools is not complained of', () => {
  expect(complaint(() => true, true)).toBeUndefined();
});

test('all that is missing is told at once, in one line, with the command that installs it', () => {
  const line = complaint((program) => program !== 'flex' && program !== 'bc', false);
  expect(line).toBe(
    'expected the tools that build a kernel, but this machine lacks flex, bc, /usr/include/stdio.h; install them (Debian: apt-get install flex bc libc6-dev)',
  );
});

test('every package is named once', () => {
  const packages = /apt-get install (.*)\)$/.exec(complaint(() => false, false) ?? '')?.[1]?.split(' ') ?? [];
  expect(packages).toEqual(expect.arrayContaining(['gcc', 'make', 'flex', 'bison', 'bc', 'libc6-dev']));
  expect(new Set(packages).size).toBe(packages.length);
});
