import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { cached, labCache } from './cache.js';
import { usePrivateCache } from './private-cache.fixture.js';

usePrivateCache();

/** Larger than any process id of Linux. */
const NO_PROCESS = 2 ** 22 + 1;

const make = (text: string) => (scratch: string): Promise<string> => {
  mkdirSync(join(scratch, 'made'));
  writeFileSync(join(scratch, 'made', 'file'), text);
  return Promise.resolve(join(scratch, 'made'));
};

const content = (directory: string): string => readFileSync(join(directory, 'file'), 'utf8');

describe('the cache', () => {
  test('makes a thing once', async () => {
    expect(content(await cached('once', make('first')))).toBe('first');
    expect(content(await cached('once', make('second')))).toBe('first');
  });

  test('keeps nothing of what failed, and makes it the next time', async () => {
    const failing = cached('failed', async (scratch) => {
      await make('half')(scratch);
      throw new Error('interrupted');
    });
    await expect(failing).rejects.toThrow('interrupted');
    expect(readdirSync(labCache()).filter((entry) => /failed|unfinished/.test(entry))).toEqual([]);
    expect(content(await cached('failed', make('whole')))).toBe('whole');
  });

  test('gives two that make the same at the same time the same', async () => {
    const [one, other] = await Promise.all([cached('twice', make('one')), cached('twice', make('other'))]);
    expect(content(one)).toBe(content(other));
  });

  test('removes what a killed process has left, and what nobody has used for long', async () => {
    mkdirSync(join(labCache(), `.unfinished-${NO_PROCESS}-x`));
    mkdirSync(join(labCache(), `.unfinished-${process.pid}-x`));
    mkdirSync(join(labCache(), 'snapshot-old'));
    utimesSync(join(labCache(), 'snapshot-old'), 0, 0);
    await cached('snapshot-new', make('new'));
    expect(readdirSync(labCache()).filter((entry) => /snapshot|unfinished/.test(entry))).toEqual([`.unfinished-${process.pid}-x`, 'snapshot-new']);
  });

  test('is closed to other users', () => {
    expect(statSync(labCache()).mode & 0o077).toBe(0);
  });
});
