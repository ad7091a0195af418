import { spawnSync } from 'node:child_process';

import { expect, test } from '@jest/globals';

import { INIT_SCRIPT, SUSPEND_SCRIPT } from './init.js';

test.each([INIT_SCRIPT, SUSPEND_SCRIPT])('the guest\'s scripts are shell scripts with nothing left unfilled', (script) => {
  const { status, stderr } = spawnSync('sh', ['-n'], { input: script, encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(script).toMatch(/^#!\/bin\/sh\n/);
  expect(script).not.toMatch(/undefined|NaN/);
});
