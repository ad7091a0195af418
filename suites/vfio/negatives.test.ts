import { describe, expect, it } from '@jest/globals';
import { withoutGuard } from '../../reference/mutants/mutant.js';
import { REFERENCE_RULES } from '../../reference/rule-book.js';
import { VFIO_RULES_LIST } from '../../reference/vfio/calls.js';
import { departures, negativeCases, shows } from '../negatives.fixture.js';

const cases = negativeCases('vfio', VFIO_RULES_LIST);

/** Guards behind which another refuses with the same status, so that lacking them cannot be told. Each with that other. */
const REDUNDANT = new Map([['VFIO_DEVICE_GET_REGION_INFO/index', 'VFIO_DEVICE_GET_REGION_INFO/vga']]);

const decided = cases.filter(({ guard }) => guard.choice === undefined && guard.status !== 'open' && !REDUNDANT.has(guard.id));

describe('the negative scenario of a VFIO guard', () => {
  it.each(cases)('$id conforms on the model', ({ scenario }) => {
    expect(departures(scenario, REFERENCE_RULES)).toBe(0);
  });

  it.each(decided)('$id shows when a system lacks the guard', ({ guard, scenario }) => {
    expect(shows(scenario, withoutGuard(REFERENCE_RULES, guard.id))).toBe(true);
  });
});
