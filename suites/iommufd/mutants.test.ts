import { describe, expect, it } from '@jest/globals';
import { LINUX_PSERIES } from '../../adapters/model/machines.js';
import { ModelTarget } from '../../adapters/model/model-target.js';
import { judgeTrace } from '../../harness/oracle.js';
import { LINUX_IOMMUFD_IOAS_MUTANTS } from '../../reference/mutants/linux-iommufd-ioas.js';
import { REFERENCE_RULES } from '../../reference/rule-book.js';
import { scenarios as type1 } from '../compat/type1.js';
import { scenarios as iommufd } from './index.js';

/** Scenarios that need no device: those every kernel with /dev/iommu can run. */
const plain = [...iommufd, ...type1].filter(({ requires }) => !requires.some((capability) => capability.includes(':') || capability === 'cdev' || capability === 'mock'));

describe('a historic fault of the address spaces', () => {
  it.each(LINUX_IOMMUFD_IOAS_MUTANTS)('$id is caught by a scenario that needs no device', ({ change }) => {
    const target = new ModelTarget(change(REFERENCE_RULES));
    const caught = plain.find(({ program }) => judgeTrace(target.runNow(program, LINUX_PSERIES), LINUX_PSERIES, REFERENCE_RULES).departures.length > 0);
    expect(caught?.id).toBeDefined();
  });
});
