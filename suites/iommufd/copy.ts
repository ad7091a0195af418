import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { AT, copy, LARGEST, mapAt, newIoas, PAGE, pages, READ, READ_WRITE, smallPages, unmap, unmapAll } from './steps.js';

const COPY = 'IOMMU_IOAS_COPY';
const THERE = 4n * AT;

/** What IOMMU_IOAS_COPY does without a page table. */
export const scenarios: readonly Scenario[] = [
  vfioScenario({ id: 'iommufd/copy/within-and-between', title: 'An area is copied within an IOAS and to another; the copies stay when the first one goes', clauses: [`${COPY}/copied`, `${COPY}/taken`, `${COPY}/hole`] }, (p) => {
    const first = newIoas(p);
    const second = newIoas(p, first.fd);
    mapAt(p, first, p.memory().address, AT, pages(2n));
    copy(p, first, AT, first, THERE, pages(2n));
    copy(p, first, AT, first, THERE, pages(2n));
    copy(p, first, AT, second, AT, pages(2n));
    unmap(p, first, AT, pages(2n));
    copy(p, first, AT, second, THERE, pages(2n));
    copy(p, second, AT, first, AT, pages(2n));
    unmap(p, first, THERE, pages(2n));
    p.iommufd(first.fd, 'IOMMU_DESTROY', { id: first.id });
    unmap(p, second, AT, pages(2n));
  }),
  vfioScenario({ id: 'iommufd/copy/onto-itself', title: 'An area cannot be copied onto itself, but right behind itself', clauses: [`${COPY}/taken`, `${COPY}/copied`] }, (p) => {
    const ioas = newIoas(p);
    mapAt(p, ioas, p.memory().address, AT, PAGE);
    copy(p, ioas, AT, ioas, AT, PAGE);
    copy(p, ioas, AT, ioas, AT + PAGE - 1n, PAGE);
    copy(p, ioas, AT, ioas, AT + PAGE, PAGE);
    copy(p, ioas, AT, ioas, AT + pages(2n), pages(2n));
    unmap(p, ioas, AT, pages(4n));
  }),
  vfioScenario({ id: 'iommufd/copy/parts', title: 'A part of an area can be copied, and what lies over several that follow each other: each becomes an area', clauses: [`${COPY}/copied`, `${COPY}/hole`] }, (p) => {
    const ioas = newIoas(p);
    const buffer = p.memory();
    mapAt(p, ioas, buffer.address, AT, PAGE);
    mapAt(p, ioas, buffer.at(pages(2n)), AT + PAGE, PAGE);
    mapAt(p, ioas, buffer.address, AT + pages(3n), PAGE);
    copy(p, ioas, AT + 0x800n, ioas, THERE, PAGE);
    copy(p, ioas, AT, ioas, THERE + pages(2n), pages(2n));
    copy(p, ioas, AT, ioas, THERE + pages(8n), pages(3n));
    copy(p, ioas, AT + pages(2n), ioas, THERE + pages(8n), pages(2n));
    unmap(p, ioas, THERE, PAGE - 0x800n);
    unmap(p, ioas, THERE, pages(2n));
    unmap(p, ioas, THERE + pages(2n), pages(2n));
  }),
  vfioScenario({ id: 'iommufd/copy/sweep', title: 'From any place in an area as far as its end can be copied, and not a byte further', clauses: [`${COPY}/copied`, `${COPY}/hole`] }, (p) => {
    const ioas = newIoas(p);
    mapAt(p, ioas, p.memory().address, AT, PAGE);
    for (let from = -511n; from <= PAGE; from += 0x1fffn) {
      for (const length of [1n, 0x511n, PAGE - from, PAGE - from + 1n]) copy(p, ioas, AT + from, ioas, THERE, length);
      unmap(p, ioas, THERE, pages(2n));
    }
  }),
  vfioScenario({ id: 'iommufd/copy/written', title: 'What was mapped to be read alone can be copied to be read, and not to be written', clauses: [`${COPY}/written`, `${COPY}/copied`] }, (p) => {
    const ioas = newIoas(p);
    const buffer = p.memory();
    mapAt(p, ioas, buffer.address, AT, PAGE, READ);
    mapAt(p, ioas, buffer.address, AT + PAGE, PAGE, READ_WRITE);
    copy(p, ioas, AT, ioas, THERE, PAGE);
    copy(p, ioas, AT + PAGE, ioas, THERE, pages(1n), READ);
    copy(p, ioas, THERE, ioas, THERE + PAGE, PAGE, READ_WRITE);
    copy(p, ioas, AT, ioas, THERE + pages(2n), pages(2n));
    copy(p, ioas, AT, ioas, THERE + pages(2n), pages(2n), READ);
    unmap(p, ioas, THERE, pages(4n));
  }),
  vfioScenario({ id: 'iommufd/copy/alignment', title: 'The IOAS that is copied to decides about alignment', clauses: [`${COPY}/iova-alignment`, `${COPY}/length-alignment`, `${COPY}/offset`, `${COPY}/copied`] }, (p) => {
    const from = newIoas(p);
    const to = newIoas(p, from.fd);
    mapAt(p, from, p.memory().address, AT, pages(2n));
    smallPages(p, to);
    copy(p, from, AT, to, THERE + 0x800n, PAGE);
    copy(p, from, AT, to, THERE, 0x800n);
    copy(p, from, AT + 0x800n, to, THERE, PAGE);
    copy(p, from, AT, to, THERE, PAGE);
    copy(p, to, THERE, from, THERE + 0x800n, 0x800n);
  }),
  vfioScenario({ id: 'iommufd/copy/automatic', title: 'The kernel places a copy as it places the memory itself', clauses: [`${COPY}/copied`, `${COPY}/half`, `${COPY}/no-room`, `${COPY}/address-alignment`, `${COPY}/no-aligned-room`] }, (p) => {
    const from = newIoas(p);
    const to = newIoas(p, from.fd);
    const array = p.memory(PAGE);
    const anywhere = (src_iova: bigint, length: bigint): void => void p.iommufd(from.fd, COPY, { flags: READ_WRITE, dst_ioas_id: to.id, src_ioas_id: from.id, length, src_iova });
    mapAt(p, from, 0n, 0n, LARGEST - PAGE);
    for (const src of [1n << 40n, (1n << 40n) + PAGE, (1n << 40n) + 0x800n]) anywhere(src, PAGE);
    anywhere(0n, 1n << 63n);
    p.store(array.address, [0x1_0001_0000n, 0x1_0041_ffffn]).iommufd(from.fd, 'IOMMU_IOAS_ALLOW_IOVAS', { ioas_id: to.id, num_iovas: 1n, allowed_iovas: array.address });
    anywhere(1n << 40n, 8n << 20n);
    anywhere(1n << 40n, 4n << 20n);
    unmapAll(p, to);
    smallPages(p, to);
    anywhere((1n << 40n) + 0x800n, PAGE);
  }),
  vfioScenario({ id: 'iommufd/copy/ends', title: 'A copy ends within 64 bits, and so does what is copied', clauses: [`${COPY}/source-end`, `${COPY}/end`, `${COPY}/largest`, `${COPY}/copied`] }, (p) => {
    const ioas = newIoas(p);
    mapAt(p, ioas, p.memory().address, AT, pages(2n));
    copy(p, ioas, AT, ioas, LARGEST - PAGE + 1n, PAGE);
    copy(p, ioas, AT, ioas, LARGEST - PAGE + 1n, PAGE + 1n);
    copy(p, ioas, LARGEST - PAGE + 1n, ioas, THERE, PAGE);
    copy(p, ioas, LARGEST - PAGE + 1n, ioas, THERE, PAGE + 1n);
    for (const [src, dst, length] of [[LARGEST, THERE, PAGE], [AT, LARGEST, PAGE], [AT, THERE, LARGEST]] as const) copy(p, ioas, src, ioas, dst, length);
    unmapAll(p, ioas);
  }),
  vfioScenario({ id: 'iommufd/copy/reply', title: 'Where the answer cannot be written the copy stays', clauses: [`${COPY}/answer-pointer`, 'IOMMU_IOAS_UNMAP/unmapped'] }, (p) => {
    const ioas = newIoas(p);
    mapAt(p, ioas, p.memory().address, AT, PAGE);
    copy(p, ioas, AT, ioas, THERE, PAGE, READ, { pointer: 'read-only' });
    unmap(p, ioas, THERE, PAGE);
  }),
  vfioScenario({ id: 'iommufd/copy/other-context', title: 'An IOAS of another context is none', clauses: [`${COPY}/src_ioas_id`, `${COPY}/dst_ioas_id`] }, (p) => {
    const first = newIoas(p);
    const second = newIoas(p);
    const third = newIoas(p, second.fd);
    mapAt(p, first, p.memory().address, AT, PAGE);
    mapAt(p, second, p.memory().address, AT, PAGE);
    copy(p, second, AT, { fd: first.fd, id: third.id }, THERE, PAGE);
    copy(p, third, AT, { fd: first.fd, id: first.id }, THERE, PAGE);
  }),
];
