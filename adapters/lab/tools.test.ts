import { expect, test } from '@jest/globals';

import { UsageError } from '../target.js';
import { runTool } from './tools.js';

test('a tool answers with what it prints', async () => {
  expect((await runTool('xz', ['-c', 'echo hello'], { program: 'sh' })).toString()).toBe('hello\n');
});

test('a missing tool is named with the package that brings it', async () => {
  const call = runTool('xz', ['--version'], { program: 'no-such-program' });
  await expect(call).rejects.toThrow(UsageError);
  await expect(call).rejects.toThrow(/expected 'no-such-program'.*apt-get install xz-utils/);
});

test('the failure of a tool is told with its reason', async () => {
  const call = runTool('apt-get', ['-c', 'echo W: mind >&2; echo E: no mirror >&2; echo >&2; exit 100'], { program: 'sh' });
  await expect(call).rejects.toThrow(/it ended with 100: E: no mirror/);
});

test('a tool that hangs is given up', async () => {
  await expect(runTool('xz', ['60'], { program: 'sleep', timeoutMs: 100 })).rejects.toThrow('it took longer than 0.1 s');
});
