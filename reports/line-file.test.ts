import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countLines, keepLines, LineFile, linesOf } from './line-file.js';

describe('a file of lines', () => {
  let directory = '';
  const file = (): string => join(directory, 'x.jsonl');

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'lines-'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  test('says where each line is, also of a file that was there', () => {
    const lines = new LineFile(directory, 'x.jsonl');
    expect([lines.add({ a: 1 }), lines.add('b')]).toEqual(['x.jsonl:1', 'x.jsonl:2']);
    lines.close();
    const more = new LineFile(directory, 'x.jsonl', countLines(file()));
    expect(more.add(3)).toBe('x.jsonl:3');
    more.close();
    expect([...linesOf(file())].map(({ text }) => text)).toEqual(['{"a":1}', '"b"', '3']);
  });

  test('is read whole, however long its lines are, and tells a line that is cut off', () => {
    const long = ['é'.repeat(700_000), 'x', 'y'.repeat(3_000_000)];
    writeFileSync(file(), `${long.join('\n')}\ncut`);
    expect([...linesOf(file())]).toEqual([...long.map((text) => ({ text, whole: true })), { text: 'cut', whole: false }]);
    expect(countLines(file())).toBe(3);
  });

  test.each([
    [2, 'é\nb\n'],
    [9, 'é\nb\nc\n'],
    [0, ''],
  ])('keeps the first %s of its lines, and none that is cut off', (count, left) => {
    writeFileSync(file(), 'é\nb\nc\ncut');
    keepLines(file(), count);
    expect(readFileSync(file(), 'utf8')).toBe(left);
  });

  test('that is not there has no lines', () => {
    expect([...linesOf(file())]).toEqual([]);
    keepLines(file(), 3);
    expect(countLines(file())).toBe(0);
  });
});
