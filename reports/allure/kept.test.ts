import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepResults } from './kept.js';

describe('Allure results of before', () => {
  let directory = '';
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'kept-'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  test('stay for the verdicts that stay, one each; nothing half written and nothing of others', () => {
    const write = (name: string, text: string): void => writeFileSync(join(directory, name), text);
    write('1-result.json', '{"fullName":"a/one"}');
    write('2-result.json', '{"fullName":"a/one"}');
    write('3-result.json', '{"fullName":"a/other"}');
    write('4-result.json', '{"fullName":"a/tw');
    write('5-attachment.json', '{}');
    expect(keepResults(directory, new Set(['a/one', 'a/two']))).toEqual(new Set(['a/one']));
    expect(readdirSync(directory).filter((name) => name.endsWith('-result.json'))).toHaveLength(1);
    expect(readdirSync(directory)).toContain('5-attachment.json');
  });

  test('where there is no directory there are none', () => {
    expect(keepResults(join(directory, 'none'), new Set(['a/one']))).toEqual(new Set());
  });
});
