import { describe, expect, test } from '@jest/globals';
import { departureText, mismatchText, permittedText, replayLine } from './departure-text.js';
import { DEPARTURE, SCENARIOS } from './run-record.fixture.js';

const SYSTEM = { target: 'qemu-papr', profile: 'lopar' };

describe('a departure in words', () => {
  test('names clause, rule, operation with its step, every permitted outcome, and what was observed', () => {
    const lines = departureText(DEPARTURE).split('\n');
    expect(lines.map((line) => line.trim().split(/\s+/)[0])).toEqual(['clause', 'rule', 'operation', 'expected', 'or', 'observed']);
    expect(lines[2]).toContain('(step 1)');
    expect(lines[4]).toContain('H_P4 (-57)');
  });

  test('says so where nothing is permitted', () => {
    expect(departureText({ ...DEPARTURE, expected: [] })).toContain('nothing is permitted');
  });

  test('shows as many departures as asked, counts the rest, and ends with the replay command', () => {
    const text = mismatchText(SCENARIOS.departs, 'again', 1);
    expect(text.match(/^clause/gm)).toHaveLength(1);
    expect(text).toContain('and 1 more departure in this scenario');
    expect(text.split('\n').at(-1)).toBe('replay     again');
  });

  test('a reason is why there is no verdict, or the fault that a departure behaves like', () => {
    expect(mismatchText(SCENARIOS.inconclusive, 'again')).toBe('reason     no answer within 2 s\nreplay     again');
    expect(mismatchText({ ...SCENARIOS.departs, reason: 'behaves like X' }, 'again')).toMatch(/^diagnosis {2}behaves like X\n/);
  });
});

test('what is permitted is all there, unless nobody would read it', () => {
  const counts = (most: number): string[] => Array.from({ length: most }, (_, i) => String(i + 1));
  expect(permittedText(counts(12))).toBe('1 or 2 or 3 or 4 or 5 or 6 or 7 or 8 or 9 or 10 or 11 or 12');
  expect(permittedText(['-EFAULT', ...counts(512)])).toBe('-EFAULT or 1 or 2 or 3 or 4 or 5 or 6 or 7 or 8 or 9 or 10 or … 512 (513 in all)');
});

describe('the replay command', () => {
  test('replays the saved program of a departure', () => {
    expect(replayLine(SCENARIOS.departs, SYSTEM, 'out')).toBe(
      'papr-conformance replay out/programs/tce.stuff.count.json --target qemu-papr --profile lopar',
    );
  });

  test('runs the scenario again where nothing departed', () => {
    expect(replayLine(SCENARIOS.skipped, SYSTEM, 'out')).toBe(
      'papr-conformance run --target qemu-papr --profile lopar --suite ddw/reset/absent',
    );
  });

  test('quotes what a shell would take apart', () => {
    expect(replayLine(SCENARIOS.departs, { ...SYSTEM, target: 'ssh://a b' }, "it's out")).toBe(
      `papr-conformance replay 'it'\\''s out/programs/tce.stuff.count.json' --target 'ssh://a b' --profile lopar`,
    );
  });
});
