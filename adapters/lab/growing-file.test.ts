import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { GrowingFile } from './growing-file.js';

let directory = '';
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'papr-lab-test-'))));
afterEach(() => rmSync(directory, { recursive: true }));

test('a growing file tells what was written since a mark', () => {
  const file = new GrowingFile(join(directory, 'log'));
  appendFileSync(file.path, 'before');
  const mark = file.mark();
  appendFileSync(file.path, 'after');
  expect(file.since(mark)).toBe('after');
  expect(file.since()).toBe('beforeafter');
});

test('a growing file that is read step by step loses nothing and tells nothing twice', () => {
  const file = new GrowingFile(join(directory, 'log'));
  appendFileSync(file.path, 'one');
  const first = file.read(0);
  appendFileSync(file.path, 'two');
  const second = file.read(first.end);
  expect([first.text, second.text, file.read(second.end).text]).toEqual(['one', 'two', '']);
});

test('a growing file that is not there yet, or has been emptied, tells nothing', () => {
  const file = new GrowingFile(join(directory, 'log'));
  expect([file.mark(), file.since()]).toEqual([0, '']);
  appendFileSync(file.path, 'short');
  expect(file.since(100)).toBe('');
});
