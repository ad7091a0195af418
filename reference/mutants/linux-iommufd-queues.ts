import type { Answer, Effect, RuleBook } from '../rules.js';
import type { FaultQueue } from '../iommufd/state/fault-queue.js';
import type { OpenFile } from '../vfio/host.js';
import { refuseWith, withEffect, type Mutant } from './mutant.js';

/** An effect with another answer. */
const answering = (rules: RuleBook, name: string, change: (answer: Answer) => Answer): RuleBook =>
  withEffect<unknown>(rules, name, (effect): Effect<unknown> => ({ ...effect, apply: (c, chooser) => change(effect.apply(c, chooser)) }));

/** What kernels of Linux had wrong about the queues of /dev/iommu. */
export const LINUX_IOMMUFD_QUEUES_MUTANTS: readonly Mutant[] = [
  {
    id: 'linux-iommufd/pgfault-padding',
    title: 'What is reserved in a page fault, and its length, are not zero (iommufd: Fix struct iommu_hwpt_pgfault init and padding)',
    kind: 'historic',
    clauses: ['read-faults/record'],
    change: (rules) =>
      answering(rules, 'read-faults', (answer) => ({
        ...answer,
        ...(answer.outputs && { outputs: answer.outputs.map((output) => (/^(__reserved|length) /.test(output.name) ? { ...output, value: 0xffff_8000n } : output)) }),
      })),
  },
  {
    id: 'linux-iommufd/fault-write-status',
    title: 'A response that cannot be read from memory is taken for none (iommufd: Fix return value of iommufd_fault_fops_write())',
    kind: 'historic',
    clauses: ['write-responses/pointer'],
    change: (rules) => refuseWith(rules, 'write-responses/pointer', 0),
  },
  {
    id: 'linux-iommufd/replace-answers-new-table',
    title: 'Where a device leaves a table, its faults stay unanswered (iommufd: Fix wrong hwpt passed to iommufd_auto_response_faults on replace)',
    kind: 'historic',
    clauses: ['IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/replaced', 'read-faults/delivered'],
    change: (rules) => keepingFaults(rules),
  },
];

interface Leaving {
  readonly process: { readonly files: ReadonlyMap<number, OpenFile> };
}

/** Every queue of faults that the process has open. */
const queuesOf = ({ process }: Leaving): FaultQueue[] => [...process.files.values()].flatMap((file) => (file.kind === 'faults' ? [file.queue] : []));

/** What was in the queues before a device went over is there afterwards. */
const keepingFaults = (rules: RuleBook): RuleBook =>
  withEffect<Leaving>(rules, 'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE', (effect) => ({
    ...effect,
    apply(c, chooser) {
      const before = queuesOf(c).map((queue) => ({ queue, waiting: [...queue.waiting], unanswered: [...queue.unanswered] }));
      const answer = effect.apply(c, chooser);
      for (const { queue, waiting, unanswered } of before) {
        queue.waiting = waiting;
        for (const [cookie, group] of unanswered) queue.unanswered.set(cookie, group);
      }
      return answer;
    },
  }));

