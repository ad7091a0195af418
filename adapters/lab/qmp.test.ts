import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { TargetLost } from '../target.js';
import { humanMonitor, qmp } from './qmp.js';

let directory = '';
let server: Server;
let socket = '';

/** Answers as QEMU does: a greeting, an event at the wrong time, and what is asked for in two pieces. */
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'papr-lab-test-'));
  socket = join(directory, 'qmp.sock');
  server = createServer((connection) => {
    connection.write('{"QMP": {"version": {}}}\r\n');
    connection.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.trim().split('\n')) {
        const { execute, arguments: args } = JSON.parse(line) as { execute: string; arguments?: unknown };
        const answer = execute === 'unknown' ? { error: { desc: 'no such command' } } : { return: execute === 'human-monitor-command' ? 'printed\r\n' : (args ?? {}) };
        const reply = `{"event": "STOP"}\r\n${JSON.stringify(answer)}\r\n`;
        connection.write(reply.slice(0, 25));
        connection.write(reply.slice(25));
      }
    });
    connection.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
});

afterEach(() => {
  server.close();
  rmSync(directory, { recursive: true });
});

test('a command comes back with its answer', async () => {
  expect(await qmp(socket, 'echo', { a: 1 })).toEqual({ a: 1 });
});

test('a line for the monitor comes back with what it prints', async () => {
  expect(await humanMonitor(socket, 'info usernet')).toBe('printed\r\n');
});

test('a refused command and a machine that is gone lose the target, with the reason', async () => {
  await expect(qmp(socket, 'unknown')).rejects.toThrow(/expected an answer to unknown.*no such command/);
  await expect(qmp(join(directory, 'absent'), 'stop')).rejects.toThrow(TargetLost);
});
