import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { expect, test } from '@jest/globals';

import { identify, isAlive } from './process-identity.js';

test('a process is alive until it has ended, also while its parent has not asked for it', async () => {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  const identity = identify(child.pid!);
  expect(isAlive(identity)).toBe(true);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(isAlive(identity)).toBe(false);
});

test('a later process with the same number is not it', () => {
  const self = identify(process.pid);
  expect(isAlive({ pid: process.pid, startTicks: (self.startTicks ?? 0) + 1 })).toBe(false);
});
