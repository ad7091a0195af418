import { describe, expect, test } from '@jest/globals';
import { runRecord, SCENARIOS } from './run-record.fixture.js';
import { tapText } from './tap.js';

describe('TAP', () => {
  const lines = tapText(runRecord()).split('\n');
  const lineOf = (id: string): string => lines.find((line) => line.includes(` - ${id}`)) ?? '';

  test('begins with its version and the plan, and has one numbered line a scenario', () => {
    expect([lines[0], lines[2]]).toEqual(['TAP version 13', '1..8']);
    expect(lines.slice(3, -1).map((line) => Number(/^(?:not )?ok (\d+) - /.exec(line)?.[1]))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('names the system', () => {
    expect(lines[1]).toBe('# papr-iommu-conformance 0.1.0: pseries qemu-7.2.22, judged by lopar');
  });

  test('known and tentative departures are TODO, what was skipped says why, the rest fails with its clause or its reason', () => {
    expect(lineOf(SCENARIOS.conforms.id)).toBe('ok 1 - tce/stuff/one');
    expect(lineOf(SCENARIOS.departs.id)).toBe('not ok 2 - tce/stuff/count: departs, H_STUFF_TCE/count');
    expect(lineOf(SCENARIOS.known.id)).toBe('not ok 3 - tce/stuff/partial # TODO known: Q01');
    expect(lineOf(SCENARIOS.fixed.id)).toBe('not ok 4 - ddw/create/default: fixed, the ledger lists Q02, and the system no longer departs');
    expect(lineOf(SCENARIOS.tentative.id)).toBe('not ok 5 - iommufd/ppc64/window # TODO tentative: only proposed');
    expect(lineOf(SCENARIOS.skipped.id)).toBe('ok 6 - ddw/reset/absent # SKIP the target lacks ddw-reset');
    expect(lineOf(SCENARIOS.inconclusive.id)).toBe('not ok 7 - ddw/query/late: inconclusive, no answer within 2 s');
    expect(lineOf(SCENARIOS.crashed.id)).toBe('not ok 8 - ddw/create/abort: crashed, H_STUFF_TCE/count');
  });

  test('a reason is neither a directive nor a line of its own', () => {
    const text = tapText(runRecord([{ ...SCENARIOS.inconclusive, reason: 'gone # TODO\nok 2 - never' }]));
    expect(text.split('\n')[3]).toBe('not ok 1 - ddw/query/late: inconclusive, gone \\# TODO ok 2 - never');
  });

  test('a run that was cut off has a plan of all its scenarios, and bails out', () => {
    const text = tapText({ ...runRecord([SCENARIOS.conforms]), complete: false, remaining: ['a/b', 'a/c'] });
    expect(text).toContain('\n1..3\n');
    expect(text).toMatch(/\nBail out! [^\n]+\n$/);
  });
});
