import { describe, expect, test } from '@jest/globals';
import { notOffered } from './function-set.js';
import { Partition, withFunctions } from './partition.fixture.js';

describe('a call of a function set that is not offered', () => {
  test('is H_FUNCTION', () => {
    const guard = notOffered('H_STUFF_TCE', 'hcall-multi-tce');
    expect(guard.refuse).toEqual([-2]);
    expect(guard.when(new Partition(withFunctions('hcall-rdma')).model)).toBe(true);
    expect(guard.when(new Partition(withFunctions('hcall-multi-tce')).model)).toBe(false);
  });
});
