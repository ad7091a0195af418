import { describe, expect, it } from '@jest/globals';
import { ModelTarget } from '../../adapters/model/model-target.js';
import { negativeScenarios } from '../../harness/build/negatives.js';
import { judgeTrace } from '../../harness/oracle.js';
import type { Scenario } from '../../harness/scenario.js';
import { IOMMUFD_RULES_LIST } from '../../reference/iommufd/calls.js';
import { LINUX_IOMMUFD_QUEUES_MUTANTS } from '../../reference/mutants/linux-iommufd-queues.js';
import { mutate, withoutGuard } from '../../reference/mutants/mutant.js';
import { REFERENCE_RULES } from '../../reference/rule-book.js';
import { STANDINGS, type Guard, type RuleBook } from '../../reference/rules.js';
import { scenarios as faults } from './faults.js';
import { scenarios as hwQueues } from './hw-queue.js';
import { scenarios as invalidate } from './invalidate.js';
import { scenarios as pasids } from './pasid.js';
import { scenarios as events } from './ppc64/events.js';
import { scenarios as viommus } from './viommu.js';

/** Whether a system with these rules departs; without a check the model may have nothing to work on and throw, which shows too. */
function shows({ requires, program }: Scenario, rules: RuleBook): boolean {
  const target = new ModelTarget(rules);
  const { machine } = target.variants.find(({ capabilities }) => requires.every((capability) => capabilities.has(capability)))!;
  try {
    return judgeTrace(target.runNow(program, machine), machine, REFERENCE_RULES, STANDINGS).departures.length > 0;
  } catch {
    return true;
  }
}

describe('a kernel with a bug of its queues', () => {
  it.each(LINUX_IOMMUFD_QUEUES_MUTANTS)('$id is caught', (mutant) => {
    expect(faults.filter((scenario) => shows(scenario, mutate(REFERENCE_RULES, [mutant]))).length).toBeGreaterThan(0);
  });
});

const CALLS =
  /^(read-|write-|IOMMU_(FAULT_QUEUE|VIOMMU|VDEVICE|VEVENTQ|HW_QUEUE)_ALLOC|IOMMU_HWPT_INVALIDATE|IOMMU_TEST_OP_(PASID_|TRIGGER_|DEV_CHECK_CACHE|MD_CHECK_IOTLB))/;

/** Rules behind which another refuses with the same error, so that lacking them cannot be told. */
const REDUNDANT = [
  'IOMMU_HWPT_INVALIDATE/kind',
  'IOMMU_HW_QUEUE_ALLOC/size',
  'IOMMU_TEST_OP_PASID_ATTACH/kind',
  'IOMMU_TEST_OP_PASID_REPLACE/kind',
  'IOMMU_TEST_OP_TRIGGER_VEVENT/device',
];

/** Every rule of these calls, with the scenarios that are about it. */
const cases = IOMMUFD_RULES_LIST.filter(({ name }) => CALLS.test(name)).flatMap((call) => {
  const all = [...faults, ...viommus, ...hwQueues, ...invalidate, ...pasids, ...events, ...(call.name.startsWith('IOMMU_') ? negativeScenarios('iommufd', call) : [])];
  return (call.guards as readonly Guard<unknown>[])
    .filter(({ id, choice }) => choice === undefined && !REDUNDANT.includes(id))
    .map(({ id }) => ({ id, scenarios: all.filter(({ clauses }) => clauses.includes(id)) }));
});

describe('a rule of queues and virtual objects', () => {
  it.each(cases)('$id shows where a system lacks it', ({ id, scenarios }) => {
    expect(scenarios.some((scenario) => shows(scenario, withoutGuard(REFERENCE_RULES, id)))).toBe(true);
  });
});
