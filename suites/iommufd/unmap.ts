import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { AT, copy, LARGEST, mapAt, newIoas, PAGE, pages, READ_WRITE, unmap, unmapAll } from './steps.js';

const UNMAP = 'IOMMU_IOAS_UNMAP';

/** Whole areas go, and nothing else. */
export const scenarios: readonly Scenario[] = [
  vfioScenario({ id: 'iommufd/unmap/nothing', title: 'There is nothing to unmap in an empty range; everything of an empty IOAS is no error', clauses: [`${UNMAP}/none`, `${UNMAP}/unmapped`] }, (p) => {
    const ioas = newIoas(p);
    for (const [iova, length] of [[0n, PAGE], [AT, 1n], [0n, LARGEST - 1n], [1n, LARGEST - 1n], [0n, LARGEST], [0n, LARGEST]] as const) unmap(p, ioas, iova, length);
  }),
  vfioScenario({ id: 'iommufd/unmap/no-cut', title: 'An area is not cut: neither from below, nor from above, nor in the middle', clauses: [`${UNMAP}/partly`, `${UNMAP}/unmapped`] }, (p) => {
    const ioas = newIoas(p);
    mapAt(p, ioas, p.memory().address, AT, pages(4n));
    for (const [from, length] of [[0n, PAGE], [PAGE, PAGE], [pages(3n), PAGE], [pages(3n), pages(4n)], [-PAGE, pages(2n)], [1n, pages(4n)], [0n, pages(4n) - 1n], [1n, 1n]] as const) unmap(p, ioas, AT + from, length);
    unmap(p, ioas, AT - 1n, pages(4n) + 2n);
    unmap(p, ioas, AT, pages(4n));
  }),
  vfioScenario({ id: 'iommufd/unmap/holes', title: 'A range with holes gives up the areas in it, and the length is the sum of theirs', clauses: [`${UNMAP}/unmapped`] }, (p) => {
    const ioas = newIoas(p);
    const buffer = p.memory();
    for (const place of [0n, 2n, 5n, 6n]) mapAt(p, ioas, buffer.address, AT + pages(place), place === 5n ? 0x1234n : PAGE);
    unmap(p, ioas, AT - PAGE, pages(20n));
    unmap(p, ioas, AT - PAGE, pages(20n));
  }),
  vfioScenario({ id: 'iommufd/unmap/half-way', title: 'Where a later area cannot go, those below it are gone all the same, and nothing says so', clauses: [`${UNMAP}/partly`, `${UNMAP}/none`, `${UNMAP}/unmapped`] }, (p) => {
    const ioas = newIoas(p);
    const buffer = p.memory();
    for (const place of [0n, 1n, 3n]) mapAt(p, ioas, buffer.address, AT + pages(place), PAGE);
    unmap(p, ioas, AT, pages(3n) + 1n);
    unmap(p, ioas, AT, pages(3n));
    mapAt(p, ioas, buffer.address, AT, pages(3n));
    unmap(p, ioas, AT + 1n, pages(4n));
    unmapAll(p, ioas);
  }),
  vfioScenario({ id: 'iommufd/unmap/ends', title: 'A range ends within 64 bits; IOVA 0 with a length of 2^64-1 is everything, and nothing else is', clauses: [`${UNMAP}/largest`, `${UNMAP}/end`, `${UNMAP}/nothing`, `${UNMAP}/unmapped`] }, (p) => {
    const ioas = newIoas(p);
    const buffer = p.memory();
    const last = LARGEST - PAGE + 1n;
    mapAt(p, ioas, buffer.address, last, PAGE);
    mapAt(p, ioas, buffer.address, 0n, PAGE);
    for (const [iova, length] of [[1n, LARGEST], [LARGEST, 1n], [LARGEST, LARGEST], [last, PAGE + 1n], [2n, LARGEST - 1n], [0n, 0n], [LARGEST - 1n, 0n]] as const) unmap(p, ioas, iova, length);
    unmap(p, ioas, last, PAGE);
    mapAt(p, ioas, buffer.address, last, PAGE);
    unmapAll(p, ioas);
    unmapAll(p, ioas);
  }),
  vfioScenario({ id: 'iommufd/unmap/reply', title: 'Where the answer cannot be written the areas are gone, one or all', clauses: [`${UNMAP}/answer-pointer`, `${UNMAP}/none`] }, (p) => {
    const ioas = newIoas(p);
    const buffer = p.memory();
    mapAt(p, ioas, buffer.address, AT, PAGE);
    unmap(p, ioas, AT, PAGE, { pointer: 'read-only' });
    unmap(p, ioas, AT, PAGE);
    mapAt(p, ioas, buffer.address, AT, PAGE);
    unmapAll(p, ioas, { pointer: 'read-only' });
    unmap(p, ioas, AT, PAGE);
  }),
  vfioScenario({ id: 'iommufd/unmap/copies', title: 'A copy that was made of two areas goes as two', clauses: [`${UNMAP}/unmapped`, 'IOMMU_IOAS_COPY/copied'] }, (p) => {
    const ioas = newIoas(p);
    const buffer = p.memory();
    mapAt(p, ioas, buffer.address, AT, PAGE);
    mapAt(p, ioas, buffer.address, AT + PAGE, PAGE);
    copy(p, ioas, AT + 0x800n, ioas, 2n * AT, PAGE, READ_WRITE);
    unmap(p, ioas, 2n * AT, PAGE - 0x800n);
    unmap(p, ioas, 2n * AT + PAGE - 0x800n, 0x800n);
    unmap(p, ioas, AT, pages(2n));
  }),
  vfioScenario({ id: 'iommufd/unmap/many', title: 'Many areas go with their IOAS, and with their context', clauses: ['IOMMU_DESTROY/destroyed', `${UNMAP}/unmapped`] }, (p) => {
    const first = newIoas(p);
    const second = newIoas(p, first.fd);
    const buffer = p.memory();
    for (const ioas of [first, second]) for (let i = 0n; i < 48n; i++) mapAt(p, ioas, buffer.address, AT + pages(2n * i), PAGE);
    p.iommufd(first.fd, 'IOMMU_DESTROY', { id: first.id });
    unmap(p, second, AT, pages(48n));
  }),
];
