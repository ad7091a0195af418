import type { VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { Term } from '../../reference/doors/term.js';
import { destroy, guest, SELFTEST } from './virtual-steps.js';

const NAME = 'IOMMU_HW_QUEUE_ALLOC';
const IOVA = 0x200_0000n;
const LENGTH = 0x4_0000n;

function queue(p: VfioProgramBuilder, fd: Term, viommu: Term, as: string, args: Readonly<Record<string, Term>> = {}): Term {
  p.iommufd(fd, NAME, { viommu_id: viommu, type: SELFTEST, nesting_parent_iova: IOVA, length: 0x1000n, ...args }, { as });
  return { from: `${as}.out_hw_queue_id` };
}

const map = (p: VfioProgramBuilder, fd: Term, ioas: Term, flags = 7n, iova = IOVA): VfioProgramBuilder => {
  const memory = p.memory(LENGTH);
  return p.iommufd(fd, 'IOMMU_IOAS_MAP', { flags, ioas_id: ioas, user_va: memory.address, length: LENGTH, iova });
};

const unmap = (p: VfioProgramBuilder, fd: Term, ioas: Term): VfioProgramBuilder => p.iommufd(fd, 'IOMMU_IOAS_UNMAP', { ioas_id: ioas, iova: IOVA, length: LENGTH });

/** Queues in a guest's memory that hardware reads. */
export const scenarios: readonly Scenario[] = [
  vfioScenario({ id: 'iommufd/hw-queue/locks', title: 'Memory that holds a hardware queue cannot be unmapped while the queue lives, and can afterwards', clauses: [`${NAME}/made`, 'IOMMU_IOAS_UNMAP/locked', 'IOMMU_IOAS_UNMAP/unmapped', 'IOMMU_DESTROY/in-use'] }, (p) => {
    const { fd, ioas, viommu } = guest(p);
    map(p, fd, ioas);
    const made = queue(p, fd, viommu, 'made');
    unmap(p, fd, ioas);
    p.iommufd(fd, 'IOMMU_IOAS_UNMAP', { ioas_id: ioas, iova: 0n, length: 0xffff_ffff_ffff_ffffn });
    destroy(p, fd, viommu, { from: 'made.out_hw_queue_id', plus: 1n }, made);
    unmap(p, fd, ioas);
  }),
  vfioScenario({ id: 'iommufd/hw-queue/order', title: 'A hardware queue that another follows cannot be destroyed before it', clauses: [`${NAME}/made`, `${NAME}/order`, `${NAME}/index-taken`, 'IOMMU_DESTROY/in-use', 'IOMMU_DESTROY/destroyed'] }, (p) => {
    const { fd, ioas, viommu } = guest(p);
    map(p, fd, ioas);
    queue(p, fd, viommu, 'early', { index: 1n });
    const first = queue(p, fd, viommu, 'first');
    const second = queue(p, fd, viommu, 'second', { index: 1n });
    queue(p, fd, viommu, 'again', { index: 1n });
    destroy(p, fd, first, second, first);
    p.ioas(fd);
  }),
  vfioScenario({ id: 'iommufd/hw-queue/memory', title: 'A hardware queue lies in memory that is mapped for reading, from its first byte to its last', clauses: [`${NAME}/mapped`, `${NAME}/readable`, `${NAME}/made`] }, (p) => {
    const { fd, ioas, viommu } = guest(p);
    map(p, fd, ioas);
    map(p, fd, ioas, 3n, IOVA + 2n * LENGTH);
    for (const [i, iova] of [IOVA - 1n, IOVA + LENGTH, IOVA + 2n * LENGTH].entries()) queue(p, fd, viommu, `refused-${i}`, { nesting_parent_iova: iova });
    queue(p, fd, viommu, 'crossing', { nesting_parent_iova: IOVA + LENGTH - 1n, length: 2n });
    queue(p, fd, viommu, 'odd', { nesting_parent_iova: IOVA + 1n, length: 1n });
  }),
  vfioScenario({ id: 'iommufd/hw-queue/several-pages', title: 'A hardware queue of several pages is made where they follow each other in memory, else refused', clauses: [`${NAME}/contiguous`] }, (p) => {
    const { fd, ioas, viommu } = guest(p);
    map(p, fd, ioas);
    queue(p, fd, viommu, 'large', { length: LENGTH });
    unmap(p, fd, ioas);
  }),
  vfioScenario({ id: 'iommufd/hw-queue/alignment', title: 'Beside an area that begins within a system page of its memory there is no hardware queue', clauses: [`${NAME}/alignment`] }, (p) => {
    const { fd, ioas, viommu } = guest(p);
    const memory = p.memory(LENGTH);
    p.iommufd(fd, 'IOMMU_IOAS_MAP', { flags: 7n, ioas_id: ioas, user_va: memory.at(0x800n), length: 0x2_0000n, iova: IOVA });
    queue(p, fd, viommu, 'misplaced');
  }),
  vfioScenario({ id: 'iommufd/hw-queue/pages-only', title: 'While a hardware queue lives, nothing below a system page can be mapped beside it; afterwards it can', clauses: [`${NAME}/pages-only`, 'IOMMU_IOAS_IOVA_RANGES/told', 'IOMMU_IOAS_MAP/length-alignment', 'IOMMU_IOAS_MAP/offset', 'IOMMU_IOAS_MAP/mapped'] }, (p) => {
    const { fd, ioas, viommu } = guest(p);
    const [memory, array] = [p.memory(LENGTH), p.memory()];
    const small = (place: bigint, length = 0x800n, offset = 0n): void =>
      void p.iommufd(fd, 'IOMMU_IOAS_MAP', { flags: 7n, ioas_id: ioas, user_va: memory.at(offset), length, iova: IOVA + place * LENGTH });
    map(p, fd, ioas);
    const made = queue(p, fd, viommu, 'made');
    const told = (): VfioProgramBuilder => p.iommufd(fd, 'IOMMU_IOAS_IOVA_RANGES', { ioas_id: ioas, num_iovas: 4n, allowed_iovas: array.address });
    told();
    small(1n);
    small(1n, 0x1_0000n, 0x800n);
    small(1n, 0x1_0000n);
    destroy(p, fd, made);
    told();
    small(2n);
    small(3n, 0x1_0000n, 0x800n);
  }),
];
